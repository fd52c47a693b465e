// CloudFormation's own rules (the validator that aws-cdk-lib brings), over the same templates as our checks. A value that
// is not in an enumeration is a mere warning there; AWS refuses it, so it is an error here.
import { createRequire } from 'node:module'
import type { StackTemplate } from './templates.ts'

interface Diagnostic {
  ruleId: string
  severity: string
  message: string
}
interface Engine {
  validateTemplate(template: unknown, options: unknown): { diagnostics: Diagnostic[] }
}
const require = createRequire(import.meta.url)
const { CompositeEngine, TemplateContent } = createRequire(require.resolve('aws-cdk-lib/package.json'))(
  '@aws/cloudformation-validate',
) as { CompositeEngine: new () => Engine; TemplateContent: new (text: string, name: string) => unknown }
const fatalWarnings = new Set(['W3030'])
let engine: Engine | undefined

export function cloudFormation(stacks: StackTemplate[]): string[] {
  engine ??= new CompositeEngine()
  return stacks.flatMap((stack) =>
    engine!
      .validateTemplate(new TemplateContent(JSON.stringify(stack.template), `${stack.name}.json`), {
        pseudoParameterOverrides: { region: stack.region },
      })
      .diagnostics.filter(({ ruleId, severity }) => ['ERROR', 'FATAL'].includes(severity) || fatalWarnings.has(ruleId))
      .map(({ ruleId, message }) => `${stack.name}: ${ruleId} ${message}`),
  )
}
