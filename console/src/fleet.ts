// What is selected of the fleet, and in which order; all of it stands in the URL.
import type { Resource, State } from './api.ts'

export interface Filter {
  kind: string
  region: string
  jurisdiction: string
  state: string
  text: string
}
export const filter_names = ['kind', 'region', 'jurisdiction', 'state', 'text'] as const

export function filter_of(query: URLSearchParams): Filter {
  const get = (name: string) => query.get(name) ?? ''
  return {
    kind: get('kind'),
    region: get('region'),
    jurisdiction: get('jurisdiction'),
    state: get('state'),
    text: get('text'),
  }
}

const rank: Record<State, number> = { alarm: 0, warning: 1, unknown: 2, ok: 3 }
export function worst(states: readonly State[]): State {
  return states.reduce<State>((a, b) => (rank[b] < rank[a] ? b : a), 'ok')
}

/** Every word must occur somewhere; "wrong" as a state is everything but ok. */
export function select(resources: readonly Resource[], filter: Filter): Resource[] {
  const words = filter.text.toLowerCase().split(/\s+/).filter(Boolean)
  return resources
    .filter(
      (r) =>
        (!filter.kind || r.kind === filter.kind) &&
        (!filter.region || r.region === filter.region) &&
        (!filter.jurisdiction || r.jurisdiction === filter.jurisdiction) &&
        (!filter.state || r.state === filter.state || (filter.state === 'wrong' && r.state !== 'ok')) &&
        words.every((word) =>
          `${r.kind} ${r.name} ${r.region ?? ''} ${r.jurisdiction} ${r.shard ?? ''} ${r.role ?? ''} ${r.summary}`
            .toLowerCase()
            .includes(word),
        ),
    )
    .sort((a, b) => rank[a.state] - rank[b.state])
}

/** RFC 4180. A cell that a spreadsheet would take for a formula is quoted by an apostrophe. */
export function csv(rows: readonly (readonly unknown[])[]): string {
  const cell = (value: unknown) => {
    let text = value === null || value === undefined ? '' : String(value)
    if (typeof value === 'string' && /^[=+\-@\t\r]/.test(text)) text = `'${text}`
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n'
}
export function fleet_csv(resources: readonly Resource[]): string {
  return csv([
    ['kind', 'name', 'jurisdiction', 'region', 'shard', 'role', 'state', 'summary', 'facts'],
    ...resources.map((r) => [
      r.kind,
      r.name,
      r.jurisdiction,
      r.region,
      r.shard,
      r.role,
      r.state,
      r.summary,
      Object.entries(r.facts)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    ]),
  ])
}

export interface MatrixRow {
  kind: string
  total: number
  cells: { count: number; state: State }[]
}
/** Resources by kind and region; the last column has those without a region. */
export function matrix(resources: readonly Resource[], regions: readonly string[]): MatrixRow[] {
  const column = new Map(regions.map((name, i) => [name, i]))
  const rows = new Map<string, MatrixRow>()
  for (const r of resources) {
    let row = rows.get(r.kind)
    if (!row) {
      row = {
        kind: r.kind,
        total: 0,
        cells: Array.from({ length: regions.length + 1 }, () => ({ count: 0, state: 'ok' as State })),
      }
      rows.set(r.kind, row)
    }
    const cell = row.cells[(r.region !== null ? column.get(r.region) : undefined) ?? regions.length]!
    cell.count++
    cell.state = worst([cell.state, r.state])
    row.total++
  }
  return [...rows.values()]
}
