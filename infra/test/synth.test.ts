// The synth itself: the same twice, without asking anybody, within AWS's limits, and clean by others' rules.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { appOf } from '../src/app.ts'
import { acknowledged, wildcards } from '../src/acknowledged.ts'
import { addRulePacks, report } from '../src/checked.ts'
import { loadTopology } from '../src/topology/read.ts'
import { cloudFormation } from '../src/verify/cloudformation.ts'
import { check } from '../src/verify/checks.ts'
import { large } from './large.ts'
import { outdir, retailFile, synthesised } from './synthesised.ts'

const folders: string[] = []
const synth = (...of: Parameters<typeof synthesised>) => {
  const made = synthesised(...of)
  folders.push(made.folder)
  return made
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })))
const first = synth()

describe('synth', () => {
  test('is the same, byte for byte, of two processes', () => {
    const folderOf = () => {
      const folder = outdir()
      folders.push(folder)
      const run = spawnSync('npx', ['tsx', 'bin/app.ts'], {
        cwd: join(import.meta.dirname, '..'),
        encoding: 'utf8',
        env: { ...process.env, CDK_VALIDATION: 'false', CDK_OUTDIR: folder },
      })
      expect(run.status, run.stderr).toBe(0)
      return Object.fromEntries(readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')]))
    }
    const one = folderOf()
    expect(Object.keys(one).length).toBeGreaterThan(first.stacks.length)
    expect(folderOf()).toEqual(one)
  })
  test('looks nothing up', () => {
    expect(first.assembly.manifest.missing).toBeUndefined()
  })
  test('carries no file: what runs is our release, named', () => {
    expect(readdirSync(first.folder).filter((name) => name.startsWith('asset.'))).toEqual([])
  })
  test('deploys in an order in which what is read is there', () => {
    const depends = new Map(first.assembly.stacks.map((stack) => [stack.stackName, new Set<string>()]))
    const visit = (name: string, into: Set<string>) => {
      for (const { id } of first.assembly.stacks.find((stack) => stack.stackName === name)!.dependencies)
        if (depends.has(id) && !into.has(id)) {
          into.add(id)
          visit(id, into)
        }
    }
    for (const [name, all] of depends) visit(name, all)
    for (const stack of first.stacks) {
      expect(depends.get(stack.name), `${stack.name} waits for itself`).not.toContain(stack.name)
      for (const [, read] of JSON.stringify(stack.template).matchAll(/"Fn::GetStackOutput":\{"StackName":"([^"]+)"/g))
        expect(depends.get(stack.name), `${stack.name} reads ${read}`).toContain(read)
    }
  })
  test('stays far below the limits', () => {
    const resources = first.stacks.map((stack) => Object.keys(stack.template.Resources ?? {}).length)
    console.log(
      `retail: ${first.stacks.length} stacks, ${resources.reduce((a, b) => a + b)} resources, at most ${Math.max(...resources)} in one`,
    )
    expect(check(first.stacks, first.deployment, ['limits'])).toEqual({})
  })
  test("is clean by CloudFormation's own rules, unknown values included", () => {
    expect(cloudFormation(first.stacks)).toEqual([])
  })
  test('is clean by AwsSolutions and NIST 800-53 R5, but for what is acknowledged', () => {
    // The validation that synth itself runs is switched off for unit tests; here it must run, and fail what is wrong.
    delete process.env.CDK_VALIDATION
    const folder = outdir()
    folders.push(folder)
    const app = appOf(loadTopology(retailFile), {}, folder)
    addRulePacks(app)
    expect(() => app.synth()).not.toThrow()
    expect(JSON.stringify(report(folder) ?? {})).not.toContain('"severity":"error"')
    process.env.CDK_VALIDATION = 'false'
  })
  test('with host names, retention, existing servers and no central holds by the same rules', () => {
    const { central: _, ...topology } = loadTopology(retailFile)
    const certificates = { eu: 'arn:aws:acm:us-east-1:100000000002:certificate/1' }
    const edge = { ...topology.edge, hosts: { eu: 'eu.shop.example' }, countries: { DE: 'eu-central-1' } }
    const shards = topology.shards.map((shard) => (shard.name === 'eu-2' ? { ...shard, existing: true } : shard))
    const { stacks, deployment } = synth(
      { ...topology, edge, shards, retainDays: 3_650, backupDays: 35 },
      { certificates },
    )
    expect(check(stacks, deployment)).toEqual({})
    const names = stacks.map((stack) => stack.name)
    expect(names.filter((name) => /(?<!eu)-central\b|(data|secrets)-eu-2/.test(name))).toEqual([])
    expect(cloudFormation(stacks.filter((stack) => /-(edge-eu|documents|data-eu-1)/.test(stack.name)))).toEqual([])
    const bucket = Object.values(stacks.find((stack) => /-documents-eu-west-1$/.test(stack.name))!.template.Resources!)
    expect(
      bucket.find((one) => one.Type === 'AWS::S3::Bucket')!.Properties!.ObjectLockConfiguration.Rule.DefaultRetention,
    ).toEqual({ Mode: 'COMPLIANCE', Days: 3_650 })
  })
  test('gives a reason for everything acknowledged', () => {
    for (const { reason } of [...acknowledged, ...wildcards]) expect(reason.length).toBeGreaterThan(15)
    expect(new Set(acknowledged.map((one) => one.id)).size).toBe(acknowledged.length)
  })
  test('of twelve regions and sixty-four shards holds by the same checks', () => {
    const start = performance.now()
    const { stacks, deployment } = synth(large(4, 3, 64))
    const seconds = (performance.now() - start) / 1000
    const resources = stacks.map((stack) => Object.keys(stack.template.Resources ?? {}).length)
    console.log(
      `12 regions x 64 shards: ${stacks.length} stacks, ${resources.reduce((a, b) => a + b)} resources, at most ${Math.max(...resources)} in one, ${seconds.toFixed(1)} s`,
    )
    expect(
      check(stacks, deployment, [
        'limits',
        'databases',
        'replicas',
        'peerings',
        'guardRails',
        'oneRegistry',
        'alarms',
        'residencyOfStacks',
      ]),
    ).toEqual({})
  })
})

const lint = spawnSync('cfn-lint', ['--version'], { encoding: 'utf8' })
const linted = lint.status === 0
if (!linted) console.warn('SKIPPED: cfn-lint is not installed, so nobody gives a second opinion on the templates')
describe.skipIf(!linted)('cfn-lint', () => {
  test('finds no error in one stack of each layer', () => {
    const layers = new Map(
      first.assembly.stacks.map((stack) => [stack.stackName.replace('domicile-retail-', '').split('-')[0]!, stack]),
    )
    const regions = new Map<string, string[]>()
    for (const stack of layers.values())
      regions.set(stack.environment.region, [...(regions.get(stack.environment.region) ?? []), stack.templateFullPath])
    for (const [region, files] of regions) {
      const run = spawnSync('cfn-lint', ['-r', region, '--format', 'parseable', '--', ...files], { encoding: 'utf8' })
      // E1017: it takes the parts of an endpoint's DNS entries in another stack for texts that cannot be split.
      const errors = run.stdout.split('\n').filter((line) => /:E\d{4}:/.test(line) && !line.includes(':E1017:'))
      expect(errors).toEqual([])
    }
  })
})
