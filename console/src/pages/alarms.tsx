import { useComputed, useSignal } from '@preact/signals'
import type { Alarm } from '../api.ts'
import { post } from '../client.ts'
import { duration, instant, many, value_with_unit } from '../format.ts'
import { Choice, Empty, Field, Runbook, SeverityMark, StateMark, Table } from '../parts.tsx'
import { choose, route } from '../route.ts'
import { facts, may, token } from '../store.ts'

function Silence({ alarm, done }: { alarm: Alarm; done: () => void }) {
  const minutes = useSignal('60')
  const reason = useSignal('')
  const problem = useSignal('')
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await post('/v1/ops/silences', token.value, {
        alarm: alarm.name,
        region: alarm.region,
        resource: alarm.resource,
        minutes: Number(minutes.value),
        reason: reason.value,
      })
      done()
    } catch (error) {
      problem.value = (error as Error).message
    }
  }
  return (
    <form class="inline-form" onSubmit={submit} aria-label={`Silence ${alarm.name}`}>
      <Field
        label="Minutes"
        type="number"
        min="1"
        max="10080"
        required
        value={minutes}
        onInput={(event) => (minutes.value = event.currentTarget.value)}
      />
      <Field
        label="Reason"
        required
        maxLength={200}
        value={reason}
        onInput={(event) => (reason.value = event.currentTarget.value)}
      />
      <button type="submit" class="main">
        Silence
      </button>
      <button type="button" class="quiet" onClick={done}>
        Cancel
      </button>
      <p class="problem" role="alert">
        {problem}
      </p>
    </form>
  )
}

function One({ alarm, all }: { alarm: Alarm; all: Alarm[] }) {
  const open = useSignal(false)
  const silenced = alarm.silenced_until !== null && alarm.silenced_until > facts.at.value
  return (
    <li class={`card ${alarm.state === 'alarm' && !silenced ? `severity-${alarm.severity}` : ''}`}>
      <p class="card-head">
        <StateMark state={alarm.state} />
        <strong>{alarm.name}</strong>
        <SeverityMark severity={alarm.severity} quiet={alarm.state !== 'alarm'} />
        {alarm.children.length > 0 && <span class="tag">composite</span>}
        {silenced && <span class="tag">silenced until {instant(alarm.silenced_until!)}</span>}
        <span class="quiet-text">
          {[alarm.resource, alarm.region, alarm.jurisdiction].filter(Boolean).join(' · ') || 'everywhere'}
        </span>
      </p>
      <p>{alarm.why}</p>
      <p class="quiet-text">
        {alarm.value !== null && (
          <>
            Value <strong>{value_with_unit(alarm.value, alarm.unit)}</strong>
            {alarm.threshold !== null && <> against {value_with_unit(alarm.threshold, alarm.unit)}</>}
            {' · '}
          </>
        )}
        <code>{alarm.rule}</code> · since {instant(alarm.since)} ({duration((facts.at.value - alarm.since) / 1000)})
      </p>
      {alarm.children.length > 0 && (
        <ul class="children">
          {alarm.children.map((name) => {
            const child = all.find((one) => one.name === name)
            return (
              <li key={name}>
                {child ? <StateMark state={child.state} /> : <StateMark state="unknown" />} {name}
              </li>
            )
          })}
        </ul>
      )}
      <p class="actions">
        <span>
          What to do: <Runbook path={alarm.runbook} />
        </span>
        {may('ops:Silence') && !open.value && (
          <button type="button" onClick={() => (open.value = true)} aria-label={`Silence ${alarm.name} …`}>
            Silence …
          </button>
        )}
      </p>
      {open.value && <Silence alarm={alarm} done={() => (open.value = false)} />}
    </li>
  )
}

const order = { alarm: 0, insufficient: 1, ok: 2 }
const severity = { critical: 0, high: 1, medium: 2, low: 3 }
const shown_max = 60
export function Alarms() {
  const state = route.value.query.get('state') ?? ''
  const text = (route.value.query.get('text') ?? '').toLowerCase()
  const all = facts.alarms.value
  const counts = useComputed(() => {
    const by = { alarm: 0, insufficient: 0, ok: 0 }
    for (const one of facts.alarms.value) by[one.state]++
    return by
  })
  const found = all
    .filter(
      (one) =>
        (!state || one.state === state) &&
        `${one.name} ${one.resource ?? ''} ${one.region ?? ''} ${one.jurisdiction ?? ''} ${one.why}`
          .toLowerCase()
          .includes(text),
    )
    .sort((a, b) => order[a.state] - order[b.state] || severity[a.severity] - severity[b.severity] || b.since - a.since)
  return (
    <>
      <h1>Alarms</h1>
      <p class="lead" aria-live="polite">
        {many(counts.value.alarm, 'alarm')}, {counts.value.insufficient} without enough data, {counts.value.ok} ok.
      </p>
      <div class="filters" role="search" aria-label="Filter alarms">
        <Field
          label="Search"
          type="search"
          value={route.value.query.get('text') ?? ''}
          onInput={(event) => choose({ text: event.currentTarget.value })}
        />
        <Choice
          label="State"
          all="All"
          value={state}
          options={['alarm', ['insufficient', 'no data'], 'ok']}
          choose={(value) => choose({ state: value })}
        />
      </div>
      {found.length === 0 ? (
        <Empty>No alarm matches.</Empty>
      ) : (
        <ul class="cards">
          {found.slice(0, shown_max).map((one) => (
            <One key={`${one.name} ${one.region} ${one.resource}`} alarm={one} all={all} />
          ))}
        </ul>
      )}
      {found.length > shown_max && <p class="quiet-text">{found.length - shown_max} more match: search for them.</p>}
      <section aria-labelledby="transitions">
        <h2 id="transitions">What changed</h2>
        {facts.transitions.value.length === 0 ? (
          <Empty>Nothing has changed its state.</Empty>
        ) : (
          <Table
            label="Transitions of alarms"
            head={
              <>
                <th scope="col">When</th>
                <th scope="col">Alarm</th>
                <th scope="col">Where</th>
                <th scope="col">From</th>
                <th scope="col">To</th>
              </>
            }
          >
            {[...facts.transitions.value]
              .sort((a, b) => b.at - a.at)
              .slice(0, 100)
              .map((one) => (
                <tr key={`${one.at} ${one.name} ${one.resource}`}>
                  <td>{instant(one.at)}</td>
                  <th scope="row">{one.name}</th>
                  <td>{[one.resource, one.region].filter(Boolean).join(' · ') || 'everywhere'}</td>
                  <td>
                    <StateMark state={one.from} />
                  </td>
                  <td>
                    <StateMark state={one.to} />
                  </td>
                </tr>
              ))}
          </Table>
        )}
      </section>
    </>
  )
}
