/** "key = value" a line. */
export function parse_context(text: string): Record<string, string> {
  const context: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const at = line.indexOf('=')
    if (at > 0) context[line.slice(0, at).trim()] = line.slice(at + 1).trim()
  }
  return context
}
