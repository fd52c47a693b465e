// What the edge decides and declares, as values. The sources that run there are made from these (source.ts); a
// deployment's default follows from its jurisdictions.
import type { Deployment } from '../sites.ts'

export interface Edge {
  /** Whose edge this is. */
  jurisdiction: string
  /** Country to jurisdiction, of every country that a jurisdiction lists. */
  homes: Record<string, string>
  /** Who takes people of every other country; nobody if empty. */
  restOfWorld: string
  /** Host name of each other jurisdiction's own edge, where known: people of it are sent there. */
  hosts: Record<string, string>
  headers: Record<string, string>
}

export const contentSecurityPolicy =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
export const headers = {
  'content-security-policy': contentSecurityPolicy,
  'strict-transport-security': 'max-age=63072000; includeSubDomains',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
}

export function edgeOf(deployment: Deployment, jurisdiction: string): Edge {
  const { jurisdictions } = deployment.topology
  return {
    jurisdiction,
    homes: Object.fromEntries(jurisdictions.flatMap((one) => one.countries.map((country) => [country, one.name]))),
    restOfWorld: jurisdictions.find((one) => one.restOfWorld)?.name ?? '',
    hosts: Object.fromEntries(
      Object.entries(deployment.settings.hosts ?? {})
        .filter(([name]) => name !== jurisdiction)
        .map(([name, host]) => [name, host.name]),
    ),
    headers,
  }
}
