import { expect, test } from 'vitest'
import { action_for, failure_of } from '../src/client.ts'
import { parse_context } from '../src/context.ts'
import { with_gaps } from '../src/history.ts'
import { backoff_ms, event_parser, type Event } from '../src/sse.ts'

const text =
  ': here\n\nevent: overview\ndata: {"at":\ndata: 1}\n\nevent:refusal\r\ndata:x\r\n\r\ndata: y\n\nevent: empty\n\n'
const whole = [
  { name: 'overview', data: '{"at":\n1}' },
  { name: 'refusal', data: 'x' },
  { name: 'message', data: 'y' },
]
test('events, in whatever pieces they come', () => {
  for (let size = 1; size <= text.length; size++) {
    const events: Event[] = []
    const parse = event_parser((event) => events.push(event))
    for (let at = 0; at < text.length; at += size) parse(text.slice(at, at + size))
    expect(events, `pieces of ${size}`).toEqual(whole)
  }
})
test('backoff grows to half a minute, and is spread', () => {
  expect([0, 1, 2, 9].map((attempt) => backoff_ms(attempt, 0.5))).toEqual([1_000, 2_000, 4_000, 30_000])
  expect(backoff_ms(3, 0)).toBeLessThan(backoff_ms(3, 1))
})
test('refusals name the action that is missing', () => {
  expect(action_for('/v1/ops/silences')).toBe('ops:Silence')
  expect(action_for('/v1/ops/statistics')).toBe('stats:Read')
  expect(failure_of('/v1/ops/overview', 403, {}).message).toContain('ops:Read')
  expect(failure_of('/v1/ops/overview', 403, { detail: 'needs ops:Fleet' }).message).toContain('ops:Fleet')
  expect(failure_of('/v1/ops/overview', 401, {}).message).toContain('Sign in')
  expect(failure_of('/x', 500, { title: 'Broken' }).message).toBe('Broken')
})
test('absent points are gaps', () => {
  const [at, average] = with_gaps({
    step_s: 60,
    points: [
      [0, 1, null],
      [60_000, 2, 3],
      [240_000, 4, 5],
    ],
  })
  expect(at).toEqual([0, 60, 120, 240])
  expect(average).toEqual([1, 2, null, 4])
})
test('context lines', () => {
  expect(parse_context('a = b\nnothing\n c=d=e \n=x')).toEqual({ a: 'b', c: 'd=e' })
})
