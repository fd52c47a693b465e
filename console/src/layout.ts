// Where regions stand on the map: their places on earth as dots, and cards pushed apart until none covers another.
import type { Region } from './api.ts'

export interface Place {
  x: number
  y: number
  card_x: number
  card_y: number
}
export const card = { width: 158, height: 50 }
export const paper = { width: 1000, height: 460 }
export interface View {
  place: (longitude: number, latitude: number) => [number, number]
  west: number
  east: number
  south: number
  north: number
}

/** The whole degrees of earth that hold all regions with room around them, in the paper's proportions. */
export function view_of(regions: readonly Pick<Region, 'latitude' | 'longitude'>[]): View {
  const lon = regions.map((r) => r.longitude)
  const lat = regions.map((r) => r.latitude)
  let west = Math.min(...lon, 180)
  let east = Math.max(...lon, -180)
  let south = Math.min(...lat, 90)
  let north = Math.max(...lat, -90)
  if (regions.length === 0) [west, east, south, north] = [-180, 180, -60, 75]
  const margin = { x: card.width * 0.75, y: card.height * 1.4 }
  const scale = Math.min(
    (paper.width - 2 * margin.x) / Math.max(east - west, 20),
    (paper.height - 2 * margin.y) / Math.max(north - south, 10),
  )
  const middle = { lon: (west + east) / 2, lat: (south + north) / 2 }
  const half = { lon: paper.width / 2 / scale, lat: paper.height / 2 / scale }
  west = middle.lon - half.lon
  east = middle.lon + half.lon
  south = middle.lat - half.lat
  north = middle.lat + half.lat
  return {
    place: (longitude, latitude) => [(longitude - west) * scale, (north - latitude) * scale],
    west,
    east,
    south,
    north,
  }
}

export function arrange(regions: readonly Region[], view: View): Map<string, Place> {
  const gap = { x: card.width + 12, y: card.height + 14 }
  const places = regions.map((r) => {
    const [x, y] = view.place(r.longitude, r.latitude)
    return { x, y, card_x: x, card_y: y + card.height / 2 + 16 }
  })
  const inside = (p: Place) => {
    p.card_x = Math.max(card.width / 2 + 4, Math.min(paper.width - card.width / 2 - 4, p.card_x))
    p.card_y = Math.max(card.height / 2 + 4, Math.min(paper.height - card.height / 2 - 4, p.card_y))
  }
  places.forEach(inside)
  for (let round = 0; round < 400; round++) {
    let moved = false
    for (let i = 0; i < places.length; i++)
      for (let j = i + 1; j < places.length; j++) {
        const a = places[i]!
        const b = places[j]!
        const over_x = gap.x - Math.abs(a.card_x - b.card_x)
        const over_y = gap.y - Math.abs(a.card_y - b.card_y)
        if (over_x <= 0.5 || over_y <= 0.5) continue
        moved = true
        // The shorter way out; a tie is broken by the order, so that the map is the same each time.
        if (over_x / gap.x < over_y / gap.y) {
          const way = a.card_x < b.card_x || (a.card_x === b.card_x && i < j) ? 1 : -1
          a.card_x -= (way * over_x) / 2
          b.card_x += (way * over_x) / 2
        } else {
          const way = a.card_y < b.card_y || (a.card_y === b.card_y && i < j) ? 1 : -1
          a.card_y -= (way * over_y) / 2
          b.card_y += (way * over_y) / 2
        }
        inside(a)
        inside(b)
      }
    if (!moved) break
  }
  return new Map(regions.map((r, i) => [r.name, places[i]!]))
}

/** The whole tens of degrees in between, for the graticule. */
export function degrees(from: number, to: number, step = to - from > 120 ? 30 : 10): number[] {
  const lines = []
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) lines.push(at)
  return lines
}
