import { describe, expect, test } from 'vitest'
import { check, checks } from '../src/verify/checks.ts'
import { Network } from '../src/verify/reach.ts'
import { resourcesOf } from '../src/verify/templates.ts'
import { readings } from '../src/verify/access.ts'
import { synthesised } from './synthesised.ts'

const { stacks, deployment } = synthesised()
const resources = resourcesOf(stacks)

describe('the sample', () => {
  test.each(Object.keys(checks))('%s finds nothing', (name) => {
    expect(check(stacks, deployment, [name])).toEqual({})
  })
  test('has the paths it should have, and no other', () => {
    const site = (stack: string) => stack.replace(/^.*-network-/, '')
    const open = new Set(
      new Network(resources)
        .paths()
        .filter((path) => path.ports.length > 0)
        .map(({ from, to, ports }) => `${site(from.stack)} -> ${site(to.stack)}: ${ports}`),
    )
    expect([...open].sort()).toEqual([
      'eu-central-1 -> central: 443',
      'eu-central-1 -> eu-west-1: 7901',
      'eu-west-1 -> central: 443',
      'eu-west-1 -> eu-central-1: 7901',
      'eu-west-2 -> central: 443',
      'us-east-1 -> central: 443',
      'us-east-1 -> us-west-2: 7901',
      'us-west-2 -> central: 443',
      'us-west-2 -> us-east-1: 7901',
    ])
  })
  test('has evaluated every role against every secret, key, queue and bucket', () => {
    const all = readings(resources)
    const [roles, holders] = [
      new Set(all.map((one) => one.role.arn)).size,
      new Set(all.map((one) => one.holder.arn)).size,
    ]
    console.log(
      `${roles} roles, ${holders} holders of data, ${all.length} readings, ${all.filter((one) => one.verdict.allowed).length} allowed`,
    )
    expect(roles).toBeGreaterThan(30)
    expect(holders).toBeGreaterThan(20)
  })
})
