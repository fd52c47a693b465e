// Planted defects of the network.
import { all, one, id, stackOf, type Plant } from './planting.ts'

export const networkPlants: Plant[] = [
  // The network
  {
    name: 'central becomes transit',
    caughtBy: 'reachability',
    says: /eu-west-1.*us-east-1.*between jurisdictions/,
    in: 'routes-central',
    plant: (resources, stacks) => {
      const ingress = one(resources, 'EC2::TransitGatewayRouteTableAssociation').TransitGatewayRouteTableId
      for (const route of all(resources, 'EC2::TransitGatewayRoute'))
        resources[`Transit${route.Properties.DestinationCidrBlock.replace(/\W/g, '')}`] = {
          Type: route.Type,
          Properties: { ...route.Properties, TransitGatewayRouteTableId: ingress },
        }
      for (const [from, to] of [
        ['eu-west-1', 'us-east-1'],
        ['us-east-1', 'eu-west-1'],
      ] as const) {
        const table = stackOf(stacks, `routes-${from}`).template.Resources!
        const target = stackOf(stacks, `network-${to}`).template.Resources!
        const hole = all(table, 'EC2::TransitGatewayRoute').find(
          (route) =>
            route.Properties.Blackhole && route.Properties.DestinationCidrBlock === one(target, 'EC2::VPC').CidrBlock,
        )
        delete hole.Properties.Blackhole
        hole.Properties.TransitGatewayAttachmentId = (table.Outcentral as any).Properties.TransitGatewayAttachmentId
        const app: any = structuredClone(table.Appcentral)
        app.Properties.DestinationCidrBlock = hole.Properties.DestinationCidrBlock
        table.AppStranger = app
      }
    },
  },
  {
    name: 'a route from app subnets into data subnets of a sibling',
    caughtBy: 'reachability',
    in: 'routes-eu-west-1',
    plant: (resources, stacks) => {
      resources.Appeucentral1.Properties.DestinationCidrBlock = one(
        stackOf(stacks, 'network-eu-central-1').template.Resources!,
        'EC2::VPC',
      ).CidrBlock
      const there: any = stackOf(stacks, 'routes-eu-central-1').template.Resources!
      const table = stackOf(stacks, 'network-eu-central-1').template
      table.Outputs!.PlantedData = { Value: { Ref: 'Tabledata' } }
      there.Planted = structuredClone(there.Appeuwest1)
      there.Planted.Properties.RouteTableId['Fn::GetStackOutput'].OutputName = 'PlantedData'
    },
  },
  {
    name: 'one address of a stranger',
    caughtBy: 'reachability',
    says: /eu-west-2.*us-east-1.*between jurisdictions/,
    in: 'routes-eu-west-2',
    plant: (_, stacks) => {
      // By way of central, both ways, for 10.4.0.77 and 10.3.0.77 alone.
      for (const [from, ip] of [
        ['eu-west-2', '10.4.0.77/32'],
        ['us-east-1', '10.3.0.77/32'],
        ['central', '10.4.0.77/32'],
        ['central', '10.3.0.77/32'],
      ] as const) {
        const table: any = stackOf(stacks, `routes-${from}`).template.Resources!
        const towards = from === 'central' ? (ip.startsWith('10.4') ? 'Outuseast1' : 'Outeuwest2') : 'Outcentral'
        const route = structuredClone(table[towards])
        route.Properties.DestinationCidrBlock = ip
        if (from === 'central')
          route.Properties.TransitGatewayRouteTableId = table.Ingresseuwest2.Properties.TransitGatewayRouteTableId
        table[`Stranger${ip.replace(/\W/g, '')}`] = route
        if (from !== 'central') {
          const app = structuredClone(table.Appcentral)
          app.Properties.DestinationCidrBlock = ip
          table.AppStranger = app
        }
      }
    },
  },
  {
    name: 'the way back from central is missing',
    caughtBy: 'reachability',
    in: 'routes-central',
    plant: (resources) => {
      delete resources.Appuseast1
    },
  },
  {
    name: 'a peering without its table',
    caughtBy: 'connected',
    in: 'routes-eu-west-1',
    plant: (resources) => {
      delete resources.Ingresseucentral1
    },
  },
  {
    name: 'blackhole instead of the sibling',
    caughtBy: 'connected',
    in: 'routes-us-west-2',
    plant: (resources) => {
      resources.Outuseast1.Properties = {
        ...resources.Outuseast1.Properties,
        TransitGatewayAttachmentId: undefined,
        Blackhole: true,
      }
    },
  },
  {
    name: 'central asks a region',
    caughtBy: 'reachability',
    in: 'network-central',
    plant: (resources, stacks) => {
      one(resources, 'EC2::SecurityGroup', (group) => /app/.test(group.GroupDescription)).SecurityGroupEgress.push({
        IpProtocol: 'tcp',
        FromPort: 7901,
        ToPort: 7901,
        CidrIp: '10.0.0.0/8',
      })
      one(stackOf(stacks, 'network-us-east-1').template.Resources!, 'EC2::SecurityGroup', (group) =>
        /app/.test(group.GroupDescription),
      ).SecurityGroupIngress.push({ IpProtocol: 'tcp', FromPort: 7901, ToPort: 7901, CidrIp: '10.0.0.0/18' })
    },
  },
  {
    name: 'an internet gateway',
    caughtBy: 'noWayOut',
    in: 'network-eu-west-1',
    plant: (resources) => {
      resources.Internet = { Type: 'AWS::EC2::InternetGateway', Properties: {} }
    },
  },
  {
    name: 'VPC peering beside the hubs',
    caughtBy: 'noWayOut',
    in: 'network-eu-west-1',
    plant: (resources) => {
      resources.Peer = {
        Type: 'AWS::EC2::VPCPeeringConnection',
        Properties: { VpcId: { Ref: id(resources, 'EC2::VPC') }, PeerVpcId: 'vpc-00000001' },
      }
    },
  },
  {
    name: 'a load balancer that faces the internet',
    caughtBy: 'noWayOut',
    in: 'compute-us-east-1',
    plant: (resources) => {
      one(resources, 'ElasticLoadBalancingV2::LoadBalancer').Scheme = 'internet-facing'
    },
  },
  {
    name: 'a public database',
    caughtBy: 'noWayOut',
    in: 'data-uk-1-eu-west-2',
    plant: (resources) => {
      one(resources, 'RDS::DBInstance').PubliclyAccessible = true
    },
  },
  {
    name: 'PostgreSQL open to everybody',
    caughtBy: 'openGroups',
    in: 'network-us-west-2',
    plant: (resources) => {
      one(resources, 'EC2::SecurityGroup', (group) =>
        /data/.test(group.GroupDescription),
      ).SecurityGroupIngress[0].CidrIp = '0.0.0.0/0'
    },
  },
  {
    name: 'a group that lets out everything',
    caughtBy: 'openGroups',
    in: 'network-us-west-2',
    plant: (resources) => {
      delete one(resources, 'EC2::SecurityGroup', (group) => /data/.test(group.GroupDescription)).SecurityGroupEgress
    },
  },
  {
    name: 'an endpoint in the default group',
    caughtBy: 'defaultGroup',
    in: 'network-eu-west-2',
    plant: (resources) => {
      delete one(resources, 'EC2::VPCEndpoint', (endpoint) => endpoint.VpcEndpointType === 'Interface').SecurityGroupIds
    },
  },
  {
    name: 'a peering between jurisdictions',
    caughtBy: 'peerings',
    in: 'peering-eu-central-1-eu-west-1',
    plant: (resources) => {
      Object.assign(one(resources, 'EC2::TransitGatewayPeeringAttachment'), {
        PeerAccountId: '100000000004',
        PeerRegion: 'us-east-1',
      })
    },
  },
  {
    name: 'a peering with Mars',
    caughtBy: 'peerings',
    in: 'peering-eu-central-1-eu-west-1',
    plant: (resources) => {
      one(resources, 'EC2::TransitGatewayPeeringAttachment').PeerRegion = 'eu-mars-1'
    },
  },
]
