// What is known, one signal a section: a page is drawn again only if a section it reads has changed.
import { batch, signal, type Signal } from '@preact/signals'
import type { Overview, Update } from './api.ts'
import { Failure, get } from './client.ts'
import { share } from './merge.ts'
import { follow } from './sse.ts'

const nothing: Overview = {
  at: 0,
  deployment: '',
  seen_from: '',
  map_epoch: 0,
  you: { principal: '', may: [] },
  jurisdictions: [],
  regions: [],
  resources: [],
  flows: [],
  ranges: [],
  institutions: [],
  requests: [],
  alarms: [],
  transitions: [],
  advice: [],
}
type Facts = { [Section in keyof Overview]: Signal<Overview[Section]> }
export const facts = Object.fromEntries(
  Object.entries(nothing).map(([name, value]) => [name, signal(value)]),
) as unknown as Facts

export const token = signal('')
/** Why nobody is signed in, or why the last try failed. */
export const refusal = signal('')
export const connection = signal<'none' | 'live' | 'lost'>('none')
export const heard = signal(0)

const measures_max = 200
export function apply(update: Update): void {
  const start = performance.now()
  batch(() => {
    for (const [name, value] of Object.entries(update)) {
      const section = facts[name as keyof Overview] as Signal<unknown> | undefined
      // A newer gateway may send sections this page does not know.
      if (section && value !== undefined) section.value = share(section.value, value)
    }
    heard.value = Date.now()
  })
  // Until the frame is drawn: what a person feels, and what the test holds against its bound.
  requestAnimationFrame(() =>
    setTimeout(() => {
      if (performance.getEntriesByName('update').length >= measures_max) performance.clearMeasures('update')
      performance.measure('update', { start, end: performance.now() })
    }),
  )
}

let stop = new AbortController()
function forget(): void {
  stop.abort()
  batch(() => {
    for (const [name, value] of Object.entries(nothing))
      (facts[name as keyof Overview] as Signal<unknown>).value = value
    token.value = ''
    connection.value = 'none'
  })
  sessionStorage.removeItem('token')
}
export function sign_out(why = ''): void {
  forget()
  refusal.value = why
}

export async function sign_in(given: string): Promise<void> {
  const text = given.trim().replace(/^Bearer\s+/i, '')
  let first: Overview | null = null
  try {
    first = await get<Overview>('/v1/ops/overview', text)
  } catch (error) {
    // A gateway that is away refuses nobody: the stream tries again until it is back.
    if (!(error instanceof Failure) || error.status !== 0 || sessionStorage.getItem('token') !== text) {
      sign_out(error instanceof Error ? error.message : String(error))
      return
    }
  }
  sessionStorage.setItem('token', text)
  stop = new AbortController()
  batch(() => {
    refusal.value = ''
    token.value = text
    if (first) apply(first)
    connection.value = first ? 'live' : 'lost'
  })
  const to = {
    event: ({ name, data }: { name: string; data: string }) => {
      if (name !== 'overview') return
      connection.value = 'live'
      apply(JSON.parse(data) as Update)
    },
    open: () => (connection.value = 'live'),
    alive: () => (heard.value = Date.now()),
    lost: () => (connection.value = 'lost'),
    refused: (failure: Failure) => sign_out(failure.message),
  }
  void follow('/v1/ops/stream', text, to, stop.signal)
}

/** May the one who is signed in do this? Buttons that would be refused are not offered. */
export const may = (action: string) =>
  facts.you.value.may.some((one) => one === action || one === '*' || one === `${action.split(':')[0]}:*`)
