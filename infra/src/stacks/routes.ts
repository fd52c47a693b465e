// Which site reaches which: peerings inside a jurisdiction and to central, the routes over them, and blackholes for
// everybody else. In stacks of their own, because both ends of a peering must stand before it has a route.
import { CfnCustomResource, Fn, type App } from 'aws-cdk-lib'
import * as ec2 from 'aws-cdk-lib/aws-ec2'
import { CfnHostedZone, CfnRecordSet } from 'aws-cdk-lib/aws-route53'
import { centralOf, links, peersOf, tierCidr, type Deployment, type Site } from '../sites.ts'
import { Layer } from './layer.ts'
import type { Network } from './network.ts'

/** Asked for by `from`; `to` accepts it in its Routes. */
export class Peering extends Layer {
  readonly attachment: ec2.CfnTransitGatewayPeeringAttachment

  constructor(app: App, deployment: Deployment, from: Network, to: Network) {
    super(app, deployment, from.place, 'peering', to.place.id)
    this.after(from, to)
    this.attachment = new ec2.CfnTransitGatewayPeeringAttachment(this, 'Peering', {
      transitGatewayId: from.hub.ref,
      peerTransitGatewayId: to.hub.ref,
      peerRegion: to.place.region,
      peerAccountId: to.place.account,
    })
  }
}

export class Routes extends Layer {
  constructor(
    app: App,
    deployment: Deployment,
    network: Network,
    peerings: Map<string, Peering>,
    central: Network | undefined,
  ) {
    const site = network.place
    super(app, deployment, site, 'routes')
    this.after(network, central === network ? undefined : central)
    const asked = new Map(
      links(deployment).flatMap(([a, b]) =>
        a === site ? [[b.id, `${a.id} ${b.id}`]] : b === site ? [[a.id, `${a.id} ${b.id}`]] : [],
      ),
    )
    const peers = peersOf(deployment, site)
    for (const peer of peers) this.toPeer(network, peer, peerings.get(asked.get(peer.id)!)!)
    for (const stranger of deployment.sites.filter((other) => other !== site && !peers.includes(other)))
      new ec2.CfnTransitGatewayRoute(this, `Blackhole-${stranger.id}`, {
        transitGatewayRouteTableId: network.workload.ref,
        destinationCidrBlock: stranger.cidr,
        blackhole: true,
      })
    if (central && site !== central.place) this.queueName(network, central)
  }

  private toPeer(network: Network, peer: Site, peering: Peering) {
    this.after(peering)
    const accepts = peering.site.id !== network.place.id
    const attachment = accepts
      ? new CfnCustomResource(this, `Accept-${peer.id}`, { serviceToken: network.accepter.attrArn })
      : undefined
    attachment?.addPropertyOverride('AttachmentId', peering.attachment.attrTransitGatewayAttachmentId)
    // The accepter answers with the id it was given, once the peering can carry routes.
    const id = attachment
      ? Fn.getAtt(attachment.logicalId, 'AttachmentId').toString()
      : peering.attachment.attrTransitGatewayAttachmentId
    new ec2.CfnTransitGatewayRouteTableAssociation(this, `Ingress-${peer.id}`, {
      transitGatewayAttachmentId: id,
      transitGatewayRouteTableId: network.ingress.ref,
    })
    new ec2.CfnTransitGatewayRoute(this, `Out-${peer.id}`, {
      transitGatewayRouteTableId: network.workload.ref,
      destinationCidrBlock: peer.cidr,
      transitGatewayAttachmentId: id,
    })
    // Only app subnets speak across regions; data subnets have no route but their own VPC's.
    new ec2.CfnRoute(this, `App-${peer.id}`, {
      routeTableId: network.tables.app.ref,
      destinationCidrBlock: tierCidr(peer, 'app'),
      transitGatewayId: network.hub.ref,
    })
  }

  /** Workers know central's queue by AWS's own name for it; here that name leads to central's endpoint. */
  private queueName(network: Network, central: Network) {
    const name = `sqs.${centralOf(this.deployment)!.region}.amazonaws.com`
    const zone = new CfnHostedZone(this, 'QueueZone', {
      name,
      vpcs: [{ vpcId: network.vpc.ref, vpcRegion: this.region }],
    })
    const [zoneId, dnsName] = [0, 1].map((part) =>
      Fn.select(part, Fn.split(':', Fn.select(0, central.queueEndpoint!.attrDnsEntries))),
    )
    new CfnRecordSet(this, 'QueueRecord', {
      hostedZoneId: zone.ref,
      name,
      type: 'A',
      aliasTarget: { hostedZoneId: zoneId!, dnsName: dnsName! },
    })
  }
}
