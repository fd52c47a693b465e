// The function that accepts peerings, against a stand-in of EC2 and of CloudFormation's answer address.
import { createContext, runInContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { accepterSource } from '../src/accepter.ts'

function load(states: string[]) {
  const sent: string[] = []
  const answers: any[] = []
  class Describe {
    constructor(readonly input: unknown) {}
  }
  class Accept {
    constructor(readonly input: unknown) {}
  }
  class EC2Client {
    async send(one: object) {
      sent.push(one.constructor.name)
      return one instanceof Describe
        ? { TransitGatewayPeeringAttachments: [{ State: states.length > 1 ? states.shift() : states[0] }] }
        : {}
    }
  }
  const context = createContext({
    exports: {},
    setTimeout: (done: () => void) => done(),
    fetch: async (url: string, { body }: { body: string }) => {
      answers.push({ url, ...JSON.parse(body) })
    },
    require: () => ({
      EC2Client,
      DescribeTransitGatewayPeeringAttachmentsCommand: Describe,
      AcceptTransitGatewayPeeringAttachmentCommand: Accept,
    }),
  })
  runInContext(accepterSource, context)
  const call = (RequestType: string) =>
    context.exports.handler(
      {
        RequestType,
        ResponseURL: 'https://answer.example/',
        StackId: 's',
        RequestId: 'r',
        LogicalResourceId: 'l',
        ResourceProperties: { AttachmentId: 'tgw-attach-1' },
      },
      {},
    )
  return { sent, answers, call }
}

describe('the accepter', () => {
  test('accepts, waits until routes can follow, and answers with the id', async () => {
    const { sent, answers, call } = load(['initiatingRequest', 'pendingAcceptance', 'pending', 'available'])
    await call('Create')
    expect(sent).toEqual(['Describe', 'Describe', 'Accept', 'Describe', 'Describe'])
    expect(answers).toEqual([
      {
        url: 'https://answer.example/',
        Status: 'SUCCESS',
        Reason: 'available',
        PhysicalResourceId: 'tgw-attach-1',
        StackId: 's',
        RequestId: 'r',
        LogicalResourceId: 'l',
        Data: { AttachmentId: 'tgw-attach-1' },
      },
    ])
  })
  test('accepts nothing twice', async () => {
    const { sent, call } = load(['available'])
    await call('Update')
    expect(sent).toEqual(['Describe'])
  })
  test.each(['failed', 'rejected', 'deleted'])('fails when the peering is %s', async (state) => {
    const { answers, call } = load([state])
    await call('Create')
    expect(answers[0]).toMatchObject({ Status: 'FAILED', Reason: `the peering is ${state}` })
  })
  test('gives up before the function is killed, and says so', async () => {
    const { answers, call } = load(['pending'])
    await call('Create')
    expect(answers[0].Reason).toContain('not available after 60 looks')
  })
  test('touches nothing on delete, but answers', async () => {
    const { sent, answers, call } = load(['available'])
    await call('Delete')
    expect(sent).toEqual([])
    expect(answers[0].Status).toBe('SUCCESS')
  })
  test('fits into an inline function', () => expect(accepterSource.length).toBeLessThan(4_096))
})
