// Where stacks stand: one site for each region of the topology, and one for central, each with an account and
// address space. AWS needs both, the topology has neither: they follow from the order of the file, or from aws.json.
import { createHash } from 'node:crypto'
import { RegionInfo } from 'aws-cdk-lib/region-info'
import type { Topology } from './topology/read.ts'

/** aws.json, all of it optional. */
export interface Settings {
  /** By jurisdiction, "central" and "management". */
  accounts?: Record<string, string>
  /** A /16 by region's name, or "central". */
  cidrs?: Record<string, string>
  databaseInstance?: string
  gatewayInstance?: string
  gateways?: number
  /** S3 bucket with our release, by region: PREFIX-REGION. */
  releaseBucket?: string
  release?: string
  /** ARN, in us-east-1, of the certificate of each jurisdiction's host name; the names are [edge]'s. */
  certificates?: Record<string, string>
}

export interface Site {
  /** The region's name, or "central". */
  id: string
  region: string
  jurisdiction?: string
  writer: boolean
  account: string
  cidr: string
  index: number
}

export interface Deployment {
  topology: Topology
  settings: Settings
  sites: Site[]
  management: string
}

export class NotDeployable extends Error {}

export const appPort = { http: 8443, sql: 7432, mesh: 7901 }
export const databasePort = 5432
export const subnetTiers = ['app', 'data', 'hub'] as const
export type Tier = (typeof subnetTiers)[number]

/** AWS's regions outside of China and the governments' partitions. */
const awsRegions = new Set(
  RegionInfo.regions.filter((region) => region.partition === 'aws').map((region) => region.name),
)

/** The second number of 10.x.0.0/16. */
const second = (cidr: string) => Number(cidr.split('.')[1])

/** The part of a site's address space that a tier has, or one subnet of it. */
export function tierCidr(site: Site, tier: Tier, zone?: number): string {
  const start = { app: 0, data: 64, hub: 128 }[tier]
  if (zone === undefined) return `10.${second(site.cidr)}.${start}.0/18`
  return `10.${second(site.cidr)}.${start + zone * 16}.0/20`
}

/** us-west-1 gives new accounts two zones; Aurora needs no more than two. */
export const zonesOf = (site: Site) => (site.region === 'us-west-1' ? 2 : 3)

export function deploymentOf(topology: Topology, settings: Settings = {}): Deployment {
  const places: Pick<Site, 'id' | 'region' | 'jurisdiction' | 'writer'>[] = [
    ...(topology.central ? [{ id: 'central', region: topology.central.region, writer: true }] : []),
    ...topology.regions.map((region) => ({
      id: region.name,
      region: region.name,
      jurisdiction: region.jurisdiction,
      writer: region.writer,
    })),
  ]
  // Placeholders, by the order of the file; a deployment says its own in aws.json.
  const order = ['management', 'central', ...topology.jurisdictions.map((one) => one.name)]
  const account = (name: string) => settings.accounts?.[name] ?? String(100_000_000_000 + order.indexOf(name))
  const sites = places.map((place, i): Site => {
    if (!awsRegions.has(place.region))
      throw new NotDeployable(`${place.region} is no region of AWS: regions of a deployment there bear AWS's names`)
    // Central keeps 0 even where there is none, so that adding one moves nobody.
    const index = topology.central ? i : i + 1
    const cidr = settings.cidrs?.[place.id] ?? `10.${index}.0.0/16`
    if (!/^10\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])\.0\.0\/16$/.test(cidr))
      throw new NotDeployable(`${place.id}: ${cidr} is no /16 of 10.0.0.0/8; say one in aws.json`)
    return { ...place, index, account: account(place.jurisdiction ?? 'central'), cidr }
  })
  const cidrs = new Set(sites.map((site) => site.cidr))
  if (cidrs.size !== sites.length)
    throw new NotDeployable('two regions have one address space: see "cidrs" in aws.json')
  const owners = new Map<string, string>()
  for (const site of sites) {
    const owner = site.jurisdiction ?? 'central'
    if ((owners.get(site.account) ?? owner) !== owner)
      throw new NotDeployable(
        `account ${site.account} is of ${owners.get(site.account)} and of ${owner}: guard rails are set by account`,
      )
    if (!/^\d{12}$/.test(site.account)) throw new NotDeployable(`${site.account} is no account`)
    owners.set(site.account, owner)
  }
  return { topology, settings, sites, management: account('management') }
}

export const siteOf = (deployment: Deployment, id: string): Site => deployment.sites.find((site) => site.id === id)!
export const centralOf = (deployment: Deployment) => deployment.sites.find((site) => site.id === 'central')
export const homeSites = (deployment: Deployment) => deployment.sites.filter((site) => site.jurisdiction !== undefined)

/** Pairs that may speak: regions of one jurisdiction, and each region with central. The first one asks. */
export function links(deployment: Deployment): [Site, Site][] {
  const all = deployment.sites
  return all.flatMap((a, i) =>
    all
      .slice(i + 1)
      .filter((b) => a.id === 'central' || a.jurisdiction === b.jurisdiction)
      .map((b): [Site, Site] => [a, b]),
  )
}
export const peersOf = (deployment: Deployment, site: Site) =>
  links(deployment).flatMap(([a, b]) => (a === site ? [b] : b === site ? [a] : []))

/** A physical name that is the same on every synth, and short enough for the service. */
export function named(deployment: Deployment, parts: string[], most = 63): string {
  const full = ['domicile', deployment.topology.name, ...parts].join('-')
  if (full.length <= most) return full
  return `${full.slice(0, most - 9).replace(/-+$/, '')}-${createHash('sha256').update(full).digest('hex').slice(0, 8)}`
}
export const roleArn = (deployment: Deployment, site: Site, role: string) =>
  `arn:aws:iam::${site.account}:role/${named(deployment, [site.id, role], 64)}`
export const bucketName = (deployment: Deployment, jurisdiction: string) =>
  `${deployment.topology.bucket}-${jurisdiction}`
export const releaseBucket = (deployment: Deployment, site: Site) =>
  `${deployment.settings.releaseBucket ?? named(deployment, ['release', site.account], 45)}-${site.region}`
export const release = (deployment: Deployment) => deployment.settings.release ?? 'domicile-arm64.zip'
