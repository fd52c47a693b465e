import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { pictureOf } from '../src/picture.ts'
import { synthesised } from './synthesised.ts'

const { stacks, deployment } = synthesised()

test('retail.svg is what the templates make (else: npx tsx bin/picture.ts)', () => {
  expect(readFileSync(join(import.meta.dirname, '../retail.svg'), 'utf8')).toBe(pictureOf(stacks, 'retail'))
})
test('the picture has every network, cluster and peering', () => {
  const svg = pictureOf(stacks, 'retail')
  for (const site of deployment.sites) expect(svg).toContain(site.cidr)
  for (const shard of deployment.topology.shards)
    for (const region of new Set([shard.writer, ...shard.readers]))
      expect(svg).toContain(`domicile-retail-${shard.name}-${region}: `)
  expect(svg.match(/class="mesh"/g)).toHaveLength(2)
  expect(svg.match(/class="figures"/g)).toHaveLength(5)
})
test('the picture shows what the templates say, not what was meant', () => {
  const planted = structuredClone(stacks)
  delete planted.find((stack) => stack.name === 'domicile-retail-data-uk-1-eu-west-2')!.template.Resources!.Instance1
  expect(pictureOf(planted, 'retail')).toContain('domicile-retail-uk-1-eu-west-2: writer<')
})
