// Where regions stand on the map: their places on earth as dots, and cards pushed apart until none covers another.
import type { Region } from './api.ts'

export interface Place {
  x: number
  y: number
  card_x: number
  card_y: number
}
export const card = { width: 150, height: 50 }
export const paper = { width: 780, height: 390 }
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

const step = 13
/** Each card goes to the free spot that is nearest to its dot and covers no dot; the same regions give the same map. */
export function arrange(regions: readonly Region[], view: View): Map<string, Place> {
  const dots = regions.map((r) => view.place(r.longitude, r.latitude))
  const low = { x: card.width / 2 + 4, y: card.height / 2 + 4 }
  const high = { x: paper.width - low.x, y: paper.height - low.y }
  const placed: Place[] = []
  const free = (x: number, y: number) =>
    placed.every((p) => Math.abs(p.card_x - x) >= card.width + 8 || Math.abs(p.card_y - y) >= card.height + 8)
  const covered = (x: number, y: number) =>
    dots.filter((dot) => Math.abs(dot[0] - x) < card.width / 2 + 7 && Math.abs(dot[1] - y) < card.height / 2 + 7).length
  for (const [x, y] of dots) {
    const wish = {
      x: Math.max(low.x, Math.min(high.x, x)),
      y: Math.max(low.y, Math.min(high.y, y + card.height / 2 + 14)),
    }
    let best = wish
    let least = Infinity
    const look = (at_x: number, at_y: number) => {
      const far = Math.hypot(at_x - wish.x, at_y - wish.y)
      if (far >= least || !free(at_x, at_y)) return
      const cost = far + 70 * covered(at_x, at_y)
      if (cost < least) [best, least] = [{ x: at_x, y: at_y }, cost]
    }
    look(wish.x, wish.y)
    for (let at_y = low.y; at_y <= high.y; at_y += step)
      for (let at_x = low.x; at_x <= high.x; at_x += step) look(at_x, at_y)
    placed.push({ x, y, card_x: best.x, card_y: best.y })
  }
  return new Map(regions.map((r, i) => [r.name, placed[i]!]))
}

/** The whole tens of degrees in between, for the graticule. */
export function degrees(from: number, to: number, step = to - from > 120 ? 30 : 10): number[] {
  const lines = []
  for (let at = Math.ceil(from / step) * step; at <= to; at += step) lines.push(at)
  return lines
}
