// What a file must satisfy beyond its schema: everything that concerns two places of it at once. Accepts and
// refuses what src/topology/builder*.cpp accepts and refuses; test/reader.test.ts holds the two together.
import type { File, FileTable } from './file.ts'
import {
  bytes,
  canonical,
  isEndpoint,
  isFile,
  isGeneralisation,
  isHost,
  isLoopback,
  isName,
  isPeriod,
  isPrintable,
  isSftp,
  isWildcard,
  readAddress,
  type Address,
} from './words.ts'
import { defaultAlarms, knownFacts } from './operations.ts'

type Finding = (text: string) => void
interface Use {
  who: string
  address: Address
}

const owns = (table: object, key: string) => Object.hasOwn(table, key)
const sharded = (table: FileTable) => table.key !== undefined
const homeOf = (file: File, region: string) => file.regions[region]?.jurisdiction

export function findings(file: File): string[] {
  const all: string[] = []
  const finding: Finding = (text) => all.push(text)
  const uses: Use[] = []
  header(file, finding)
  jurisdictions(file, finding)
  regions(file, uses, finding)
  shards(file, uses, finding)
  ranges(file, finding)
  const nodes = embedded(file, uses, finding)
  addresses(uses, finding)
  tables(file, finding)
  statistics(file, finding)
  documents(file, finding)
  transfers(file, finding)
  identity(file, finding)
  drivers(file, finding)
  secretsAndInstitutions(file, finding)
  mesh(file, nodes, finding)
  edge(file, finding)
  operations(file, finding)
  privacy(file, finding)
  return all
}

function header(file: File, finding: Finding) {
  if (!isPrintable(file.database.migrations)) finding('`migrations` in [database] is not a folder')
  const authority = file.database.node_tls_ca
  if (authority !== undefined && (authority === '' || !isPrintable(authority)))
    finding('`node_tls_ca` in [database] is not a file')
}

function jurisdictions(file: File, finding: Finding) {
  const owner = new Map<string, string>()
  let rest: string | undefined
  for (const [name, jurisdiction] of Object.entries(file.jurisdictions)) {
    for (const country of jurisdiction.countries ?? []) {
      if (owner.has(country)) finding(`country ${country} is listed by ${name} and already by ${owner.get(country)}`)
      owner.set(country, name)
    }
    if (jurisdiction.rest_of_world && rest !== undefined)
      finding(`${name} claims the rest of the world, and so does ${rest}`)
    if (jurisdiction.rest_of_world) rest = name
    files(jurisdiction.guard_rails, `[jurisdictions.${name}]`, finding)
    const own = Object.values(file.regions).filter((region) => region.jurisdiction === name)
    const writers = own.filter((region) => region.writer).length
    if (own.length === 0) finding(`jurisdiction ${name} has no region`)
    else if (writers !== 1) finding(`jurisdiction ${name} has ${writers} writer regions`)
  }
}

function files(names: string[] | undefined, where: string, finding: Finding) {
  for (const name of names ?? []) if (!isFile(name)) finding(`${where} names no file`)
}

function regions(file: File, uses: Use[], finding: Finding) {
  for (const [name, region] of Object.entries(file.regions)) {
    if (!owns(file.jurisdictions, region.jurisdiction))
      finding(`[regions.${name}] names the unknown jurisdiction ${region.jurisdiction}`)
    if (!region.tls_certificate !== !region.tls_key)
      finding(`one of tls_certificate and tls_key in [regions.${name}] is missing`)
    for (const door of ['http', 'sql', 'mesh'] as const) {
      const text = region[door]
      if (text === undefined) continue
      const who = `\`${door}\` in [regions.${name}]`
      const address = readAddress(text)
      if (!address) finding(`${who} is not an address`)
      else if (door !== 'mesh' && !isLoopback(address.host) && region.tls_certificate === undefined)
        finding(`${who} listens on ${address.host} without a certificate`)
      if (address) uses.push({ who, address })
    }
  }
}

function shards(file: File, uses: Use[], finding: Finding) {
  for (const [name, shard] of Object.entries(file.shards)) {
    const known = owns(file.regions, shard.writer)
    const home = homeOf(file, shard.writer)
    if (!known) finding(`[shards.${name}] names the unknown region ${shard.writer}`)
    else if (!file.regions[shard.writer]!.writer)
      finding(`[shards.${name}] does not write in the writer region of ${home}`)
    const stands = (region: string) => {
      if (!owns(file.regions, region)) finding(`[shards.${name}] names the unknown region ${region}`)
      else if (known && homeOf(file, region) !== home)
        finding(`a node of [shards.${name}] would stand abroad, in ${region}`)
    }
    shard.readers?.forEach(stands)
    for (const node of shard.nodes ?? []) {
      const text = typeof node === 'string' ? node : node.address
      if (typeof node !== 'string' && node.region !== undefined) stands(node.region)
      const address = readAddress(text)
      if (!address) finding(`a node of [shards.${name}] is not an address: ${text}`)
      else if (isWildcard(address.host)) finding(`a node of [shards.${name}] has a wildcard address`)
      if (address) uses.push({ who: `a node of [shards.${name}]`, address })
    }
  }
  if (file.central && !owns(file.regions, file.central.region))
    finding(`[central] names the unknown region ${file.central.region}`)
}

function ranges(file: File, finding: Finding) {
  const all = Object.entries(file.shards).flatMap(([shard, { ranges }]) =>
    ranges.map(([from, to]) => ({ shard, from, to })),
  )
  if (all.length > 65_536) finding('more than 65536 ranges')
  for (const { shard, from, to } of all)
    if (from >= to) finding(`empty or reversed range [${from}, ${to}) in [shards.${shard}]`)
  all.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
  let widest = all[0]
  for (const range of all.slice(1)) {
    if (range.from < widest!.to) finding(`ranges of ${widest!.shard} and ${range.shard} overlap at ${range.from}`)
    if (range.to > widest!.to) widest = range
  }
}

const ownedSettings = new Set([
  'port',
  'listen_addresses',
  'hba_file',
  'ident_file',
  'config_file',
  'include',
  'include_dir',
  'include_if_exists',
  'data_directory',
  'external_pid_file',
  'wal_level',
  'hot_standby',
  'password_encryption',
  'fsync',
  'full_page_writes',
  'cluster_name',
  'restore_command',
])
const ownedPrefixes = ['unix_socket_', 'ssl', 'primary_', 'recovery_target', 'krb_', 'domicile']

/** Checks [embedded], adds the addresses its nodes take, and says how many nodes there are in all. */
function embedded(file: File, uses: Use[], finding: Finding): number {
  const section = file.embedded ?? {}
  const listen = section.listen ?? '127.0.0.1'
  if (!isHost(listen) || isWildcard(listen)) finding('`listen` in [embedded] is not a host')
  const seen = new Set<string>()
  const flat = Object.entries(section.settings ?? {}).flatMap(([name, value]) =>
    typeof value === 'object'
      ? Object.entries(value).map(([inner, item]) => [`${name}.${inner}`, item] as const)
      : [[name, value] as const],
  )
  for (const [name, value] of flat) {
    if (!/^[a-z_.]+$/.test(name)) finding(`malformed setting name ${name}`)
    if (ownedSettings.has(name) || ownedPrefixes.some((prefix) => name.startsWith(prefix)))
      finding(`setting ${name} is set by domicile itself`)
    if (typeof value === 'string' && !isPrintable(value))
      finding(`the value of setting ${name} holds a control character`)
    if (seen.has(name)) finding(`setting ${name} stands twice`)
    seen.add(name)
  }
  const made =
    Object.values(file.shards).reduce((sum, shard) => sum + (shard.nodes ? 0 : 1 + (shard.readers?.length ?? 0)), 0) +
    (file.central ? 1 : 0)
  const nodes = made + Object.values(file.shards).reduce((sum, shard) => sum + (shard.nodes?.length ?? 0), 0)
  if (nodes > 16_384) finding('more than 16384 nodes')
  if (made === 0) return nodes
  const first = section.first_port
  if (first === undefined) finding('[embedded] lacks `first_port`')
  else if (Number(first) + made - 1 > 65_535) finding('the embedded nodes need more ports than there are')
  else
    for (let i = 0; i < made; i += 1)
      uses.push({ who: 'an embedded node', address: { host: listen, port: Number(first) + i } })
  return nodes
}

function addresses(uses: Use[], finding: Finding) {
  const taken = new Map<string, string>()
  for (const { who, address } of uses) {
    const key = canonical(address)
    if (taken.has(key)) finding(`${who} takes ${address.host}:${address.port}, which ${taken.get(key)} has already`)
    else taken.set(key, who)
  }
}

function tables(file: File, finding: Finding) {
  const people: string[] = []
  for (const [name, table] of Object.entries(file.tables)) {
    if (table.shard !== undefined && !owns(file.shards, table.shard))
      finding(`[tables.${name}] names the unknown shard ${table.shard}`)
    if (name === '*') continue
    const where = `[tables.${name}]`
    const kinds = [table.key !== undefined, table.reference === true, table.shard !== undefined].filter(Boolean).length
    if (kinds !== 1) finding(`${where} has ${kinds} of key, reference, shard`)
    if (table.person) people.push(name)
    if (table.person && !sharded(table)) finding(`the person table ${name} is not sharded`)
    if (table.country !== undefined && !table.person) finding(`country in ${where}, which is not the person table`)
    if (table.personal && !sharded(table)) finding(`personal columns in ${where}, whose rows belong to nobody`)
    for (const [column, rule] of Object.entries(table.personal ?? {})) {
      if (column === table.key) finding(`the key of ${where} cannot be personal`)
      const generalised = rule.erase === 'generalise'
      if (rule.to !== undefined && (!generalised || !isGeneralisation(rule.to)))
        finding(`to of ${name}.${column} is ${rule.to}`)
      if (rule.to === undefined && generalised) finding(`${name}.${column} is generalised, to nothing`)
    }
    if (!sharded(table) && (table.purpose !== undefined || table.retention !== undefined))
      finding(`purpose or retention in ${where}, whose rows belong to nobody`)
    if (table.retained_from !== undefined && table.retention === undefined)
      finding(`retained_from in ${where} without retention`)
    if (table.retention && !isPeriod(table.retention)) finding(`retention in ${where} is no period`)
    files(table.policies, where, finding)
  }
  if (people.length !== 1) finding(`${people.length} tables hold the people`)
}

function statistics(file: File, finding: Finding) {
  const counted = new Set<string>()
  for (const [name, statistic] of Object.entries(file.statistics ?? {})) {
    const where = `[statistics.${name}]`
    const table =
      statistic.table !== '*' && owns(file.tables, statistic.table) ? file.tables[statistic.table] : undefined
    if (!table) finding(`${where} names the unknown table ${statistic.table}`)
    if (table?.reference && !sharded(table)) finding(`${where} counts a reference table`)
    const { by = [], sums = [], time, bucket, histogram, bounds } = statistic
    for (const column of [...by, ...sums, time, histogram])
      if (column !== undefined && table && (column === table.key || owns(table.personal ?? {}, column)))
        finding(`${where} uses ${column}: figures contain no person`)
    if (bucket !== undefined && time === undefined) finding(`bucket in ${where} has no time`)
    if (bounds?.some((bound, i) => i > 0 && bound <= bounds[i - 1]!)) finding(`bounds in ${where} must grow`)
    if (bounds?.length === 0) finding(`bounds in ${where} is empty`)
    if ((histogram === undefined) !== (bounds === undefined)) finding(`${where} has only one of histogram and bounds`)
    if (counted.has(statistic.table)) finding(`${where} is a second figure of ${statistic.table}`)
    counted.add(statistic.table)
    const dimensions = [
      ...by,
      ...(time === undefined ? [] : [bucket ?? 'month']),
      ...(histogram === undefined ? [] : [`${histogram}_range`]),
    ]
    if (new Set(dimensions).size !== dimensions.length) finding(`${where} has two dimensions of one name`)
  }
}

const isTable = (file: File, name: string) => name !== '*' && owns(file.tables, name)

function documents(file: File, finding: Finding) {
  for (const [name, layout] of Object.entries(file.documents ?? {})) {
    const where = `[documents.${name}]`
    if (!isTable(file, name)) finding(`${where} names an unknown table`)
    else if (!file.tables[name]!.audit?.length) finding(`no event of ${name} is audited`)
    if (layout.title !== undefined && (!isPrintable(layout.title) || bytes(layout.title) > 200))
      finding(`title in ${where} is no line of text`)
    if (layout.lines !== undefined && !isTable(file, layout.lines)) finding(`${where} lists rows of an unknown table`)
    else if (layout.lines !== undefined && !sharded(file.tables[layout.lines]!))
      finding(`lines in ${where} is not sharded`)
    for (const key of ['by', 'columns'] as const)
      if ((layout[key] === undefined) !== (layout.lines === undefined))
        finding(`${where} has only one of lines and ${key}`)
  }
}

function transfers(file: File, finding: Finding) {
  for (const { from, to, tables } of file.transfers ?? []) {
    for (const end of [from, to])
      if (!owns(file.jurisdictions, end)) finding(`[[transfers]] names the unknown jurisdiction ${end}`)
    if (from === to) finding(`a transfer from ${from} to itself`)
    for (const table of tables) if (!isTable(file, table)) finding(`[[transfers]] names the unknown table ${table}`)
  }
}

const isText = (text: string) => text !== '' && isPrintable(text) && bytes(text) <= 512

function identity(file: File, finding: Finding) {
  const section = file.identity ?? {}
  if (section.audience !== undefined && !isText(section.audience)) finding('audience in [identity] is no line of text')
  if (section.client_ca !== undefined && !isText(section.client_ca)) finding('client_ca in [identity] is not a file')
  if (section.clients && section.client_ca === undefined) finding('[[identity.clients]] without client_ca')
  const twice = (names: string[], what: string) => {
    if (new Set(names).size !== names.length) finding(`${what} stands twice`)
  }
  twice(
    (section.clients ?? []).map((client) => client.name),
    'a client',
  )
  twice(
    (section.issuers ?? []).map((issuer) => issuer.issuer),
    'an issuer',
  )
  const places = [
    ...(section.clients ?? []).map((client) => client.jurisdiction),
    ...(section.issuers ?? []).flatMap((issuer) => issuer.jurisdictions),
  ]
  for (const name of places)
    if (!owns(file.jurisdictions, name)) finding(`[identity] names the unknown jurisdiction ${name}`)
  for (const { issuer, jwks, jwks_ca } of section.issuers ?? []) {
    if (!isText(issuer) || issuer.startsWith('domicile:')) finding(`issuer cannot be ${issuer}`)
    const url = jwks.includes('://')
    if (!isText(jwks) || (url && !jwks.startsWith('https://')))
      finding(`jwks of ${issuer} is neither a file nor an https URL`)
    if (jwks_ca !== undefined && (!url || !isText(jwks_ca))) finding(`jwks_ca of ${issuer} names no authority of a URL`)
  }
  for (const [name, role] of Object.entries(file.roles ?? {}))
    files([...role.policies, ...(role.boundary ?? [])], `[roles.${name}]`, finding)
}

/** [vault], [queue], [store]: keys that mean something to the driver of AWS only. */
function drivers(file: File, finding: Finding) {
  const cloud = { vault: 'aws', queue: 'sqs', store: 's3' } as const
  for (const [name, driver] of Object.entries(cloud) as [keyof typeof cloud, string][]) {
    const section: Record<string, unknown> = { ...file[name] }
    if (section.endpoint !== undefined && !isEndpoint(section.endpoint as string))
      finding(`endpoint in [${name}] is no https URL`)
    if (section.driver !== driver && Object.keys(section).some((key) => key !== 'driver'))
      finding(`keys in [${name}] mean nothing to its driver`)
  }
  const key = file.vault?.key
  if (key !== undefined && (!isPrintable(key) || bytes(key) > 256)) finding('key in [vault] is no key')
}

function secretsAndInstitutions(file: File, finding: Finding) {
  for (const [name, secret] of Object.entries(file.secrets ?? {}))
    for (const place of secret.jurisdictions)
      if (!owns(file.jurisdictions, place)) finding(`[secrets.${name}] names the unknown jurisdiction ${place}`)
  for (const [name, one] of Object.entries(file.institutions ?? {})) {
    const where = `[institutions.${name}]`
    if (!owns(file.jurisdictions, one.jurisdiction))
      finding(`${where} names the unknown jurisdiction ${one.jurisdiction}`)
    for (const table of one.documents)
      if (!isTable(file, table) || !file.tables[table]!.audit?.length)
        finding(`${where}: no event of ${table} is audited`)
    const { deliver, credential, host_key } = one
    const local = deliver.startsWith('directory:/') || (deliver.startsWith('directory:') && isName(deliver.slice(10)))
    const clear = deliver.startsWith('http://127.0.0.1:') || deliver.startsWith('http://localhost:')
    const sftp = isSftp(deliver)
    if (!isPrintable(deliver) || bytes(deliver) > 2_000 || !(local || clear || sftp || deliver.startsWith('https://')))
      finding(`deliver in ${where} is ${deliver}`)
    if (credential !== undefined && !file.secrets?.[credential]?.jurisdictions.includes(one.jurisdiction))
      finding(`credential in ${where} names no secret of its jurisdiction`)
    if (sftp && (credential === undefined || host_key === undefined))
      finding(`${where} delivers by SFTP without credential or host_key`)
    if (!sftp && host_key !== undefined) finding(`host_key in ${where} means nothing but to SFTP`)
  }
}

function mesh(file: File, nodes: number, finding: Finding) {
  const all = Object.values(file.regions)
  const meshed = all.filter((region) => region.mesh !== undefined)
  if (file.mesh && meshed.length === 0) finding('[mesh] without a region that has mesh')
  if (!file.mesh && meshed.length > 0) finding('regions have mesh, but there is no [mesh]')
  if (file.mesh && Number(file.mesh.first_port) > Math.max(1_024, 65_536 - all.length * nodes))
    finding('first_port in [mesh] leaves too few ports')
  for (const [name, region] of Object.entries(file.regions))
    if (region.mesh === undefined && meshed.some((other) => other.jurisdiction === region.jurisdiction))
      finding(`${name} has no mesh, but another region of its jurisdiction has`)
}

/** The home of people of a country: who lists it, else who takes the rest of the world. */
export const homeOfCountry = (file: Pick<File, 'jurisdictions'>, country: string) => {
  const all = Object.entries(file.jurisdictions)
  return (all.find(([, one]) => one.countries?.includes(country)) ?? all.find(([, one]) => one.rest_of_world))?.[0]
}

function edge(file: File, finding: Finding) {
  const section = file.edge ?? {}
  for (const [name, url] of Object.entries(section.reporting ?? {})) {
    const address = url.startsWith('http://') ? readAddress(url.slice(7).split(/[/?#]/)[0]!) : undefined
    if (!url.startsWith('https://') && !(address && isLoopback(address.host)))
      finding(`the reporting endpoint ${name} is no URL that browsers report to`)
  }
  for (const [country, region] of Object.entries(section.countries ?? {}))
    if (!owns(file.regions, region)) finding(`\`countries\` in [edge] names the unknown region ${region}`)
    else if (homeOf(file, region) !== homeOfCountry(file, country))
      finding(`people of ${country} would be served abroad, in ${region}`)
  for (const [name, host] of Object.entries(section.hosts ?? {})) {
    if (!owns(file.jurisdictions, name)) finding(`\`hosts\` in [edge] names the unknown jurisdiction ${name}`)
    if (!isHost(host)) finding(`${host} in [edge] is no host name`)
  }
  const hosts = Object.values(section.hosts ?? {})
  if (new Set(hosts).size !== hosts.length) finding('two jurisdictions have one host')
}

function privacy(file: File, finding: Finding) {
  if (!file.privacy || file.privacy.strict === false) return
  for (const [name, table] of Object.entries(file.tables)) {
    if (name === '*' || !sharded(table)) continue
    if (!table.purpose || !table.retention) finding(`${name} holds people's rows without purpose or retention`)
    for (const [column, rule] of Object.entries(table.personal ?? {}))
      if (rule.class === undefined) finding(`${name}.${column} has no class`)
  }
}

/** "2026-12-01T04:00Z" in ms; NaN for anything else. */
function instant(text: string): number {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-5][0-9]Z$/.test(text)) return NaN
  const at = Date.parse(text)
  return Number.isNaN(at) || !new Date(at).toISOString().startsWith(text.slice(0, 16)) ? NaN : at
}

function channels(file: File, finding: Finding) {
  const isMail = (text: string) => text.includes('@') && isPrintable(text) && bytes(text) <= 254
  for (const [name, one] of Object.entries(file.notify ?? {})) {
    const where = `[notify.${name}]`
    if ([one.webhook, one.mail, one.command].filter((way) => way !== undefined).length !== 1)
      finding(`${where} does not say one way to tell somebody`)
    if (one.webhook !== undefined) {
      const clear = one.webhook.startsWith('http://') ? one.webhook.slice(7).split('/')[0]! : undefined
      const host = clear === undefined ? undefined : readAddress(clear)
      if (!isPrintable(one.webhook) || !(one.webhook.startsWith('https://') || (host && isLoopback(host.host))))
        finding(`webhook in ${where} is no https URL`)
    } else if (one.mail !== undefined) {
      const at = one.mail.indexOf('://')
      const host = at < 0 ? undefined : readAddress(one.mail.slice(at + 3))
      const safe = one.mail.startsWith('smtps://') || (one.mail.startsWith('smtp://') && host && isLoopback(host.host))
      if (!host || !safe) finding(`mail in ${where} is no mail server`)
    } else if (one.command !== undefined && !one.command[0]) finding(`command in ${where} names no program`)
    if ((one.from !== undefined) !== (one.mail !== undefined) || (one.to !== undefined) !== (one.mail !== undefined))
      finding(`from and to in ${where} go with mail`)
    for (const address of [...(one.to ?? []), ...(one.from === undefined ? [] : [one.from])])
      if (!isMail(address)) finding(`${address} in ${where} is no mail address`)
  }
}

function operations(file: File, finding: Finding) {
  channels(file, finding)
  const known = (name: string) => defaultAlarms.includes(name) || owns(file.alarms ?? {}, name)
  for (const [name, alarm] of Object.entries(file.alarms ?? {})) {
    const where = `[alarms.${name}]`
    const tests = [alarm.above, alarm.below, alarm.rate_above, alarm.absent_s].filter((one) => one !== undefined).length
    const composite = [alarm.any_of, alarm.all_of, alarm.none_of].some((list) => list !== undefined)
    if (alarm.fact !== undefined && !knownFacts.includes(alarm.fact)) finding(`${where} tests an unknown fact`)
    if (tests > 1 || (composite && (tests > 0 || alarm.fact !== undefined))) finding(`${where} has several tests`)
    if (!composite && !defaultAlarms.includes(name) && (tests !== 1 || alarm.fact === undefined))
      finding(`${where} tests nothing`)
    const inherited = name === 'trouble-spreads'
    if (composite && !inherited && !alarm.any_of?.length && !alarm.all_of?.length)
      finding(`${where} waits for no alarm`)
    if (inherited && composite && alarm.any_of?.length === 0 && !alarm.all_of?.length)
      finding(`${where} waits for no alarm`)
    for (const other of [...(alarm.any_of ?? []), ...(alarm.all_of ?? []), ...(alarm.none_of ?? [])])
      if (other === name || !known(other)) finding(`${where} names the unknown alarm ${other}`)
    if (alarm.for !== undefined) {
      const [m, n] = alarm.for.split(' of ').map(Number) as [number, number]
      if (!(m >= 1 && m <= n && n <= 60)) finding(`for in ${where} is no share of periods`)
    }
    if (alarm.regions !== undefined && !composite && !inherited) finding(`regions in ${where} means nothing`)
    for (const channel of alarm.notify ?? [])
      if (!owns(file.notify ?? {}, channel)) finding(`${where} tells the unknown channel ${channel}`)
  }
  for (const [name, work] of Object.entries(file.maintenance ?? {})) {
    const where = `[maintenance.${name}]`
    const [from, until] = [instant(work.from), instant(work.until)]
    if (Number.isNaN(from) || Number.isNaN(until)) finding(`${where} has no times`)
    else if (until <= from) finding(`${where} ends before it begins`)
    for (const region of work.regions ?? [])
      if (!owns(file.regions, region)) finding(`${where} names the unknown region ${region}`)
  }
}
