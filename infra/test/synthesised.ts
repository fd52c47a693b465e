// One synth of the sample for all tests of a file: without CloudFormation's own rules, which test/synth.test.ts runs.
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { appOf } from '../src/app.ts'
import { deploymentOf, type Settings } from '../src/sites.ts'
import { loadTopology, type Topology } from '../src/topology/read.ts'
import { stacksOf } from '../src/verify/templates.ts'

export const retailFile = join(import.meta.dirname, '../../examples/retail/domicile.toml')
export const outdir = () => mkdtempSync(join(tmpdir(), 'domicile-infra-'))

export function synthesised(topology: Topology = loadTopology(retailFile), settings: Settings = {}) {
  process.env.CDK_VALIDATION = 'false'
  const folder = outdir()
  const assembly = appOf(topology, settings, folder).synth()
  return { folder, assembly, stacks: stacksOf(assembly), deployment: deploymentOf(topology, settings) }
}
