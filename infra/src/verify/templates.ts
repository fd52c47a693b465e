// The synthesised stacks as one flat list of resources whose references are followed across stacks, regions and
// accounts. Everything proven here is proven about these, not about the code that made them.
import type { CloudAssembly } from 'aws-cdk-lib/cx-api'

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json }
export type Properties = { [key: string]: any }
export interface Template {
  Resources?: Record<string, { Type: string; Properties?: Properties; DeletionPolicy?: string }>
  Outputs?: Record<string, { Value: Json }>
}
export interface StackTemplate {
  name: string
  region: string
  account: string
  template: Template
}
export interface Resource {
  id: string
  type: string
  stack: string
  region: string
  account: string
  properties: Properties
  deletionPolicy?: string
}

export const stacksOf = (assembly: CloudAssembly): StackTemplate[] =>
  assembly.stacks.map(({ stackName, environment, template }) => ({
    name: stackName,
    region: environment.region,
    account: environment.account,
    template: template as Template,
  }))

export class Unresolved extends Error {}

export function resourcesOf(stacks: StackTemplate[]): Resource[] {
  const byName = new Map(stacks.map((stack) => [`${stack.region} ${stack.name}`, stack]))
  const pseudo = (stack: StackTemplate): Record<string, string> => ({
    'AWS::Region': stack.region,
    'AWS::AccountId': stack.account,
    'AWS::Partition': 'aws',
    'AWS::URLSuffix': 'amazonaws.com',
    'AWS::StackName': stack.name,
  })

  function attribute(stack: StackTemplate, logical: string, name: string): Json {
    const resource = stack.template.Resources?.[logical]
    if (!resource) throw new Unresolved(`${stack.name} has no ${logical}`)
    if (resource.Type === 'AWS::CloudFormation::CustomResource')
      return follow(stack, resource.Properties?.[name] ?? null)
    if (resource.Type === 'AWS::IAM::Role' && name === 'Arn')
      return `arn:aws:iam::${stack.account}:role/${resource.Properties?.RoleName ?? `${stack.name}-${logical}`}`
    // The key's id is AWS's to choose; one that is as unique stands for it.
    if (/^AWS::KMS::(Replica)?Key$/.test(resource.Type) && name === 'Arn')
      return `arn:aws:kms:${stack.region}:${stack.account}:key/${stack.name}`
    if (resource.Type === 'AWS::SQS::Queue' && name === 'Arn')
      return `arn:aws:sqs:${stack.region}:${stack.account}:${resource.Properties?.QueueName}`
    return `${stack.name}/${logical}`
  }

  function follow(stack: StackTemplate, value: Json): any {
    if (Array.isArray(value)) return value.map((item) => follow(stack, item))
    if (typeof value !== 'object' || value === null) return value
    const [key, ...more] = Object.keys(value)
    const inner = key === undefined || more.length > 0 ? undefined : value[key]!
    if (key === 'Ref' && typeof inner === 'string') {
      const known = pseudo(stack)[inner]
      if (known !== undefined) return known
      if (!stack.template.Resources?.[inner]) throw new Unresolved(`${stack.name} refers to ${inner}, which it has not`)
      return `${stack.name}/${inner}`
    }
    if (key === 'Fn::GetAtt' && Array.isArray(inner)) return attribute(stack, String(inner[0]), String(inner[1]))
    if (key === 'Fn::GetStackOutput') {
      const { StackName, Region, OutputName } = inner as Record<string, string>
      const other = byName.get(`${Region ?? stack.region} ${StackName}`)
      const output = other?.template.Outputs?.[OutputName!]
      if (!other || !output)
        throw new Unresolved(`${stack.name} reads ${OutputName} of ${StackName}, which is not there`)
      return follow(other, output.Value)
    }
    if (key === 'Fn::Join' && Array.isArray(inner)) return [follow(stack, inner[1]!)].flat().join(String(inner[0]))
    if (key === 'Fn::Sub' && typeof inner === 'string')
      return inner.replace(/\$\{([A-Za-z:]+)\}/g, (_, name: string) => pseudo(stack)[name] ?? `${stack.name}/${name}`)
    if (key === 'Fn::Base64') return follow(stack, inner!)
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, follow(stack, item)]))
  }

  return stacks.flatMap((stack) =>
    Object.entries(stack.template.Resources ?? {}).map(([logical, { Type, Properties, DeletionPolicy }]) => ({
      id: `${stack.name}/${logical}`,
      type: Type,
      stack: stack.name,
      region: stack.region,
      account: stack.account,
      properties: follow(stack, Properties ?? {}) as Properties,
      ...(DeletionPolicy && { deletionPolicy: DeletionPolicy }),
    })),
  )
}
export const ofType = (resources: Resource[], type: string) => resources.filter((resource) => resource.type === type)
