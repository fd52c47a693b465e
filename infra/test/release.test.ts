// The zip that functions and instances start from.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { retailFile } from './synthesised.ts'

const zips = spawnSync('zip', ['-v']).status === 0
if (!zips) console.warn('SKIPPED: zip is not installed')
const folder = mkdtempSync(join(tmpdir(), 'domicile-infra-'))
afterAll(() => rmSync(folder, { recursive: true }))
const pack = join(import.meta.dirname, '../release/pack')
/** An ELF header of that machine, and nothing behind it. */
function program(machine: number): string {
  const file = join(folder, `program-${machine}`)
  writeFileSync(
    file,
    Buffer.concat([
      Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]),
      Buffer.alloc(9),
      Buffer.from([2, 0, machine, 0]),
      Buffer.alloc(44),
    ]),
  )
  return file
}

describe.skipIf(!zips)('release/pack', () => {
  test('makes the same bytes of the same input', () => {
    const made = ['a.zip', 'b.zip'].map((name) => {
      const run = spawnSync(pack, [program(183), retailFile, join(folder, name)], { encoding: 'utf8' })
      expect(run.stderr).toBe('')
      return readFileSync(join(folder, name))
    })
    expect(made[0]!.length).toBeGreaterThan(500)
    expect(made[0]!.equals(made[1]!)).toBe(true)
    expect(made[0]!.includes('bootstrap')).toBe(true)
  })
  test.each([
    [62, 'x86-64'],
    [40, '32-bit ARM'],
  ])('refuses machine %i (%s)', (machine) => {
    const run = spawnSync(pack, [program(machine), retailFile, join(folder, 'c.zip')], { encoding: 'utf8' })
    expect(run.status).toBe(1)
    expect(run.stderr).toContain('no arm64 program')
    expect(existsSync(join(folder, 'c.zip'))).toBe(false)
  })
  test('refuses what is no program', () =>
    expect(spawnSync(pack, [retailFile, retailFile, join(folder, 'd.zip')]).status).toBe(1))
})
