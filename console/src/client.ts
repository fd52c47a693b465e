import type { Problem } from './api.ts'

/** An answer that is a refusal or an error, in words for a person. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly hint: string = '',
  ) {
    super(message)
  }
}

// What each call asks for, so that a 403 can name the permission even if the gateway's words do not.
const needs: [RegExp, string][] = [
  [/^\/v1\/ops\/silences/, 'ops:Silence'],
  [/^\/v1\/ops\/acknowledgements/, 'ops:Acknowledge'],
  [/^\/v1\/ops\/policies/, 'iam:ReadPolicies'],
  [/^\/v1\/(ops\/)?stat/, 'stats:Read'],
]
export function action_for(path: string): string {
  return needs.find(([pattern]) => pattern.test(path))?.[1] ?? 'ops:Read'
}

export function failure_of(path: string, status: number, problem: Partial<Problem>): Failure {
  if (status === 401) return new Failure(401, 'This token is not accepted, or it has expired. Sign in with a new one.')
  if (status === 403) {
    const missing = /\b[a-z]+:[A-Z]\w+/.exec(problem.detail ?? '')?.[0] ?? action_for(path)
    return new Failure(403, `This token may not do that: the action ${missing} is missing.`, problem.hint)
  }
  const words = problem.detail ?? problem.title ?? `The gateway answered ${status}.`
  return new Failure(status, words, problem.hint)
}

export async function call(path: string, token: string, options: RequestInit = {}): Promise<Response> {
  let response: Response
  try {
    response = await fetch(path, {
      ...options,
      headers: { Authorization: `Bearer ${token}`, ...options.headers },
      cache: 'no-store',
    })
  } catch (error) {
    if (options.signal?.aborted) throw error
    throw new Failure(0, 'The gateway does not answer.')
  }
  if (!response.ok) {
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>
    throw failure_of(path, response.status, problem)
  }
  return response
}

export async function get<T>(path: string, token: string, signal?: AbortSignal): Promise<T> {
  return (await (await call(path, token, signal ? { signal } : {})).json()) as T
}

export async function post<T>(path: string, token: string, body: unknown): Promise<T | null> {
  const response = await call(path, token, {
    method: 'POST',
    body: JSON.stringify(body),
    headers: { 'Content-Type': 'application/json' },
  })
  return response.status === 204 ? null : ((await response.json()) as T)
}
