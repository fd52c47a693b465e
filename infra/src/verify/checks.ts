// The named checks over synthesised stacks. Each finds what neither CloudFormation's own rules nor the rule packs know:
// that residency, and the topology, hold. test/plants.ts holds a defect for each.
import { RegionInfo } from 'aws-cdk-lib/region-info'
import type { Deployment } from '../sites.ts'
import { clusterName, globalName, instancesOf } from '../stacks/data.ts'
import { readings } from './access.ts'
import { Network, waysOut } from './reach.ts'
import { ofType, resourcesOf, Unresolved, type Resource, type StackTemplate } from './templates.ts'

export type Check = (resources: Resource[], deployment: Deployment, stacks: StackTemplate[]) => string[]
const known = new Set(RegionInfo.regions.map((region) => region.name))

/** Jurisdiction of an account; "central" has its own. */
export const ownerOf = (deployment: Deployment, account: string) => {
  const site = deployment.sites.find((one) => one.account === account)
  return site && (site.jurisdiction ?? 'central')
}
const regionsAt = (deployment: Deployment, account: string) =>
  new Set(deployment.sites.filter((site) => site.account === account).map((site) => site.region))

const reachability: Check = (resources, deployment) => {
  const network = new Network(resources)
  const tier = (id: string) => /Subnet(app|data|hub)/.exec(id)?.[1]
  const wrong = network.paths().flatMap(({ from, to, ports }) => {
    const [a, b] = [ownerOf(deployment, from.account), ownerOf(deployment, to.account)]
    const pair = `${from.id} -> ${to.id}`
    if (a !== b && a !== 'central' && b !== 'central') return [`${pair}: a path between jurisdictions`]
    if (tier(from.id) !== 'app' || tier(to.id) !== 'app') return [`${pair}: only app subnets speak across regions`]
    if (a === 'central' && b !== 'central' && ports.length > 0) return [`${pair}: central asks nobody`]
    if (b === 'central' && a !== 'central' && ports.some((port) => port !== 443))
      return [`${pair}: ports ${ports} of central`]
    if (a === b && ports.some((port) => port !== 7901)) return [`${pair}: ports ${ports}, not the mesh alone`]
    return []
  })
  return [...wrong, ...network.oneWay().map(([from, to]) => `${from.id} -> ${to.id}: a way without a way back`)]
}

/** What must work: without this an empty network would be a proven one. */
const connected: Check = (resources, deployment) => {
  const open = new Set(
    new Network(resources)
      .paths()
      .filter((path) => path.ports.length > 0)
      .map(({ from, to }) => `${from.stack} ${to.stack}`),
  )
  const stack = (id: string) =>
    resources.find((one) => one.type === 'AWS::EC2::VPC' && one.stack.endsWith(`-network-${id}`))?.stack
  return deployment.sites.flatMap((a) =>
    deployment.sites
      .filter((b) => a !== b && a.jurisdiction && (b.id === 'central' || a.jurisdiction === b.jurisdiction))
      .filter((b) => !open.has(`${stack(a.id)} ${stack(b.id)}`))
      .map((b) => `${a.id} does not reach ${b.id}`),
  )
}

const noWayOut: Check = (resources) => waysOut(resources)

const openGroups: Check = (resources) =>
  ofType(resources, 'AWS::EC2::SecurityGroup').flatMap((group) => [
    ...(group.properties.SecurityGroupIngress ?? [])
      .filter((rule: any) => !/^10\./.test(rule.CidrIp ?? '') || rule.IpProtocol !== 'tcp')
      .map(() => `${group.id} lets in more than our own network`),
    ...((group.properties.SecurityGroupEgress ?? []).length === 0
      ? [`${group.id} has no egress rule, so that it lets out everything`]
      : []),
  ])

const defaultGroup: Check = (resources) =>
  resources
    .filter((one) =>
      [
        'AWS::EC2::VPCEndpoint',
        'AWS::RDS::DBCluster',
        'AWS::ElasticLoadBalancingV2::LoadBalancer',
        'AWS::ApiGatewayV2::VpcLink',
      ].includes(one.type),
    )
    .filter(
      ({ properties }) =>
        properties.VpcEndpointType !== 'Gateway' &&
        !(properties.SecurityGroupIds ?? properties.VpcSecurityGroupIds ?? properties.SecurityGroups)?.length,
    )
    .map((one) => `${one.id} is in the default group`)

const residencyOfStacks: Check = (_, deployment, stacks) =>
  stacks.flatMap((stack) => {
    if (stack.account === deployment.management) return []
    const allowed = regionsAt(deployment, stack.account)
    // us-east-1 has the edge, Trusted Advisor, and central's sinks stand in every region: none of them holds a row.
    const rowless = Object.values(stack.template.Resources ?? {}).every(
      ({ Type }) => !/^AWS::(RDS|S3|SecretsManager|SQS|DynamoDB|KMS|Logs)::/.test(Type),
    )
    return allowed.has(stack.region) || rowless ? [] : [`${stack.name} keeps data in ${stack.region}, abroad`]
  })

const replicas: Check = (resources, deployment) => [
  ...ofType(resources, 'AWS::SecretsManager::Secret').flatMap((secret) =>
    (secret.properties.ReplicaRegions ?? []).flatMap((replica: any) => [
      ...(regionsAt(deployment, secret.account).has(replica.Region)
        ? []
        : [`${secret.id} is replicated to ${replica.Region}, abroad`]),
      ...(replica.KmsKeyId?.startsWith?.(`arn:aws:kms:${replica.Region}:`)
        ? []
        : [`${secret.id}: the replica in ${replica.Region} is under ${replica.KmsKeyId}`]),
    ]),
  ),
  ...ofType(resources, 'AWS::KMS::ReplicaKey')
    .filter((key) => !key.properties.PrimaryKeyArn?.includes?.(`:${key.account}:`))
    .map((key) => `${key.id} is a replica of another account's key`),
  ...ofType(resources, 'AWS::S3::Bucket')
    .filter((bucket) => bucket.properties.ReplicationConfiguration)
    .map((bucket) => `${bucket.id} is replicated`),
]

const peerings: Check = (resources, deployment) =>
  ofType(resources, 'AWS::EC2::TransitGatewayPeeringAttachment').flatMap(({ id, account, properties }) => {
    const [a, b] = [ownerOf(deployment, account), ownerOf(deployment, properties.PeerAccountId)]
    return [
      ...(known.has(properties.PeerRegion) && regionsAt(deployment, properties.PeerAccountId).has(properties.PeerRegion)
        ? []
        : [`${id}: ${properties.PeerRegion} is no region of its peer`]),
      ...(a === b || a === 'central' || b === 'central' ? [] : [`${id} joins ${a} and ${b}`]),
    ]
  })

const databases: Check = (resources, deployment) => {
  const clusters = ofType(resources, 'AWS::RDS::DBCluster')
  const instances = ofType(resources, 'AWS::RDS::DBInstance')
  const found: string[] = []
  for (const shard of deployment.topology.shards.filter((one) => !one.existing)) {
    const global = ofType(resources, 'AWS::RDS::GlobalCluster').filter(
      (one) => one.properties.GlobalClusterIdentifier === globalName(deployment, shard.name),
    )
    if (global.length !== 1) found.push(`${shard.name} has ${global.length} global clusters`)
    const members = clusters.filter(
      ({ properties }) =>
        properties.GlobalClusterIdentifier === globalName(deployment, shard.name) ||
        properties.GlobalClusterIdentifier === global[0]?.id,
    )
    for (const site of deployment.sites) {
      const wanted = site.jurisdiction === shard.jurisdiction ? instancesOf(shard, site.region) : 0
      const here = members.filter((one) => one.region === site.region && one.account === site.account)
      if (here.length !== (wanted > 0 ? 1 : 0)) found.push(`${shard.name} has ${here.length} clusters in ${site.id}`)
      const cluster = here[0]
      if (!cluster) continue
      if (cluster.properties.DBClusterIdentifier !== clusterName(deployment, shard.name, site))
        found.push(`${cluster.id} has another name`)
      const count = instances.filter((one) => one.properties.DBClusterIdentifier === cluster.id).length
      if (count !== wanted) found.push(`${shard.name} has ${count} instances in ${site.id}, not ${wanted}`)
      if (
        shard.writer !== site.region &&
        (cluster.properties.MasterUsername || cluster.properties.MasterUserPassword || cluster.properties.DatabaseName)
      )
        found.push(`${cluster.id}: a secondary names a user or database`)
    }
    for (const member of members)
      if (ownerOf(deployment, member.account) !== shard.jurisdiction) found.push(`${member.id} stands abroad`)
  }
  for (const { id, properties, deletionPolicy, region } of clusters) {
    if (!properties.StorageEncrypted || !properties.KmsKeyId?.startsWith?.(`arn:aws:kms:${region}:`))
      found.push(`${id} is not under its region's key`)
    if (!properties.DeletionProtection || deletionPolicy !== 'Retain') found.push(`${id} can be deleted`)
    if (properties.MasterUserPassword && !/^\{\{resolve:secretsmanager:/.test(properties.MasterUserPassword))
      found.push(`${id} has its password in the template`)
  }
  return found
}

const documents: Check = (resources, deployment) =>
  ofType(resources, 'AWS::S3::Bucket').flatMap(({ id, properties, deletionPolicy }) => {
    const days = properties.ObjectLockConfiguration?.Rule?.DefaultRetention?.Days ?? 0
    const mode = properties.ObjectLockConfiguration?.Rule?.DefaultRetention?.Mode
    return [
      ...(properties.ObjectLockEnabled === true &&
      days === deployment.topology.retainDays &&
      (days === 0 || mode === 'COMPLIANCE')
        ? []
        : [`${id} does not lock for ${deployment.topology.retainDays} days`]),
      ...(Object.values(properties.PublicAccessBlockConfiguration ?? {}).filter(Boolean).length === 4
        ? []
        : [`${id} can be public`]),
      ...(deletionPolicy === 'Retain' ? [] : [`${id} can be deleted`]),
      ...((properties.LifecycleConfiguration?.Rules ?? []).some(
        (rule: any) => rule.ExpirationInDays || rule.NoncurrentVersionExpiration,
      )
        ? [`${id} expires documents`]
        : []),
    ]
  })

const queues: Check = (resources) =>
  ofType(resources, 'AWS::SQS::Queue').flatMap(({ id, properties }) => [
    ...(properties.QueueName.endsWith('.fifo') === (properties.FifoQueue === true) ? [] : [`${id}: FIFO or not?`]),
    ...(properties.SqsManagedSseEnabled || properties.KmsMasterKeyId ? [] : [`${id} is not encrypted`]),
    ...(/dead/.test(properties.QueueName) || properties.RedrivePolicy ? [] : [`${id} has no dead-letter queue`]),
  ])

const alarms: Check = (resources) => {
  const names = new Map(
    resources
      .filter((one) => /^AWS::CloudWatch::(Composite)?Alarm$/.test(one.type))
      .map((one) => [`${one.account} ${one.region} ${one.properties.AlarmName}`, one]),
  )
  return ofType(resources, 'AWS::CloudWatch::CompositeAlarm').flatMap((one) => {
    const children = [...String(one.properties.AlarmRule).matchAll(/ALARM\("([^"]+)"\)/g)].map((match) => match[1]!)
    return [
      ...(children.length > 0 ? [] : [`${one.id} looks at nothing`]),
      ...children
        .filter((name) => !names.has(`${one.account} ${one.region} ${name}`))
        .map((name) => `${one.id} looks at ${name}, which is not in its region`),
    ]
  })
}

const guardRails: Check = (resources, deployment) => {
  const rails = ofType(resources, 'AWS::Organizations::Policy')
  return [
    ...[...new Set(deployment.sites.map((site) => site.account))]
      .filter((account) => !rails.some((one) => one.properties.TargetIds?.includes(account)))
      .map((account) => `account ${account} has no guard rail`),
    ...rails.flatMap((one) => {
      const statements: any[] = one.properties.Content?.Statement ?? []
      return [
        ...(statements.some((statement) => statement.Principal || statement.NotPrincipal)
          ? [`${one.id} names a principal`]
          : []),
        ...(statements.every((statement) => statement.Effect === 'Deny') ? [] : [`${one.id} allows`]),
        ...(JSON.stringify(one.properties.Content).length > 5_120 ? [`${one.id} is longer than AWS takes`] : []),
      ]
    }),
  ]
}

const access: Check = (resources, deployment) =>
  readings(resources)
    .filter(
      ({ role, holder, verdict }) =>
        verdict.allowed && ownerOf(deployment, role.account) !== ownerOf(deployment, holder.account),
    )
    .map(({ role, holder, action, verdict }) => `${role.name} may ${action} ${holder.arn}: ${verdict.why}`)

/** The same, for a role to which somebody has given every right: resource policies and guard rails hold alone. */
const administrators: Check = (resources, deployment) =>
  readings(resources, true)
    .filter(
      ({ role, holder, verdict }) =>
        verdict.allowed && ownerOf(deployment, role.account) !== ownerOf(deployment, holder.account),
    )
    .map(({ role, holder, action }) => `an administrator as ${role.name} may ${action} ${holder.arn}`)

/** Roles that must work, or the proof above would hold of roles that may do nothing. */
const homeAccess: Check = (resources) => {
  const all = readings(resources)
  return [...new Set(all.map(({ role }) => role))]
    .filter((role) => /-(gateway|worker)$/.test(role.name))
    .flatMap((role) => {
      const can = (kind: string) =>
        all.some((one) => one.role === role && one.holder.kind === kind && one.verdict.allowed)
      return ['secret', 'key', ...(role.name.endsWith('worker') ? ['bucket'] : [])]
        .filter((kind) => !can(kind))
        .map((kind) => `${role.name} cannot read a ${kind} of home`)
    })
}

const administratorRoles: Check = (resources) =>
  [...ofType(resources, 'AWS::IAM::Role'), ...ofType(resources, 'AWS::IAM::Policy')].flatMap((one) => {
    const statements: any[] = (one.properties.Policies ?? [one.properties]).flatMap(
      (policy: any) => policy.PolicyDocument?.Statement ?? [],
    )
    return [
      ...statements
        .filter(
          (statement) =>
            statement.Effect === 'Allow' &&
            [statement.Action]
              .flat()
              .some((action: string) => action === '*' || action?.endsWith(':*') || action === 'iam:PassRole'),
        )
        .map(() => `${one.id} allows all of a service`),
      ...(one.properties.AssumeRolePolicyDocument?.Statement ?? [])
        .filter((statement: any) => statement.Principal === '*' || statement.Principal?.AWS === '*')
        .map(() => `anybody may assume ${one.id}`),
    ]
  })

const functions: Check = (resources) => {
  const atEdge = new Set(
    ofType(resources, 'AWS::CloudFront::Distribution').flatMap(({ properties }) =>
      (properties.DistributionConfig.DefaultCacheBehavior.LambdaFunctionAssociations ?? []).map(
        (one: any) => one.LambdaFunctionARN,
      ),
    ),
  )
  const versions = ofType(resources, 'AWS::Lambda::Version')
  return [
    ...[...atEdge]
      .filter((arn) => !versions.some((one) => one.id === arn))
      .map((arn) => `${arn} is no version: the edge takes nothing else`),
    ...versions
      .filter((one) => atEdge.has(one.id))
      .flatMap((version) => {
        const one = resources.find((other) => other.id === version.properties.FunctionName)
        if (!one) return [`${version.id} is a version of nothing`]
        const { Runtime, Architectures, Environment, VpcConfig } = one.properties
        const fits =
          one.region === 'us-east-1' &&
          /^(nodejs|python)/.test(Runtime) &&
          !Architectures?.includes('arm64') &&
          !Environment &&
          !VpcConfig
        return fits ? [] : [`${one.id} cannot run at the edge`]
      }),
    ...ofType(resources, 'AWS::Lambda::Function')
      .filter(({ properties }) => properties.Runtime === 'provided.al2023' && properties.Architectures?.[0] !== 'arm64')
      .map((one) => `${one.id}: our release is for arm64`),
  ]
}

const oneRegistry: Check = (resources) => {
  const names = new Map<string, string>()
  return resources.flatMap(({ id, type, account, region, properties }) => {
    const [key, name] =
      Object.entries(properties).find(([property]) =>
        [
          'BucketName',
          'RoleName',
          'QueueName',
          'FunctionName',
          'DBClusterIdentifier',
          'AlarmName',
          'LogGroupName',
        ].includes(property),
      ) ?? []
    if (
      key === undefined ||
      typeof name !== 'string' ||
      !/::(Bucket|Role|Queue|Function|DBCluster|Alarm|CompositeAlarm|LogGroup)$/.test(type) ||
      /^AWS::CloudFront/.test(type)
    )
      return []
    const full = `${type} ${key === 'BucketName' ? '' : account} ${['BucketName', 'RoleName'].includes(key) ? '' : region} ${name}`
    const taken = names.get(full)
    names.set(full, id)
    return [
      ...(taken ? [`${id} and ${taken} have one name`] : []),
      ...(name.length > (type.endsWith('Alarm') || type.endsWith('LogGroup') ? 255 : type.endsWith('Queue') ? 80 : 64)
        ? [`${id}: ${name} is too long`]
        : []),
    ]
  })
}

const limits: Check = (_, __, stacks) =>
  stacks.flatMap((stack) => [
    ...(Object.keys(stack.template.Resources ?? {}).length > 450 ? [`${stack.name} has more than 450 resources`] : []),
    ...(JSON.stringify(stack.template).length > 1_000_000 ? [`${stack.name} is larger than a megabyte`] : []),
    ...(JSON.stringify(stack.template).includes('"Transform":"AWS::')
      ? [`${stack.name} has a transform, which hides what it becomes`]
      : []),
  ])

export const checks = {
  reachability,
  connected,
  noWayOut,
  openGroups,
  defaultGroup,
  residencyOfStacks,
  replicas,
  peerings,
  databases,
  documents,
  queues,
  alarms,
  guardRails,
  access,
  administrators,
  homeAccess,
  administratorRoles,
  functions,
  oneRegistry,
  limits,
} satisfies Record<string, Check>

/** Findings by check; "references" if something refers to what is not there, and then nothing else. */
export function check(
  stacks: StackTemplate[],
  deployment: Deployment,
  only: string[] = Object.keys(checks),
): Record<string, string[]> {
  let resources: Resource[]
  try {
    resources = resourcesOf(stacks)
  } catch (error) {
    if (error instanceof Unresolved) return { references: [error.message] }
    throw error
  }
  return Object.fromEntries(
    only
      .map((name) => [name, checks[name as keyof typeof checks](resources, deployment, stacks)])
      .filter(([, found]) => found!.length > 0),
  )
}
