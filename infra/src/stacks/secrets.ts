// Secrets. Owners' passwords are made in the writer region, replicated to the other regions of home under that region's
// own key, and rotated by our own binary.
import { RemovalPolicy, type App } from 'aws-cdk-lib'
import { CfnFunction, CfnPermission } from 'aws-cdk-lib/aws-lambda'
import { CfnRotationSchedule, CfnSecret } from 'aws-cdk-lib/aws-secretsmanager'
import { CfnQueue, CfnQueuePolicy } from 'aws-cdk-lib/aws-sqs'
import { closedQueuePolicy, ownerPrefix, rotationPolicy } from '../policies.ts'
import { named, release, releaseBucket, type Deployment, type Site } from '../sites.ts'
import type { Shard } from '../topology/read.ts'
import type { Keys } from './keys.ts'
import { Layer, logGroupName } from './layer.ts'
import type { Network } from './network.ts'

const rotationName = (deployment: Deployment, site: Site) => named(deployment, [site.id, 'rotation'])

/** The function that rotates, one a writer region. */
export class Rotation extends Layer {
  constructor(app: App, deployment: Deployment, network: Network, keys: Keys) {
    const site = network.place
    super(app, deployment, site, 'rotation')
    const queueName = this.name('rotation-dead')
    const queueArn = `arn:aws:sqs:${site.region}:${site.account}:${queueName}`
    const dead = new CfnQueue(this, 'Dead', { queueName, kmsMasterKeyId: keys.arn, messageRetentionPeriod: 1_209_600 })
    new CfnQueuePolicy(this, 'DeadPolicy', { queues: [dead.ref], policyDocument: closedQueuePolicy(queueArn) })
    const group = logGroupName(deployment, site, 'rotation')
    const log = this.logGroup('Logs', group, keys.arn)
    const role = this.role(
      'Rotation',
      'lambda.amazonaws.com',
      rotationPolicy(deployment, site, keys.arn, group, queueArn),
    )
    const rotate = new CfnFunction(this, 'Function', {
      functionName: rotationName(deployment, site),
      runtime: 'provided.al2023',
      handler: 'rotate',
      architectures: ['arm64'],
      role: role.attrArn,
      code: { s3Bucket: releaseBucket(deployment, site), s3Key: release(deployment) },
      timeout: 120,
      memorySize: 256,
      reservedConcurrentExecutions: 2,
      deadLetterConfig: { targetArn: queueArn },
      kmsKeyArn: keys.arn,
      loggingConfig: { logGroup: log.ref },
      vpcConfig: {
        subnetIds: network.subnets.app.map((subnet) => subnet.ref),
        securityGroupIds: [network.groups.app.attrGroupId],
      },
    })
    rotate.addResourceDependency(dead)
    new CfnPermission(this, 'Permission', {
      functionName: rotate.ref,
      action: 'lambda:InvokeFunction',
      principal: 'secretsmanager.amazonaws.com',
      sourceAccount: site.account,
    })
  }
}

export class Secrets extends Layer {
  /** Dynamic reference to the owner's password: the value never stands in a template. */
  readonly password: string

  constructor(
    app: App,
    deployment: Deployment,
    site: Site,
    keys: Map<string, Keys>,
    shard: Shard | { name: 'central' },
    rotation: Rotation,
  ) {
    super(app, deployment, site, 'secrets', shard.name)
    this.addStackDependency(rotation)
    const name = `${ownerPrefix(deployment.topology.name)}/${shard.name}`
    const others = 'readers' in shard ? [...new Set(shard.readers)].filter((region) => region !== site.region) : []
    const secret = new CfnSecret(this, 'Owner', {
      name,
      description: `domicile_owner of ${shard.name}`,
      kmsKeyId: keys.get(site.id)!.arn,
      generateSecretString: {
        secretStringTemplate: '{"username":"domicile_owner"}',
        generateStringKey: 'password',
        passwordLength: 40,
        excludePunctuation: true,
      },
      replicaRegions: others.map((region) => ({ region, kmsKeyId: keys.get(region)!.arn })),
    })
    secret.applyRemovalPolicy(RemovalPolicy.RETAIN)
    new CfnRotationSchedule(this, 'Schedule', {
      secretId: secret.ref,
      rotateImmediatelyOnUpdate: false,
      rotationRules: { scheduleExpression: 'rate(30 days)', duration: '3h' },
      rotationLambdaArn: `arn:aws:lambda:${site.region}:${site.account}:function:${rotationName(deployment, site)}`,
    })
    this.password = `{{resolve:secretsmanager:${name}:SecretString:password}}`
  }
}
