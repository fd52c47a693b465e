// usage: node browser.mjs DOMICILE
// The HTTP door of a fleet of its own in Debian's Chromium: its page works and breaks no rule of its own; what an attacker
// gets into it does not run, and is reported.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as ask } from 'node:http'
import { createServer as createSocket } from 'node:net'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const executablePath = '/usr/bin/chromium'
if (!existsSync(executablePath)) {
  console.error(`SKIPPED: ${executablePath} is not there (tools/setup installs it), so no browser judges the door's headers`)
  process.exit(77)
}
const [domicile] = process.argv.slice(2)
let passed = 0
const failures = []
function expect(what, good, told = '') {
  if (good) passed += 1
  else failures.push(`${what} ${typeof told === 'string' ? told : JSON.stringify(told)}`)
}

const freePorts = async (count) => {
  const sockets = Array.from({ length: count }, () => createSocket())
  await Promise.all(sockets.map((one) => new Promise((done) => one.listen(0, '127.0.0.1', done))))
  const ports = sockets.map((one) => one.address().port)
  await Promise.all(sockets.map((one) => new Promise((done) => one.close(done))))
  return ports
}

/** Takes violation reports, and serves one page that would frame the door. */
const reports = []
const outside = createServer((request, response) => {
  let body = ''
  request.on('data', (part) => (body += part))
  request.on('end', () => {
    if (request.method === 'POST') reports.push(...[JSON.parse(body)].flat().map((one) => one['csp-report'] ?? one.body))
    response.setHeader('content-type', 'text/html')
    response.end(`<!doctype html><title>outside</title><iframe src="${door}/"></iframe>`)
  })
})
await new Promise((done) => outside.listen(0, '127.0.0.1', done))
const elsewhere = `http://127.0.0.1:${outside.address().port}`

const [http, sql, node] = await freePorts(3)
const door = `http://127.0.0.1:${http}`
// Not below a folder that only we may enter: nodes run as another user when root starts them.
const folder = mkdtempSync('/var/tmp/domicile-browser.')
chmodSync(folder, 0o755)
const topology = join(folder, 'domicile.toml')
mkdirSync(join(folder, 'schema'))
writeFileSync(join(folder, 'schema/0001_shop.sql'), 'CREATE TABLE users (user_id bigint PRIMARY KEY, country text NOT NULL);\n')
writeFileSync(
  topology,
  `name = "shop"
[database]
name = "shop"
migrations = "schema"
[jurisdictions.eu]
countries = ["DE"]
[regions.eu-west-1]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:${http}"
sql = "127.0.0.1:${sql}"
[shards.eu-1]
ranges = [[0, 1_000]]
writer = "eu-west-1"
[embedded]
first_port = ${node}
durable = false
[tables.users]
key = "user_id"
person = true
country = "country"
[edge]
content_security_policy = "default-src 'none'; script-src 'nonce-{nonce}' 'strict-dynamic'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; trusted-types 'none'; require-trusted-types-for 'script'; report-uri ${elsewhere}/csp"
`,
)
const run = (...args) => {
  const ran = spawnSync(domicile, [...args, '-t', topology, '--state', join(folder, 'state')], { encoding: 'utf8' })
  if (ran.status !== 0) throw new Error(`domicile ${args.join(' ')}: ${ran.stdout}${ran.stderr}`)
}

/** Waits for the condition, not for the clock. */
const until = async (condition) => {
  for (let i = 0; i < 200 && !condition(); i += 1) await new Promise((done) => setTimeout(done, 25))
  return condition()
}
const reported = (directive) => () => reports.some((one) => (one['effective-directive'] ?? one['violated-directive'] ?? one.effectiveDirective ?? '').startsWith(directive))

async function legitimateUse(page) {
  const broken = []
  page.on('console', (message) => message.type() === 'error' && broken.push(message.text()))
  page.on('pageerror', (error) => broken.push(error.message))
  const nonces = new Set()
  for (let i = 0; i < 3; i += 1) {
    const response = await page.goto(`${door}/`)
    await page.waitForFunction(() => document.body.dataset.listed > 3, undefined, { timeout: 10_000 })
    const headers = response.headers()
    nonces.add(/'nonce-([A-Za-z0-9_-]{22})'/.exec(headers['content-security-policy'])?.[1])
    expect('a page with a nonce is not stored', headers['cache-control'] === 'no-store', headers)
  }
  expect('each response has a nonce of its own', nonces.size === 3 && !nonces.has(undefined), [...nonces])
  expect('the page is styled', (await page.evaluate(() => getComputedStyle(document.body).maxWidth)) !== 'none')
  expect('nothing of the page breaks its policy', broken.length === 0 && reports.length === 0, { broken, reports })
  page.removeAllListeners('console')
  page.removeAllListeners('pageerror')
}

/** What a hole in the door would let through: bytes in its page, its headers as it sent them. */
const holed = createServer((incoming, outgoing) => {
  const { connection: _, ...headers } = incoming.headers
  const evil = [
    '<script>window.inline = 1</script>',
    '<script nonce="AAAAAAAAAAAAAAAAAAAAAA">window.guessed = 1</script>',
    `<script src="${elsewhere}/evil.js"></script>`,
    '<a id="button" onclick="window.handled = 1">x</a>',
    '<style>body { background: red }</style>',
    `<img src="${elsewhere}/pixel">`,
    `<form id="form" action="${elsewhere}/form" method="post"><input name="a"></form>`,
    `<base href="${elsewhere}/">`,
  ].join('\n')
  const forward = ask(`${door}${incoming.url}`, { method: incoming.method, headers }, async (answer) => {
    let body = ''
    for await (const part of answer) body += part
    if (incoming.url === '/') body = body.replace('</body>', () => `${evil}\n</body>`)
    outgoing.writeHead(answer.statusCode, { ...answer.headers, 'content-length': Buffer.byteLength(body) })
    outgoing.end(body)
  })
  incoming.pipe(forward)
})
await new Promise((done) => holed.listen(0, '127.0.0.1', done))

async function injected(page) {
  const hole = `http://127.0.0.1:${holed.address().port}`
  await page.goto(`${hole}/`)
  await page.waitForFunction(() => document.body.dataset.listed > 3, undefined, { timeout: 10_000 })
  await page.click('#button')
  const ran = await page.evaluate(() => [window.inline, window.guessed, window.handled, getComputedStyle(document.body).backgroundColor, document.baseURI])
  expect('injected script, handler, style and base do nothing', JSON.stringify(ran) === JSON.stringify([null, null, null, 'rgba(0, 0, 0, 0)', `${hole}/`]), ran)
  await page.evaluate(() => document.getElementById('form').submit()).catch(() => undefined)
  await page.evaluate((url) => fetch(url).catch(() => undefined), `${elsewhere}/fetch`)
  const sunk = await page.evaluate(() => {
    try {
      document.body.innerHTML = '<b>x</b>'
      return 'taken'
    } catch (error) {
      return error.name
    }
  })
  expect('text does not reach innerHTML', sunk === 'TypeError', sunk)
  for (const directive of ['script-src-elem', 'script-src-attr', 'style-src-elem', 'img-src', 'base-uri', 'form-action', 'connect-src', 'require-trusted-types-for'])
    expect(`a violation of ${directive} is reported`, await until(reported(directive)), reports.map((one) => one['effective-directive']))
}

async function framed(page) {
  await page.goto(`${elsewhere}/`)
  expect('framing is reported', await until(reported('frame-ancestors')))
  const inside = page.frames().find((frame) => frame !== page.mainFrame())
  expect('a frame elsewhere stays empty', !inside || (await inside.title().catch(() => '')) !== 'shop')
}

async function errors(page) {
  for (const path of ['/no-such-page', '/v1/users/5', '/%zz']) {
    const response = await page.goto(`${door}${path}`)
    const headers = response.headers()
    const names = ['content-security-policy', 'x-content-type-options', 'referrer-policy', 'permissions-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy']
    expect(`${path} is an error with every header`, response.status() >= 400 && names.every((name) => headers[name]), { status: response.status(), headers })
    expect(`${path} has no nonce to reuse`, !headers['content-security-policy'].includes('nonce'), headers)
  }
}

let browser
try {
  run('up', '--detach')
  browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
  const page = await browser.newPage()
  await legitimateUse(page)
  await injected(page)
  await framed(page)
  await errors(page)
} catch (error) {
  failures.push(String(error.stack ?? error))
} finally {
  await browser?.close()
  for (const server of [outside, holed]) {
    server.close()
    server.closeAllConnections()
  }
  try {
    run('down')
    run('reset', '--yes')
  } catch (error) {
    failures.push(String(error))
  }
  rmSync(folder, { recursive: true, force: true })
}
for (const one of failures) console.error(`FAILED: ${one}`)
console.log(`${passed} passed, ${failures.length} failed`)
process.exit(failures.length > 0 ? 1 : 0)
