import type { History } from './api.ts'

/** Absent points are gaps, not lines: a null is put wherever more than a step and a half is missing. */
export function with_gaps(history: History): [number[], (number | null)[], (number | null)[]] {
  const at: number[] = []
  const average: (number | null)[] = []
  const max: (number | null)[] = []
  let last: number | null = null
  for (const [t_ms, a, m] of history.points) {
    if (last !== null && t_ms - last > history.step_s * 1_500) {
      at.push((last + history.step_s * 1_000) / 1_000)
      average.push(null)
      max.push(null)
    }
    at.push(t_ms / 1_000)
    average.push(a)
    max.push(m)
    last = t_ms
  }
  return [at, average, max]
}
