// Random small damage to a file, the same for the same seed: what no table of cases thinks of.
const pieces = [
  '"',
  "'",
  '\n',
  ',',
  ' ',
  '.',
  '=',
  '[',
  ']',
  '{',
  '}',
  '#',
  '\\',
  '-',
  '+',
  '_',
  '0',
  '1',
  'e',
  'true',
  'false',
  '1.5',
  '"""',
  "'''",
  '\t',
  '\r\n',
  '\\u00e9',
  '\u00e9',
  '0x1f',
  '0b1',
  '0o7',
  'inf',
  'nan',
  '1979-05-27',
  '\\n',
  '\\x41',
  '[]',
  '{}',
  '"eu"',
  '_1',
  '1_0',
  '[[',
  ']]',
  '\u0000',
  ' = 1\n',
  'eu',
  'uk-1',
  '""',
  ':',
  '07:32:00',
]

export function damaged(originals: string[], count: number, seed: number): string[] {
  let state = seed
  const below = (most: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * most)
  }
  const once = (text: string): string => {
    const at = below(text.length)
    const lines = text.split('\n')
    const line = below(lines.length)
    const piece = pieces[below(pieces.length)]!
    switch (below(5)) {
      case 0:
        return text.slice(0, at) + text.slice(at + 1 + below(3))
      case 1:
        return text.slice(0, at) + piece + text.slice(at)
      case 2:
        return lines.toSpliced(line, 1).join('\n')
      case 3:
        return lines.toSpliced(below(lines.length), 0, lines[line]!).join('\n')
      default:
        return text.slice(0, at) + piece + text.slice(at + 1 + below(4))
    }
  }
  return Array.from({ length: count }, () => {
    const text = once(originals[below(originals.length)]!)
    return below(2) === 0 ? once(text) : text
  })
}
