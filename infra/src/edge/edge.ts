// What the edge decides and declares, as values, from the topology alone: [edge] and the jurisdictions' countries. The
// sources that run there are made from these (source.ts).
import type { Deployment } from '../sites.ts'
import type { EdgeSection } from '../topology/read.ts'

export interface Edge {
  /** Whose edge this is. */
  jurisdiction: string
  /** Country to jurisdiction, of every country that a jurisdiction lists. */
  homes: Record<string, string>
  /** Who takes people of every other country; nobody if empty. */
  restOfWorld: string
  /** Host name of each other jurisdiction's own edge, where known: people of it are sent there. */
  hosts: Record<string, string>
  /** Country to the region of this jurisdiction that serves it, where that is not the writer region. */
  regions: Record<string, string>
  /** What every response carries that is no page of the door's: names as the door writes them. */
  headers: Record<string, string>
}

/** As src/edge/headers.cpp does it: without sources that hold a nonce; a list that would be empty becomes 'none'. */
export function withoutNonce(policy: string): string {
  if (!policy.includes('{nonce}')) return policy
  return policy
    .split(';')
    .map((directive) => directive.split(' ').filter((word) => word !== ''))
    .filter((words) => words.length > 0)
    .map(([name, ...values]) => {
      const kept = values.filter((value) => !value.includes('{nonce}'))
      return [name, ...(kept.length === 0 && values.length > 0 ? ["'none'"] : kept)].join(' ')
    })
    .join('; ')
}

/** The list of src/edge/headers.cpp, over TLS; test/edge.test.ts holds the two together. */
export function headersOf(edge: EdgeSection, page: boolean): Record<string, string> {
  const policy = (text: string) => (page ? text : withoutNonce(text))
  const endpoints = Object.entries(edge.reporting).map(([name, url]) => `${name}="${url}"`)
  return {
    'Content-Security-Policy': policy(edge.contentSecurityPolicy),
    ...(edge.reportOnly && { 'Content-Security-Policy-Report-Only': policy(edge.reportOnly) }),
    'Strict-Transport-Security': edge.strictTransportSecurity,
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': edge.referrerPolicy,
    'Permissions-Policy': edge.permissionsPolicy,
    'Cross-Origin-Opener-Policy': edge.openerPolicy,
    'Cross-Origin-Resource-Policy': edge.resourcePolicy,
    ...(endpoints.length > 0 && { 'Reporting-Endpoints': endpoints.join(', ') }),
  }
}

export function edgeOf(deployment: Deployment, jurisdiction: string): Edge {
  const { jurisdictions, regions, edge } = deployment.topology
  const own = jurisdictions.find((one) => one.name === jurisdiction)!
  return {
    jurisdiction,
    homes: Object.fromEntries(jurisdictions.flatMap((one) => one.countries.map((country) => [country, one.name]))),
    restOfWorld: jurisdictions.find((one) => one.restOfWorld)?.name ?? '',
    hosts: Object.fromEntries(Object.entries(edge.hosts).filter(([name]) => name !== jurisdiction)),
    regions: Object.fromEntries(
      Object.entries(edge.countries).filter(
        ([, region]) =>
          region !== own.writer && regions.find((one) => one.name === region)!.jurisdiction === jurisdiction,
      ),
    ),
    headers: headersOf(edge, false),
  }
}
