// The checks bite: every planted defect is found, by the check it was planted for.
import { describe, expect, test } from 'vitest'
import { check } from '../src/verify/checks.ts'
import { cloudFormation } from '../src/verify/cloudformation.ts'
import { plants } from './plants.ts'
import { synthesised } from './synthesised.ts'

const { stacks, deployment } = synthesised()

describe(`${plants.length} planted defects`, () => {
  test('are at least thirty, each of its own', () => {
    expect(plants.length).toBeGreaterThanOrEqual(30)
    expect(new Set(plants.map((plant) => plant.name)).size).toBe(plants.length)
  })
  test.each(plants.map((plant) => [plant.name, plant] as const))('%s', (_, plant) => {
    const planted = structuredClone(stacks)
    const stack = planted.find((one) => one.name === `domicile-retail-${plant.in}`)!
    expect(stack, plant.in).toBeDefined()
    plant.plant(stack.template.Resources!, planted)
    expect(planted, 'the plant changes something').not.toEqual(stacks)
    const found =
      plant.caughtBy === 'cloudFormation'
        ? { cloudFormation: cloudFormation([stack]) }
        : check(planted, deployment, [plant.caughtBy])
    expect(found[plant.caughtBy as keyof typeof found] ?? [], `${plant.caughtBy} finds it`).not.toEqual([])
    if (plant.says) expect(found[plant.caughtBy as keyof typeof found]!.join('\n')).toMatch(plant.says)
  })
})
