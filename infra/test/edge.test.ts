// What runs at the edge, run here: both sources are plain text, executed in node:vm as CloudFront would.
import { createContext, runInContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { contentSecurityPolicy, edgeOf } from '../src/edge/edge.ts'
import { headersSource, residencySource } from '../src/edge/source.ts'
import { deploymentOf, type Settings } from '../src/sites.ts'
import { loadTopology } from '../src/topology/read.ts'
import { retailFile, synthesised } from './synthesised.ts'

const topology = loadTopology(retailFile)
const hosts = { us: { name: 'us.shop.example', certificateArn: 'arn:aws:acm:us-east-1:100000000004:certificate/x' } }
const edge = (jurisdiction: string, settings: Settings = {}) => edgeOf(deploymentOf(topology, settings), jurisdiction)

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
  return JSON.parse(JSON.stringify(runInContext(`${residencySource(of)}\nhandler(event)`, context)))
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
      { key: 'content-security-policy', value: contentSecurityPolicy },
    ])
    expect(Object.keys(headers)).toEqual(
      expect.arrayContaining([
        'strict-transport-security',
        'x-content-type-options',
        'x-frame-options',
        'referrer-policy',
        'permissions-policy',
      ]),
    )
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

test('the templates hold these very sources, and the host names of aws.json', () => {
  const { stacks } = synthesised(topology, { hosts })
  for (const { name } of topology.jurisdictions) {
    const resources = Object.values(
      stacks.find((stack) => stack.name === `domicile-retail-edge-${name}`)!.template.Resources!,
    )
    const of = (type: string) => resources.find((one) => one.Type === `AWS::${type}`)!.Properties!
    expect(of('CloudFront::Function').FunctionCode).toBe(residencySource(edge(name, { hosts })))
    expect(of('Lambda::Function').Code.ZipFile).toBe(headersSource(edge(name, { hosts })))
    // Without the first the function would refuse everybody; without the second one person's answer could be another's.
    expect(
      of('CloudFront::CachePolicy').CachePolicyConfig.ParametersInCacheKeyAndForwardedToOrigin.HeadersConfig.Headers,
    ).toEqual(['CloudFront-Viewer-Country', 'Authorization'])
    expect(of('CloudFront::CachePolicy').CachePolicyConfig.DefaultTTL).toBe(0)
    expect(of('CloudFront::Distribution').DistributionConfig.Aliases).toEqual(
      name === 'us' ? ['us.shop.example'] : undefined,
    )
  }
})
