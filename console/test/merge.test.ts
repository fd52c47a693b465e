import { expect, test } from 'vitest'
import { share } from '../src/merge.ts'

test('what is equal keeps its identity', () => {
  const before = [
    { name: 'a', facts: { lag_ms: 1 } },
    { name: 'b', facts: { lag_ms: 2 } },
  ]
  const after = share(before, structuredClone(before))
  expect(after).toBe(before)
})
test('only what changed is new', () => {
  const before = [
    { name: 'a', facts: { lag_ms: 1 } },
    { name: 'b', facts: { lag_ms: 2 } },
  ]
  const next = structuredClone(before)
  next[1]!.facts.lag_ms = 3
  const after = share(before, next)
  expect(after).not.toBe(before)
  expect(after[0]).toBe(before[0])
  expect(after[1]).toEqual({ name: 'b', facts: { lag_ms: 3 } })
})
test('shorter, longer and other shapes are taken as they come', () => {
  expect(share([1, 2, 3], [1, 2])).toEqual([1, 2])
  expect(share([1], [1, 2])).toEqual([1, 2])
  expect(share<unknown>({ a: 1, b: 2 }, { a: 1 })).toEqual({ a: 1 })
  expect(share<unknown>({ a: undefined }, { b: undefined })).toEqual({ b: undefined })
  expect(share<unknown>([1], { 0: 1 })).toEqual({ 0: 1 })
  expect(share<unknown>(null, { a: 1 })).toEqual({ a: 1 })
})
