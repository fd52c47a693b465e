import { useComputed } from '@preact/signals'
import type { Flow, Region } from './api.ts'
import { rate } from './format.ts'
import { arrange, card, degrees, paper, view_of } from './layout.ts'
import { Glyph } from './parts.tsx'
import { link } from './route.ts'
import { facts } from './store.ts'

/** A jurisdiction's look: one of eight hues, each with its own pattern where areas are filled. */
export function hue_of(jurisdiction: string): number {
  const i = facts.jurisdictions.value.findIndex((one) => one.name === jurisdiction)
  return (i < 0 ? 7 : i) % 8
}

const state_words = { ok: 'ok', warning: 'warning', alarm: 'alarm', unknown: 'unknown' }
function Card({ region, x, y }: { region: Region; x: number; y: number }) {
  const figures = `${rate(region.figures.requests_per_s + region.figures.statements_per_s)} /s · p99 ${
    region.figures.p99_ms === null ? '–' : `${rate(region.figures.p99_ms)} ms`
  }`
  return (
    <a
      href={link('fleet', { region: region.name })}
      class={`region ${region.state}`}
      aria-label={`${region.name}, jurisdiction ${region.jurisdiction}, ${state_words[region.state]}, ${figures}`}
    >
      <rect x={x - card.width / 2} y={y - card.height / 2} width={card.width} height={card.height} rx="6" />
      <rect
        class={`stripe hue${hue_of(region.jurisdiction)}`}
        x={x - card.width / 2}
        y={y - card.height / 2}
        width="5"
        height={card.height}
        rx="2"
      />
      <svg x={x - card.width / 2 + 13} y={y - 16} width="12" height="12">
        <Glyph state={region.state} />
      </svg>
      <text class="name" x={x - card.width / 2 + 30} y={y - 5}>
        {region.name}
      </text>
      <text class="sums" x={x - card.width / 2 + 13} y={y + 15}>
        {figures}
      </text>
    </a>
  )
}

/** Flows between the same two regions lie beside each other. */
function curve(a: { x: number; y: number }, b: { x: number; y: number }, lane: number): string {
  const dx = b.x - a.x
  const dy = b.y - a.y
  const length = Math.hypot(dx, dy) || 1
  const bend = Math.min(60, length * 0.18) + lane * 9
  const x = (a.x + b.x) / 2 + (dy / length) * bend
  const y = (a.y + b.y) / 2 - (dx / length) * bend
  return `M${a.x.toFixed(1)} ${a.y.toFixed(1)}Q${x.toFixed(1)} ${y.toFixed(1)} ${b.x.toFixed(1)} ${b.y.toFixed(1)}`
}
const lanes: Record<Flow['kind'], number> = { replication: 0, mesh: 1, figures: 2 }

export function WorldMap() {
  // Figures change each second, places do not: a text is equal to itself, so the layout is made once.
  const earth = useComputed(() => facts.regions.value.map((r) => `${r.name} ${r.latitude} ${r.longitude}`).join())
  const layout = useComputed(() => {
    void earth.value
    const regions = facts.regions.peek()
    const view = view_of(regions)
    return { view, places: arrange(regions, view) }
  })
  const { view, places } = layout.value
  const flows = useComputed(() => {
    // Many shards replicate between the same two regions: one line, in the worst state of them.
    const lines = new Map<string, Flow>()
    const rank = { ok: 0, unknown: 1, warning: 2, alarm: 3 }
    for (const flow of facts.flows.value) {
      const key = `${flow.from} ${flow.to} ${flow.kind}`
      const old = lines.get(key)
      if (!old || rank[flow.state] > rank[old.state]) lines.set(key, flow)
    }
    return [...lines.values()]
  })
  const { west, east, south, north, place } = view
  return (
    <figure class="map">
      <div class="scroll" role="region" aria-label="Map of regions" tabIndex={0}>
        <svg
          viewBox={`0 0 ${paper.width} ${paper.height}`}
          role="group"
          aria-label="Regions and what flows between them"
        >
          <g class="graticule" aria-hidden="true">
            {degrees(west, east).map((lon) => {
              const [x] = place(lon, 0)
              return <path key={lon} d={`M${x} 0V${paper.height}`} class={lon === 0 ? 'zero' : ''} />
            })}
            {degrees(south, north).map((lat) => {
              const [, y] = place(0, lat)
              return <path key={lat} d={`M0 ${y}H${paper.width}`} class={lat === 0 ? 'zero' : ''} />
            })}
          </g>
          <defs>
            <marker
              id="arrow"
              viewBox="0 0 8 8"
              refX="14"
              refY="4"
              markerWidth="8"
              markerHeight="8"
              markerUnits="userSpaceOnUse"
              orient="auto"
            >
              <path class="arrow" d="M0 0 8 4 0 8z" />
            </marker>
          </defs>
          <g class="flows" aria-hidden="true">
            {flows.value.map((flow) => {
              const a = places.get(flow.from)
              const b = places.get(flow.to)
              return a && b ? (
                <path
                  key={`${flow.from} ${flow.to} ${flow.kind}`}
                  class={`flow ${flow.kind} ${flow.state}`}
                  d={curve(a, b, lanes[flow.kind])}
                >
                  <title>{`${flow.kind} ${flow.from} → ${flow.to}: ${flow.summary}`}</title>
                </path>
              ) : null
            })}
          </g>
          <g aria-hidden="true">
            {facts.regions.value.map((region) => {
              const at = places.get(region.name)!
              return (
                <g key={region.name}>
                  <path class="leader" d={`M${at.x} ${at.y}L${at.card_x} ${at.card_y}`} />
                  <circle class={`dot hue${hue_of(region.jurisdiction)}`} cx={at.x} cy={at.y} r="5" />
                </g>
              )
            })}
          </g>
          {facts.regions.value.map((region) => {
            const at = places.get(region.name)!
            return <Card key={region.name} region={region} x={at.card_x} y={at.card_y} />
          })}
        </svg>
      </div>
      <figcaption>
        <span class="key">
          <svg viewBox="0 0 30 6" width="30" height="6" aria-hidden="true">
            <path class="flow replication ok" d="M0 3H30" />
          </svg>
          replication
        </span>
        <span class="key">
          <svg viewBox="0 0 30 6" width="30" height="6" aria-hidden="true">
            <path class="flow mesh ok" d="M0 3H30" />
          </svg>
          mesh
        </span>
        <span class="key">
          <svg viewBox="0 0 30 6" width="30" height="6" aria-hidden="true">
            <path class="flow figures ok" d="M0 3H30" />
          </svg>
          anonymous figures
        </span>
        {facts.jurisdictions.value.map((one) => (
          <span class="key" key={one.name}>
            <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
              <circle class={`dot hue${hue_of(one.name)}`} cx="5" cy="5" r="4.5" />
            </svg>
            {one.name}
            {one.hidden && ' (its facts are not shown to you)'}
          </span>
        ))}
      </figcaption>
    </figure>
  )
}
