import { expect, test } from 'vitest'
import { make_world } from '../simulator/world.js'
import type { Region } from '../src/api.ts'
import { arrange, card, paper, view_of } from '../src/layout.ts'

test.each([1, 2, 5, 12])('no card of %d regions covers another, or leaves the paper', (regions) => {
  const world = make_world({ regions, shards: 8 }).overview.regions as Region[]
  const places = [...arrange(world, view_of(world)).values()]
  for (const [i, a] of places.entries()) {
    expect(a.card_x - card.width / 2).toBeGreaterThanOrEqual(0)
    expect(a.card_x + card.width / 2).toBeLessThanOrEqual(paper.width)
    expect(a.card_y - card.height / 2).toBeGreaterThanOrEqual(0)
    expect(a.card_y + card.height / 2).toBeLessThanOrEqual(paper.height)
    for (const b of places.slice(i + 1))
      expect(Math.abs(a.card_x - b.card_x) >= card.width || Math.abs(a.card_y - b.card_y) >= card.height).toBe(true)
  }
})
