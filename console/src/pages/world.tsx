// Ten seconds: what is wrong, where, and what to do; then what is where.
import { useComputed } from '@preact/signals'
import type { State } from '../api.ts'
import { matrix, worst } from '../fleet.ts'
import { duration, kinds, many, number, rate } from '../format.ts'
import { WorldMap, hue_of } from '../map.tsx'
import { Copy, Glyph, Runbook, SeverityMark, StateMark, Table } from '../parts.tsx'
import { link } from '../route.ts'
import { facts } from '../store.ts'

const severities = { critical: 0, high: 1, medium: 2, low: 3 }

function Wrong() {
  const alarms = useComputed(() => {
    const children = new Set(facts.alarms.value.filter((one) => one.state === 'alarm').flatMap((one) => one.children))
    // A composite speaks for its children; what is silenced does not shout.
    return facts.alarms.value
      .filter((one) => one.state === 'alarm' && !children.has(one.name) && (one.silenced_until ?? 0) < facts.at.value)
      .sort((a, b) => severities[a.severity] - severities[b.severity] || b.since - a.since)
  })
  const advice = useComputed(() =>
    facts.advice.value.filter((one) => !one.acknowledged && one.severity === 'high').slice(0, 3),
  )
  const calm = alarms.value.length === 0 && facts.at.value > 0
  return (
    <section class={`wrong ${calm ? 'calm' : ''}`} aria-labelledby="wrong">
      <h2 id="wrong">
        {calm ? (
          <>
            <Glyph state="ok" /> Nothing is wrong
          </>
        ) : (
          <>
            <Glyph state="alarm" /> {many(alarms.value.length, 'alarm')} now
          </>
        )}
      </h2>
      <ul class="cards">
        {alarms.value.slice(0, 6).map((one) => (
          <li key={`${one.name} ${one.region} ${one.resource}`} class={`card severity-${one.severity}`}>
            <p class="card-head">
              <SeverityMark severity={one.severity} />
              <a href={link('alarms', { text: one.name })}>
                <strong>{one.name}</strong>
              </a>
              <span class="quiet-text">
                {[one.resource, one.region ?? one.jurisdiction].filter(Boolean).join(' · ') || 'everywhere'} · for{' '}
                {duration((facts.at.value - one.since) / 1000)}
              </span>
            </p>
            <p>{one.why}</p>
            <p class="quiet-text">
              What to do: <Runbook path={one.runbook} />
            </p>
          </li>
        ))}
        {advice.value.map((one) => (
          <li key={one.id} class="card advice">
            <p class="card-head">
              <span class="tag">{one.pillar}</span>
              <a href={link('advisor', { pillar: one.pillar })}>
                <strong>{one.title}</strong>
              </a>
              <span class="quiet-text">{one.resource}</span>
            </p>
            <Copy text={one.command} />
          </li>
        ))}
      </ul>
      {alarms.value.length > 6 && (
        <p>
          <a href={link('alarms', { state: 'alarm' })}>All {alarms.value.length} alarms</a>
        </p>
      )}
    </section>
  )
}

function Counters() {
  const counts = useComputed(() => {
    const by = new Map<string, { n: number; regions: Set<string>; states: State[] }>()
    for (const one of facts.resources.value) {
      const entry = by.get(one.kind) ?? { n: 0, regions: new Set(), states: [] }
      entry.n++
      if (one.region) entry.regions.add(one.region)
      entry.states.push(one.state)
      by.set(one.kind, entry)
    }
    return [...by].filter(([kind]) => ['node', 'shard', 'gateway', 'worker', 'queue', 'secret'].includes(kind))
  })
  const people = useComputed(() => facts.ranges.value.reduce((sum, one) => sum + (one.people ?? 0), 0))
  const requests = useComputed(() =>
    facts.regions.value.reduce((sum, one) => sum + one.figures.requests_per_s + one.figures.statements_per_s, 0),
  )
  return (
    <ul class="counters" aria-label="Counts">
      {counts.value.map(([kind, { n, regions, states }]) => (
        <li key={kind}>
          <a href={link('fleet', { kind })}>
            <strong>{number(n)}</strong> {kinds(kind, n)}
            <span>
              {regions.size > 0 ? `in ${many(regions.size, 'region')}` : 'in all'}
              {worst(states) !== 'ok' && (
                <>
                  {' · '}
                  {states.filter((one) => one !== 'ok').length} not ok
                </>
              )}
            </span>
          </a>
        </li>
      ))}
      <li>
        <a href="#/ranges">
          <strong>{number(people.value)}</strong> people
          <span>in {many(facts.jurisdictions.value.length, 'jurisdiction')}</span>
        </a>
      </li>
      <li>
        <span class="plain">
          <strong>{rate(requests.value)}</strong> /s
          <span>requests and statements</span>
        </span>
      </li>
    </ul>
  )
}

function Regions() {
  return (
    <section aria-labelledby="regions">
      <h2 id="regions">Regions</h2>
      <Table
        label="Regions and their figures"
        head={
          <>
            <th scope="col">Region</th>
            <th scope="col">Jurisdiction</th>
            <th scope="col">State</th>
            <th scope="col" class="n">
              Requests
            </th>
            <th scope="col" class="n">
              Statements
            </th>
            <th scope="col" class="n">
              Refusals
            </th>
            <th scope="col" class="n">
              Sessions
            </th>
            <th scope="col" class="n">
              p99
            </th>
            <th scope="col" class="n">
              Round trip
            </th>
            <th scope="col">Range map</th>
            <th scope="col" class="n">
              Facts from
            </th>
          </>
        }
      >
        {facts.regions.value.map((one) => (
          <tr key={one.name}>
            <th scope="row">
              <a href={link('fleet', { region: one.name })}>{one.name}</a>
            </th>
            <td>
              <span class={`swatch hue${hue_of(one.jurisdiction)}`} aria-hidden="true" /> {one.jurisdiction}
            </td>
            <td>
              <StateMark state={one.state} />
            </td>
            <td class="n">{rate(one.figures.requests_per_s)} /s</td>
            <td class="n">{rate(one.figures.statements_per_s)} /s</td>
            <td class="n">{rate(one.figures.refusals_per_s)} /s</td>
            <td class="n">{number(one.figures.sessions)}</td>
            <td class="n">{one.figures.p99_ms === null ? '–' : `${number(one.figures.p99_ms, 1)} ms`}</td>
            <td class="n">{one.round_trip_us === null ? '–' : `${number(one.round_trip_us / 1000, 1)} ms`}</td>
            <td>{one.same_map === null ? '–' : one.same_map ? 'same' : 'another'}</td>
            <td class="n">{one.seen_s === null ? 'never' : `${duration(one.seen_s)} ago`}</td>
          </tr>
        ))}
      </Table>
    </section>
  )
}

function Matrix() {
  const regions = useComputed(() => facts.regions.value.map((one) => one.name))
  const rows = useComputed(() => matrix(facts.resources.value, regions.value))
  const elsewhere = useComputed(() => rows.value.some((row) => row.cells.at(-1)!.count > 0))
  return (
    <section aria-labelledby="matrix">
      <h2 id="matrix">What is where</h2>
      <Table
        label="Resources by region"
        class="matrix"
        head={
          <>
            <th scope="col">Resource</th>
            <th scope="col" class="n">
              All
            </th>
            {regions.value.map((name) => (
              <th scope="col" class="n" key={name}>
                {name}
              </th>
            ))}
            {elsewhere.value && (
              <th scope="col" class="n">
                no region
              </th>
            )}
          </>
        }
      >
        {rows.value.map((row) => (
          <tr key={row.kind}>
            <th scope="row">{kinds(row.kind, 2)}</th>
            <td class="n">
              <a href={link('fleet', { kind: row.kind })}>{number(row.total)}</a>
            </td>
            {row.cells.slice(0, elsewhere.value ? undefined : -1).map((cell, i) => (
              <td class="n" key={i}>
                {cell.count === 0 ? (
                  <span class="none">·</span>
                ) : (
                  <a href={link('fleet', { kind: row.kind, region: regions.value[i] })}>
                    {cell.state !== 'ok' && <Glyph state={cell.state} />}
                    {cell.state !== 'ok' && <span class="hidden">{cell.state}: </span>}
                    {number(cell.count)}
                  </a>
                )}
              </td>
            ))}
          </tr>
        ))}
      </Table>
    </section>
  )
}

export function World() {
  return (
    <>
      <h1 class="hidden">World</h1>
      <div class="first">
        <Wrong />
        <div>
          <WorldMap />
          <Counters />
        </div>
      </div>
      <Regions />
      <Matrix />
    </>
  )
}
