// What runs at the edge, run here: both sources are plain text, executed in node:vm as CloudFront would.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { edgeOf, headersOf, withoutNonce } from '../src/edge/edge.ts'
import { headersSource, residencySource } from '../src/edge/source.ts'
import { deploymentOf } from '../src/sites.ts'
import { loadTopology, readTopology, type EdgeSection } from '../src/topology/read.ts'
import { base } from './mutations.ts'
import { retailFile, synthesised } from './synthesised.ts'

const topology = loadTopology(retailFile)
const hosts = { us: 'us.shop.example' }
const certificates = { us: 'arn:aws:acm:us-east-1:100000000004:certificate/x' }
const withEdge = (edge: Partial<EdgeSection>) => ({ ...topology, edge: { ...topology.edge, ...edge } })
const edge = (jurisdiction: string, section: Partial<EdgeSection> = {}) =>
  edgeOf(deploymentOf(withEdge(section)), jurisdiction)

function visit(of: ReturnType<typeof edge>, country?: string) {
  const context = createContext({
    event: {
      request: {
        uri: '/v1/users/5',
        headers: {
          host: { value: 'x' },
          ...(country !== undefined && { 'cloudfront-viewer-country': { value: country } }),
        },
      },
    },
  })
  // Scripts have no modules: what CloudFront imports is given.
  const source = residencySource(of).replace("import cf from 'cloudfront'\n", '')
  context.cf = { selectRequestOriginById: (id: string) => (context.event.request.origin = id) }
  return JSON.parse(JSON.stringify(runInContext(`${source}\nhandler(event)`, context)))
}

describe('the residency function', () => {
  test.each([
    ['ES', 'eu'],
    ['DE', 'eu'],
    ['EU', 'eu'],
    ['GB', 'uk'],
    ['JE', 'uk'],
    ['US', 'us'],
    ['BR', 'uk'],
    ['JP', 'uk'],
  ])('passes %s to %s alone', (country, home) => {
    for (const { name } of topology.jurisdictions) {
      const answer = visit(edge(name), country)
      if (name === home) expect(answer).toMatchObject({ uri: '/v1/users/5' })
      else expect(answer).toMatchObject({ statusCode: 451 })
    }
  })
  test('sends people home whose home has a host name', () => {
    expect(visit(edge('eu', { hosts }), 'US')).toMatchObject({
      statusCode: 307,
      headers: { location: { value: 'https://us.shop.example/v1/users/5' }, 'cache-control': { value: 'no-store' } },
    })
    expect(visit(edge('eu', { hosts }), 'GB')).toMatchObject({ statusCode: 451 })
  })
  test.each([undefined, '', 'XX', 'T1', 'ZZ', 'us', 'USA', 'E', '__proto__', 'constructor'])(
    'fails closed for %s',
    (country) => {
      for (const { name } of topology.jurisdictions)
        expect(visit(edge(name, { hosts }), country)).toMatchObject({
          statusCode: 451,
          headers: { 'cache-control': { value: 'no-store' } },
        })
    },
  )
  test('chooses the region that [edge] names for a country, of its own jurisdiction only', () => {
    const countries = { DE: 'eu-central-1', US: 'us-west-2', FR: 'eu-west-1' }
    expect(visit(edge('eu', { countries }), 'DE')).toMatchObject({ uri: '/v1/users/5', origin: 'door-eu-central-1' })
    expect(visit(edge('eu', { countries }), 'FR')).not.toHaveProperty('origin')
    expect(visit(edge('eu', { countries }), 'US')).toMatchObject({ statusCode: 451 })
    expect(edge('uk', { countries }).regions).toEqual({})
    expect(residencySource(edge('uk', { countries }))).not.toContain('import')
    for (const country of ['toString', '__proto__'])
      expect(visit(edge('eu', { countries }), country)).toMatchObject({ statusCode: 451 })
  })
  test('refuses the rest of the world where nobody takes it', () => {
    expect(visit({ ...edge('uk'), restOfWorld: '' }, 'BR')).toMatchObject({ statusCode: 451 })
  })
  test('says the rule, and nothing of the person', () => {
    expect(JSON.parse(visit(edge('eu'), 'US').body)).toEqual({
      type: 'urn:domicile:problem:foreign-home',
      title: 'Unavailable For Legal Reasons',
      status: 451,
      rule: 'residency/edge-country',
    })
  })
  test('fits into what CloudFront takes', () => {
    expect(Buffer.byteLength(residencySource(edge('eu', { hosts })))).toBeLessThan(10_240)
    expect(residencySource(edge('eu'))).not.toMatch(/=>|`|\bconst\b|\blet\b|require|fetch/)
  })
})

async function respond(headers: Record<string, { key: string; value: string }[]>) {
  const context = createContext({ exports: {}, event: { Records: [{ cf: { response: { status: '200', headers } } }] } })
  return JSON.parse(JSON.stringify(await runInContext(`${headersSource(edge('eu'))}\nexports.handler(event)`, context)))
    .headers as typeof headers
}

describe('the headers function', () => {
  test('adds what the door leaves out', async () => {
    const headers = await respond({})
    expect(headers['content-security-policy']).toEqual([
      { key: 'Content-Security-Policy', value: withoutNonce(topology.edge.contentSecurityPolicy) },
    ])
    expect(Object.keys(headers)).toEqual(
      expect.arrayContaining([
        'strict-transport-security',
        'x-content-type-options',
        'referrer-policy',
        'permissions-policy',
        'cross-origin-opener-policy',
        'cross-origin-resource-policy',
      ]),
    )
  })
  test("never lets a cache keep a page's nonce, and makes none of its own", async () => {
    const page = await respond({
      'content-security-policy': [
        { key: 'Content-Security-Policy', value: "script-src 'nonce-AAAAAAAAAAAAAAAAAAAAAA'" },
      ],
      'cache-control': [{ key: 'Cache-Control', value: 'max-age=60' }],
    })
    expect(page['cache-control']).toEqual([{ key: 'Cache-Control', value: 'no-store' }])
    expect(headersSource(edge('eu'))).not.toContain('{nonce}')
    const data = await respond({ 'cache-control': [{ key: 'Cache-Control', value: 'max-age=1' }] })
    expect(data['cache-control']).toEqual([{ key: 'Cache-Control', value: 'max-age=1' }])
  })
  test('lets stand what the door says, and takes away what tells of machines', async () => {
    const own = [{ key: 'Content-Security-Policy', value: "default-src 'self'" }]
    const headers = await respond({
      'content-security-policy': own,
      server: [{ key: 'Server', value: 'x' }],
      'x-powered-by': [{ key: 'X-Powered-By', value: 'y' }],
    })
    expect(headers['content-security-policy']).toEqual(own)
    expect(headers).not.toHaveProperty('server')
    expect(headers).not.toHaveProperty('x-powered-by')
  })
  test('fits into an inline function', () => expect(headersSource(edge('eu')).length).toBeLessThan(4_096))
})

const domicile = resolve(process.env.DOMICILE ?? join(import.meta.dirname, '../../build/release/domicile'))
const present = existsSync(domicile)
if (!present)
  console.warn(`SKIPPED: ${domicile} is not there, so nothing holds the edge's headers and the door's together`)

describe('the declaration', () => {
  const declared = (body: string) => base.replace('[central]', () => `[edge]\n${body}\n[central]`)
  const bodies = [
    '',
    "content_security_policy = \"default-src 'none';; script-src 'nonce-{nonce}' 'strict-dynamic';STYLE-src  'nonce-{nonce}' ; sandbox;\"",
    'report_only = "script-src \'nonce-{nonce}\'"\nreporting.csp = "https://x.example/csp"\nreporting.b = "https://x.example/b"',
    'strict_transport_security = "max-age=1; preload"\nreferrer_policy = "same-origin"\npermissions_policy = "usb=()"',
    'cross_origin_opener_policy = "unsafe-none"\ncross_origin_resource_policy = "same-site"',
  ]
  test('loses its nonces where no page is', () => {
    expect(withoutNonce("a 'self'; script-src 'nonce-{nonce}'; style-src 'self' 'nonce-{nonce}'")).toBe(
      "a 'self'; script-src 'none'; style-src 'self'",
    )
    expect(withoutNonce('a  b ;')).toBe('a  b ;')
  })
  test.skipIf(!present)('becomes the same headers at the door and at the edge', () => {
    const folder = mkdtempSync(join(tmpdir(), 'domicile-edge-'))
    const file = join(folder, 'domicile.toml')
    for (const text of [readFileSync(retailFile, 'utf8'), ...bodies.map(declared)])
      for (const page of [false, true]) {
        writeFileSync(file, text)
        const args = ['csp', 'headers', '-t', file, '--json', ...(page ? ['--page'] : [])]
        const run = spawnSync(domicile, args, { encoding: 'utf8' })
        expect(run.status, run.stderr).toBe(0)
        expect(Object.entries(headersOf(readTopology(text).edge, page))).toEqual(Object.entries(JSON.parse(run.stdout)))
      }
    rmSync(folder, { recursive: true })
  })
})

test('the templates hold these very sources, and the host names of [edge]', () => {
  const { stacks } = synthesised(withEdge({ hosts, countries: { DE: 'eu-central-1' } }), { certificates })
  for (const { name } of topology.jurisdictions) {
    const resources = Object.values(
      stacks.find((stack) => stack.name === `domicile-retail-edge-${name}`)!.template.Resources!,
    )
    const of = (type: string) => resources.find((one) => one.Type === `AWS::${type}`)!.Properties!
    expect(of('CloudFront::Function').FunctionCode).toBe(
      residencySource(edge(name, { hosts, countries: { DE: 'eu-central-1' } })),
    )
    expect(of('Lambda::Function').Code.ZipFile).toBe(
      headersSource(edge(name, { hosts, countries: { DE: 'eu-central-1' } })),
    )
    // Without the first the function would refuse everybody; without the second one person's answer could be another's.
    expect(
      of('CloudFront::CachePolicy').CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers,
    ).toEqual(['CloudFront-Viewer-Country', 'Authorization'])
    expect(of('CloudFront::CachePolicy').CachePolicyConfig.DefaultTTL).toBe(0)
    expect(of('CloudFront::Distribution').DistributionConfig.Aliases).toEqual(
      name === 'us' ? ['us.shop.example'] : undefined,
    )
    expect(of('CloudFront::Distribution').DistributionConfig.Origins.map((one: { Id: string }) => one.Id)).toEqual(
      name === 'eu' ? ['door', 'door-eu-central-1'] : ['door'],
    )
  }
})
