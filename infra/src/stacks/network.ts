// The private network of one site: a VPC without a way to the internet, a transit gateway as its hub, endpoints for
// the services our processes speak to. Subnets in three tiers: app (ours), data (PostgreSQL), hub (the gateway's).
import { Fn, type App } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { CfnFunction } from 'aws-cdk-lib/aws-lambda'
import { accepterSource } from '../accepter.ts'
import { accepterPolicy, endpointPolicy, flowLogPolicy, s3EndpointPolicy, sqsEndpointPolicy } from '../policies.ts'
import {
  appPort,
  databasePort,
  homeSites,
  peersOf,
  subnetTiers,
  tierCidr,
  zonesOf,
  type Deployment,
  type Site,
  type Tier,
} from '../sites.ts'
import type { Keys } from './keys.ts'
import { Layer, logGroupName, nameTag } from './layer.ts'

const endpointServices = ['secretsmanager', 'kms', 'logs', 'monitoring', 'ssm', 'ssmmessages'] as const
const tcp = (port: number, cidrIp: string, description: string) => ({
  ipProtocol: 'tcp',
  fromPort: port,
  toPort: port,
  cidrIp,
  description,
})
/** A group without egress rules allows all of it; this rule allows none. */
const nowhere = { ipProtocol: 'icmp', fromPort: 252, toPort: 86, cidrIp: '255.255.255.255/32', description: 'nowhere' }

export class Network extends Layer {
  readonly vpc: ec2.CfnVPC
  readonly hub: ec2.CfnTransitGateway
  readonly attachment: ec2.CfnTransitGatewayVpcAttachment
  readonly workload: ec2.CfnTransitGatewayRouteTable
  readonly ingress: ec2.CfnTransitGatewayRouteTable
  readonly subnets: Record<Tier, ec2.CfnSubnet[]>
  readonly tables: Record<Tier, ec2.CfnRouteTable>
  readonly groups: Record<'app' | 'data' | 'endpoint', ec2.CfnSecurityGroup>
  readonly accepter: CfnFunction
  readonly queueEndpoint?: ec2.CfnVPCEndpoint

  constructor(
    app: App,
    deployment: Deployment,
    readonly place: Site,
    keys: Keys,
  ) {
    super(app, deployment, place, 'network')
    this.vpc = new ec2.CfnVPC(this, 'Vpc', {
      cidrBlock: place.cidr,
      enableDnsHostnames: true,
      enableDnsSupport: true,
      tags: [nameTag(this.name('vpc'))],
    })
    this.tables = Object.fromEntries(
      subnetTiers.map((tier) => [
        tier,
        new ec2.CfnRouteTable(this, `Table-${tier}`, { vpcId: this.vpc.ref, tags: [nameTag(this.name(tier))] }),
      ]),
    ) as Record<Tier, ec2.CfnRouteTable>
    this.subnets = Object.fromEntries(subnetTiers.map((tier) => [tier, this.tier(tier)])) as Record<
      Tier,
      ec2.CfnSubnet[]
    >
    this.hub = new ec2.CfnTransitGateway(this, 'Hub', {
      // Nothing reaches a table by itself: every association and every route is written out.
      defaultRouteTableAssociation: 'disable',
      defaultRouteTablePropagation: 'disable',
      autoAcceptSharedAttachments: 'disable',
      tags: [nameTag(this.name('hub'))],
    })
    this.attachment = new ec2.CfnTransitGatewayVpcAttachment(this, 'Attachment', {
      transitGatewayId: this.hub.ref,
      vpcId: this.vpc.ref,
      subnetIds: this.subnets.hub.map((subnet) => subnet.ref),
    })
    this.workload = new ec2.CfnTransitGatewayRouteTable(this, 'Workload', {
      transitGatewayId: this.hub.ref,
      tags: [nameTag(this.name('workload'))],
    })
    this.ingress = new ec2.CfnTransitGatewayRouteTable(this, 'Ingress', {
      transitGatewayId: this.hub.ref,
      tags: [nameTag(this.name('ingress'))],
    })
    new ec2.CfnTransitGatewayRouteTableAssociation(this, 'WorkloadAssociation', {
      transitGatewayAttachmentId: this.attachment.ref,
      transitGatewayRouteTableId: this.workload.ref,
    })
    // What comes in from a peering may go to the own VPC and nowhere else: no hub is ever transit.
    new ec2.CfnTransitGatewayRoute(this, 'IngressRoute', {
      transitGatewayRouteTableId: this.ingress.ref,
      destinationCidrBlock: place.cidr,
      transitGatewayAttachmentId: this.attachment.ref,
    })
    this.groups = this.securityGroups()
    this.queueEndpoint = this.endpoints()
    this.flowLog(keys)
    this.accepter = this.acceptingFunction(keys)
  }

  private tier(tier: Tier): ec2.CfnSubnet[] {
    return Array.from({ length: zonesOf(this.place) }, (_, zone) => {
      const subnet = new ec2.CfnSubnet(this, `Subnet-${tier}-${zone}`, {
        vpcId: this.vpc.ref,
        cidrBlock: tierCidr(this.place, tier, zone),
        availabilityZone: Fn.select(zone, Fn.getAzs()),
        mapPublicIpOnLaunch: false,
        tags: [nameTag(this.name(tier, String(zone)))],
      })
      new ec2.CfnSubnetRouteTableAssociation(this, `Association-${tier}-${zone}`, {
        subnetId: subnet.ref,
        routeTableId: this.tables[tier].ref,
      })
      return subnet
    })
  }

  private group(
    id: string,
    ingress: ec2.CfnSecurityGroup.IngressProperty[],
    egress: ec2.CfnSecurityGroup.EgressProperty[],
  ) {
    return new ec2.CfnSecurityGroup(this, `Group-${id}`, {
      vpcId: this.vpc.ref,
      groupDescription: `${this.place.id}: ${id}`,
      securityGroupIngress: ingress,
      securityGroupEgress: egress.length > 0 ? egress : [nowhere],
    })
  }

  private securityGroups() {
    const own = (tier: Tier) => tierCidr(this.place, tier)
    const peers = peersOf(this.deployment, this.place)
    const siblings = peers.filter((peer) => peer.jurisdiction !== undefined && this.place.jurisdiction !== undefined)
    const central = peers.filter((peer) => peer.id === 'central')
    const toS3 = {
      ipProtocol: 'tcp',
      fromPort: 443,
      toPort: 443,
      cidrIp: '0.0.0.0/0',
      description: 'S3 by its gateway endpoint; no route leads elsewhere',
    }
    const app = this.group(
      'app',
      [
        ...[appPort.http, appPort.sql].map((port) => tcp(port, own('app'), 'doors, by the load balancer')),
        ...siblings.map((peer) => tcp(appPort.mesh, tierCidr(peer, 'app'), `mesh from ${peer.id}`)),
      ],
      [
        tcp(databasePort, own('data'), 'PostgreSQL'),
        toS3,
        ...[appPort.http, appPort.sql].map((port) => tcp(port, own('app'), 'doors, from the load balancer')),
        ...siblings.map((peer) => tcp(appPort.mesh, tierCidr(peer, 'app'), `mesh to ${peer.id}`)),
        ...central.map((peer) => tcp(443, tierCidr(peer, 'app'), 'figures')),
      ],
    )
    const data = this.group('data', [tcp(databasePort, own('app'), 'PostgreSQL')], [])
    const senders = this.place.id === 'central' ? homeSites(this.deployment) : []
    const endpoint = this.group(
      'endpoint',
      [
        tcp(443, own('app'), 'services'),
        ...senders.map((site) => tcp(443, tierCidr(site, 'app'), `figures from ${site.id}`)),
      ],
      [],
    )
    return { app, data, endpoint }
  }

  private endpoints(): ec2.CfnVPCEndpoint | undefined {
    const name = (service: string) => `com.amazonaws.${this.region}.${service}`
    const endpoint = (service: string, document: object) =>
      new ec2.CfnVPCEndpoint(this, `Endpoint-${service}`, {
        vpcId: this.vpc.ref,
        serviceName: name(service),
        vpcEndpointType: 'Interface',
        privateDnsEnabled: true,
        subnetIds: this.subnets.app.map((subnet) => subnet.ref),
        securityGroupIds: [this.groups.endpoint.attrGroupId],
        policyDocument: document,
      })
    new ec2.CfnVPCEndpoint(this, 'Endpoint-s3', {
      vpcId: this.vpc.ref,
      serviceName: name('s3'),
      vpcEndpointType: 'Gateway',
      routeTableIds: [this.tables.app.ref],
      policyDocument: s3EndpointPolicy(this.deployment, this.place),
    })
    for (const service of endpointServices) endpoint(service, endpointPolicy(this.place))
    return this.place.id === 'central' ? endpoint('sqs', sqsEndpointPolicy(this.deployment)) : undefined
  }

  private flowLog(keys: Keys) {
    const group = logGroupName(this.deployment, this.place, 'flows')
    const log = this.logGroup('FlowLogs', group, keys.arn)
    const role = this.role('Flows', 'vpc-flow-logs.amazonaws.com', flowLogPolicy(this.place, group))
    new ec2.CfnFlowLog(this, 'FlowLog', {
      resourceId: this.vpc.ref,
      resourceType: 'VPC',
      trafficType: 'ALL',
      logGroupName: log.ref,
      deliverLogsPermissionArn: role.attrArn,
    })
  }

  private acceptingFunction(keys: Keys): CfnFunction {
    const group = logGroupName(this.deployment, this.place, 'accepter')
    const log = this.logGroup('AccepterLogs', group, keys.arn)
    const role = this.role('Accepter', 'lambda.amazonaws.com', accepterPolicy(this.place, group))
    return new CfnFunction(this, 'AccepterFunction', {
      functionName: this.name('accepter'),
      runtime: 'nodejs24.x',
      handler: 'index.handler',
      code: { zipFile: accepterSource },
      architectures: ['arm64'],
      role: role.attrArn,
      timeout: 900,
      memorySize: 128,
      loggingConfig: { logGroup: log.ref },
    })
  }
}
