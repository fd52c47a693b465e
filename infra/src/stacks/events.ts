// Figures of all jurisdictions meet at central: one FIFO queue (a group a shard, so that batch n follows n - 1), one for
// what could not be applied, and `domicile lambda` between the queue and the central database.
import type { App } from 'aws-cdk-lib'
import { CfnEventSourceMapping, CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { CfnQueue, CfnQueuePolicy } from 'aws-cdk-lib/aws-sqs'
import { closedQueuePolicy, consumerPolicy, queueArn, queuePolicy } from '../policies.ts'
import { release, releaseBucket, type Deployment } from '../sites.ts'
import type { Keys } from './keys.ts'
import { Layer, logGroupName } from './layer.ts'
import type { Network } from './network.ts'

const timeout = 60

export class Events extends Layer {
  constructor(app: App, deployment: Deployment, network: Network, keys: Keys) {
    const site = network.place
    super(app, deployment, site, 'events')
    const name = deployment.topology.queue
    // Figures are anonymous: SQS's own key keeps senders of other jurisdictions from needing one of central's.
    const common = { fifoQueue: true, sqsManagedSseEnabled: true, messageRetentionPeriod: 1_209_600 }
    const dead = new CfnQueue(this, 'Dead', {
      ...common,
      queueName: `${name}-dead.fifo`,
      redriveAllowPolicy: { redrivePermission: 'byQueue', sourceQueueArns: [queueArn(deployment)] },
    })
    const queue = new CfnQueue(this, 'Queue', {
      ...common,
      queueName: `${name}.fifo`,
      deduplicationScope: 'messageGroup',
      fifoThroughputLimit: 'perMessageGroupId',
      visibilityTimeout: 6 * timeout,
      receiveMessageWaitTimeSeconds: 20,
      redrivePolicy: { deadLetterTargetArn: dead.attrArn, maxReceiveCount: 5 },
    })
    new CfnQueuePolicy(this, 'Policy', { queues: [queue.ref], policyDocument: queuePolicy(deployment) })
    new CfnQueuePolicy(this, 'DeadPolicy', {
      queues: [dead.ref],
      policyDocument: closedQueuePolicy(queueArn(deployment, true)),
    })
    const group = logGroupName(deployment, site, 'consumer')
    const log = this.logGroup('Logs', group, keys.arn)
    const role = this.role('Consumer', 'lambda.amazonaws.com', consumerPolicy(deployment, site, keys.arn, group))
    const consumer = new CfnFunction(this, 'Function', {
      functionName: this.name('consumer'),
      runtime: 'provided.al2023',
      handler: 'lambda',
      architectures: ['arm64'],
      role: role.attrArn,
      timeout,
      memorySize: 256,
      code: { s3Bucket: releaseBucket(deployment, site), s3Key: release(deployment) },
      kmsKeyArn: keys.arn,
      reservedConcurrentExecutions: 10,
      loggingConfig: { logGroup: log.ref },
      vpcConfig: {
        subnetIds: network.subnets.app.map((subnet) => subnet.ref),
        securityGroupIds: [network.groups.app.attrGroupId],
      },
    })
    new CfnEventSourceMapping(this, 'Source', {
      functionName: consumer.ref,
      eventSourceArn: queue.attrArn,
      batchSize: 10,
      functionResponseTypes: ['ReportBatchItemFailures'],
    })
  }
}
