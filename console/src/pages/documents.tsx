import { useComputed } from '@preact/signals'
import { duration, many, number } from '../format.ts'
import { Empty, Glyph, Table } from '../parts.tsx'
import { facts } from '../store.ts'

// Longer than this and somebody should ask the institution.
const unacknowledged_s_max = 3_600
export function Documents() {
  const rows = facts.institutions
  const lacking = useComputed(() => rows.value.filter((one) => !one.complete).length)
  return (
    <>
      <h1>Documents</h1>
      {rows.value.length === 0 ? (
        <Empty>No institutions receive documents here.</Empty>
      ) : (
        <>
          <p class="lead">
            {lacking.value === 0
              ? 'Every audited event has its document, and every batch was acknowledged or is on its way.'
              : `${many(lacking.value, 'stream')} of documents ${lacking.value === 1 ? 'is' : 'are'} not complete.`}
          </p>
          <Table
            label="Documents by institution and shard"
            head={
              <>
                <th scope="col">Institution</th>
                <th scope="col">Jurisdiction</th>
                <th scope="col">Shard</th>
                <th scope="col">Complete</th>
                <th scope="col" class="n">
                  Waiting
                </th>
                <th scope="col" class="n">
                  Documents
                </th>
                <th scope="col" class="n">
                  Batches
                </th>
                <th scope="col" class="n">
                  Oldest unacknowledged
                </th>
              </>
            }
          >
            {rows.value.map((one) => (
              <tr key={`${one.name} ${one.shard}`} class={one.complete ? '' : 'attention'}>
                <th scope="row">{one.name}</th>
                <td>{one.jurisdiction}</td>
                <td>{one.shard ?? 'all'}</td>
                <td>
                  <span class={`state ${one.complete ? 'ok' : 'alarm'}`}>
                    <Glyph state={one.complete ? 'ok' : 'alarm'} />
                    {one.complete ? 'yes' : 'no'}
                  </span>
                </td>
                <td class="n">{number(one.waiting)}</td>
                <td class="n">{number(one.documents)}</td>
                <td class="n">{number(one.batches)}</td>
                <td class="n">
                  {one.unacknowledged_s === null ? (
                    'none'
                  ) : (
                    <>
                      {one.unacknowledged_s > unacknowledged_s_max && <Glyph state="warning" />}{' '}
                      {duration(one.unacknowledged_s)}
                    </>
                  )}
                </td>
              </tr>
            ))}
          </Table>
          <p class="quiet-text">
            An institution checks its own files alone, without us: <code>domicile-audit-verify</code>.
          </p>
        </>
      )}
    </>
  )
}
