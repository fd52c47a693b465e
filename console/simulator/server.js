// Serves dist/ as a gateway does, with the same headers, and the whole contract with facts that are made up.
import { createReadStream, existsSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { random_of, seed_of } from './random.js'
import { make_world, move, plant } from './world.js'

const dist = fileURLToPath(new URL('../dist/', import.meta.url))
export const security_headers = {
  'Content-Security-Policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; font-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
}
const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
}
const step = { '1h': 60, '1d': 900, '4w': 21_600 }
const length = { '1h': 3_600, '1d': 86_400, '4w': 28 * 86_400 }

export async function start({ port = 0, tick_ms = 1_000, token = 'simulated', ...size } = {}) {
  const world = make_world(size)
  const { overview } = world
  const streams = new Set()
  const tails = new Set()
  const posted = []
  let silent = false
  let refuse = 0

  const tell = (sections) => {
    if (silent) return
    const part = { at: overview.at }
    for (const name of sections) part[name] = overview[name]
    const text = `event: overview\ndata: ${JSON.stringify(part)}\n\n`
    for (const one of streams) one.write(text)
  }
  const rules = ['foreign-home', 'unknown-id', 'policy-deny', 'rate', 'table-unknown']
  const beat = setInterval(() => {
    tell(move(world))
    if (silent) return
    const region = overview.regions[Math.floor(world.random() * overview.regions.length)].name
    const one = {
      at: Date.now(),
      region,
      door: world.random() < 0.6 ? 'http' : 'sql',
      rule: rules[Math.floor(world.random() * rules.length)],
      subject: `p-${Math.floor(world.random() * 1e6).toString(36)}`,
      count: 1 + Math.floor(world.random() * 4),
    }
    for (const tail of tails) tail.write(`event: refusal\ndata: ${JSON.stringify(one)}\n\n`)
  }, tick_ms)

  const json = (answer, status, body) => {
    answer.writeHead(status, {
      'Content-Type': status < 400 ? 'application/json' : 'application/problem+json',
      'Cache-Control': 'no-store',
      ...security_headers,
    })
    answer.end(body === undefined ? undefined : JSON.stringify(body))
  }
  const problem = (answer, status, title, detail, hint) =>
    json(answer, status, {
      type: `urn:domicile:problem:${title.toLowerCase().replaceAll(' ', '-')}`,
      title,
      status,
      detail,
      hint,
    })
  const stream = (answer, to) => {
    answer.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store', ...security_headers })
    answer.write(': here\n\n')
    to.add(answer)
    answer.on('close', () => to.delete(answer))
  }
  const history = (answer, query) => {
    const range = query.get('range') ?? '1h'
    if (!(range in step)) return problem(answer, 400, 'Bad range', 'range is 1h, 1d or 4w')
    const series = query.get('series') ?? ''
    const resource = overview.resources.find((one) => one.name === query.get('resource'))
    const random = random_of(seed_of(`${series} ${query.get('resource')} ${range}`))
    const base = Number(resource?.facts[series] ?? 40) || 10
    const now = Math.floor(Date.now() / 1000 / step[range]) * step[range]
    const points = []
    for (let at = now - length[range]; at <= now; at += step[range]) {
      const value = base * (0.8 + 0.2 * Math.sin((at / 86_400) * 2 * Math.PI) + 0.12 * random())
      const part = (at - now + length[range]) / length[range]
      // Nobody measured for a while: a gap.
      if (part < 0.55 || part > 0.6) points.push([at * 1000, value, range === '1h' ? null : value * 1.3])
    }
    json(answer, 200, { step_s: step[range], points })
  }
  const figures = (answer, name, query) => {
    const by = (query.get('by') ?? '').split(',').filter(Boolean)
    const values = {
      country: ['DE', 'FR', 'AT', 'GB', 'US', 'MT'],
      month: ['2026-08', '2026-09', '2026-10', '2026-11'],
    }
    if (by.some((one) => !(one in values)))
      return problem(answer, 400, 'Unknown dimension', 'There is no such dimension.')
    const random = random_of(seed_of(name))
    let rows = [{}]
    for (const one of by) rows = rows.flatMap((row) => values[one].map((value) => ({ ...row, [one]: value })))
    if (query.get('from')) rows = rows.filter((row) => !row.month || row.month >= query.get('from').slice(0, 7))
    for (const row of rows) {
      const count = Math.floor(random() * 4_000) + 5
      if (row.country === 'MT') Object.assign(row, { count: null, total: null, lines: null, withheld: true })
      else Object.assign(row, { count, total: (count * 27.13).toFixed(3), lines: (count * 19).toFixed(2) })
    }
    json(answer, 200, { metric: name, by, persons_min: 5, as_of: new Date().toISOString(), batches: {}, rows })
  }
  const simulate = (answer, asked) => {
    const deny = /abroad|foreign/.test(`${asked.principal} ${asked.context?.['domicile:From'] ?? ''}`)
    const known = /^(data|ops|privacy|stats):/.test(asked.action)
    json(answer, 200, {
      verdict: deny ? 'deny' : known ? 'allow' : 'undecided',
      reasons: [
        {
          policy: 'residency',
          statement: 'StayHome',
          effect: 'Deny',
          matched: deny,
          text: deny ? 'the principal’s jurisdiction is not the resource’s' : 'the principal is at home',
        },
        {
          policy: 'operators',
          statement: 'OperateFleet',
          effect: 'Allow',
          matched: known && !deny,
          text: `action ${asked.action} is in "data:*", "ops:*"`,
        },
      ],
    })
  }

  const api = async (request, answer, url) => {
    if (request.headers.authorization !== `Bearer ${token}`)
      return problem(answer, 401, 'Unauthorized', 'The token is not accepted.')
    if (refuse)
      return problem(
        answer,
        refuse,
        refuse === 403 ? 'Forbidden' : 'Unauthorized',
        refuse === 403 ? 'The principal may not do ops:Read here.' : 'The token has expired.',
      )
    let body = ''
    for await (const piece of request) body += piece
    const at = `${request.method} ${url.pathname}`
    if (at === 'GET /v1/ops/overview') return json(answer, 200, overview)
    if (at === 'GET /v1/ops/stream') {
      stream(answer, streams)
      answer.write(`event: overview\ndata: ${JSON.stringify(overview)}\n\n`)
      return
    }
    if (at === 'GET /v1/ops/history') return history(answer, url.searchParams)
    if (at === 'GET /v1/ops/refusals') return stream(answer, tails)
    if (at === 'GET /v1/ops/statistics')
      return json(answer, 200, {
        metrics: [
          { name: 'sales', dimensions: ['country', 'month'], measures: ['count', 'total', 'lines'], time: 'month' },
        ],
      })
    if (request.method === 'GET' && url.pathname.startsWith('/v1/stats/'))
      return figures(answer, decodeURIComponent(url.pathname.slice(10)), url.searchParams)
    if (at === 'GET /v1/ops/policies/who-can')
      return json(answer, 200, {
        principals: [
          { principal: 'operator', verdict: 'allow', conditions: [] },
          { principal: 'auditor', verdict: 'allow', conditions: ['domicile:Jurisdiction is eu'] },
        ],
      })
    if (at === 'POST /v1/ops/policies/simulate') return simulate(answer, JSON.parse(body))
    if (at === 'POST /v1/ops/silences') {
      const asked = JSON.parse(body)
      posted.push(asked)
      for (const one of overview.alarms)
        if (one.name === asked.alarm && one.resource === asked.resource && one.region === asked.region)
          one.silenced_until = Date.now() + asked.minutes * 60_000
      tell(['alarms'])
      return json(answer, 204)
    }
    if (at === 'POST /v1/ops/acknowledgements') {
      const asked = JSON.parse(body)
      posted.push(asked)
      for (const one of overview.advice)
        if (one.id === asked.id)
          one.acknowledged = { by: overview.you.principal, reason: asked.reason, until: asked.until }
      tell(['advice'])
      return json(answer, 204)
    }
    problem(answer, 404, 'Not found', 'There is no such path.')
  }
  const file = (answer, path) => {
    const name = normalize(path.replace(/^\/console\/?/, '') || 'index.html')
    const full = join(dist, name)
    if (name.startsWith('..') || !existsSync(full) || !statSync(full).isFile())
      return problem(answer, 404, 'Not found', 'There is no such file.')
    answer.writeHead(200, {
      'Content-Type': types[extname(full)] ?? 'application/octet-stream',
      'Cache-Control': name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache',
      ...security_headers,
    })
    createReadStream(full).pipe(answer)
  }
  const server = createServer((request, answer) => {
    const url = new URL(request.url, 'http://127.0.0.1')
    if (silent && url.pathname.startsWith('/v1/')) return request.socket.destroy()
    if (url.pathname.startsWith('/v1/'))
      return void api(request, answer, url).catch((error) => problem(answer, 400, 'Bad request', error.message))
    file(answer, url.pathname)
  })
  await new Promise((ready) => server.listen(port, '127.0.0.1', ready))
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    token,
    world,
    posted,
    /** Sends a whole second of changes now. */
    move: () => tell(move(world)),
    plant: (on = true) => tell(plant(world, Date.now(), on)),
    silence(on) {
      silent = on
      if (on) for (const one of [...streams, ...tails]) one.destroy()
    },
    refuse(status) {
      refuse = status
    },
    close() {
      clearInterval(beat)
      server.closeAllConnections()
      return new Promise((done) => server.close(done))
    },
  }
}
