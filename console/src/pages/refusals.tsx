import { useComputed, useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Refusal } from '../api.ts'
import { clock, instant, number } from '../format.ts'
import { Choice, Empty, Table } from '../parts.tsx'
import { choose, route } from '../route.ts'
import { follow } from '../sse.ts'
import { token } from '../store.ts'

const kept_max = 500
const shown_max = 100
export function Refusals() {
  const kept = useSignal<(Refusal & { n: number })[]>([])
  const paused = useSignal(false)
  const missed = useSignal(0)
  const problem = useSignal('')
  const lost = useSignal(false)
  const rules = useComputed(() => [...new Set(kept.value.map((one) => one.rule))].sort())
  useEffect(() => {
    const stop = new AbortController()
    let n = 0
    let waiting: (Refusal & { n: number })[] = []
    // An attack makes thousands a second; a person reads four changes of the page.
    const timer = setInterval(() => {
      if (waiting.length === 0 || paused.peek()) return
      kept.value = [...waiting.reverse(), ...kept.value].slice(0, kept_max)
      waiting = []
      missed.value = 0
    }, 250)
    void follow(
      '/v1/ops/refusals',
      token.value,
      {
        event: ({ name, data }) => {
          if (name !== 'refusal') return
          waiting.push({ ...(JSON.parse(data) as Refusal), n: n++ })
          if (waiting.length > kept_max) waiting.shift()
          if (paused.peek()) missed.value = waiting.length
        },
        open: () => (lost.value = false),
        lost: () => (lost.value = true),
        refused: (failure) => (problem.value = failure.message),
      },
      stop.signal,
    )
    return () => {
      stop.abort()
      clearInterval(timer)
    }
  }, [])
  const rule = route.value.query.get('rule') ?? ''
  const shown = kept.value.filter((one) => !rule || one.rule === rule).slice(0, shown_max)
  return (
    <>
      <h1>Refusals</h1>
      <p class="lead">
        What the doors refuse, as it happens. Subjects are pseudonyms of the day: equal ones are the same caller, and
        nobody can be found from them.
      </p>
      <div class="filters">
        <Choice label="Rule" all="All" value={rule} options={rules.value} choose={(value) => choose({ rule: value })} />
        <button type="button" aria-pressed={paused.value} onClick={() => (paused.value = !paused.value)}>
          {paused.value ? `Go on (${missed.value} waiting)` : 'Pause'}
        </button>
        <button type="button" class="quiet" onClick={() => (kept.value = [])}>
          Clear
        </button>
      </div>
      {problem.value && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {lost.value && <p class="problem">The stream is lost since a moment; it comes back by itself.</p>}
      {shown.length === 0 ? (
        <Empty>Nothing has been refused since this page was opened.</Empty>
      ) : (
        <Table
          label="Refusals, newest first"
          head={
            <>
              <th scope="col">When</th>
              <th scope="col">Rule</th>
              <th scope="col">Region</th>
              <th scope="col">Door</th>
              <th scope="col">Subject</th>
              <th scope="col" class="n">
                Times
              </th>
            </>
          }
        >
          {shown.map((one) => (
            <tr key={one.n}>
              <td>
                <time dateTime={new Date(one.at).toISOString()} title={instant(one.at)}>
                  {clock(one.at)}
                </time>
              </td>
              <th scope="row">{one.rule}</th>
              <td>{one.region}</td>
              <td>{one.door}</td>
              <td>
                <code>{one.subject}</code>
              </td>
              <td class="n">{number(one.count)}</td>
            </tr>
          ))}
        </Table>
      )}
    </>
  )
}
