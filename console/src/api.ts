// The contract between a gateway and this page. The gateway answers exactly these shapes; names carry their units.

export type State = 'ok' | 'warning' | 'alarm' | 'unknown'
export type Kind =
  'gateway' | 'worker' | 'relay' | 'node' | 'shard' | 'queue' | 'secret' | 'certificate' | 'institution' | 'store'

export interface You {
  principal: string
  /** Actions such as "ops:Read", "ops:Silence", "ops:Acknowledge". */
  may: string[]
}
export interface Jurisdiction {
  name: string
  regions: string[]
  /** Its facts may not be seen with this token. */
  hidden?: boolean
}
export interface Region {
  name: string
  jurisdiction: string
  latitude: number
  longitude: number
  state: State
  /** Age of its facts. */
  seen_s: number | null
  round_trip_us: number | null
  same_map: boolean | null
  figures: {
    requests_per_s: number
    refusals_per_s: number
    statements_per_s: number
    sessions: number
    p99_ms: number | null
  }
}
export type Fact = number | string | boolean | null
export interface Resource {
  kind: Kind
  name: string
  region: string | null
  jurisdiction: string
  shard: string | null
  /** Of a node: "writer" or "reader". */
  role: string | null
  state: State
  summary: string
  facts: Record<string, Fact>
  /** Names that /v1/ops/history knows for it. */
  series: string[]
}
export interface Flow {
  from: string
  to: string
  kind: 'replication' | 'mesh' | 'figures'
  state: State
  summary: string
}
export interface Range {
  from: number
  to: number
  shard: string
  jurisdiction: string
  open: boolean
  people: number | null
  epoch: number
}
export interface Institution {
  name: string
  jurisdiction: string
  shard: string | null
  waiting: number
  documents: number
  batches: number
  unacknowledged_s: number | null
  complete: boolean
}
export interface PrivacyRequest {
  id: string
  shard: string
  jurisdiction: string
  kind: string
  state: string
  asked: string
  due: string
  days_left: number
  extended: boolean
}
export type AlarmState = 'ok' | 'alarm' | 'insufficient'
export type Severity = 'low' | 'medium' | 'high' | 'critical'
export interface Alarm {
  name: string
  region: string | null
  jurisdiction: string | null
  resource: string | null
  state: AlarmState
  /** Milliseconds since 1970. */
  since: number
  value: number | null
  threshold: number | null
  unit: string
  severity: Severity
  /** A sentence: "replica_lag_ms > 10000 for 3 of 5". */
  rule: string
  why: string
  /** Path of a page of the documentation. */
  runbook: string
  silenced_until: number | null
  children: string[]
}
export interface Transition {
  at: number
  name: string
  region: string | null
  resource: string | null
  from: AlarmState
  to: AlarmState
}
export const pillars = ['residency', 'security', 'resilience', 'performance', 'limits', 'operations', 'cost'] as const
export type Pillar = (typeof pillars)[number]
export interface Advice {
  id: string
  check: string
  pillar: Pillar
  severity: 'low' | 'medium' | 'high'
  resource: string
  region: string | null
  jurisdiction: string | null
  title: string
  evidence: string
  why: string
  command: string
  acknowledged: null | { by: string; reason: string; until: string }
}

/** GET /v1/ops/overview. The stream sends the same with only the sections that changed; `at` is always there. */
export interface Overview {
  at: number
  deployment: string
  seen_from: string
  map_epoch: number
  you: You
  jurisdictions: Jurisdiction[]
  regions: Region[]
  resources: Resource[]
  flows: Flow[]
  ranges: Range[]
  institutions: Institution[]
  requests: PrivacyRequest[]
  alarms: Alarm[]
  transitions: Transition[]
  advice: Advice[]
}
export type Update = Partial<Overview> & { at: number }

export type Span = '1h' | '1d' | '4w'
/** GET /v1/ops/history?series=&region=&resource=&range=. A gap is points that are absent. */
export interface History {
  step_s: number
  points: [at: number, average: number, max: number | null][]
}
/** Event `refusal` of GET /v1/ops/refusals. */
export interface Refusal {
  at: number
  region: string
  door: 'http' | 'sql'
  rule: string
  /** A pseudonym, never a user id. */
  subject: string
  count: number
}
/** POST /v1/ops/silences → 204 */
export interface Silence {
  alarm: string
  region: string | null
  resource: string | null
  minutes: number
  reason: string
}
/** POST /v1/ops/acknowledgements → 204 */
export interface Acknowledgement {
  id: string
  reason: string
  /** YYYY-MM-DD */
  until: string
}
export type Verdict = 'allow' | 'deny' | 'undecided'
/** GET /v1/ops/policies/who-can?action=&resource= */
export interface WhoCan {
  principals: { principal: string; verdict: Verdict; conditions: string[] }[]
}
/** POST /v1/ops/policies/simulate */
export interface Question {
  principal: string
  action: string
  resource: string
  context: Record<string, string>
}
export interface Simulation {
  verdict: Verdict
  reasons: { policy: string; statement: string; effect: string; matched: boolean; text: string }[]
}
/** GET /v1/ops/statistics */
export interface Metrics {
  metrics: { name: string; dimensions: string[]; measures: string[]; time: string | null }[]
}
/** GET /v1/stats/{metric}?by=&from=&format=json, as docs/statistics.md has it; sums are decimals in strings. */
export interface Figures {
  metric: string
  by: string[]
  persons_min: number
  as_of: string
  rows: Record<string, string | number | boolean | null>[]
}
/** RFC 9457 */
export interface Problem {
  type: string
  title: string
  status?: number
  detail?: string
  hint?: string
}
