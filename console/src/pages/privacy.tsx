import { useComputed } from '@preact/signals'
import { days_left, many } from '../format.ts'
import { Choice, Empty, Glyph, Table } from '../parts.tsx'
import { choose, route } from '../route.ts'
import { facts } from '../store.ts'

const soon_days = 7
export function Privacy() {
  const kind = route.value.query.get('kind') ?? ''
  const sorted = useComputed(() => [...facts.requests.value].sort((a, b) => a.days_left - b.days_left))
  const overdue = useComputed(() => sorted.value.filter((one) => one.days_left < 0).length)
  const soon = useComputed(() => sorted.value.filter((one) => one.days_left >= 0 && one.days_left <= soon_days).length)
  const kinds = useComputed(() => [...new Set(sorted.value.map((one) => one.kind))])
  const shown = sorted.value.filter((one) => !kind || one.kind === kind)
  return (
    <>
      <h1>Privacy</h1>
      <p class="lead">
        {many(sorted.value.length, 'request')} open: {overdue.value} overdue, {soon.value} due within {soon_days} days.
        Due dates follow Regulation 1182/71 and each jurisdiction’s holidays.
      </p>
      <div class="filters">
        <Choice label="Kind" all="All" value={kind} options={kinds.value} choose={(value) => choose({ kind: value })} />
      </div>
      {shown.length === 0 ? (
        <Empty>No requests are open.</Empty>
      ) : (
        <Table
          label="Requests of people, by days left"
          head={
            <>
              <th scope="col">Left</th>
              <th scope="col">Due</th>
              <th scope="col">Kind</th>
              <th scope="col">State</th>
              <th scope="col">Asked</th>
              <th scope="col">Jurisdiction</th>
              <th scope="col">Shard</th>
              <th scope="col">Request</th>
            </>
          }
        >
          {shown.map((one) => (
            <tr key={one.id} class={one.days_left < 0 ? 'attention' : ''}>
              <td>
                <span class={`state ${one.days_left < 0 ? 'alarm' : one.days_left <= soon_days ? 'warning' : 'ok'}`}>
                  <Glyph state={one.days_left < 0 ? 'alarm' : one.days_left <= soon_days ? 'warning' : 'ok'} />
                  {days_left(one.days_left)}
                </span>
              </td>
              <td>
                <time dateTime={one.due}>{one.due}</time>
                {one.extended && <span class="tag">extended</span>}
              </td>
              <td>{one.kind}</td>
              <td>{one.state}</td>
              <td>
                <time dateTime={one.asked}>{one.asked}</time>
              </td>
              <td>{one.jurisdiction}</td>
              <td>{one.shard}</td>
              <th scope="row">
                <code>{one.id}</code>
              </th>
            </tr>
          ))}
        </Table>
      )}
    </>
  )
}
