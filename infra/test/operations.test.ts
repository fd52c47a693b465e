// The lists of alarms and facts are those of the C++ reader: one of them is changed, the other must be.
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { defaultAlarms, knownFacts } from '../src/topology/operations.ts'

const source = readFileSync(join(dirname(fileURLToPath(import.meta.url)), '../../src/topology/operations.cpp'), 'utf8')

test('default alarms are the same', () => {
  const named = [...source.matchAll(/rule\(\s*"([a-z-]+)"/g)].map((one) => one[1])
  expect([...named, 'trouble-spreads']).toEqual(defaultAlarms)
})

test('facts are the same', () => {
  const part = source.slice(source.indexOf('known_facts() {'), source.indexOf('default_alarms()'))
  const facts = [...part.matchAll(/\{"(\w+)",\s*\{([^}]*)\}\}/g)].flatMap((one) =>
    [...one[2]!.matchAll(/"(\w+)"/g)].map((fact) => `${one[1]}.${fact[1]}`),
  )
  expect(facts).toEqual(knownFacts)
})
