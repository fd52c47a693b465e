/** Gives `after`, made of the parts of `before` that are equal: what did not change keeps its identity and is not
 *  drawn again, though each event is parsed into new objects. */
export function share<T>(before: T, after: T): T {
  if (Object.is(before, after)) return before
  if (typeof before !== 'object' || typeof after !== 'object' || before === null || after === null) return after
  if (Array.isArray(before) !== Array.isArray(after)) return after
  if (Array.isArray(after)) {
    const old = before as unknown[]
    const shared = after.map((one, i) => share(old[i], one))
    return (shared.length === old.length && shared.every((one, i) => one === old[i]) ? before : shared) as T
  }
  const old = before as Record<string, unknown>
  const shared: Record<string, unknown> = {}
  let same = Object.keys(old).length === Object.keys(after).length
  for (const [key, value] of Object.entries(after)) {
    shared[key] = key in old ? share(old[key], value) : value
    same &&= shared[key] === old[key] && key in old
  }
  return (same ? before : shared) as T
}
