import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { planOf, shown, type Prices } from '../src/plan.ts'
import { synthesised } from './synthesised.ts'

const here = join(import.meta.dirname, '..')
const prices = JSON.parse(readFileSync(join(here, 'prices.json'), 'utf8')) as Prices
const { stacks, deployment } = synthesised()
const plan = planOf(stacks, deployment, prices)

describe('the plan of the sample', () => {
  test('leaves out no stack and no resource', () => {
    expect(plan.places.reduce((sum, place) => sum + place.stacks, 0)).toBe(stacks.length)
    expect(plan.places.reduce((sum, place) => sum + place.resources, 0)).toBe(plan.resources)
  })
  test('has the instances that the topology names', () => {
    const instances = Object.fromEntries(
      plan.places.map((place) => [
        `${place.jurisdiction} ${place.region}`,
        (place.lines.find((line) => line.item === 'databaseInstance')?.count ?? 0) / 730,
      ]),
    )
    expect(instances).toMatchObject({
      'central eu-west-1': 1,
      'eu eu-west-1': 2,
      'eu eu-central-1': 2,
      'uk eu-west-2': 4,
      'us us-east-1': 1,
      'us us-west-2': 1,
    })
  })
  test('reckons by the price file', () => {
    const line = plan.places
      .find((place) => place.region === 'us-east-1' && place.jurisdiction === 'us')!
      .lines.find((one) => one.item === 'databaseInstance')!
    expect(line.monthly).toBeCloseTo(730 * prices.items.databaseInstance!.price * prices.factor.us!, 2)
    const dearer = planOf(stacks, deployment, {
      ...prices,
      items: { ...prices.items, key: { ...prices.items.key!, price: prices.items.key!.price + 10 } },
    })
    expect(dearer.monthly).toBeGreaterThan(plan.monthly + 60)
    expect(() => planOf(stacks, deployment, { ...prices, items: {} })).toThrow('lacks')
  })
  test('says how old its prices are', () => {
    expect(prices.asOf).toMatch(/^\d{4}-\d{2}$/)
    expect(shown(plan)).toContain(`list prices of ${prices.asOf}`)
  })
  test('is what the command prints, and a bad file ends it', () => {
    const run = (...options: string[]) =>
      spawnSync('npx', ['tsx', 'bin/plan.ts', ...options], { cwd: here, encoding: 'utf8' })
    expect(JSON.parse(run('--json').stdout)).toEqual(JSON.parse(JSON.stringify(plan)))
    const bad = run('-t', join(here, '../tests/clients/single.toml'))
    expect(bad.status).toBe(1)
    expect(bad.stderr).toContain('not TOML')
  })
})
