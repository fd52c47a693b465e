import { useSignal, useSignalEffect } from '@preact/signals'
import type { Figures, Metrics } from '../api.ts'
import { get } from '../client.ts'
import { instant, number } from '../format.ts'
import { Bar, Choice, Empty, Field, Table } from '../parts.tsx'
import { choose, route } from '../route.ts'
import { token } from '../store.ts'

/** Sums are decimals in strings: shown digit for digit, read as numbers for the length of a bar only. */
const amount = (value: unknown) => (typeof value === 'number' ? value : Number(value ?? NaN))
const shown = (value: unknown) =>
  value === null || value === undefined ? null : typeof value === 'number' ? number(value) : String(value)

export function Statistics() {
  const metrics = useSignal<Metrics['metrics'] | null>(null)
  const figures = useSignal<Figures | null>(null)
  const problem = useSignal('')
  const query = route.value.query
  const metric = metrics.value?.find((one) => one.name === query.get('metric')) ?? metrics.value?.[0]
  const all = metric
    ? [...metric.dimensions, ...(metric.time && !metric.dimensions.includes(metric.time) ? [metric.time] : [])]
    : []
  const by = (query.get('by') ?? all[0] ?? '').split(',').filter((name) => all.includes(name))
  const from = query.get('from') ?? ''
  const measure = query.get('measure') || 'count'

  useSignalEffect(() => {
    get<Metrics>('/v1/ops/statistics', token.value).then(
      (answer) => (metrics.value = answer.metrics),
      (error: Error) => (problem.value = error.message),
    )
  })
  useSignalEffect(() => {
    const chosen = route.value.query
    const one = metrics.value?.find((m) => m.name === chosen.get('metric')) ?? metrics.value?.[0]
    if (!one) return
    const known = [...one.dimensions, one.time ?? '']
    const names = (chosen.get('by') ?? known[0] ?? '').split(',').filter((name) => known.includes(name))
    const ask = new URLSearchParams({ by: names.join(','), format: 'json' })
    if (chosen.get('from')) ask.set('from', chosen.get('from')!)
    get<Figures>(`/v1/stats/${encodeURIComponent(one.name)}?${ask}`, token.value).then(
      (answer) => {
        figures.value = answer
        problem.value = ''
      },
      (error: Error) => (problem.value = error.message),
    )
  })

  const table = figures.value
  const measures = ['count', ...(metric?.measures.filter((name) => name !== 'count') ?? [])]
  const most = Math.max(1, ...(table?.rows.map((row) => amount(row[measure])).filter(Number.isFinite) ?? []))
  return (
    <>
      <h1>Statistics</h1>
      <p class="lead">
        Anonymous figures from all jurisdictions.
        {table &&
          ` Each is of at least ${table.persons_min} people; what is of fewer is withheld, and is in no total either.`}
      </p>
      {problem.value && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {metrics.value?.length === 0 && <Empty>No statistics are declared.</Empty>}
      {metric && (
        <div class="filters">
          <Choice
            label="Metric"
            value={metric.name}
            options={metrics.value!.map((one) => one.name)}
            choose={(name) => choose({ metric: name, by: '', measure: '' })}
          />
          <fieldset class="checks">
            <legend>By</legend>
            {all.map((name) => (
              <label key={name} class="check">
                <input
                  type="checkbox"
                  checked={by.includes(name)}
                  onChange={(event) =>
                    choose({
                      by: (event.currentTarget.checked ? [...by, name] : by.filter((one) => one !== name)).join(','),
                    })
                  }
                />
                {name}
              </label>
            ))}
          </fieldset>
          <Choice label="Bars show" value={measure} options={measures} choose={(value) => choose({ measure: value })} />
          <Field
            label="From"
            type="date"
            value={from}
            onInput={(event) => choose({ from: event.currentTarget.value })}
          />
        </div>
      )}
      {table && table.rows.length === 0 && <Empty>No figure has left home yet for this choice.</Empty>}
      {table && table.rows.length > 0 && (
        <>
          <Table
            label={`Figures of ${table.metric}`}
            head={
              <>
                {table.by.map((name) => (
                  <th scope="col" key={name}>
                    {name}
                  </th>
                ))}
                {measures.map((name) => (
                  <th scope="col" class="n" key={name}>
                    {name}
                  </th>
                ))}
                <th scope="col">{measure}</th>
              </>
            }
          >
            {table.rows.map((row, i) => {
              const withheld = row.withheld === true || row.count === null
              return (
                <tr key={i} class={withheld ? 'muted' : ''}>
                  {table.by.map((name) => (
                    <th scope="row" key={name}>
                      {shown(row[name]) ?? 'not said'}
                    </th>
                  ))}
                  {measures.map((name) => (
                    <td class="n" key={name}>
                      {withheld ? <em>withheld</em> : (shown(row[name]) ?? '–')}
                    </td>
                  ))}
                  <td class="wide">{!withheld && <Bar share={amount(row[measure]) / most} />}</td>
                </tr>
              )
            })}
          </Table>
          <p class="quiet-text">As of {table.as_of ? instant(Date.parse(table.as_of)) : 'never'}.</p>
        </>
      )}
    </>
  )
}
