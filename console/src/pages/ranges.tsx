import { useComputed } from '@preact/signals'
import type { Range } from '../api.ts'
import { many, number } from '../format.ts'
import { hue_of } from '../map.tsx'
import { Bar, Empty, Table, resource_link } from '../parts.tsx'
import { facts } from '../store.ts'

/** Hatching for each jurisdiction, so that no colour need be told from another. */
function Patterns() {
  const drawings = ['', 'M0 4H8', 'M4 0V8', 'M0 8 8 0', 'M0 0 8 8', 'M0 4H8M4 0V8', 'M0 8 8 0M0 0 8 8', 'M3 4h2']
  return (
    <defs>
      {drawings.map((d, i) => (
        <pattern key={i} id={`hatch${i}`} width="8" height="8" patternUnits="userSpaceOnUse">
          <rect width="8" height="8" class={`hue${i}`} />
          <path d={d} class="hatch" />
        </pattern>
      ))}
    </defs>
  )
}

export function Ranges() {
  const ranges = useComputed(() => [...facts.ranges.value].sort((a, b) => a.from - b.from))
  const end = useComputed(() => Math.max(1, ...ranges.value.map((one) => one.to)))
  const most = useComputed(() => Math.max(1, ...ranges.value.map((one) => one.people ?? 0)))
  const sums = useComputed(() => {
    const by = new Map<string, { ids: number; people: number; ranges: number }>()
    for (const one of ranges.value) {
      const sum = by.get(one.jurisdiction) ?? { ids: 0, people: 0, ranges: 0 }
      sum.ids += one.to - one.from
      sum.people += one.people ?? 0
      sum.ranges++
      by.set(one.jurisdiction, sum)
    }
    return [...by]
  })
  const words = (one: Range) =>
    `${number(one.from)} to ${number(one.to)}: shard ${one.shard}, jurisdiction ${one.jurisdiction}, ${one.open ? 'open' : 'closed'}`
  if (ranges.value.length === 0)
    return (
      <>
        <h1>Ranges</h1>
        <Empty>No ranges are known yet.</Empty>
      </>
    )
  return (
    <>
      <h1>Ranges</h1>
      <p class="lead">Who lives where, by user id. The map is at epoch {number(facts.map_epoch.value)}.</p>
      <figure class="ids">
        <svg
          viewBox="0 0 1000 56"
          preserveAspectRatio="none"
          role="img"
          aria-label={`The ids from 0 to ${number(end.value)}; the table below says the same`}
        >
          <Patterns />
          <rect class="track" width="1000" height="56" />
          {ranges.value.map((one) => (
            <rect
              key={one.from}
              class={`range ${one.open ? 'open' : 'closed'}`}
              x={(one.from / end.value) * 1000}
              width={((one.to - one.from) / end.value) * 1000}
              y="4"
              height="48"
              fill={`url(#hatch${hue_of(one.jurisdiction)})`}
            >
              <title>{words(one)}</title>
            </rect>
          ))}
        </svg>
        <p class="axis" aria-hidden="true">
          <span>0</span>
          <span>{number(end.value / 2)}</span>
          <span>{number(end.value)}</span>
        </p>
        <figcaption>
          {sums.value.map(([name, sum]) => (
            <span class="key" key={name}>
              <svg width="18" height="12" aria-hidden="true">
                <rect width="18" height="12" fill={`url(#hatch${hue_of(name)})`} />
              </svg>
              {name}: {number(sum.people)} people, {number(sum.ids)} ids in {many(sum.ranges, 'range')}
            </span>
          ))}
          <span class="key">gaps belong to nobody: an id there is an error</span>
        </figcaption>
      </figure>
      <Table
        label="Ranges"
        head={
          <>
            <th scope="col" class="n">
              From
            </th>
            <th scope="col" class="n">
              To, exclusive
            </th>
            <th scope="col">Shard</th>
            <th scope="col">Jurisdiction</th>
            <th scope="col">New ids</th>
            <th scope="col" class="n">
              People
            </th>
            <th scope="col">Filled</th>
            <th scope="col" class="n">
              Epoch
            </th>
          </>
        }
      >
        {ranges.value.map((one) => (
          <tr key={one.from}>
            <td class="n">{number(one.from)}</td>
            <td class="n">{number(one.to)}</td>
            <th scope="row">
              <a
                href={resource_link(
                  'shard',
                  one.shard,
                  facts.resources.value.find((r) => r.kind === 'shard' && r.name === one.shard)?.region ?? null,
                )}
              >
                {one.shard}
              </a>
            </th>
            <td>
              <span class={`swatch hue${hue_of(one.jurisdiction)}`} aria-hidden="true" /> {one.jurisdiction}
            </td>
            <td>{one.open ? 'open' : 'closed'}</td>
            <td class="n">{one.people === null ? 'not shown' : number(one.people)}</td>
            <td>
              {one.people !== null && (
                <>
                  <Bar share={one.people / most.value} />
                  <span class="quiet-text"> {number((one.people / (one.to - one.from)) * 100, 1)} %</span>
                </>
              )}
            </td>
            <td class="n">{number(one.epoch)}</td>
          </tr>
        ))}
      </Table>
    </>
  )
}
