import { expect, test } from 'vitest'
import { bytes, days_left, duration, fact, fact_name, instant, kinds, number, value_with_unit } from '../src/format.ts'

const plain = (text: string) => text.replaceAll('\u202f', ' ')
test.each([
  [0.4, '0.4 s'],
  [59, '59 s'],
  [60, '1 min'],
  [725, '12 min 5 s'],
  [3_600, '1 h'],
  [86_400 * 3 + 3_600 * 4 + 59, '3 d 4 h'],
  [-61, '−1 min 1 s'],
])('%d seconds are %s', (seconds, text) => expect(plain(duration(seconds))).toBe(text))
test.each([
  [0, '0 B'],
  [1_023, '1 023 B'],
  [1_536, '1.5 KiB'],
  [5e12, '4.5 TiB'],
])('%d bytes are %s', (value, text) => expect(plain(bytes(value))).toBe(text))
test.each([
  ['lag_ms', 48_200, '48 s', 'lag'],
  ['lag_ms', 12, '12 ms', 'lag'],
  ['round_trip_us', 8_200, '8.2 ms', 'round trip'],
  ['age_s', 7_200, '2 h', 'age'],
  ['requests_per_s', 1_234, '1 234 /s', 'requests'],
  ['bytes', 2_048, '2 KiB', 'bytes'],
  ['full_percent', 82, '82 %', 'full'],
  ['version', '0.1.0', '0.1.0', 'version'],
  ['hung', false, 'no', 'hung'],
  ['lag_ms', null, '–', 'lag'],
] as const)('fact %s = %s is %s', (name, value, text, words) => {
  expect(plain(fact(name, value))).toBe(text)
  expect(fact_name(name)).toBe(words)
})
test('days left', () => {
  expect([-2, -1, 0, 1, 9].map(days_left)).toEqual(['2 days overdue', '1 day overdue', 'due today', '1 day', '9 days'])
})
test('an instant has its zone', () => {
  expect(instant(Date.UTC(2026, 10, 27, 16, 41, 5))).toMatch(/^2026-11-2[78] \d\d:\d1:05 (UTC|[+−]\d\d:\d\d)$/)
})
test('numbers, plurals, units', () => {
  expect(plain(number(1_234_567))).toBe('1 234 567')
  expect(number(null)).toBe('–')
  expect(['gateway', 'factory', 'node'].map((kind) => kinds(kind, 2))).toEqual(['gateways', 'factories', 'nodes'])
  expect(plain(value_with_unit(5_400, 's'))).toBe('5 400 s')
})
