import { expect, test } from 'vitest'
import type { Resource } from '../src/api.ts'
import { csv, filter_of, matrix, select, worst } from '../src/fleet.ts'
import { link, parse_route } from '../src/route.ts'

const one = (more: Partial<Resource>): Resource => ({
  kind: 'node',
  name: 'eu-1-a',
  region: 'eu-west-1',
  jurisdiction: 'eu',
  shard: 'eu-1',
  role: 'writer',
  state: 'ok',
  summary: 'takes writes',
  facts: {},
  series: [],
  ...more,
})
const some = [
  one({}),
  one({ name: 'eu-1-b', role: 'reader', region: 'eu-central-1', state: 'alarm' }),
  one({
    kind: 'gateway',
    name: 'gateway-us',
    region: 'us-east-1',
    jurisdiction: 'us',
    shard: null,
    role: null,
    state: 'unknown',
  }),
  one({ kind: 'institution', name: 'eu-tax', region: null, shard: null, role: null }),
]
const names = (query: string) => select(some, filter_of(new URLSearchParams(query))).map((r) => r.name)
test('filters', () => {
  expect(names('')).toEqual(['eu-1-b', 'gateway-us', 'eu-1-a', 'eu-tax'])
  expect(names('kind=node&region=eu-west-1')).toEqual(['eu-1-a'])
  expect(names('state=wrong')).toEqual(['eu-1-b', 'gateway-us'])
  expect(names('state=ok&jurisdiction=eu')).toEqual(['eu-1-a', 'eu-tax'])
  expect(names('text=READER+eu-1')).toEqual(['eu-1-b'])
  expect(names('text=nobody')).toEqual([])
})
test('the worst of states', () => {
  expect(worst([])).toBe('ok')
  expect(worst(['ok', 'unknown'])).toBe('unknown')
  expect(worst(['warning', 'alarm', 'ok'])).toBe('alarm')
})
test('the matrix counts each resource once', () => {
  const rows = matrix(some, ['eu-west-1', 'eu-central-1', 'us-east-1'])
  expect(rows.map((row) => [row.kind, row.total, ...row.cells.map((cell) => cell.count)])).toEqual([
    ['node', 2, 1, 1, 0, 0],
    ['gateway', 1, 0, 0, 1, 0],
    ['institution', 1, 0, 0, 0, 1],
  ])
  expect(rows[0]!.cells[1]!.state).toBe('alarm')
})
test('CSV quotes what must be quoted, and no cell is a formula', () => {
  expect(csv([['a,b', 'say "x"', null, -1, '=SUM(A1)', 'a\nb']])).toBe('"a,b","say ""x""",,-1,\'=SUM(A1),"a\nb"\r\n')
})
test('routes', () => {
  expect(link('fleet', { kind: 'node', region: null, text: 'a b&c' })).toBe('#/fleet?kind=node&text=a+b%26c')
  const route = parse_route('#/fleet?kind=node&text=a+b%26c')
  expect(route.page).toBe('fleet')
  expect(route.query.get('text')).toBe('a b&c')
  expect(parse_route('').page).toBe('world')
})
