import { useComputed, useSignal } from '@preact/signals'
import { pillars, type Advice } from '../api.ts'
import { post } from '../client.ts'
import { date, many } from '../format.ts'
import { Copy, Empty, Field, SeverityMark } from '../parts.tsx'
import { choose, route } from '../route.ts'
import { facts, may, token } from '../store.ts'

function Acknowledge({ advice, done }: { advice: Advice; done: () => void }) {
  const until = useSignal(date(Date.now() + 30 * 86_400_000))
  const reason = useSignal('')
  const problem = useSignal('')
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      await post('/v1/ops/acknowledgements', token.value, { id: advice.id, reason: reason.value, until: until.value })
      done()
    } catch (error) {
      problem.value = (error as Error).message
    }
  }
  return (
    <form class="inline-form" onSubmit={submit} aria-label={`Acknowledge ${advice.title}`}>
      <Field
        label="Reason"
        required
        maxLength={200}
        value={reason}
        onInput={(event) => (reason.value = event.currentTarget.value)}
      />
      <Field
        label="Until"
        type="date"
        required
        value={until}
        onInput={(event) => (until.value = event.currentTarget.value)}
      />
      <button type="submit" class="main">
        Acknowledge
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

function Finding({ advice }: { advice: Advice }) {
  const open = useSignal(false)
  return (
    <li class={`card ${advice.acknowledged ? 'muted' : ''}`}>
      <p class="card-head">
        <SeverityMark severity={advice.severity} />
        <strong>{advice.title}</strong>
        <span class="tag">{advice.pillar}</span>
        <span class="quiet-text">
          {[advice.resource, advice.region, advice.jurisdiction].filter(Boolean).join(' · ')}
        </span>
      </p>
      <p>{advice.why}</p>
      <p class="quiet-text">Seen: {advice.evidence}</p>
      <Copy text={advice.command} />
      {advice.acknowledged ? (
        <p class="quiet-text">
          Acknowledged by {advice.acknowledged.by} until {advice.acknowledged.until}: {advice.acknowledged.reason}
        </p>
      ) : (
        may('ops:Acknowledge') &&
        !open.value && (
          <p class="actions">
            <button type="button" onClick={() => (open.value = true)} aria-label={`Acknowledge ${advice.title} …`}>
              Acknowledge …
            </button>
          </p>
        )
      )}
      {open.value && <Acknowledge advice={advice} done={() => (open.value = false)} />}
    </li>
  )
}

const rank = { high: 0, medium: 1, low: 2 }
export function Advisor() {
  const pillar = route.value.query.get('pillar') ?? ''
  const with_acknowledged = route.value.query.get('acknowledged') === 'yes'
  const counts = useComputed(() =>
    pillars.map((name) => {
      const here = facts.advice.value.filter((one) => one.pillar === name && !one.acknowledged)
      return { name, n: here.length, high: here.filter((one) => one.severity === 'high').length }
    }),
  )
  const hidden = facts.advice.value.filter((one) => one.acknowledged).length
  const found = facts.advice.value
    .filter((one) => (!pillar || one.pillar === pillar) && (with_acknowledged || !one.acknowledged))
    .sort((a, b) => Number(!!a.acknowledged) - Number(!!b.acknowledged) || rank[a.severity] - rank[b.severity])
  return (
    <>
      <h1>Advisor</h1>
      <ul class="pillars" aria-label="Pillars">
        <li>
          <button type="button" aria-pressed={pillar === ''} onClick={() => choose({ pillar: '' })}>
            <strong>{counts.value.reduce((sum, one) => sum + one.n, 0)}</strong> all
          </button>
        </li>
        {counts.value.map(({ name, n, high }) => (
          <li key={name}>
            <button
              type="button"
              aria-pressed={pillar === name}
              onClick={() => choose({ pillar: pillar === name ? '' : name })}
            >
              <strong>{n}</strong> {name}
              {high > 0 && <span class="quiet-text">{high} high</span>}
            </button>
          </li>
        ))}
      </ul>
      <div class="heading">
        <p class="quiet-text" role="status">
          {many(found.length, 'finding')}
        </p>
        <label class="check">
          <input
            type="checkbox"
            checked={with_acknowledged}
            onChange={(event) => choose({ acknowledged: event.currentTarget.checked ? 'yes' : '' })}
          />
          Show {hidden} acknowledged
        </label>
      </div>
      {found.length === 0 ? (
        <Empty>Nothing to advise{pillar && ` about ${pillar}`}.</Empty>
      ) : (
        <ul class="cards">
          {found.map((one) => (
            <Finding key={one.id} advice={one} />
          ))}
        </ul>
      )}
    </>
  )
}
