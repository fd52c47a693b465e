import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import uPlot from 'uplot'
import type { History, Span } from './api.ts'
import { get } from './client.ts'
import { clock, date, fact, fact_name, instant } from './format.ts'
import { token } from './store.ts'
import { with_gaps } from './history.ts'
import { ink } from './theme.ts'

function colour(box: HTMLElement, name: string): string {
  return getComputedStyle(box).getPropertyValue(name).trim() || 'gray'
}

export function Chart(props: { series: string; region: string | null; resource: string; span: Span }) {
  const box = useRef<HTMLDivElement>(null)
  const history = useSignal<History | null>(null)
  const problem = useSignal('')
  const { series, region, resource, span } = props
  useEffect(() => {
    const stop = new AbortController()
    const query = new URLSearchParams({ series, resource, range: span })
    if (region) query.set('region', region)
    const load = () =>
      get<History>(`/v1/ops/history?${query}`, token.value, stop.signal).then(
        (answer) => {
          history.value = answer
          problem.value = ''
        },
        (error: Error) => {
          if (!stop.signal.aborted) problem.value = error.message
        },
      )
    void load()
    const timer = setInterval(load, 60_000)
    return () => {
      stop.abort()
      clearInterval(timer)
    }
  }, [series, region, resource, span])

  const known = history.value
  const tone = ink.value
  useEffect(() => {
    const here = box.current
    if (!here || !known || known.points.length === 0) return
    const axis = {
      stroke: colour(here, '--ink-2'),
      grid: { stroke: colour(here, '--line'), width: 1 },
      ticks: { show: false },
    }
    const plot = new uPlot(
      {
        width: here.clientWidth,
        height: 150,
        legend: { show: false },
        cursor: { y: false },
        scales: { y: { range: (_, low, high) => [Math.min(0, low ?? 0), (high ?? 1) * 1.1 || 1] } },
        axes: [
          {
            ...axis,
            size: 28,
            values: (_, splits) =>
              splits.map((s) => (span === '4w' ? date(s * 1000).slice(5) : clock(s * 1000).slice(0, 5))),
          },
          { ...axis, size: 64, values: (_, splits) => splits.map((value) => fact(series, value)) },
        ],
        series: [
          {},
          { stroke: colour(here, '--accent'), width: 1.5 },
          { stroke: colour(here, '--ink-3'), width: 1, dash: [3, 3] },
        ],
      },
      with_gaps(known),
      here,
    )
    const watch = new ResizeObserver(() => plot.setSize({ width: here.clientWidth, height: 150 }))
    watch.observe(here)
    return () => {
      watch.disconnect()
      plot.destroy()
    }
  }, [known, tone])

  const points = known?.points ?? []
  const last = points.at(-1)
  const high = points.reduce((most, [, a, m]) => Math.max(most, m ?? a), 0)
  return (
    <figure class="chart">
      <figcaption>
        <strong>{fact_name(series)}</strong>
        {last && (
          <span>
            now {fact(series, last[1])}, highest {fact(series, high)}
            <span class="hidden"> , as of {instant(last[0])}</span>
          </span>
        )}
      </figcaption>
      {problem.value ? (
        <p class="problem">{problem}</p>
      ) : known && points.length === 0 ? (
        <p class="empty">Nothing was measured in this time.</p>
      ) : (
        <div ref={box} class="plot" aria-hidden="true" />
      )}
    </figure>
  )
}
