// What plants have in common: how one finds the place that it changes.
import type { StackTemplate } from '../src/verify/templates.ts'

export interface Plant {
  name: string
  caughtBy: string
  /** What must be said, where the check could find something else first. */ says?: RegExp
  in: string
  plant: (resources: Record<string, any>, stacks: StackTemplate[]) => void
}

export const all = (resources: Record<string, any>, type: string): any[] =>
  Object.values(resources).filter((one) => one.Type === `AWS::${type}`)
export function one(
  resources: Record<string, any>,
  type: string,
  where: (properties: any) => boolean = () => true,
): any {
  const found = all(resources, type).find((resource) => where(resource.Properties))
  if (!found) throw new Error(`the plant finds no ${type}`)
  return found.Properties
}
export const id = (resources: Record<string, any>, type: string) =>
  Object.keys(resources).find((key) => resources[key].Type === `AWS::${type}`)!
export const stackOf = (stacks: StackTemplate[], name: string) =>
  stacks.find((stack) => stack.name === `domicile-retail-${name}`)!
export const statements = (resources: Record<string, any>, role: RegExp): any[] =>
  one(resources, 'IAM::Role', (role_) => role.test(role_.RoleName)).Policies[0].PolicyDocument.Statement
export const without = (list: any[], sid: string) =>
  list.splice(0, list.length, ...list.filter((statement) => statement.Sid !== sid))
