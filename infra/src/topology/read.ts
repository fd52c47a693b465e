// The one way from domicile.toml to a Topology: text, schema, rules, and what the stacks need of it.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js'
import { NotAccepted, readDocument, type Value } from './document.ts'
import type { File, FileEdge } from './file.ts'
import { findings } from './rules.ts'

export interface Jurisdiction {
  name: string
  law: string
  countries: string[]
  restOfWorld: boolean
  writer: string
  regions: string[]
}
export interface Region {
  name: string
  jurisdiction: string
  writer: boolean
}
export interface Shard {
  name: string
  jurisdiction: string
  writer: string
  readers: string[]
  existing: boolean
  ranges: [bigint, bigint][]
}
export interface Topology {
  name: string
  database: string
  jurisdictions: Jurisdiction[]
  regions: Region[]
  shards: Shard[]
  central?: { region: string }
  secrets: { name: string; jurisdictions: string[] }[]
  bucket: string
  retainDays: number
  queue: string
  keyAlias: string
  backupDays: number
  edge: EdgeSection
}
/** What every response says, and who is served where; the defaults are those of the C++ reader. */
export interface EdgeSection {
  contentSecurityPolicy: string
  reportOnly: string
  strictTransportSecurity: string
  referrerPolicy: string
  permissionsPolicy: string
  openerPolicy: string
  resourcePolicy: string
  reporting: Record<string, string>
  /** Country to the region that serves it, where it is not its home's writer region. */
  countries: Record<string, string>
  hosts: Record<string, string>
}

const schemaFile = join(dirname(fileURLToPath(import.meta.url)), '../../../docs/domicile.schema.json')
const schema = JSON.parse(readFileSync(schemaFile, 'utf8'))
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(schema)
/** A default of [edge] stands in the schema once, where a C++ test holds it against the reader. */
const edgeDefault = (key: string): string => schema.$defs.edge.properties[key].default ?? ''

/** JSON Schema knows no bigint; that a double rounds does not matter to its bounds. */
function plain(value: Value): unknown {
  if (typeof value === 'bigint') return Number(value)
  if (Array.isArray(value)) return value.map(plain)
  return typeof value === 'object'
    ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]))
    : value
}

/** Three patterns of the schema are narrower than the reader of C++; there the rules decide alone. */
const ruled = ({ instancePath, keyword }: ErrorObject) =>
  /^\/tables\/[^/]+\/(purpose|retention|personal\/[^/]+\/to)$/.test(instancePath) &&
  /^(pattern|minLength)$/.test(keyword)

/** @throws NotAccepted with every finding */
export function readFile(text: string): File {
  const document = readDocument(text)
  validate(plain(document))
  const wrong = (validate.errors ?? []).filter((error) => !ruled(error))
  if (wrong.length > 0)
    throw new NotAccepted(wrong.map((error) => `${error.instancePath || 'the file'} ${error.message}`))
  const file = document as unknown as File
  const found = findings(file)
  if (found.length > 0) throw new NotAccepted(found)
  return file
}

function readEdge(edge: FileEdge = {}): EdgeSection {
  const text = (key: Exclude<keyof FileEdge, 'reporting' | 'countries' | 'hosts'>) => edge[key] ?? edgeDefault(key)
  return {
    contentSecurityPolicy: text('content_security_policy'),
    reportOnly: text('report_only'),
    strictTransportSecurity: text('strict_transport_security'),
    referrerPolicy: text('referrer_policy'),
    permissionsPolicy: text('permissions_policy'),
    openerPolicy: text('cross_origin_opener_policy'),
    resourcePolicy: text('cross_origin_resource_policy'),
    reporting: edge.reporting ?? {},
    countries: edge.countries ?? {},
    hosts: edge.hosts ?? {},
  }
}

/** @throws NotAccepted with every finding */
export function readTopology(text: string): Topology {
  const file = readFile(text)
  const regions = Object.entries(file.regions).map(([name, region]) => ({
    name,
    jurisdiction: region.jurisdiction,
    writer: region.writer === true,
  }))
  return {
    name: file.name,
    database: file.database.name,
    jurisdictions: Object.entries(file.jurisdictions).map(([name, jurisdiction]) => {
      const own = regions.filter((region) => region.jurisdiction === name)
      return {
        name,
        law: jurisdiction.law ?? '',
        countries: jurisdiction.countries ?? [],
        restOfWorld: jurisdiction.rest_of_world === true,
        writer: own.find((region) => region.writer)!.name,
        regions: own.map((region) => region.name),
      }
    }),
    regions,
    shards: Object.entries(file.shards).map(([name, shard]) => ({
      name,
      jurisdiction: file.regions[shard.writer]!.jurisdiction,
      writer: shard.writer,
      readers: shard.readers ?? [],
      existing: shard.nodes !== undefined,
      ranges: shard.ranges,
    })),
    ...(file.central && { central: file.central }),
    secrets: Object.entries(file.secrets ?? {}).map(([name, secret]) => ({
      name,
      jurisdictions: secret.jurisdictions,
    })),
    bucket: file.store?.bucket ?? `domicile-${file.name}`,
    retainDays: Number(file.store?.retain_days ?? 0n),
    queue: file.queue?.name ?? `domicile-${file.name}-figures`,
    keyAlias: file.vault?.key ?? 'alias/domicile',
    backupDays: Number((file.privacy as { backup_days?: bigint } | undefined)?.backup_days ?? 0n),
    edge: readEdge(file.edge),
  }
}

/** Policies that the file names must be there, as for `domicile check`; what they say is checked there only. */
export function loadTopology(path: string): Topology {
  const text = readFileSync(path, 'utf8')
  const file = readFile(text)
  const named = [
    ...Object.values(file.jurisdictions).flatMap((one) => one.guard_rails ?? []),
    ...Object.values(file.tables).flatMap((one) => one.policies ?? []),
    ...Object.values(file.roles ?? {}).flatMap((one) => [...one.policies, ...(one.boundary ?? [])]),
  ]
  const missing = named.filter((name) => !existsSync(join(dirname(path), name)))
  if (missing.length > 0) throw new NotAccepted(missing.map((name) => `${name} is not there; the topology names it`))
  return readTopology(text)
}
