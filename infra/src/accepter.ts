// CloudFormation can ask for a peering of transit gateways but not accept one, nor wait until it can carry routes.
// This function does both, in the accepting account; plain text, so that a test runs it against a stand-in.
export const accepterSource = `
const { EC2Client, DescribeTransitGatewayPeeringAttachmentsCommand: Describe, AcceptTransitGatewayPeeringAttachmentCommand: Accept } = require('@aws-sdk/client-ec2')
const pause = (ms) => new Promise((done) => setTimeout(done, ms))
async function available(ec2, id, rounds, wait) {
  for (let i = 0; i < rounds; i += 1) {
    const found = await ec2.send(new Describe({ TransitGatewayAttachmentIds: [id] }))
    const state = found.TransitGatewayPeeringAttachments?.[0]?.State
    if (state === 'available') return
    if (state === 'pendingAcceptance') await ec2.send(new Accept({ TransitGatewayAttachmentId: id }))
    if (['failed', 'rejected', 'deleted'].includes(state)) throw new Error('the peering is ' + state)
    await wait(10000)
  }
  throw new Error('the peering is not available after ' + rounds + ' looks')
}
async function answer(event, context, status, reason) {
  const id = event.ResourceProperties.AttachmentId
  await fetch(event.ResponseURL, { method: 'PUT', body: JSON.stringify({ Status: status, Reason: reason, PhysicalResourceId: id, StackId: event.StackId,
    RequestId: event.RequestId, LogicalResourceId: event.LogicalResourceId, Data: { AttachmentId: id } }) })
}
exports.available = available
exports.handler = async (event, context) => {
  try {
    if (event.RequestType !== 'Delete') await available(new EC2Client({}), event.ResourceProperties.AttachmentId, 60, pause)
    await answer(event, context, 'SUCCESS', 'available')
  } catch (error) {
    await answer(event, context, 'FAILED', error.message)
  }
}
`.trim()
