import { useSignal } from '@preact/signals'
import type { Simulation, Verdict, WhoCan } from '../api.ts'
import { get, post } from '../client.ts'
import { parse_context } from '../context.ts'
import { many } from '../format.ts'
import { Empty, Field, Glyph, Table } from '../parts.tsx'
import { token } from '../store.ts'

const looks = { allow: 'ok', deny: 'alarm', undecided: 'warning' } as const
function VerdictMark({ verdict }: { verdict: Verdict }) {
  return (
    <span class={`state ${looks[verdict]}`}>
      <Glyph state={looks[verdict]} />
      {verdict}
    </span>
  )
}

function Simulate() {
  const principal = useSignal('')
  const action = useSignal('')
  const resource = useSignal('')
  const context = useSignal('')
  const answer = useSignal<Simulation | null>(null)
  const problem = useSignal('')
  const submit = async (event: Event) => {
    event.preventDefault()
    try {
      answer.value = await post<Simulation>('/v1/ops/policies/simulate', token.value, {
        principal: principal.value,
        action: action.value,
        resource: resource.value,
        context: parse_context(context.value),
      })
      problem.value = ''
    } catch (error) {
      answer.value = null
      problem.value = (error as Error).message
    }
  }
  return (
    <section aria-labelledby="simulate">
      <h2 id="simulate">May somebody do something?</h2>
      <form onSubmit={submit} class="asking">
        <Field
          label="Principal"
          required
          placeholder="analyst@uk"
          value={principal}
          onInput={(e) => (principal.value = e.currentTarget.value)}
        />
        <Field
          label="Action"
          required
          placeholder="data:Select"
          value={action}
          onInput={(e) => (action.value = e.currentTarget.value)}
        />
        <Field
          label="Resource"
          required
          placeholder="arn:domicile:data::eu:table/invoices"
          value={resource}
          onInput={(e) => (resource.value = e.currentTarget.value)}
        />
        <label class="field">
          <span>Context, “key = value” a line</span>
          <textarea
            rows={3}
            spellcheck={false}
            value={context}
            onInput={(e) => (context.value = e.currentTarget.value)}
          />
        </label>
        <button type="submit" class="main">
          Simulate
        </button>
      </form>
      <div aria-live="polite">
        {problem.value && <p class="problem">{problem}</p>}
        {answer.value && (
          <>
            <p class="verdict">
              Verdict: <VerdictMark verdict={answer.value.verdict} />
            </p>
            {answer.value.reasons.length === 0 ? (
              <Empty>No statement speaks of it: what is not allowed is denied.</Empty>
            ) : (
              <Table
                label="Reasons"
                head={
                  <>
                    <th scope="col">Matched</th>
                    <th scope="col">Effect</th>
                    <th scope="col">Policy</th>
                    <th scope="col">Statement</th>
                    <th scope="col">Why</th>
                  </>
                }
              >
                {answer.value.reasons.map((one, i) => (
                  <tr key={i} class={one.matched ? '' : 'muted'}>
                    <td>{one.matched ? 'yes' : 'no'}</td>
                    <td>{one.effect}</td>
                    <td>{one.policy}</td>
                    <th scope="row">{one.statement}</th>
                    <td class="wide">{one.text}</td>
                  </tr>
                ))}
              </Table>
            )}
          </>
        )}
      </div>
    </section>
  )
}

function Who() {
  const action = useSignal('')
  const resource = useSignal('')
  const answer = useSignal<WhoCan | null>(null)
  const problem = useSignal('')
  const submit = async (event: Event) => {
    event.preventDefault()
    const query = new URLSearchParams({ action: action.value, resource: resource.value })
    try {
      answer.value = await get<WhoCan>(`/v1/ops/policies/who-can?${query}`, token.value)
      problem.value = ''
    } catch (error) {
      answer.value = null
      problem.value = (error as Error).message
    }
  }
  return (
    <section aria-labelledby="who">
      <h2 id="who">Who can do it?</h2>
      <form onSubmit={submit} class="asking">
        <Field
          label="Action"
          required
          placeholder="privacy:Erase"
          value={action}
          onInput={(e) => (action.value = e.currentTarget.value)}
        />
        <Field
          label="Resource"
          required
          placeholder="arn:domicile:data::eu:*"
          value={resource}
          onInput={(e) => (resource.value = e.currentTarget.value)}
        />
        <button type="submit" class="main">
          Ask
        </button>
      </form>
      <div aria-live="polite">
        {problem.value && <p class="problem">{problem}</p>}
        {answer.value && (
          <>
            <p>{many(answer.value.principals.length, 'principal')}</p>
            {answer.value.principals.length > 0 && (
              <Table
                label="Principals"
                head={
                  <>
                    <th scope="col">Principal</th>
                    <th scope="col">Verdict</th>
                    <th scope="col">If</th>
                  </>
                }
              >
                {answer.value.principals.map((one) => (
                  <tr key={one.principal}>
                    <th scope="row">{one.principal}</th>
                    <td>
                      <VerdictMark verdict={one.verdict} />
                    </td>
                    <td class="wide">{one.conditions.join('; ') || 'always'}</td>
                  </tr>
                ))}
              </Table>
            )}
          </>
        )}
      </div>
    </section>
  )
}

export function Policies() {
  return (
    <>
      <h1>Policies</h1>
      <p class="lead">Nothing is changed here: these ask the same rules that the doors ask.</p>
      <Simulate />
      <Who />
    </>
  )
}
