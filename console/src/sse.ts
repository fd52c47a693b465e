// Server-sent events over fetch: EventSource cannot send a token.
import { Failure, call } from './client.ts'

export interface Event {
  name: string
  data: string
}

/** Takes text in any pieces, gives whole events; the rules are those of the HTML standard, less ids and retry. */
export function event_parser(emit: (event: Event) => void): (text: string) => void {
  let rest = ''
  let name = ''
  let data: string[] = []
  return (text) => {
    rest += text
    const lines = rest.split(/\r\n|\n|\r(?!$)/)
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line === '') {
        if (data.length > 0) emit({ name: name || 'message', data: data.join('\n') })
        name = ''
        data = []
      } else if (!line.startsWith(':')) {
        const colon = line.indexOf(':')
        const field = colon < 0 ? line : line.slice(0, colon)
        const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
        if (field === 'event') name = value
        if (field === 'data') data.push(value)
      }
    }
  }
}

/** Doubles from one second to half a minute, spread so that many pages do not come back at the same moment. */
export function backoff_ms(attempt: number, random = Math.random()): number {
  return Math.min(30_000, 1_000 * 2 ** attempt) * (0.75 + random / 2)
}

/** A gateway sends at least a comment every ten seconds; longer silence means the way to it is dead. */
export const silence_ms_max = 25_000

export interface Follower {
  event(event: Event): void
  open(): void
  /** Something came, be it a comment: the way is alive, and nothing has changed. */
  alive?(): void
  lost(): void
  refused(failure: Failure): void
}

/** Reads a stream until `stop` aborts, and comes back after every loss; a 401 or 403 ends it. */
export async function follow(path: string, token: string, to: Follower, stop: AbortSignal): Promise<void> {
  for (let attempt = 0; !stop.aborted; attempt++) {
    const one = new AbortController()
    const end = () => one.abort()
    stop.addEventListener('abort', end)
    let watchdog = setTimeout(end, silence_ms_max)
    try {
      const response = await call(path, token, { signal: one.signal, headers: { Accept: 'text/event-stream' } })
      const reader = response.body!.pipeThrough(new TextDecoderStream() as never).getReader()
      const parse = event_parser((event) => to.event(event))
      to.open()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) break
        attempt = 0
        clearTimeout(watchdog)
        watchdog = setTimeout(end, silence_ms_max)
        to.alive?.()
        parse(value as unknown as string)
      }
    } catch (error) {
      if (error instanceof Failure && (error.status === 401 || error.status === 403)) {
        to.refused(error)
        return
      }
    } finally {
      clearTimeout(watchdog)
      stop.removeEventListener('abort', end)
    }
    if (stop.aborted) return
    to.lost()
    await new Promise((resume) => setTimeout(resume, backoff_ms(attempt)))
  }
}
