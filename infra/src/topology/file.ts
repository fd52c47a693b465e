// The file as its schema promises it. Only keys that some rule or stack reads; integers are bigint, because user
// ids reach 2^63 - 1.
type Named<T> = Record<string, T>

export interface File {
  name: string
  database: { name: string; migrations: string; node_tls_ca?: string }
  jurisdictions: Named<{ law?: string; countries?: string[]; rest_of_world?: boolean; guard_rails?: string[] }>
  regions: Named<FileRegion>
  shards: Named<FileShard>
  central?: { region: string }
  embedded?: { listen?: string; first_port?: bigint; settings?: Named<Setting | Named<Setting>> }
  tables: Named<FileTable>
  statistics?: Named<{
    table: string
    by?: string[]
    sums?: string[]
    time?: string
    bucket?: string
    histogram?: string
    bounds?: bigint[]
  }>
  documents?: Named<{ title?: string; lines?: string; by?: string[]; columns?: string[] }>
  institutions?: Named<{
    jurisdiction: string
    documents: string[]
    deliver: string
    credential?: string
    host_key?: string
  }>
  transfers?: { from: string; to: string; tables: string[] }[]
  privacy?: { strict?: boolean }
  identity?: {
    audience?: string
    client_ca?: string
    clients?: { name: string; jurisdiction: string }[]
    issuers?: { issuer: string; jwks: string; jwks_ca?: string; jurisdictions: string[] }[]
  }
  roles?: Named<{ policies: string[]; boundary?: string[] }>
  vault?: { driver?: string; endpoint?: string; key?: string }
  secrets?: Named<{ jurisdictions: string[] }>
  queue?: { driver?: string; endpoint?: string; name?: string }
  store?: { driver?: string; endpoint?: string; bucket?: string; retain_days?: bigint }
  mesh?: { first_port: bigint }
  edge?: FileEdge
  alarms?: Named<FileAlarm>
  notify?: Named<{ webhook?: string; mail?: string; command?: string[]; from?: string; to?: string[] }>
  maintenance?: Named<{ from: string; until: string; regions?: string[] }>
}
export interface FileAlarm {
  fact?: string
  above?: bigint
  below?: bigint
  rate_above?: bigint
  absent_s?: bigint
  for?: string
  any_of?: string[]
  all_of?: string[]
  none_of?: string[]
  regions?: bigint
  notify?: string[]
}
export interface FileEdge {
  content_security_policy?: string
  report_only?: string
  strict_transport_security?: string
  referrer_policy?: string
  permissions_policy?: string
  cross_origin_opener_policy?: string
  cross_origin_resource_policy?: string
  reporting?: Named<string>
  countries?: Named<string>
  hosts?: Named<string>
}
type Setting = string | bigint | boolean
export interface FileRegion {
  jurisdiction: string
  writer?: boolean
  http: string
  sql: string
  mesh?: string
  tls_certificate?: string
  tls_key?: string
}
export interface FileShard {
  ranges: [bigint, bigint][]
  open?: boolean
  writer: string
  readers?: string[]
  nodes?: (string | { address: string; region?: string })[]
}
export interface FileTable {
  key?: string
  reference?: boolean
  shard?: string
  person?: boolean
  country?: string
  personal?: Named<{ erase: string; to?: string; class?: string }>
  audit?: string[]
  policies?: string[]
  purpose?: string
  retention?: string
  retained_from?: string
}
