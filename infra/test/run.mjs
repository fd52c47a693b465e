// Runs vitest and ends with one line that says how it went, alone, for whoever reads only that.
import { startVitest } from 'vitest/node'

process.env.AWS_EC2_METADATA_DISABLED = 'true'
process.env.CDK_DISABLE_CLI_TELEMETRY = 'true'
const vitest = await startVitest('test', process.argv.slice(2), { watch: false, run: true })
const tests = vitest.state.getTestModules().flatMap((module) => [...module.children.allTests()])
const passed = tests.filter((test) => test.result().state === 'passed').length
const failed = tests.filter((test) => test.result().state === 'failed').length
const skipped = tests.length - passed - failed
const broken =
  vitest.state.getUnhandledErrors().length +
  vitest.state.getTestModules().filter((module) => module.state() === 'failed' && module.children.size === 0).length
await vitest.close()
console.log(`${skipped > 0 ? `${skipped} skipped\n` : ''}${passed} passed, ${failed + broken} failed`)
process.exit(failed + broken > 0 || passed === 0 ? 1 : 0)
