// usage: node differential.mjs ORACLE
// csp_evaluator's own test policies and seeded random ones through both; every difference must have its rule (rules.mjs).
// environment: SEED (1), POLICIES (20000)
import { spawnSync } from 'node:child_process'
import { readFileSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { runInNewContext } from 'node:vm'
import { rules } from './rules.mjs'

const require = createRequire(import.meta.url)
const folder = dirname(require.resolve('csp_evaluator/package.json'))
const { CspEvaluator, DEFAULT_CHECKS, STRICTCSP_CHECKS } = require('csp_evaluator')
const { CspParser } = require('csp_evaluator/dist/parser.js')
const { Version } = require('csp_evaluator/dist/csp.js')
const { Type, Severity } = require('csp_evaluator/dist/finding.js')
const { checkHasConfiguredReporting } = require('csp_evaluator/dist/checks/security_checks.js')
const jsonp = require('csp_evaluator/dist/allowlist_bypasses/jsonp.js')
const angular = require('csp_evaluator/dist/allowlist_bypasses/angular.js')
const flash = require('csp_evaluator/dist/allowlist_bypasses/flash.js')

const severities = { HIGH: 'high', SYNTAX: 'syntax', MEDIUM: 'medium', HIGH_MAYBE: 'low', STRICT_CSP: 'low', MEDIUM_MAYBE: 'low', INFO: 'info', NONE: 'info' }
const checkOf = (type) => Type[type].toLowerCase().replaceAll('_', '-').replace('missing-directives', 'missing-directive')
const line = (...words) => words.join(' ').trimEnd()

function theirs(text) {
  const policy = new CspParser(text).csp
  try {
    const findings = new CspEvaluator(policy, Version.CSP3).evaluate([...STRICTCSP_CHECKS, checkHasConfiguredReporting], DEFAULT_CHECKS)
    const lines = findings.map((one) => line(severities[Severity[one.severity]], checkOf(one.type), one.directive, one.value ?? ''))
    return { policy, lines: new Set(lines) }
  } catch (error) {
    // Its URL class throws on hosts that are none.
    if (error.code === 'ERR_INVALID_URL') return { policy }
    throw error
  }
}

/** Every policy that a test of the package names. */
function corpus() {
  const files = readdirSync(join(folder, 'dist'), { recursive: true }).filter((name) => name.endsWith('_test.js'))
  const found = new Set()
  for (const name of files) {
    const text = readFileSync(join(folder, 'dist', name), 'utf8')
    for (const [, literal] of text.matchAll(/\b(?:const|let) \w+ = ((?:'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`[^`$]*`)(?:\s*\+\s*(?:'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))*);/g))
      found.add(runInNewContext(literal))
    for (const [, literal] of text.matchAll(/(?:CspParser|parsePolicies?|Csp|evaluate\w*)\(\[?('(?:\\.|[^'\\\n])*')/g)) found.add(runInNewContext(literal))
  }
  return [...found].filter((text) => /-src|base-uri|report-|sandbox|upgrade|trusted/.test(text) && !/[\n,]/.test(text))
}

/** mulberry32 */
function randomOf(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

function* generated(count, seed) {
  const random = randomOf(seed)
  const pick = (list) => list[Math.floor(random() * list.length)]
  const names = ['script-src', 'script-src', 'script-src', 'default-src', 'default-src', 'object-src', 'object-src', 'base-uri', 'script-src-elem', 'script-src-attr', 'style-src', 'img-src', 'connect-src', 'frame-ancestors', 'form-action', 'report-uri', 'report-to', 'trusted-types', 'require-trusted-types-for', 'plugin-types', 'sandbox', 'upgrade-insecure-requests', 'prefetch-src', 'referrer', 'reflected-xss', 'disown-opener', 'navigate-to', 'require-sri-for', 'block-all-mixed-content', 'fenced-frame-src', 'worker-src', 'webrtc', 'scrpt-src', 'script-src:', 'Script-Src', 'OBJECT-SRC']
  const bypasses = [...jsonp.URLS, ...angular.URLS, ...flash.URLS].map((url) => url.slice(2))
  const words = ["'self'", "'SELF'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "'unsafe-hashes'", "'strict-dynamic'", "'Strict-Dynamic'", "'report-sample'", "'wasm-unsafe-eval'", "'wasm-eval'", "'unsafe-hashed-attributes'", "'allow'", "'block'", "'report-sha256'", "'trusted-types-eval'", "'unsafe-allow-redirects'", "'inline-speculation-rules'", "'script'", "'allow-duplicates'", "'slef'", "'unsafe-inlin'", 'self', 'none', 'unsafe-inline', 'strict-dynamic', 'trusted-types-eval', 'wasm-eval', 'nonce-abcdefgh', 'sha256-abc', '*', 'http://*', '//*', 'https:', 'http:', 'data:', 'DATA:', 'blob:', 'strange:', 'https://a.example', 'http://a.example', '//a.example/x/', '*.a.example', 'a.example:*', 'https://a.example:8443/y?z', 'localhost', '127.0.0.1', '//127.0.0.1:80', '8.8.8.8', 'https://[::1]', 'https://[::1]:443/', '/csp', 'https://r.example/csp', 'csp', 'object-src', 'script-src', 'fenced-frame-src', 'application/x-shockwave-flash', 'application/pdf', 'allow-scripts', 'no-referrer', '']
  const base64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_'
  const secret = (most) => Array.from({ length: 1 + Math.floor(random() * most) }, () => base64[Math.floor(random() * 66)]).join('')
  const value = () => {
    const kind = random()
    if (kind < 0.62) return pick(words)
    if (kind < 0.72) return `'${random() < 0.03 ? 'NONCE' : 'nonce'}-${secret(30)}${pick(['', '', '', '=', '==', '===', '!'])}'`
    if (kind < 0.78) return `'${pick(['sha256', 'sha384', 'sha512', 'sha1'])}-${secret(44)}${pick(['', '=', '==', '.'])}'`
    const url = pick(bypasses)
    const slash = url.indexOf('/')
    const host = url.slice(0, slash)
    return pick(['', 'https://', 'http://', '//']) + pick([host, host, `*.${host.split('.').slice(1).join('.')}`, url, host + url.slice(slash, url.lastIndexOf('/') + 1), `${host}/elsewhere`, `${host}:443`, host.toUpperCase()])
  }
  const blank = () => pick([' ', ' ', ' ', ' ', '  ', '\t'])
  for (let i = 0; i < count; i += 1) {
    const directives = Array.from({ length: 1 + Math.floor(random() * 6) }, () => [pick(names), ...Array.from({ length: Math.floor(random() * 5) }, value)].join(blank()))
    yield directives.map((one) => one + (random() < 0.04 ? ' ' : pick([';', '; ', '; ', ';;', ' ; ']))).join('')
  }
}

const [oracle] = process.argv.slice(2)
if (!oracle) throw new Error('usage: differential.mjs ORACLE')
const seed = Number(process.env.SEED ?? 1)
const own = corpus()
const policies = [...own, ...generated(Number(process.env.POLICIES ?? 20_000), seed)]
const ran = spawnSync(oracle, { input: policies.join('\n') + '\n', encoding: 'utf8', maxBuffer: 1 << 30 })
if (ran.status !== 0) throw new Error(`the oracle ended with ${ran.status ?? ran.signal}`)
const answers = ran.stdout.trimEnd().split('\n')
const used = new Map(rules.map((rule) => [rule.name, 0]))
let findings = 0
let equal = 0
let unreadable = 0
const unexplained = []
policies.forEach((text, i) => {
  const they = theirs(text)
  if (!they.lines) {
    unreadable += 1
    return
  }
  const we = new Set(JSON.parse(answers[i]).map((words) => line(...words)))
  findings += they.lines.size
  const differences = [...[...we].filter((one) => !they.lines.has(one)).map((one) => [one, true]), ...[...they.lines].filter((one) => !we.has(one)).map((one) => [one, false])]
  if (differences.length === 0) equal += 1
  for (const [one, ours] of differences) {
    const rule = rules.find((rule) => rule.explains(one, ours, they.policy))
    if (rule) used.set(rule.name, used.get(rule.name) + 1)
    else unexplained.push(`${ours ? 'ours alone  ' : 'theirs alone'} ${one}\n    in ${JSON.stringify(text)}`)
  }
})
console.log(`${own.length} policies of csp_evaluator's own tests and ${policies.length - own.length} random ones (SEED=${seed}): ${findings} findings of theirs; on ${unreadable} policies it throws`)
for (const [name, count] of used) console.log(`${String(count).padStart(7)}  ${name}`)
for (const one of unexplained.slice(0, 20)) console.error(one)
const idle = [...used].filter(([, count]) => count === 0).map(([name]) => `explains nothing: ${name}`)
for (const one of idle) console.error(one)
// A handful of policies, or a package that throws on all of them, would prove nothing.
const few = own.length < 40 || unreadable > policies.length / 20 || findings < policies.length
if (few) console.error('too little was compared')
console.log(`${policies.length - unreadable} compared, ${unexplained.length} differences without a rule`)
process.exit(unexplained.length + idle.length > 0 || few ? 1 : 0)
