import { useComputed, useSignal } from '@preact/signals'
import { Component } from 'preact'
import type { Resource } from '../api.ts'
import { filter_of, fleet_csv, select } from '../fleet.ts'
import { fact, fact_name, instant, many } from '../format.ts'
import { Choice, Empty, Field, StateMark, Table, resource_link } from '../parts.tsx'
import { choose, route } from '../route.ts'
import { facts } from '../store.ts'

/** Drawn again only if its resource has changed: the store keeps the identity of what has not. */
class Row extends Component<{ one: Resource }> {
  override shouldComponentUpdate(next: { one: Resource }) {
    return next.one !== this.props.one
  }
  override render({ one }: { one: Resource }) {
    return (
      <tr>
        <th scope="row">
          <a href={resource_link(one.kind, one.name, one.region)}>{one.name}</a>
        </th>
        <td>
          <StateMark state={one.state} />
        </td>
        <td>
          {one.kind}
          {one.role && <span class="quiet-text"> {one.role}</span>}
        </td>
        <td>{one.region ?? '–'}</td>
        <td>{one.jurisdiction}</td>
        <td>{one.shard ?? '–'}</td>
        <td class="wide">
          {one.summary}
          {Object.entries(one.facts)
            .slice(0, 2)
            .map(([name, value]) => (
              <span class="quiet-text" key={name}>
                {' · '}
                {fact_name(name)} {fact(name, value)}
              </span>
            ))}
        </td>
      </tr>
    )
  }
}

/** A file made here, of what is seen here. */
function save(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }))
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  setTimeout(() => URL.revokeObjectURL(url), 10_000)
}

// More rows than one reads; drawing them costs time at each update.
const rows_max = 150
export function Fleet() {
  const all = useSignal(false)
  const filter = useComputed(() => filter_of(route.value.query))
  const found = useComputed(() => select(facts.resources.value, filter.value))
  const kinds = useComputed(() => [...new Set(facts.resources.value.map((one) => one.kind))])
  const shown = all.value ? found.value : found.value.slice(0, rows_max)
  const chosen = Object.values(filter.value).some(Boolean)
  return (
    <>
      <h1>Fleet</h1>
      <div class="filters" role="search" aria-label="Filter the fleet">
        <Field
          label="Search"
          type="search"
          value={filter.value.text}
          placeholder="name, shard, words"
          onInput={(event) => choose({ text: event.currentTarget.value })}
        />
        <Choice
          label="Kind"
          all="All"
          value={filter.value.kind}
          options={kinds.value}
          choose={(kind) => choose({ kind })}
        />
        <Choice
          label="Region"
          all="All"
          value={filter.value.region}
          options={facts.regions.value.map((one) => one.name)}
          choose={(region) => choose({ region })}
        />
        <Choice
          label="Jurisdiction"
          all="All"
          value={filter.value.jurisdiction}
          options={facts.jurisdictions.value.map((one) => one.name)}
          choose={(jurisdiction) => choose({ jurisdiction })}
        />
        <Choice
          label="State"
          all="All"
          value={filter.value.state}
          options={[['wrong', 'not ok'], 'alarm', 'warning', 'unknown', 'ok']}
          choose={(state) => choose({ state })}
        />
        {chosen && (
          <button
            type="button"
            class="quiet"
            onClick={() => choose({ kind: '', region: '', jurisdiction: '', state: '', text: '' })}
          >
            Clear
          </button>
        )}
        <button
          type="button"
          onClick={() => save(`fleet-${instant(facts.at.value).slice(0, 10)}.csv`, fleet_csv(found.value))}
        >
          Save as CSV
        </button>
      </div>
      <p role="status" class="quiet-text">
        {many(found.value.length, 'resource')}
        {found.value.length !== facts.resources.value.length && ` of ${facts.resources.value.length}`}
      </p>
      {found.value.length === 0 ? (
        <Empty>Nothing matches. Clear a filter to see more.</Empty>
      ) : (
        <Table
          label="Resources"
          head={
            <>
              <th scope="col">Name</th>
              <th scope="col">State</th>
              <th scope="col">Kind</th>
              <th scope="col">Region</th>
              <th scope="col">Jurisdiction</th>
              <th scope="col">Shard</th>
              <th scope="col">Summary</th>
            </>
          }
        >
          {shown.map((one) => (
            <Row key={`${one.kind} ${one.name} ${one.region}`} one={one} />
          ))}
        </Table>
      )}
      {shown.length < found.value.length && (
        <button type="button" onClick={() => (all.value = true)}>
          Show all {found.value.length}
        </button>
      )}
    </>
  )
}
