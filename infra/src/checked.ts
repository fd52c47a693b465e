// The one synth that counts: CloudFormation's own rules and two packs of rules over every stack; anything found that is
// not acknowledged with a reason fails it.
import { readFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { Validations, type App } from 'aws-cdk-lib'
import { AwsSolutionsChecks, NIST80053R5Checks } from 'cdk-nag'

export function addRulePacks(app: App) {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new NIST80053R5Checks(app))
}

export function report(outdir: string): unknown {
  const file = join(outdir, 'validation-report.json')
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}
