// The reader in C++ (src/topology) and this one accept and refuse the same files.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { NotAccepted } from '../src/topology/document.ts'
import { readFile, readTopology } from '../src/topology/read.ts'
import { damaged } from './generated.ts'
import { base, harmless, mutations } from './mutations.ts'

const domicile = resolve(process.env.DOMICILE ?? join(import.meta.dirname, '../../build/release/domicile'))
const present = existsSync(domicile)
if (!present)
  console.warn(`SKIPPED: ${domicile} is not there, so nothing holds the two readers together (set DOMICILE)`)

const retail = readFileSync(join(import.meta.dirname, '../../examples/retail/domicile.toml'), 'utf8')
const mutated = ([cut, paste]: [string, string]) => {
  expect(base, `the base holds ${cut}`).toContain(cut)
  return base.replace(cut, () => paste)
}
function verdict(text: string): string[] {
  try {
    readFile(text)
    return []
  } catch (error) {
    if (error instanceof NotAccepted) return error.findings
    throw error
  }
}

describe('the reader', () => {
  test('accepts the sample, and each harmless change', () => {
    expect(verdict(retail)).toEqual([])
    expect(verdict(base)).toEqual([])
    for (const change of harmless) expect(verdict(mutated(change)), change[1]).toEqual([])
  })
  test('refuses each defect, and says something', () => {
    expect(mutations.length).toBeGreaterThan(100)
    for (const change of mutations) expect(verdict(mutated(change)), JSON.stringify(change)).not.toEqual([])
  })
  test('reads the sample as it stands there', () => {
    const topology = readTopology(retail)
    expect(topology.jurisdictions.map(({ name, writer, regions }) => [name, writer, regions])).toEqual([
      ['eu', 'eu-west-1', ['eu-west-1', 'eu-central-1']],
      ['uk', 'eu-west-2', ['eu-west-2']],
      ['us', 'us-east-1', ['us-east-1', 'us-west-2']],
    ])
    expect(topology.shards[0]).toMatchObject({
      name: 'eu-1',
      jurisdiction: 'eu',
      ranges: [[0n, 30_000n]],
      readers: ['eu-central-1'],
    })
  })
})

describe.skipIf(!present)('domicile check', () => {
  let folder: string
  let binary: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'domicile-infra-'))
    // A build that goes on beside the tests may replace the binary under them.
    binary = join(folder, 'domicile')
    copyFileSync(domicile, binary)
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const check = (text: string) => {
    const file = join(folder, 'domicile.toml')
    writeFileSync(file, text)
    const run = spawnSync(binary, ['check', file], { encoding: 'utf8' })
    expect(run.error).toBeUndefined()
    expect([0, 1], run.stderr).toContain(run.status)
    return { good: run.status === 0, says: run.stdout }
  }
  test.each([
    ['the sample', retail],
    ['the base', base],
  ])('agrees about %s', (_, text) => {
    expect(check(text).good).toBe(verdict(text).length === 0)
  })
  test(`agrees about ${mutations.length} defects and ${harmless.length} harmless changes`, () => {
    for (const change of [...mutations, ...harmless]) {
      const text = mutated(change)
      const theirs = check(text)
      expect(
        verdict(text).length === 0,
        `${JSON.stringify(change)}\nC++: ${theirs.says}\nTypeScript: ${verdict(text).join('\n')}`,
      ).toBe(theirs.good)
    }
  })
  test('agrees about 200 randomly damaged files', () => {
    const seed = Number(process.env.SEED ?? 42)
    let good = 0
    for (const text of damaged([base, retail], Number(process.env.FILES ?? 200), seed)) {
      const theirs = check(text)
      good += theirs.good ? 1 : 0
      expect(
        verdict(text).length === 0,
        `seed ${seed}\nC++: ${theirs.says}\nTypeScript: ${verdict(text).join('\n')}\n${text}`,
      ).toBe(theirs.good)
    }
    // Damage that always shows would prove nothing about files that are good.
    expect(good).toBeGreaterThan(5)
  })
})
