// Static reachability: from every subnet to every other, by the longest prefix of route tables, transit gateways' tables
// and peerings, there and back, and then by what security groups let through. A path exists only if both ways do.
import { ofType, type Resource } from './templates.ts'

const bits = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
interface Cidr {
  start: number
  size: number
  length: number
}
function cidr(text: string): Cidr {
  const [ip, length] = text.split('/')
  return { start: bits(ip!), size: 2 ** (32 - Number(length)), length: Number(length) }
}
const holds = (range: Cidr, ip: number) => ip >= range.start && ip < range.start + range.size

/** `ips` stands for all addresses: within a subnet, routes and rules can only tell those of different ranges apart. */
export interface Subnet {
  id: string
  vpc: string
  cidr: Cidr
  account: string
  stack: string
  ips: number[]
  groups: Set<string>
}
export interface Path {
  from: Subnet
  to: Subnet
  hops: string[]
  ports: number[]
}

const wayOutTypes = [
  'AWS::EC2::InternetGateway',
  'AWS::EC2::EgressOnlyInternetGateway',
  'AWS::EC2::NatGateway',
  'AWS::EC2::VPCPeeringConnection',
  'AWS::EC2::VPNGateway',
  'AWS::EC2::VPNConnection',
  'AWS::EC2::CarrierGateway',
  'AWS::EC2::ClientVpnEndpoint',
  'AWS::EC2::EIP',
  'AWS::EC2::LocalGatewayRoute',
  'AWS::DirectConnect::DirectConnectGateway',
]
const routeTargets = [
  'GatewayId',
  'NatGatewayId',
  'VpcPeeringConnectionId',
  'EgressOnlyInternetGatewayId',
  'InstanceId',
  'NetworkInterfaceId',
  'CarrierGatewayId',
  'VpcEndpointId',
  'LocalGatewayId',
  'CoreNetworkArn',
]

/** Everything by which a packet could leave, or come in, beside a transit gateway. */
export function waysOut(resources: Resource[]): string[] {
  return [
    ...resources.filter((one) => wayOutTypes.includes(one.type)).map((one) => `${one.id} is a ${one.type}`),
    ...ofType(resources, 'AWS::EC2::Route')
      .filter((one) => routeTargets.some((target) => one.properties[target] !== undefined))
      .map((one) => `${one.id} leads beside the hub`),
    ...ofType(resources, 'AWS::EC2::Subnet')
      .filter((one) => one.properties.MapPublicIpOnLaunch)
      .map((one) => `${one.id} gives public addresses`),
    ...ofType(resources, 'AWS::ElasticLoadBalancingV2::LoadBalancer')
      .filter((one) => one.properties.Scheme !== 'internal')
      .map((one) => `${one.id} faces the internet`),
    ...ofType(resources, 'AWS::RDS::DBInstance')
      .filter((one) => one.properties.PubliclyAccessible !== false)
      .map((one) => `${one.id} is public`),
  ]
}

export class Network {
  readonly subnets: Subnet[]
  private readonly vpcs: Map<string, Cidr>
  private readonly tableOf: Map<string, string>
  private readonly by: (type: string) => Resource[]

  constructor(resources: Resource[]) {
    const cache = new Map<string, Resource[]>()
    this.by = (type) => {
      if (!cache.has(type)) cache.set(type, ofType(resources, type))
      return cache.get(type)!
    }
    this.vpcs = new Map(this.by('AWS::EC2::VPC').map((vpc) => [vpc.id, cidr(vpc.properties.CidrBlock)]))
    this.tableOf = new Map(
      this.by('AWS::EC2::SubnetRouteTableAssociation').map(({ properties }) => [
        properties.SubnetId,
        properties.RouteTableId,
      ]),
    )
    const groups = groupsBySubnet(resources)
    const ranges = rangesOf(resources)
    this.subnets = this.by('AWS::EC2::Subnet').map((subnet) => {
      const range = cidr(subnet.properties.CidrBlock)
      return {
        id: subnet.id,
        vpc: subnet.properties.VpcId,
        cidr: range,
        account: subnet.account,
        stack: subnet.stack,
        ips: representatives(range, ranges),
        groups: groups.get(subnet.id) ?? new Set(),
      }
    })
  }

  /** The hops from a subnet to an address, or undefined. */
  hops(from: Subnet, ip: number): string[] | undefined {
    const local = this.vpcs.get(from.vpc)!
    if (holds(local, ip)) return ['local']
    const table = this.tableOf.get(from.id)
    const route = longest(
      this.by('AWS::EC2::Route').filter((one) => one.properties.RouteTableId === table),
      ip,
    )
    const hub = route?.properties.TransitGatewayId
    if (!hub) return undefined
    const attachment = this.by('AWS::EC2::TransitGatewayVpcAttachment').find(
      ({ properties }) => properties.VpcId === from.vpc && properties.TransitGatewayId === hub,
    )
    return attachment && this.through(hub, attachment.id, ip, [hub])
  }

  private through(hub: string, cameBy: string, ip: number, hops: string[]): string[] | undefined {
    if (hops.length > 8) return undefined
    const tables = new Set(
      this.by('AWS::EC2::TransitGatewayRouteTable')
        .filter(({ properties }) => properties.TransitGatewayId === hub)
        .map((table) => table.id),
    )
    const association = this.by('AWS::EC2::TransitGatewayRouteTableAssociation').find(
      ({ properties }) =>
        properties.TransitGatewayAttachmentId === cameBy && tables.has(properties.TransitGatewayRouteTableId),
    )
    const route = longest(
      this.by('AWS::EC2::TransitGatewayRoute').filter(
        ({ properties }) =>
          properties.TransitGatewayRouteTableId === association?.properties.TransitGatewayRouteTableId,
      ),
      ip,
    )
    if (!association || !route || route.properties.Blackhole) return undefined
    const next = route.properties.TransitGatewayAttachmentId
    const vpc = this.by('AWS::EC2::TransitGatewayVpcAttachment').find((one) => one.id === next)
    if (vpc) return holds(this.vpcs.get(vpc.properties.VpcId)!, ip) ? [...hops, next] : undefined
    const peering = this.by('AWS::EC2::TransitGatewayPeeringAttachment').find((one) => one.id === next)
    if (!peering) return undefined
    const { TransitGatewayId: a, PeerTransitGatewayId: b } = peering.properties
    const other = a === hub ? b : a
    return this.through(other, next, ip, [...hops, next, other])
  }

  /** Ports that some group at `from` lets out to, and some group at `to` lets in from. */
  ports(from: Subnet, to: Subnet): number[] {
    return [
      ...new Set(from.ips.flatMap((source) => to.ips.flatMap((target) => this.portsBetween(from, source, to, target)))),
    ].sort((a, b) => a - b)
  }

  private portsBetween(from: Subnet, source: number, to: Subnet, target: number): number[] {
    const rules = (subnet: Subnet, way: string) =>
      this.by('AWS::EC2::SecurityGroup')
        .filter((group) => subnet.groups.has(group.id))
        .flatMap((group) => (group.properties[way] as any[]) ?? [])
    const allows = (rule: any, ip: number, port: number) =>
      rule.CidrIp &&
      holds(cidr(rule.CidrIp), ip) &&
      (rule.IpProtocol === '-1' || (rule.IpProtocol === 'tcp' && rule.FromPort <= port && port <= rule.ToPort))
    const into = rules(to, 'SecurityGroupIngress')
    const out = rules(from, 'SecurityGroupEgress')
    const candidates = new Set(into.flatMap((rule) => (rule.IpProtocol === '-1' ? [0] : [rule.FromPort])))
    return [...candidates].filter(
      (port) => into.some((rule) => allows(rule, source, port)) && out.some((rule) => allows(rule, target, port)),
    )
  }

  /** The hops to the first address of a subnet that can be reached at all. */
  private way(from: Subnet, to: Subnet): string[] | undefined {
    for (const ip of to.ips) {
      const hops = this.hops(from, ip)
      if (hops) return hops
    }
    return undefined
  }

  /** Every routed pair of subnets of different VPCs; `ports` is empty where groups let nothing through. */
  paths(): Path[] {
    return this.subnets.flatMap((from) =>
      this.subnets
        .filter((to) => to.vpc !== from.vpc)
        .flatMap((to) => {
          const there = this.way(from, to)
          const back = this.way(to, from)
          return there && back ? [{ from, to, hops: there, ports: this.ports(from, to) }] : []
        }),
    )
  }

  /** One-way routes that a reply could not take: not a path, but nothing that should be there. */
  oneWay(): [Subnet, Subnet][] {
    return this.subnets.flatMap((from) =>
      this.subnets
        .filter((to) => to.vpc !== from.vpc && this.way(from, to) && !this.way(to, from))
        .map((to): [Subnet, Subnet] => [from, to]),
    )
  }
}

/** Every range that a route or a rule names. */
function rangesOf(resources: Resource[]): Cidr[] {
  const rules = ofType(resources, 'AWS::EC2::SecurityGroup').flatMap(({ properties }) =>
    [...(properties.SecurityGroupIngress ?? []), ...(properties.SecurityGroupEgress ?? [])].map(
      (rule: any) => rule.CidrIp,
    ),
  )
  const routes = resources.map(({ properties }) => properties.DestinationCidrBlock)
  return [...new Set([...rules, ...routes])].filter((one): one is string => typeof one === 'string').map(cidr)
}

/** One address of each part of a subnet that ranges tell apart: its own first, and where a range begins or has ended. */
function representatives(subnet: Cidr, ranges: Cidr[]): number[] {
  return [...new Set([subnet.start, ...ranges.flatMap((range) => [range.start, range.start + range.size])])].filter(
    (ip) => holds(subnet, ip),
  )
}

function longest(routes: Resource[], ip: number): Resource | undefined {
  return routes
    .filter(({ properties }) => holds(cidr(properties.DestinationCidrBlock), ip))
    .sort((a, b) => cidr(b.properties.DestinationCidrBlock).length - cidr(a.properties.DestinationCidrBlock).length)[0]
}

/** Which security groups stand in which subnets, by whatever puts an interface there. */
function groupsBySubnet(resources: Resource[]): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>()
  const put = (subnets: string[] = [], groups: string[] = []) => {
    for (const subnet of subnets) found.set(subnet, new Set([...(found.get(subnet) ?? []), ...groups]))
  }
  const byId = new Map(resources.map((one) => [one.id, one]))
  for (const { type, properties } of resources) {
    if (type === 'AWS::Lambda::Function') put(properties.VpcConfig?.SubnetIds, properties.VpcConfig?.SecurityGroupIds)
    if (type === 'AWS::EC2::VPCEndpoint') put(properties.SubnetIds, properties.SecurityGroupIds)
    if (type === 'AWS::ApiGatewayV2::VpcLink') put(properties.SubnetIds, properties.SecurityGroupIds)
    if (type === 'AWS::ElasticLoadBalancingV2::LoadBalancer') put(properties.Subnets, properties.SecurityGroups)
    if (type === 'AWS::RDS::DBCluster')
      put(byId.get(properties.DBSubnetGroupName)?.properties.SubnetIds, properties.VpcSecurityGroupIds)
    if (type === 'AWS::AutoScaling::AutoScalingGroup')
      put(
        properties.VPCZoneIdentifier,
        byId.get(properties.LaunchTemplate.LaunchTemplateId)?.properties.LaunchTemplateData.SecurityGroupIds,
      )
  }
  return found
}
