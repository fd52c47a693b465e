// A picture of what the templates make: regions, networks, hubs and the peerings between them, clusters. Drawn from the
// templates alone; the topology is not asked, so the picture shows a mistake instead of the intention.
import { ofType, resourcesOf, type Resource, type StackTemplate } from './verify/templates.ts'

interface Box {
  id: string
  title: string
  cidr: string
  hub: string
  owner: string
  region: string
  clusters: string[]
  x: number
  y: number
  height: number
}

const width = 320
const gap = 90
const colours = ['#1b6ca8', '#2e7d4f', '#a8561b', '#7b3fa0', '#a81b4c', '#5b6b1b']
const escape = (text: string) =>
  text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;').replace(/"/g, '&quot;')
const tag = (resource: Resource, key: string): string =>
  (resource.properties.Tags ?? []).find((one: any) => one.Key === key)?.Value ?? ''

function clustersIn(resources: Resource[], vpc: Resource): string[] {
  const subnets = new Set(
    ofType(resources, 'AWS::EC2::Subnet')
      .filter((one) => one.properties.VpcId === vpc.id)
      .map((one) => one.id),
  )
  const groups = ofType(resources, 'AWS::RDS::DBSubnetGroup').filter((one) =>
    one.properties.SubnetIds.every((id: string) => subnets.has(id)),
  )
  return groups
    .flatMap((group) =>
      ofType(resources, 'AWS::RDS::DBCluster')
        .filter((one) => one.properties.DBSubnetGroupName === group.id)
        .map((cluster) => {
          const count = ofType(resources, 'AWS::RDS::DBInstance').filter(
            (one) => one.properties.DBClusterIdentifier === cluster.id,
          ).length
          const primary = cluster.properties.MasterUsername !== undefined
          const readers = count - (primary ? 1 : 0)
          return `${cluster.properties.DBClusterIdentifier}: ${[...(primary ? ['writer'] : []), ...(readers > 0 ? [`${readers} reader${readers > 1 ? 's' : ''}`] : [])].join(', ')}`
        }),
    )
    .sort()
}

function boxesOf(resources: Resource[]): Box[] {
  const boxes = ofType(resources, 'AWS::EC2::VPC').map((vpc): Box => {
    const attachment = ofType(resources, 'AWS::EC2::TransitGatewayVpcAttachment').find(
      (one) => one.properties.VpcId === vpc.id,
    )
    const clusters = clustersIn(resources, vpc)
    const name = tag(vpc, 'Name')
      .replace(/^domicile-[a-z0-9]+-/, '')
      .replace(/-vpc$/, '')
    return {
      id: vpc.id,
      title: name === vpc.region ? name : `${name} (${vpc.region})`,
      cidr: vpc.properties.CidrBlock,
      hub: attachment?.properties.TransitGatewayId ?? '',
      owner: tag(vpc, 'domicile:jurisdiction'),
      region: vpc.region,
      clusters,
      x: 0,
      y: 0,
      height: 96 + 18 * clusters.length,
    }
  })
  const owners = [...new Set(boxes.map((box) => box.owner))]
  const central = boxes.filter((box) => box.owner === 'central')
  const others = owners.filter((owner) => owner !== 'central')
  others.forEach((owner, column) => {
    let y = 90
    for (const box of boxes.filter((one) => one.owner === owner)) {
      Object.assign(box, { x: 40 + column * (width + gap), y })
      y += box.height + 50
    }
  })
  const bottom = Math.max(90, ...boxes.map((box) => box.y + box.height))
  for (const box of central) Object.assign(box, { x: 40 + ((others.length - 1) * (width + gap)) / 2, y: bottom + 90 })
  return boxes
}

/** On the edge that faces the others: central's above, everybody's to the right, where lines have room. */
const hubOf = (box: Box) =>
  box.owner === 'central' ? { x: box.x + width / 2, y: box.y } : { x: box.x + width, y: box.y + 40 }

export function pictureOf(stacks: StackTemplate[], title: string): string {
  const resources = resourcesOf(stacks)
  const boxes = boxesOf(resources)
  const owners = [...new Set(boxes.map((box) => box.owner))]
  const right = Math.max(...boxes.map((box) => box.x + width)) + gap
  const bottom = Math.max(...boxes.map((box) => box.y + box.height)) + 40
  const text = (x: number, y: number, content: string, rest = '') =>
    `<text x="${x}" y="${y}" ${rest}>${escape(content)}</text>`
  const lines = ofType(resources, 'AWS::EC2::TransitGatewayPeeringAttachment')
    .map(({ properties }) => {
      const [a, b] = [properties.TransitGatewayId, properties.PeerTransitGatewayId].map((hub) =>
        boxes.find((box) => box.hub === hub),
      )
      if (!a || !b) throw new Error('a peering with a hub that is not there')
      const [from, to] = [hubOf(a), hubOf(b)]
      const figures = a.owner !== b.owner
      // Figures go down beside their column and along one line to central; the mesh bends further out, so that they part.
      const bend = from.x + 66
      const [home, central] = a.owner === 'central' ? [to, from] : [from, to]
      const column = boxes.filter((box) => box.x + width === home.x && box.owner !== 'central')
      const lane = home.x + 20 + 7 * column.findIndex((box) => hubOf(box).y === home.y)
      const path = figures
        ? `M${home.x} ${home.y} H${lane} V${central.y - 50} H${central.x} V${central.y}`
        : `M${from.x} ${from.y} C${bend} ${from.y}, ${bend} ${to.y}, ${to.x} ${to.y}`
      return `<path class="${figures ? 'figures' : 'mesh'}" d="${path}"/>`
    })
    .sort()
  const drawn = boxes.map((box) => {
    const colour =
      box.owner === 'central'
        ? '#555555'
        : colours[owners.filter((owner) => owner !== 'central').indexOf(box.owner) % colours.length]!
    const hub = hubOf(box)
    return [
      `<rect x="${box.x}" y="${box.y}" width="${width}" height="${box.height}" rx="8" fill="${colour}" fill-opacity="0.08" stroke="${colour}"/>`,
      text(box.x + 14, box.y + 26, box.title, `class="title" fill="${colour}"`),
      text(box.x + 14, box.y + 46, `VPC ${box.cidr}, isolated`),
      text(box.x + 14, box.y + 70, 'Aurora', 'class="small"'),
      ...box.clusters.map((cluster, i) => text(box.x + 14, box.y + 90 + 18 * i, cluster, 'class="small"')),
      `<circle cx="${hub.x}" cy="${hub.y}" r="15" fill="#ffffff" stroke="${colour}" stroke-width="2"/>`,
      text(hub.x, hub.y + 4, 'hub', 'class="hub"'),
    ].join('\n')
  })
  const headings = owners
    .filter((owner) => owner !== 'central')
    .map((owner, i) =>
      text(
        boxes.find((box) => box.owner === owner)!.x,
        76,
        owner,
        `class="owner" fill="${colours[i % colours.length]}"`,
      ),
    )
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${right}" height="${bottom}" viewBox="0 0 ${right} ${bottom}">
<style>text{font:13px sans-serif;fill:#222}.title{font-weight:bold;font-size:15px}.owner{font-weight:bold;font-size:18px}.small{font-size:12px}.hub{font-size:10px;text-anchor:middle}path{fill:none;stroke-width:2}.mesh{stroke:#222}.figures{stroke:#999;stroke-dasharray:5 4}</style>
<rect width="${right}" height="${bottom}" fill="#ffffff"/>
${text(40, 34, `${title}: networks, hubs and clusters, as synthesised`, 'class="title"')}
${text(40, 52, 'solid: peering inside a jurisdiction (mesh, port 7901); dashed: figures to central (port 443). Hubs hand nothing on.', 'class="small"')}
${[...headings, ...lines, ...drawn].join('\n')}
</svg>
`
}
