// AWS's evaluation of policies, as far as our documents use it: explicit denials, service control policies, identity and
// resource policies, within and across accounts. An operator or element it does not know is an error, never a guess.
import type { Policy, Statement } from '../policies.ts'

export interface Request {
  principal: string
  principalAccount: string
  action: string
  resource: string
  resourceAccount: string
  region: string
}
export interface Policies {
  identity: Policy[]
  resource?: Policy
  serviceControl: Policy[]
}
export type Verdict = { allowed: boolean; why: string }

const list = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])
export function matches(pattern: string, text: string): boolean {
  return new RegExp(
    `^${pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replace(/\*/g, '.*')
      .replace(/\?/g, '.')}$`,
    's',
  ).test(text)
}

function context(request: Request): Record<string, string> {
  return {
    'aws:RequestedRegion': request.region,
    'aws:ResourceAccount': request.resourceAccount,
    'aws:PrincipalAccount': request.principalAccount,
    'aws:PrincipalArn': request.principal,
    'aws:SecureTransport': 'true',
    'aws:PrincipalIsAWSService': 'false',
  }
}

function condition(statement: Statement, request: Request): boolean {
  const known = context(request)
  return Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => {
      const values = list(wanted as string | string[]).map(String)
      const ifExists = operator.endsWith('IfExists')
      const base = operator.replace(/IfExists$/, '')
      const have = known[key]
      const negative = /Not/.test(base)
      // A key that is absent: IfExists and negated operators hold, others do not.
      if (have === undefined) return ifExists || negative
      switch (base) {
        case 'StringEquals':
          return values.includes(have)
        case 'StringNotEquals':
          return !values.includes(have)
        case 'Bool':
          return values.some((value) => value.toLowerCase() === have)
        case 'StringLike':
        case 'ArnLike':
        case 'ArnEquals':
          return values.some((value) => matches(value, have))
        case 'StringNotLike':
        case 'ArnNotLike':
        case 'ArnNotEquals':
          return !values.some((value) => matches(value, have))
        default:
          throw new Error(`unknown operator ${operator} in ${statement.Sid}`)
      }
    }),
  )
}

function principal(statement: Statement, request: Request): boolean {
  const wanted = statement.Principal
  if (wanted === '*') return true
  const entries = Object.entries(wanted as Record<string, string | string[]>)
  return entries.some(([kind, names]) => {
    if (kind === 'Service') return false
    if (kind !== 'AWS') throw new Error(`unknown principal ${kind}`)
    return list(names).some(
      (name) =>
        name === '*' ||
        name === request.principal ||
        name === request.principalAccount ||
        name === `arn:aws:iam::${request.principalAccount}:root`,
    )
  })
}

export function applies(statement: Statement, request: Request, onResource = false): boolean {
  const actions = statement.NotAction
    ? !list(statement.NotAction).some((pattern) => matches(pattern.toLowerCase(), request.action.toLowerCase()))
    : list(statement.Action).some((pattern) => matches(pattern.toLowerCase(), request.action.toLowerCase()))
  // A key policy's * is the key that it stands on.
  const resources = statement.NotResource
    ? !list(statement.NotResource).some((pattern) => matches(pattern, request.resource))
    : list(statement.Resource).some((pattern) => matches(pattern, request.resource))
  return actions && resources && (!onResource || principal(statement, request)) && condition(statement, request)
}

export function evaluate(request: Request, { identity, resource, serviceControl }: Policies): Verdict {
  const on = (policies: Policy[], effect: string, onResource = false) =>
    policies
      .flatMap((policy) => policy.Statement)
      .find((statement) => statement.Effect === effect && applies(statement, request, onResource))
  const denied = on(serviceControl, 'Deny') ?? on(identity, 'Deny') ?? on(resource ? [resource] : [], 'Deny', true)
  if (denied) return { allowed: false, why: `denied by ${denied.Sid}` }
  const byIdentity = on(identity, 'Allow')
  const byResource = on(resource ? [resource] : [], 'Allow', true)
  const same = request.principalAccount === request.resourceAccount
  // KMS asks its key policy even at home.
  const needsResource = !same || request.action.startsWith('kms:')
  if (needsResource && !byResource) return { allowed: false, why: 'no resource policy allows it' }
  if ((!same || !byResource || request.action.startsWith('kms:')) && !byIdentity)
    return { allowed: false, why: 'no identity policy allows it' }
  return { allowed: true, why: `allowed by ${(byIdentity ?? byResource)!.Sid}` }
}
