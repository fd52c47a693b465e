import { useComputed, useSignal } from '@preact/signals'
import type { Span } from '../api.ts'
import { Chart } from '../chart.tsx'
import { fact, fact_name } from '../format.ts'
import { Copy, Empty, SeverityMark, StateMark, same_resource } from '../parts.tsx'
import { link, route } from '../route.ts'
import { facts } from '../store.ts'

const spans: [Span, string][] = [
  ['1h', '1 hour'],
  ['1d', '1 day'],
  ['4w', '4 weeks'],
]
export function ResourcePage() {
  const span = useSignal<Span>('1h')
  const query = route.value.query
  const kind = query.get('kind') ?? ''
  const name = query.get('name') ?? ''
  const region = query.get('region')
  const one = facts.resources.value.find((r) => r.kind === kind && r.name === name && r.region === region)
  const alarms = useComputed(() =>
    facts.alarms.value.filter((a) =>
      same_resource(a.resource, route.value.query.get('kind') ?? '', route.value.query.get('name') ?? ''),
    ),
  )
  const advice = useComputed(() =>
    facts.advice.value.filter((a) =>
      same_resource(a.resource, route.value.query.get('kind') ?? '', route.value.query.get('name') ?? ''),
    ),
  )
  if (!one) {
    return (
      <>
        <h1>{name}</h1>
        <Empty>
          Nobody reports a {kind} of this name{region && ` in ${region}`} now. <a href="#/fleet">Back to the fleet</a>.
        </Empty>
      </>
    )
  }
  return (
    <>
      <p class="crumbs">
        <a href="#/fleet">Fleet</a> / <a href={link('fleet', { kind })}>{kind}</a>
      </p>
      <h1>
        {name} <StateMark state={one.state} />
      </h1>
      <p class="lead">{one.summary}</p>
      <dl class="facts">
        <div>
          <dt>jurisdiction</dt>
          <dd>
            <a href={link('fleet', { jurisdiction: one.jurisdiction })}>{one.jurisdiction}</a>
          </dd>
        </div>
        {one.region && (
          <div>
            <dt>region</dt>
            <dd>
              <a href={link('fleet', { region: one.region })}>{one.region}</a>
            </dd>
          </div>
        )}
        {one.shard && (
          <div>
            <dt>shard</dt>
            <dd>
              <a href={link('fleet', { text: one.shard })}>{one.shard}</a>
            </dd>
          </div>
        )}
        {one.role && (
          <div>
            <dt>role</dt>
            <dd>{one.role}</dd>
          </div>
        )}
        {Object.entries(one.facts).map(([key, value]) => (
          <div key={key}>
            <dt>{fact_name(key)}</dt>
            <dd>{fact(key, value)}</dd>
          </div>
        ))}
      </dl>
      {one.series.length > 0 && (
        <section aria-labelledby="history">
          <div class="heading">
            <h2 id="history">History</h2>
            <fieldset class="segments">
              <legend class="hidden">Time shown</legend>
              {spans.map(([value, text]) => (
                <label key={value}>
                  <input
                    type="radio"
                    name="span"
                    checked={span.value === value}
                    onChange={() => (span.value = value)}
                  />
                  <span>{text}</span>
                </label>
              ))}
            </fieldset>
          </div>
          <div class="charts">
            {one.series.map((series) => (
              <Chart key={series} series={series} region={region} resource={name} span={span.value} />
            ))}
          </div>
        </section>
      )}
      <section aria-labelledby="related">
        <h2 id="related">Alarms and advice about it</h2>
        {alarms.value.length + advice.value.length === 0 && <Empty>None.</Empty>}
        <ul class="cards">
          {alarms.value.map((a) => (
            <li key={a.name} class="card">
              <p class="card-head">
                <StateMark state={a.state} />
                <a href={link('alarms', { text: a.name })}>{a.name}</a>
                <SeverityMark severity={a.severity} quiet={a.state !== 'alarm'} />
              </p>
              <p>{a.why}</p>
            </li>
          ))}
          {advice.value.map((a) => (
            <li key={a.id} class="card">
              <p class="card-head">
                <span class="tag">{a.pillar}</span>
                <a href={link('advisor', { pillar: a.pillar })}>{a.title}</a>
              </p>
              <Copy text={a.command} />
            </li>
          ))}
        </ul>
      </section>
    </>
  )
}
