// Every policy document as a pure function: the same object goes into the template and into the proof of
// test/policies.test.ts. No wildcards where a name is known; every role is tied to its own jurisdiction.
import { bucketName, centralOf, homeSites, named, releaseBucket, roleArn, type Deployment, type Site } from './sites.ts'

export interface Statement {
  Sid: string
  Effect: 'Allow' | 'Deny'
  Principal?: unknown
  Action?: string | string[]
  NotAction?: string[]
  Resource?: string | string[]
  NotResource?: string[]
  Condition?: Record<string, Record<string, unknown>>
}
export interface Policy {
  Version: '2012-10-17'
  Statement: Statement[]
}
const policy = (...statements: Statement[]): Policy => ({ Version: '2012-10-17', Statement: statements })

export const assumedBy = (service: string, account: string) =>
  policy({
    Sid: 'Service',
    Effect: 'Allow',
    Principal: { Service: service },
    Action: 'sts:AssumeRole',
    // Against the confused deputy: the service acts for our own account only.
    ...(service === 'ec2.amazonaws.com' || service === 'lambda.amazonaws.com'
      ? {}
      : { Condition: { StringEquals: { 'aws:SourceAccount': account } } }),
  })

export const regionsOf = (deployment: Deployment, jurisdiction: string | undefined) => [
  ...new Set(deployment.sites.filter((site) => site.jurisdiction === jurisdiction).map((site) => site.region)),
]

/** What a role may never do, whatever else it is given. Sending figures to central's queue is the one exception. */
function atHome(deployment: Deployment, site: Site, sends = false): Statement {
  const regions = regionsOf(deployment, site.jurisdiction)
  const central = sends ? centralOf(deployment)?.region : undefined
  return {
    Sid: 'OutsideJurisdiction',
    Effect: 'Deny',
    Action: '*',
    Resource: '*',
    Condition: {
      StringNotEquals: { 'aws:RequestedRegion': [...new Set([...regions, ...(central ? [central] : [])])] },
    },
  }
}
const sameAccount = (site: Site): Statement => ({
  Sid: 'OtherAccounts',
  Effect: 'Deny',
  Action: ['secretsmanager:*', 'kms:*', 's3:*'],
  Resource: '*',
  Condition: { StringNotEquals: { 'aws:ResourceAccount': site.account } },
})

export const queueArn = (deployment: Deployment, dead = false) => {
  const central = centralOf(deployment)!
  return `arn:aws:sqs:${central.region}:${central.account}:${deployment.topology.queue}${dead ? '-dead' : ''}.fifo`
}
/** What the binary's vault makes for itself (src/fleet/secrets.cpp), and what stands here for Aurora's owner. */
export const vaultPrefix = (name: string) => `domicile/${name}`
export const ownerPrefix = (name: string) => `domicile-aurora/${name}`
const secretArns = (deployment: Deployment, site: Site, prefix: (name: string) => string) =>
  regionsOf(deployment, site.jurisdiction).map(
    (region) => `arn:aws:secretsmanager:${region}:${site.account}:secret:${prefix(deployment.topology.name)}/*`,
  )
/** Keys of every region of home: a gateway reads from the next region when its own vault is down. */
const opensSecrets = (deployment: Deployment, site: Site, keyArn: string | string[]): Statement[] => [
  {
    Sid: 'ReadSecrets',
    Effect: 'Allow',
    Action: ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
    Resource: secretArns(deployment, site, vaultPrefix),
  },
  {
    Sid: 'OpenSecrets',
    Effect: 'Allow',
    Action: ['kms:Decrypt', 'kms:GenerateDataKey', 'kms:DescribeKey'],
    Resource: keyArn,
  },
]
const logs = (site: Site, group: string): Statement => ({
  Sid: 'Logs',
  Effect: 'Allow',
  Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  Resource: `arn:aws:logs:${site.region}:${site.account}:log-group:${group}:*`,
})
const managed: Statement = {
  Sid: 'Managed',
  Effect: 'Allow',
  Resource: '*',
  Action: [
    'ssm:UpdateInstanceInformation',
    'ssmmessages:CreateControlChannel',
    'ssmmessages:CreateDataChannel',
    'ssmmessages:OpenControlChannel',
    'ssmmessages:OpenDataChannel',
  ],
}
const metrics: Statement = {
  Sid: 'Metrics',
  Effect: 'Allow',
  Action: 'cloudwatch:PutMetricData',
  Resource: '*',
  Condition: { StringEquals: { 'cloudwatch:namespace': 'Domicile' } },
}
const ownRelease = (deployment: Deployment, site: Site): Statement => ({
  Sid: 'Release',
  Effect: 'Allow',
  Action: 's3:GetObject',
  Resource: `arn:aws:s3:::${releaseBucket(deployment, site)}/*`,
})

export const gatewayPolicy = (deployment: Deployment, site: Site, keyArn: string | string[], logGroup: string) =>
  policy(
    ...opensSecrets(deployment, site, keyArn),
    ownRelease(deployment, site),
    logs(site, logGroup),
    metrics,
    managed,
    atHome(deployment, site),
    sameAccount(site),
  )

export const workerPolicy = (deployment: Deployment, site: Site, keyArn: string | string[], logGroup: string) =>
  policy(
    ...opensSecrets(deployment, site, keyArn),
    ownRelease(deployment, site),
    logs(site, logGroup),
    metrics,
    managed,
    {
      Sid: 'Documents',
      Effect: 'Allow',
      Action: ['s3:PutObject', 's3:GetObject', 's3:PutObjectRetention'],
      Resource: `arn:aws:s3:::${bucketName(deployment, site.jurisdiction!)}/*`,
    },
    {
      Sid: 'ListDocuments',
      Effect: 'Allow',
      Action: 's3:ListBucket',
      Resource: `arn:aws:s3:::${bucketName(deployment, site.jurisdiction!)}`,
    },
    ...(centralOf(deployment)
      ? [
          {
            Sid: 'Figures',
            Effect: 'Allow',
            Action: ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
            Resource: queueArn(deployment),
          } satisfies Statement,
        ]
      : []),
    atHome(deployment, site, true),
    sameAccount(site),
  )

export const rotationPolicy = (
  deployment: Deployment,
  site: Site,
  keyArn: string,
  logGroup: string,
  deadQueue: string,
) =>
  policy(
    {
      Sid: 'Rotate',
      Effect: 'Allow',
      Resource: secretArns(deployment, site, ownerPrefix),
      Action: [
        'secretsmanager:GetSecretValue',
        'secretsmanager:DescribeSecret',
        'secretsmanager:PutSecretValue',
        'secretsmanager:UpdateSecretVersionStage',
      ],
    },
    { Sid: 'Password', Effect: 'Allow', Action: 'secretsmanager:GetRandomPassword', Resource: '*' },
    { Sid: 'Seal', Effect: 'Allow', Action: ['kms:Decrypt', 'kms:GenerateDataKey'], Resource: keyArn },
    { Sid: 'Dead', Effect: 'Allow', Action: 'sqs:SendMessage', Resource: deadQueue },
    logs(site, logGroup),
    ...inVpc(site),
    atHome(deployment, site),
    sameAccount(site),
  )

export const consumerPolicy = (deployment: Deployment, central: Site, keyArn: string, logGroup: string) =>
  policy(
    {
      Sid: 'Figures',
      Effect: 'Allow',
      Action: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:GetQueueAttributes', 'sqs:ChangeMessageVisibility'],
      Resource: queueArn(deployment),
    },
    ...opensSecrets(deployment, central, keyArn),
    logs(central, logGroup),
    ...inVpc(central),
    atHome(deployment, central),
    sameAccount(central),
  )

/** Lambda makes a function's interfaces with the function's own role; these actions know no resource before. */
const inVpc = (site: Site): Statement[] => [
  {
    Sid: 'Interfaces',
    Effect: 'Allow',
    Resource: '*',
    Action: ['ec2:CreateNetworkInterface', 'ec2:DescribeNetworkInterfaces', 'ec2:DeleteNetworkInterface'],
    Condition: { StringEquals: { 'aws:RequestedRegion': site.region } },
  },
]

export const accepterPolicy = (site: Site, logGroup: string) =>
  policy(
    {
      Sid: 'Accept',
      Effect: 'Allow',
      Action: 'ec2:AcceptTransitGatewayPeeringAttachment',
      Resource: `arn:aws:ec2:${site.region}:${site.account}:transit-gateway-attachment/*`,
    },
    {
      Sid: 'Look',
      Effect: 'Allow',
      Action: 'ec2:DescribeTransitGatewayPeeringAttachments',
      Resource: '*',
      Condition: { StringEquals: { 'aws:RequestedRegion': site.region } },
    },
    logs(site, logGroup),
  )
export const flowLogPolicy = (site: Site, logGroup: string) => policy(logs(site, logGroup))

export function keyPolicy(deployment: Deployment, site: Site): Policy {
  const root = `arn:aws:iam::${site.account}:root`
  return policy(
    { Sid: 'Account', Effect: 'Allow', Principal: { AWS: root }, Action: 'kms:*', Resource: '*' },
    {
      Sid: 'Logs',
      Effect: 'Allow',
      Principal: { Service: `logs.${site.region}.amazonaws.com` },
      Action: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'],
      Resource: '*',
      Condition: { ArnLike: { 'kms:EncryptionContext:aws:logs:arn': `arn:aws:logs:${site.region}:${site.account}:*` } },
    },
    {
      Sid: 'Alarms',
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: ['kms:Decrypt', 'kms:GenerateDataKey*'],
      Resource: '*',
      Condition: { StringEquals: { 'aws:SourceAccount': site.account } },
    },
    {
      Sid: 'ReplicasAtHome',
      Effect: 'Deny',
      Principal: '*',
      Action: 'kms:ReplicateKey',
      Resource: '*',
      Condition: { StringNotEquals: { 'kms:ReplicaRegion': regionsOf(deployment, site.jurisdiction) } },
    },
    {
      Sid: 'OwnAccountOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 'kms:*',
      Resource: '*',
      Condition: {
        StringNotEqualsIfExists: { 'aws:PrincipalAccount': site.account },
        Bool: { 'aws:PrincipalIsAWSService': 'false' },
      },
    },
  )
}

export function bucketPolicy(deployment: Deployment, site: Site, name: string): Policy {
  const Resource = [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`]
  return policy(
    {
      Sid: 'TlsOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource,
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    },
    {
      Sid: 'OwnAccountOnly',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource,
      Condition: {
        StringNotEqualsIfExists: { 'aws:PrincipalAccount': site.account },
        Bool: { 'aws:PrincipalIsAWSService': 'false' },
      },
    },
  )
}

const tlsOnly = (arn: string): Statement => ({
  Sid: 'TlsOnly',
  Effect: 'Deny',
  Principal: '*',
  Action: 'sqs:*',
  Resource: arn,
  Condition: { Bool: { 'aws:SecureTransport': 'false' } },
})
/** Workers of every jurisdiction may put figures in; nobody abroad may look at what others have put there. */
export const queuePolicy = (deployment: Deployment): Policy =>
  policy(
    {
      Sid: 'Figures',
      Effect: 'Allow',
      Principal: {
        AWS: homeSites(deployment)
          .filter((site) => site.writer)
          .map((site) => roleArn(deployment, site, 'worker')),
      },
      Action: ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'],
      Resource: queueArn(deployment),
    },
    tlsOnly(queueArn(deployment)),
  )
export const closedQueuePolicy = (arn: string) => policy(tlsOnly(arn))

/** Through a site's endpoint for S3 only its own buckets can be reached, whoever asks. */
export const s3EndpointPolicy = (deployment: Deployment, site: Site): Policy =>
  policy({
    Sid: 'OwnBuckets',
    Effect: 'Allow',
    Principal: '*',
    Action: ['s3:GetObject', 's3:PutObject', 's3:PutObjectRetention', 's3:ListBucket'],
    Resource: [
      releaseBucket(deployment, site),
      ...(site.jurisdiction ? [bucketName(deployment, site.jurisdiction)] : []),
    ].flatMap((name) => [`arn:aws:s3:::${name}`, `arn:aws:s3:::${name}/*`]),
  })
export const endpointPolicy = (site: Site): Policy =>
  policy({
    Sid: 'OwnAccount',
    Effect: 'Allow',
    Principal: '*',
    Action: '*',
    Resource: '*',
    Condition: { StringEquals: { 'aws:PrincipalAccount': site.account } },
  })
/** Workers of every jurisdiction send through central's endpoint, to one queue. */
export const sqsEndpointPolicy = (deployment: Deployment): Policy =>
  policy({
    Sid: 'Figures',
    Effect: 'Allow',
    Principal: '*',
    Action: [
      'sqs:SendMessage',
      'sqs:GetQueueAttributes',
      'sqs:GetQueueUrl',
      'sqs:ReceiveMessage',
      'sqs:DeleteMessage',
      'sqs:ChangeMessageVisibility',
    ],
    Resource: queueArn(deployment),
  })

/** Services that have no region, or only one. */
const global = [
  'iam:*',
  'organizations:*',
  'route53:*',
  'cloudfront:*',
  'support:*',
  'trustedadvisor:*',
  'sts:*',
  'wafv2:*',
  'account:*',
  'health:*',
]

/** What a deploy of the edge needs: templates go through the bucket that CDK's bootstrap made there before. */
const edge = [
  'cloudformation:*',
  'lambda:*',
  'events:*',
  'acm:*',
  'ssm:GetParameter',
  'ssm:GetParameters',
  's3:GetObject',
  's3:PutObject',
  's3:ListBucket',
  's3:GetBucketLocation',
  's3:GetEncryptionConfiguration',
]

/** The guard rail of one account: even its administrators cannot do these. Beside FullAWSAccess: one of five. */
export function serviceControlPolicy(deployment: Deployment, jurisdiction: string | undefined): Policy {
  const regions = regionsOf(deployment, jurisdiction)
  const central = centralOf(deployment)
  const account = deployment.sites.find((site) => site.jurisdiction === jurisdiction)!.account
  return policy(
    {
      Sid: 'RegionsOfTheJurisdiction',
      Effect: 'Deny',
      NotAction: [...global, ...(central ? ['sqs:SendMessage', 'sqs:GetQueueAttributes', 'sqs:GetQueueUrl'] : [])],
      Resource: '*',
      Condition: { StringNotEquals: { 'aws:RequestedRegion': [...new Set([...regions, 'us-east-1'])] } },
    },
    // The edge and Trusted Advisor stand in us-east-1 whatever the jurisdiction: there these may be used, and nothing that holds rows.
    ...(regions.includes('us-east-1')
      ? []
      : [
          {
            Sid: 'OnlyTheEdgeInUsEast1',
            Effect: 'Deny',
            NotAction: [...global, ...edge],
            Resource: '*',
            Condition: { StringEquals: { 'aws:RequestedRegion': 'us-east-1' } },
          } satisfies Statement,
        ]),
    {
      Sid: 'DataOfOthers',
      Effect: 'Deny',
      Action: [
        'secretsmanager:*',
        'kms:*',
        's3:*',
        'rds:*',
        'sqs:ReceiveMessage',
        'sqs:DeleteMessage',
        'sqs:PurgeQueue',
      ],
      Resource: '*',
      Condition: { StringNotEquals: { 'aws:ResourceAccount': account } },
    },
    {
      Sid: 'NoWayOut',
      Effect: 'Deny',
      Resource: '*',
      Action: [
        'ec2:CreateInternetGateway',
        'ec2:AttachInternetGateway',
        'ec2:CreateNatGateway',
        'ec2:CreateVpcPeeringConnection',
        'ec2:AcceptVpcPeeringConnection',
        'ram:CreateResourceShare',
        'rds:ModifyDBSnapshotAttribute',
        'rds:ModifyDBClusterSnapshotAttribute',
        's3:PutBucketReplication',
        's3:PutReplicationConfiguration',
      ],
    },
    {
      Sid: 'KeepTheWitnesses',
      Effect: 'Deny',
      Resource: '*',
      Action: [
        'cloudtrail:StopLogging',
        'cloudtrail:DeleteTrail',
        'config:StopConfigurationRecorder',
        'kms:ScheduleKeyDeletion',
        's3:BypassGovernanceRetention',
        'organizations:LeaveOrganization',
      ],
    },
  )
}
