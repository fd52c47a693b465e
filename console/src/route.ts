import { signal } from '@preact/signals'

export interface Route {
  page: string
  query: URLSearchParams
}
export function parse_route(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  return { page: path || 'world', query: new URLSearchParams(query) }
}
/** Empty values are left out, so that a link says only what is chosen. */
export function link(page: string, query: Record<string, string | null | undefined> = {}): string {
  const some = Object.entries(query).filter((pair): pair is [string, string] => !!pair[1])
  const text = new URLSearchParams(some).toString()
  return `#/${page}${text ? `?${text}` : ''}`
}
export const route = signal<Route>(parse_route(typeof location === 'undefined' ? '' : location.hash))
if (typeof window !== 'undefined') addEventListener('hashchange', () => (route.value = parse_route(location.hash)))

/** Changes what is chosen on this page without a step in the history: typing must not fill the back button. */
export function choose(changes: Record<string, string>): void {
  const query = Object.fromEntries(route.value.query)
  const hash = link(route.value.page, { ...query, ...changes })
  history.replaceState(null, '', hash)
  route.value = parse_route(hash)
}
