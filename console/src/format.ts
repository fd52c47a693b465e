// Numbers with units, dates with zones. A thin space (U+202F) keeps a number and its unit on one line.
const thin = '\u202f'
const plain = new Intl.NumberFormat('en', { maximumFractionDigits: 0 })

export function number(value: number | null | undefined, digits = 0): string {
  if (value === null || value === undefined) return '–'
  const text =
    digits > 0 ? new Intl.NumberFormat('en', { maximumFractionDigits: digits }).format(value) : plain.format(value)
  return text.replaceAll(',', thin)
}

export function rate(value: number): string {
  return number(value, Math.abs(value) < 10 ? 1 : 0)
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB']
  let i = 0
  while (Math.abs(value) >= 1024 && i < units.length - 1) {
    value /= 1024
    i++
  }
  return `${number(value, i > 0 && value < 10 ? 1 : 0)}${thin}${units[i]}`
}

/** Two units at most: "3 d 4 h", "12 min 5 s", "0.4 s". */
export function duration(seconds: number): string {
  if (seconds < 0) return `−${duration(-seconds)}`
  if (seconds < 10) return `${number(seconds, 1)}${thin}s`
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [Math.floor(seconds) % 60, 's'],
  ]
  const first = parts.findIndex(([n]) => n > 0)
  return parts
    .slice(first, first + 2)
    .filter(([n]) => n > 0)
    .map(([n, unit]) => `${n}${thin}${unit}`)
    .join(' ')
}

/** The last word of a fact's name is its unit: lag_ms, age_s, bytes, requests_per_s. */
export function fact(name: string, value: number | string | boolean | null | undefined): string {
  if (value === null || value === undefined) return '–'
  if (typeof value === 'boolean') return value ? 'yes' : 'no'
  if (typeof value === 'string') return value
  if (name.endsWith('_per_s')) return `${rate(value)}${thin}/s`
  if (name === 'bytes' || name.endsWith('_bytes')) return bytes(value)
  if (name.endsWith('_us')) return `${number(value / 1000, 1)}${thin}ms`
  if (name.endsWith('_ms')) return value >= 10_000 ? duration(value / 1000) : `${number(value, 1)}${thin}ms`
  if (name.endsWith('_s')) return duration(value)
  if (name.endsWith('_percent')) return `${number(value, 1)}${thin}%`
  if (name.endsWith('_days')) return `${number(value)}${thin}d`
  return number(value, 1)
}

/** "lag_ms" → "lag": the unit stands with the value. */
export function fact_name(name: string): string {
  return name.replace(/_(ms|us|s|per_s|bytes|percent|days)$/, '').replaceAll('_', ' ')
}

const two = (n: number) => String(n).padStart(2, '0')
export function zone(at: Date): string {
  const minutes = -at.getTimezoneOffset()
  if (minutes === 0) return 'UTC'
  return `${minutes < 0 ? '−' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
}
export function clock(ms: number): string {
  const at = new Date(ms)
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`
}
export function date(ms: number): string {
  const at = new Date(ms)
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`
}
/** 2026-11-27 16:41:05 UTC */
export function instant(ms: number): string {
  return `${date(ms)} ${clock(ms)} ${zone(new Date(ms))}`
}

export function days_left(days: number): string {
  if (days < 0) return `${-days} ${days === -1 ? 'day' : 'days'} overdue`
  if (days === 0) return 'due today'
  return `${days} ${days === 1 ? 'day' : 'days'}`
}

export function many(n: number, one: string, more = `${one}s`): string {
  return `${number(n)} ${n === 1 ? one : more}`
}
/** Plurals of the kinds. */
export function kinds(kind: string, n: number): string {
  return n === 1 ? kind : /[^aeiou]y$/.test(kind) ? `${kind.slice(0, -1)}ies` : `${kind}s`
}
export function value_with_unit(value: number | null, unit: string): string {
  if (value === null) return '–'
  if (unit === 'bytes') return bytes(value)
  return `${number(value, 1)}${unit ? thin + unit : ''}`
}
