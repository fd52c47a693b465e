// What the commands share: -t FILE, and templates without files left behind.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { appOf } from './app.ts'
import { deploymentOf, NotDeployable, type Deployment, type Settings } from './sites.ts'
import { NotAccepted } from './topology/document.ts'
import { loadTopology } from './topology/read.ts'
import { stacksOf, type StackTemplate } from './verify/templates.ts'

export const home = join(import.meta.dirname, '..')

export function settings(): Settings {
  const file = join(home, 'aws.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Settings) : {}
}

export function synthesise(
  file: string,
  own: Settings = settings(),
): { deployment: Deployment; stacks: StackTemplate[] } {
  // Commands show what would be; `npm test` validates.
  process.env.CDK_VALIDATION = 'false'
  const folder = mkdtempSync(join(tmpdir(), 'domicile-infra-'))
  try {
    const topology = loadTopology(file)
    return { deployment: deploymentOf(topology, own), stacks: stacksOf(appOf(topology, own, folder).synth()) }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Runs a command; a file that is not accepted ends with its findings and status 1. */
export function command(
  usage: string,
  run: (options: { topology: string; json: boolean; output: string | undefined }) => void,
) {
  // `| head` closes the pipe early: no error of ours.
  process.stdout.on('error', (error: { code?: string }) => process.exit(error.code === 'EPIPE' ? 0 : 1))
  try {
    const { values } = parseArgs({
      options: {
        topology: { type: 'string', short: 't' },
        json: { type: 'boolean' },
        output: { type: 'string', short: 'o' },
        help: { type: 'boolean', short: 'h' },
      },
    })
    if (values.help) return console.log(usage)
    run({
      topology: values.topology ?? join(home, '../examples/retail/domicile.toml'),
      json: values.json ?? false,
      output: values.output,
    })
  } catch (error) {
    const ours =
      error instanceof NotAccepted ||
      error instanceof NotDeployable ||
      /^(ENOENT|ERR_PARSE_ARGS)/.test((error as { code?: string }).code ?? '')
    if (!ours) throw error
    console.error((error as Error).message)
    process.exitCode = 1
  }
}
