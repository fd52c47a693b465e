// What a deployment would consist of, by jurisdiction and region, and what that costs a month: counted from the
// templates, so that nothing can be deployed without standing here.
import type { Deployment } from './sites.ts'
import { resourcesOf, type Resource, type StackTemplate } from './verify/templates.ts'

export interface Prices {
  asOf: string
  currency: string
  note: string
  regionClass: Record<string, string>
  otherRegionClass: string
  factor: Record<string, number>
  items: Record<string, { unit: string; price: number; what: string }>
  assumed: Record<string, number>
}
export interface Line {
  item: string
  what: string
  count: number
  monthly: number
}
export interface Place {
  jurisdiction: string
  region: string
  stacks: number
  resources: number
  lines: Line[]
  monthly: number
}
export interface Plan {
  name: string
  stacks: number
  resources: number
  places: Place[]
  monthly: number
  prices: { asOf: string; currency: string; note: string }
  assumed: Record<string, number>
  notMade: string[]
}

const hours = 730
const cents = (value: number) => Math.round(value * 100) / 100
type Count = (resources: Resource[], assumed: Record<string, number>) => number
const number =
  (type: string): Count =>
  (resources) =>
    resources.filter((one) => one.type === `AWS::${type}`).length
const times =
  (count: Count, factor: (assumed: Record<string, number>) => number): Count =>
  (resources, assumed) =>
    count(resources, assumed) * factor(assumed)
/** A global database has one primary; what it writes crosses to each secondary. */
const secondaries: Count = (resources) =>
  resources.filter((one) => one.type === 'AWS::RDS::DBCluster' && !one.properties.MasterUsername).length

/** How much of each item of the price file a place has. */
const counts: Record<string, Count> = {
  databaseInstance: times(number('RDS::DBInstance'), () => hours),
  databaseStorage: times(number('RDS::DBCluster'), (assumed) => assumed.databaseGigabytes!),
  databaseRequests: times(number('RDS::DBCluster'), (assumed) => assumed.databaseMillionRequests!),
  globalWrites: times(secondaries, (assumed) => assumed.globalMillionWrites!),
  machine: (resources) =>
    resources
      .filter((one) => one.type === 'AWS::AutoScaling::AutoScalingGroup')
      .reduce((sum, one) => sum + Number(one.properties.MinSize), 0) * hours,
  networkBalancer: times(number('ElasticLoadBalancingV2::LoadBalancer'), () => hours),
  interfaceEndpoint: (resources) =>
    resources
      .filter((one) => one.properties.VpcEndpointType === 'Interface')
      .reduce((sum, one) => sum + one.properties.SubnetIds.length, 0) * hours,
  // Both ends of a peering pay, each for its own attachment.
  hubAttachment: (resources) =>
    resources.filter((one) =>
      [
        'AWS::EC2::TransitGatewayVpcAttachment',
        'AWS::CloudFormation::CustomResource',
        'AWS::EC2::TransitGatewayPeeringAttachment',
      ].includes(one.type),
    ).length * hours,
  hubTraffic: times(number('EC2::TransitGateway'), (assumed) => assumed.hubGigabytes!),
  key: (resources) => resources.filter((one) => /^AWS::KMS::(Replica)?Key$/.test(one.type)).length,
  secret: (resources) =>
    resources
      .filter((one) => one.type === 'AWS::SecretsManager::Secret')
      .reduce((sum, one) => sum + 1 + (one.properties.ReplicaRegions?.length ?? 0), 0),
  alarm: number('CloudWatch::Alarm'),
  compositeAlarm: number('CloudWatch::CompositeAlarm'),
  dashboard: number('CloudWatch::Dashboard'),
  privateZone: number('Route53::HostedZone'),
  firewall: number('WAFv2::WebACL'),
}

export function planOf(stacks: StackTemplate[], deployment: Deployment, prices: Prices): Plan {
  const owner = (account: string) => {
    const site = deployment.sites.find((one) => one.account === account)
    return site ? (site.jurisdiction ?? 'central') : 'organisation'
  }
  const groups = new Map<string, StackTemplate[]>()
  for (const stack of stacks) {
    const key = `${owner(stack.account)} ${stack.region}`
    groups.set(key, [...(groups.get(key) ?? []), stack])
  }
  const everything = resourcesOf(stacks)
  const order = ['central', ...deployment.topology.jurisdictions.map((one) => one.name), 'organisation']
  const places = [...groups]
    .map(([key, own]): Place => {
      const [jurisdiction, region] = key.split(' ') as [string, string]
      const names = new Set(own.map((stack) => stack.name))
      const resources = everything.filter((one) => names.has(one.stack))
      const factor = prices.factor[prices.regionClass[region] ?? prices.otherRegionClass]!
      const lines = Object.entries(counts).flatMap(([item, count]): Line[] => {
        const known = prices.items[item]
        if (!known) throw new Error(`prices.json lacks ${item}`)
        const amount = count(resources, prices.assumed)
        return amount === 0
          ? []
          : [
              {
                item,
                what: `${known.what} (${known.unit})`,
                count: amount,
                monthly: cents(amount * known.price * factor),
              },
            ]
      })
      return {
        jurisdiction,
        region,
        stacks: own.length,
        resources: resources.length,
        lines,
        monthly: cents(lines.reduce((sum, line) => sum + line.monthly, 0)),
      }
    })
    .sort((a, b) => order.indexOf(a.jurisdiction) - order.indexOf(b.jurisdiction) || a.region.localeCompare(b.region))
  return {
    name: deployment.topology.name,
    stacks: stacks.length,
    resources: everything.length,
    places,
    monthly: cents(places.reduce((sum, place) => sum + place.monthly, 0)),
    prices: { asOf: prices.asOf, currency: prices.currency, note: prices.note },
    assumed: prices.assumed,
    notMade: deployment.topology.shards
      .filter((shard) => shard.existing)
      .map((shard) => `${shard.name}: existing servers, named in the topology`),
  }
}

export function shown(plan: Plan): string {
  const money = (value: number) => value.toFixed(2).padStart(10)
  const lines = [`${plan.name}: ${plan.stacks} stacks, ${plan.resources} resources`]
  for (const place of plan.places) {
    lines.push(
      '',
      `${place.jurisdiction}, ${place.region}: ${place.stacks} stack${place.stacks === 1 ? '' : 's'}, ${place.resources} resources${money(place.monthly)} a month`,
    )
    for (const line of place.lines)
      lines.push(`  ${String(line.count).padStart(7)}  ${line.what.padEnd(62)}${money(line.monthly)}`)
  }
  for (const one of plan.notMade) lines.push('', `not made  ${one}`)
  lines.push(
    '',
    `about ${plan.monthly.toFixed(2)} ${plan.prices.currency} a month by list prices of ${plan.prices.asOf} (prices.json), with ${Object.entries(
      plan.assumed,
    )
      .map(([what, amount]) => `${what} = ${amount}`)
      .join(', ')}`,
  )
  return lines.join('\n')
}
