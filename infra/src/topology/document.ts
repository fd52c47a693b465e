// From text to a tree of values. The C++ reader refuses some text that is TOML, or that other parsers take for
// TOML (docs/topology.md); so do we, before the library sees it.
// The library here reads TOML 1.1; the file is TOML 1.0.
import { parse, TomlDate } from 'smol-toml'

export type Value = string | boolean | bigint | Value[] | { [key: string]: Value }

export class NotAccepted extends Error {
  constructor(readonly findings: string[]) {
    super(findings.join('\n'))
  }
}

const documentBytesMax = 4 << 20
const statementDotsMax = 64

/** What must not stand in the file though TOML, or a lenient parser, allows it; undefined if all is well. */
export function forbidden(text: string): string | undefined {
  if (/\r(?!\n)/.test(text)) return 'a carriage return without a line feed'
  if (/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]/.test(text)) return 'a control character'
  if (/[\u0085\u2028\u2029]/.test(text)) return 'a Unicode line separator'
  // Longest first: a text in three quotes also begins with a text in one.
  const token =
    /"""(?:\\[\s\S]|(?!""")[^\\])*"{3,5}|'''(?:(?!''')[\s\S])*'{3,5}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|#[^\n]*|[\s\S]/gu
  let dots = 0
  let last = ''
  const open: string[] = []
  for (const [part] of text.replace(/^\ufeff/, '').matchAll(token)) {
    if (part.startsWith('"') && /^(?:[^\\]|\\[^ex])*\\[ex]/.test(part)) return 'an escape of TOML 1.1'
    if (part.startsWith('"""') && /^(?:[^\\]|\\[^ \t\r\n])*\\[ \t\r\n]/.test(part))
      return 'a backslash that joins lines'
    if (part === '\n' && open.at(-1) === '{') return 'a line break in an inline table'
    if (part === '}' && last === ',') return 'a comma after the last value of an inline table'
    if (!/^[ \t\r\n#]/.test(part)) last = part
    if (part.length > 1 || part === '#') continue
    if (part > '\x7f') return 'a character beyond ASCII, outside quotes'
    if (part === '[' || part === '{') open.push(part)
    if (part === ']' || part === '}') open.pop()
    if (part === '.' && (dots += 1) > statementDotsMax) return 'too many dots in one statement'
    if (part === '\n' && open.length === 0) dots = 0
  }
  return undefined
}

function convert(value: unknown, path: string): Value {
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value
  if (Array.isArray(value)) return value.map((item, i) => convert(item, `${path}[${i}]`))
  // No key of the file is a fraction or a date, and JSON Schema could not tell 7500.0 from 7500.
  if (typeof value === 'number') throw new NotAccepted([`${path} is a number with a fraction`])
  if (value instanceof TomlDate) throw new NotAccepted([`${path} is a date or time`])
  return Object.fromEntries(
    Object.entries(value as object).map(([key, item]) => [key, convert(item, `${path}.${key}`)]),
  )
}

export function readDocument(text: string): { [key: string]: Value } {
  if (Buffer.byteLength(text) > documentBytesMax) throw new NotAccepted(['the file is larger than 4 MiB'])
  const bad = forbidden(text)
  if (bad) throw new NotAccepted([`not TOML: ${bad} does not belong here`])
  let tree: unknown
  try {
    tree = parse(text.replace(/^\ufeff/, ''), { integersAsBigInt: true })
  } catch (error) {
    throw new NotAccepted([`not TOML: ${(error as Error).message.split('\n')[0]}`])
  }
  return convert(tree, 'file') as { [key: string]: Value }
}
