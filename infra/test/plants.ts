// Planted defects: each changes the sample's templates in one place, and one named check must find it.
import type { StackTemplate } from '../src/verify/templates.ts'

export interface Plant { name: string; caughtBy: string; /** What must be said, where the check could find something else first. */ says?: RegExp; in: string; plant: (resources: Record<string, any>, stacks: StackTemplate[]) => void }

const all = (resources: Record<string, any>, type: string): any[] => Object.values(resources).filter((one) => one.Type === `AWS::${type}`)
function one(resources: Record<string, any>, type: string, where: (properties: any) => boolean = () => true): any {
  const found = all(resources, type).find((resource) => where(resource.Properties))
  if (!found) throw new Error(`the plant finds no ${type}`)
  return found.Properties
}
const id = (resources: Record<string, any>, type: string) => Object.keys(resources).find((key) => resources[key].Type === `AWS::${type}`)!
const stackOf = (stacks: StackTemplate[], name: string) => stacks.find((stack) => stack.name === `domicile-retail-${name}`)!
const statements = (resources: Record<string, any>, role: RegExp): any[] => one(resources, 'IAM::Role', (role_) => role.test(role_.RoleName)).Policies[0].PolicyDocument.Statement
const without = (list: any[], sid: string) => list.splice(0, list.length, ...list.filter((statement) => statement.Sid !== sid))

export const plants: Plant[] = [
  // The network
  { name: 'central becomes transit', caughtBy: 'reachability', says: /eu-west-1.*us-east-1.*between jurisdictions/, in: 'routes-central', plant: (resources, stacks) => {
    const ingress = one(resources, 'EC2::TransitGatewayRouteTableAssociation').TransitGatewayRouteTableId
    for (const route of all(resources, 'EC2::TransitGatewayRoute')) resources[`Transit${route.Properties.DestinationCidrBlock.replace(/\W/g, '')}`] = { Type: route.Type, Properties: { ...route.Properties, TransitGatewayRouteTableId: ingress } }
    for (const [from, to] of [['eu-west-1', 'us-east-1'], ['us-east-1', 'eu-west-1']] as const) {
      const table = stackOf(stacks, `routes-${from}`).template.Resources!
      const target = stackOf(stacks, `network-${to}`).template.Resources!
      const hole = all(table, 'EC2::TransitGatewayRoute').find((route) => route.Properties.Blackhole && route.Properties.DestinationCidrBlock === one(target, 'EC2::VPC').CidrBlock)
      delete hole.Properties.Blackhole
      hole.Properties.TransitGatewayAttachmentId = (table.Outcentral as any).Properties.TransitGatewayAttachmentId
      const app: any = structuredClone(table.Appcentral)
      app.Properties.DestinationCidrBlock = hole.Properties.DestinationCidrBlock
      table.AppStranger = app
    }
  } },
  { name: 'a route from app subnets into data subnets of a sibling', caughtBy: 'reachability', in: 'routes-eu-west-1', plant: (resources, stacks) => {
    resources.Appeucentral1.Properties.DestinationCidrBlock = one(stackOf(stacks, 'network-eu-central-1').template.Resources!, 'EC2::VPC').CidrBlock
    const there: any = stackOf(stacks, 'routes-eu-central-1').template.Resources!
    const table = stackOf(stacks, 'network-eu-central-1').template
    table.Outputs!.PlantedData = { Value: { Ref: 'Tabledata' } }
    there.Planted = structuredClone(there.Appeuwest1)
    there.Planted.Properties.RouteTableId['Fn::GetStackOutput'].OutputName = 'PlantedData'
  } },
  { name: 'one address of a stranger', caughtBy: 'reachability', says: /eu-west-2.*us-east-1.*between jurisdictions/, in: 'routes-eu-west-2', plant: (_, stacks) => {
    // By way of central, both ways, for 10.4.0.77 and 10.3.0.77 alone.
    for (const [from, ip] of [['eu-west-2', '10.4.0.77/32'], ['us-east-1', '10.3.0.77/32'], ['central', '10.4.0.77/32'], ['central', '10.3.0.77/32']] as const) {
      const table: any = stackOf(stacks, `routes-${from}`).template.Resources!
      const towards = from === 'central' ? (ip.startsWith('10.4') ? 'Outuseast1' : 'Outeuwest2') : 'Outcentral'
      const route = structuredClone(table[towards])
      route.Properties.DestinationCidrBlock = ip
      if (from === 'central') route.Properties.TransitGatewayRouteTableId = table.Ingresseuwest2.Properties.TransitGatewayRouteTableId
      table[`Stranger${ip.replace(/\W/g, '')}`] = route
      if (from !== 'central') {
        const app = structuredClone(table.Appcentral)
        app.Properties.DestinationCidrBlock = ip
        table.AppStranger = app
      }
    }
  } },
  { name: 'the way back from central is missing', caughtBy: 'reachability', in: 'routes-central', plant: (resources) => { delete resources.Appuseast1 } },
  { name: 'a peering without its table', caughtBy: 'connected', in: 'routes-eu-west-1', plant: (resources) => { delete resources.Ingresseucentral1 } },
  { name: 'blackhole instead of the sibling', caughtBy: 'connected', in: 'routes-us-west-2', plant: (resources) => { resources.Outuseast1.Properties = { ...resources.Outuseast1.Properties, TransitGatewayAttachmentId: undefined, Blackhole: true } } },
  { name: 'central asks a region', caughtBy: 'reachability', in: 'network-central', plant: (resources, stacks) => {
    one(resources, 'EC2::SecurityGroup', (group) => /app/.test(group.GroupDescription)).SecurityGroupEgress.push({ IpProtocol: 'tcp', FromPort: 7901, ToPort: 7901, CidrIp: '10.0.0.0/8' })
    one(stackOf(stacks, 'network-us-east-1').template.Resources!, 'EC2::SecurityGroup', (group) => /app/.test(group.GroupDescription)).SecurityGroupIngress.push({ IpProtocol: 'tcp', FromPort: 7901, ToPort: 7901, CidrIp: '10.0.0.0/18' })
  } },
  { name: 'an internet gateway', caughtBy: 'noWayOut', in: 'network-eu-west-1', plant: (resources) => { resources.Internet = { Type: 'AWS::EC2::InternetGateway', Properties: {} } } },
  { name: 'VPC peering beside the hubs', caughtBy: 'noWayOut', in: 'network-eu-west-1', plant: (resources) => { resources.Peer = { Type: 'AWS::EC2::VPCPeeringConnection', Properties: { VpcId: { Ref: id(resources, 'EC2::VPC') }, PeerVpcId: 'vpc-00000001' } } } },
  { name: 'a load balancer that faces the internet', caughtBy: 'noWayOut', in: 'compute-us-east-1', plant: (resources) => { one(resources, 'ElasticLoadBalancingV2::LoadBalancer').Scheme = 'internet-facing' } },
  { name: 'a public database', caughtBy: 'noWayOut', in: 'data-uk-1-eu-west-2', plant: (resources) => { one(resources, 'RDS::DBInstance').PubliclyAccessible = true } },
  { name: 'PostgreSQL open to everybody', caughtBy: 'openGroups', in: 'network-us-west-2', plant: (resources) => { one(resources, 'EC2::SecurityGroup', (group) => /data/.test(group.GroupDescription)).SecurityGroupIngress[0].CidrIp = '0.0.0.0/0' } },
  { name: 'a group that lets out everything', caughtBy: 'openGroups', in: 'network-us-west-2', plant: (resources) => { delete one(resources, 'EC2::SecurityGroup', (group) => /data/.test(group.GroupDescription)).SecurityGroupEgress } },
  { name: 'an endpoint in the default group', caughtBy: 'defaultGroup', in: 'network-eu-west-2', plant: (resources) => { delete one(resources, 'EC2::VPCEndpoint', (endpoint) => endpoint.VpcEndpointType === 'Interface').SecurityGroupIds } },
  { name: 'a peering between jurisdictions', caughtBy: 'peerings', in: 'peering-eu-central-1-eu-west-1', plant: (resources) => { Object.assign(one(resources, 'EC2::TransitGatewayPeeringAttachment'), { PeerAccountId: '100000000004', PeerRegion: 'us-east-1' }) } },
  { name: 'a peering with Mars', caughtBy: 'peerings', in: 'peering-eu-central-1-eu-west-1', plant: (resources) => { one(resources, 'EC2::TransitGatewayPeeringAttachment').PeerRegion = 'eu-mars-1' } },
  // Data
  { name: 'a bucket abroad', caughtBy: 'residencyOfStacks', in: 'documents-eu-west-1', plant: (_, stacks) => { stackOf(stacks, 'documents-eu-west-1').region = 'us-east-1' } },
  { name: 'a secret replicated abroad', caughtBy: 'replicas', in: 'secrets-eu-1-eu-west-1', plant: (resources) => { one(resources, 'SecretsManager::Secret').ReplicaRegions[0].Region = 'us-east-1' } },
  { name: 'a replica under the primary region\'s key', caughtBy: 'replicas', in: 'secrets-eu-1-eu-west-1', plant: (resources) => { const secret = one(resources, 'SecretsManager::Secret'); secret.ReplicaRegions[0].KmsKeyId = secret.KmsKeyId } },
  { name: 'a bucket replicated', caughtBy: 'replicas', in: 'documents-us-east-1', plant: (resources) => { one(resources, 'S3::Bucket').ReplicationConfiguration = { Role: 'x', Rules: [] } } },
  { name: 'a reader too few', caughtBy: 'databases', in: 'data-uk-1-eu-west-2', plant: (resources) => { delete resources.Instance1 } },
  { name: 'a user on a secondary', caughtBy: 'databases', in: 'data-us-1-us-west-2', plant: (resources) => { one(resources, 'RDS::DBCluster').MasterUsername = 'root' } },
  { name: 'a password in the template', caughtBy: 'databases', in: 'data-us-1-us-east-1', plant: (resources) => { one(resources, 'RDS::DBCluster').MasterUserPassword = 'correct-horse' } },
  { name: 'a cluster joined to another jurisdiction\'s', caughtBy: 'databases', in: 'data-us-1-us-west-2', plant: (resources) => { one(resources, 'RDS::DBCluster').GlobalClusterIdentifier = 'domicile-retail-eu-1' } },
  { name: 'a cluster in clear', caughtBy: 'databases', in: 'data-eu-2-eu-west-1', plant: (resources) => { one(resources, 'RDS::DBCluster').StorageEncrypted = false } },
  { name: 'a cluster that a rollback deletes', caughtBy: 'databases', in: 'data-eu-2-eu-west-1', plant: (resources) => { resources.Cluster.DeletionPolicy = 'Delete' } },
  { name: 'object lock in a mode that can be lifted', caughtBy: 'documents', in: 'documents-eu-west-2', plant: (resources) => { one(resources, 'S3::Bucket').ObjectLockConfiguration = { ObjectLockEnabled: 'Enabled', Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } } } } },
  { name: 'documents expire', caughtBy: 'documents', in: 'documents-eu-west-2', plant: (resources) => { one(resources, 'S3::Bucket').LifecycleConfiguration.Rules[0].ExpirationInDays = 30 } },
  { name: 'a public bucket', caughtBy: 'documents', in: 'documents-eu-west-2', plant: (resources) => { one(resources, 'S3::Bucket').PublicAccessBlockConfiguration.BlockPublicAcls = false } },
  { name: 'figures without a dead-letter queue', caughtBy: 'queues', in: 'events-central', plant: (resources) => { delete one(resources, 'SQS::Queue', (queue) => !!queue.RedrivePolicy).RedrivePolicy } },
  // Rights
  { name: 'a role that reads another jurisdiction\'s bucket', caughtBy: 'access', in: 'documents-us-east-1', plant: (resources, stacks) => {
    const compute = stackOf(stacks, 'compute-eu-west-1').template.Resources!
    const role = statements(compute, /-worker$/)
    without(role, 'OutsideJurisdiction'); without(role, 'OtherAccounts')
    role.push({ Sid: 'Planted', Effect: 'Allow', Action: 's3:GetObject', Resource: '*' })
    const policy = one(resources, 'S3::BucketPolicy').PolicyDocument.Statement
    without(policy, 'OwnAccountOnly')
    policy.push({ Sid: 'Planted', Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::100000000002:root' }, Action: 's3:GetObject', Resource: '*' })
    for (const rail of all(stackOf(stacks, 'guardrails-organisation').template.Resources!, 'Organizations::Policy')) without(rail.Properties.Content.Statement, 'DataOfOthers')
    for (const rail of all(stackOf(stacks, 'guardrails-organisation').template.Resources!, 'Organizations::Policy')) without(rail.Properties.Content.Statement, 'RegionsOfTheJurisdiction')
  } },
  { name: 'a key whose policy names another account, under a lifted guard rail', caughtBy: 'administrators', in: 'keys-us-east-1', plant: (resources, stacks) => {
    const policy = one(resources, 'KMS::Key').KeyPolicy.Statement
    without(policy, 'OwnAccountOnly')
    policy.push({ Sid: 'Planted', Effect: 'Allow', Principal: { AWS: 'arn:aws:iam::100000000003:root' }, Action: 'kms:Decrypt', Resource: '*' })
    for (const rail of all(stackOf(stacks, 'guardrails-organisation').template.Resources!, 'Organizations::Policy')) rail.Properties.Content.Statement = [{ Sid: 'Nothing', Effect: 'Deny', Action: 'ec2:CreateInternetGateway', Resource: '*' }]
  } },
  { name: 'a guard rail that shuts out home', caughtBy: 'homeAccess', in: 'guardrails-organisation', plant: (resources) => { one(resources, 'Organizations::Policy', (policy) => policy.Name.endsWith('-uk')).Content.Statement[0].Condition.StringNotEquals['aws:RequestedRegion'] = ['us-east-1'] } },
  { name: 'an account without a guard rail', caughtBy: 'guardRails', in: 'guardrails-organisation', plant: (resources) => { one(resources, 'Organizations::Policy').TargetIds = ['100000000009'] } },
  { name: 'a guard rail with a principal', caughtBy: 'guardRails', in: 'guardrails-organisation', plant: (resources) => { one(resources, 'Organizations::Policy').Content.Statement[0].Principal = '*' } },
  { name: 'a role that may do all of S3', caughtBy: 'administratorRoles', in: 'compute-eu-west-1', plant: (resources) => { statements(resources, /-gateway$/).push({ Sid: 'Planted', Effect: 'Allow', Action: 's3:*', Resource: '*' }) } },
  { name: 'a role for anybody', caughtBy: 'administratorRoles', in: 'compute-eu-west-1', plant: (resources) => { one(resources, 'IAM::Role').AssumeRolePolicyDocument.Statement[0].Principal = '*' } },
  // The rest
  { name: 'a composite alarm over another region', caughtBy: 'alarms', in: 'observability-eu-west-1', plant: (resources) => { one(resources, 'CloudWatch::CompositeAlarm').AlarmRule += ' OR ALARM("domicile-retail-eu-central-1-gateways")' } },
  { name: 'an own runtime at the edge', caughtBy: 'functions', in: 'edge-eu', plant: (resources) => { one(resources, 'Lambda::Function').Runtime = 'provided.al2023' } },
  { name: 'arm64 at the edge', caughtBy: 'functions', in: 'edge-eu', plant: (resources) => { one(resources, 'Lambda::Function').Architectures = ['arm64'] } },
  { name: 'our release on x86-64', caughtBy: 'functions', in: 'events-central', plant: (resources) => { one(resources, 'Lambda::Function').Architectures = ['x86_64'] } },
  { name: 'two roles of one name', caughtBy: 'oneRegistry', in: 'compute-eu-west-1', plant: (resources) => { resources.Again = structuredClone(resources[id(resources, 'IAM::Role')]) } },
  { name: 'a transform', caughtBy: 'limits', in: 'events-central', plant: (_, stacks) => { (stackOf(stacks, 'events-central').template as any).Transform = 'AWS::Serverless-2016-10-31' } },
  { name: 'an output that is gone', caughtBy: 'references', in: 'network-eu-west-1', plant: (_, stacks) => { const { template } = stackOf(stacks, 'network-eu-west-1'); delete template.Outputs![Object.keys(template.Outputs!)[0]!] } },
  // What CloudFormation's own rules know
  { name: 'an unknown property', caughtBy: 'cloudFormation', in: 'events-central', plant: (resources) => { one(resources, 'SQS::Queue').Colour = 'red' } },
  { name: 'a runtime that is not', caughtBy: 'cloudFormation', in: 'events-central', plant: (resources) => { one(resources, 'Lambda::Function').Runtime = 'cobol.x' } },
  { name: 'a reference to nothing', caughtBy: 'cloudFormation', in: 'compute-eu-west-1', plant: (resources) => { one(resources, 'AutoScaling::AutoScalingGroup').LaunchTemplate.LaunchTemplateId = { Ref: 'Nothing' } } },
  { name: 'an instance class that is not', caughtBy: 'cloudFormation', in: 'data-eu-1-eu-west-1', plant: (resources) => { one(resources, 'RDS::DBInstance').DBInstanceClass = 'db.huge' } },
  { name: 'visibility shorter than the function runs', caughtBy: 'cloudFormation', in: 'events-central', plant: (resources) => { one(resources, 'SQS::Queue', (queue) => !!queue.VisibilityTimeout).VisibilityTimeout = 1 } },
  { name: 'an effect that is none', caughtBy: 'cloudFormation', in: 'compute-eu-west-1', plant: (resources) => { one(resources, 'IAM::Role').Policies[0].PolicyDocument.Statement[0].Effect = 'Permit' } },
]
