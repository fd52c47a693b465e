// Why our verdicts differ from csp_evaluator 1.1.8's: every disagreement must be explained by one of these, and each of these
// must explain one. A finding is "severity check directive value"; `ours` says which side has it alone.

const one = (text) => {
  const [severity, check, directive = '', value = ''] = text.split(' ')
  return { severity, check, directive, value }
}
/** Keywords of CSP Level 3 that csp_evaluator does not know, and those it knows that are no longer, or never were. */
const newer = ["'report-sha256'", "'report-sha384'", "'report-sha512'", "'trusted-types-eval'", "'unsafe-allow-redirects'", "'unsafe-webtransport-hashes'"]
const older = ["'wasm-eval'", "'unsafe-hashed-attributes'", "'block'", "'allow'"]
const quoted = (value) => (value.startsWith("'") ? value : `'${value}'`)
const values = (policy, directive) => policy.directives[directive] ?? []
const strict = (policy, directive) => values(policy, directive).includes("'strict-dynamic'")

export const rules = [
  {
    name: 'a nonce has 128 bits',
    why: 'CSP3 section 2.3.1: at least 128 bits, which are 22 characters of base64; csp_evaluator asks for 8 characters',
    explains: (text, ours) => ours && one(text).check === 'nonce-length' && one(text).value.length >= "'nonce-'".length + 8,
  },
  {
    name: 'checks of our own',
    why: 'csp_evaluator has no such check: what stands twice, bytes beyond ASCII, none beside others, injected styles, framing',
    explains: (text, ours) =>
      ours &&
      (['repeated-directive', 'not-ascii', 'none-not-alone', 'style-unsafe-inline'].includes(one(text).check) ||
        text.startsWith('medium missing-directive frame-ancestors')),
  },
  {
    name: 'more is obsolete',
    why: 'gone from CSP3 or from browsers: plugin-types, navigate-to, require-sri-for, block-all-mixed-content',
    explains: (text, ours) =>
      ours &&
      one(text).check === 'deprecated-directive' &&
      ['plugin-types', 'navigate-to', 'require-sri-for', 'block-all-mixed-content'].includes(one(text).directive),
  },
  {
    name: 'a mistake beside strict-dynamic is a mistake',
    why: "csp_evaluator looks for mistakes after it has taken out what 'strict-dynamic' makes browsers pass over, misspelt keywords included",
    explains: (text, ours, policy) =>
      ours &&
      ['invalid-keyword', 'missing-semicolon'].includes(one(text).check) &&
      strict(policy, one(text).directive) &&
      !one(text).value.startsWith("'"),
  },
  {
    name: 'strict-dynamic is about scripts',
    why: "CSP3 section 8.2: without object-src plugins are governed by default-src as it stands, hosts included; csp_evaluator takes them out for plugins, too",
    explains: (text, ours, policy) =>
      ours &&
      ['plain-url-schemes', 'plain-wildcard', 'object-allowlist-bypass'].includes(one(text).check) &&
      one(text).directive === 'default-src' &&
      !policy.directives['object-src'] &&
      strict(policy, 'default-src'),
  },
  {
    name: 'none beside others means nothing',
    why: "CSP3 section 6.7.2.4: 'none' counts only alone; csp_evaluator stops looking at a list that holds it anywhere",
    explains: (text, ours, policy) =>
      ours &&
      ['script-allowlist-bypass', 'object-allowlist-bypass'].includes(one(text).check) &&
      values(policy, one(text).directive).includes("'none'") &&
      values(policy, one(text).directive).length > 1,
  },
  {
    name: 'an empty list is none',
    why: 'CSP3 section 6.7.2.4: an empty list matches nothing; csp_evaluator takes object-src without values for missing',
    explains: (text, ours, policy) =>
      !ours &&
      text.startsWith('high missing-directive object-src') &&
      (policy.directives['object-src'] ?? policy.directives['default-src'])?.length === 0,
  },
  {
    name: 'newer keywords',
    why: 'they stand in CSP3 section 2.3.1, or in Trusted Types; csp_evaluator does not know them',
    explains: (text, ours) => one(text).check === 'invalid-keyword' && newer.includes(quoted(one(text).value)) && ours !== one(text).value.startsWith("'"),
  },
  {
    name: 'older keywords',
    why: 'no specification of today has them, outside of webrtc; csp_evaluator takes them in every directive',
    explains: (text, ours) => one(text).check === 'invalid-keyword' && older.includes(quoted(one(text).value)) && ours === one(text).value.startsWith("'"),
  },
  {
    name: 'fenced frames',
    why: 'the Fenced Frame specification adds fenced-frame-src; csp_evaluator does not know it',
    explains: (text, ours) =>
      (!ours && text.startsWith('syntax unknown-directive fenced-frame-src')) ||
      (ours && one(text).check === 'missing-semicolon' && one(text).value === 'fenced-frame-src'),
  },
  {
    name: 'nonces and hashes in any case',
    why: "RFC 5234 section 2.3: \"'nonce-\" of the grammar matches in any case; csp_evaluator reads lower case only, and takes the rest of the policy to have no nonce",
    explains: (_, __, policy) =>
      Object.values(policy.directives)
        .flat()
        .some((value) => /^'(nonce|sha(256|384|512))-/i.test(value) && !/^'(nonce|sha(256|384|512))-/.test(value)),
  },
]
