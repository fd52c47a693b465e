// What follows from the order of the file, and what aws.json may say instead.
import { describe, expect, test } from 'vitest'
import { deploymentOf, links, named, siteOf, tierCidr, zonesOf } from '../src/sites.ts'
import { loadTopology, readTopology } from '../src/topology/read.ts'
import { base } from './mutations.ts'
import { large } from './large.ts'
import { retailFile } from './synthesised.ts'

const topology = loadTopology(retailFile)
const deployment = deploymentOf(topology)

describe('sites', () => {
  test('have addresses and accounts by the order of the file', () => {
    expect(deployment.sites.map(({ id, cidr, account }) => [id, cidr, account])).toEqual([
      ['central', '10.0.0.0/16', '100000000001'],
      ['eu-west-1', '10.1.0.0/16', '100000000002'],
      ['eu-central-1', '10.2.0.0/16', '100000000002'],
      ['eu-west-2', '10.3.0.0/16', '100000000003'],
      ['us-east-1', '10.4.0.0/16', '100000000004'],
      ['us-west-2', '10.5.0.0/16', '100000000004'],
    ])
  })
  test('keep their addresses when central goes, or a region is added at the end', () => {
    const { central: _, ...without } = topology
    expect(siteOf(deploymentOf(without), 'us-west-2').cidr).toBe('10.5.0.0/16')
    const more = {
      ...topology,
      regions: [...topology.regions, { name: 'eu-north-1', jurisdiction: 'eu', writer: false }],
    }
    expect(deploymentOf(more).sites.slice(0, 6)).toEqual(deployment.sites)
  })
  test('have tiers that overlap nowhere', () => {
    for (const site of deployment.sites) {
      const subnets = (['app', 'data', 'hub'] as const).flatMap((tier) =>
        Array.from({ length: zonesOf(site) }, (_, zone) => tierCidr(site, tier, zone)),
      )
      expect(new Set(subnets).size).toBe(subnets.length)
    }
    expect(tierCidr(siteOf(deployment, 'eu-west-2'), 'data', 2)).toBe('10.3.96.0/20')
  })
  test('speak inside a jurisdiction and to central, and no others', () => {
    expect(links(deployment).map(([a, b]) => `${a.id} ${b.id}`)).toEqual([
      'central eu-west-1',
      'central eu-central-1',
      'central eu-west-2',
      'central us-east-1',
      'central us-west-2',
      'eu-west-1 eu-central-1',
      'us-east-1 us-west-2',
    ])
  })
  test('are where aws.json says', () => {
    const own = deploymentOf(topology, { cidrs: { central: '10.200.0.0/16' }, accounts: { eu: '222222222222' } })
    expect([siteOf(own, 'central').cidr, siteOf(own, 'eu-central-1').account]).toEqual([
      '10.200.0.0/16',
      '222222222222',
    ])
  })
  test.each([
    ['a region that AWS has not', () => deploymentOf(readTopology(base)), 'eu-b is no region of AWS'],
    [
      'a region of another partition',
      () => deploymentOf({ ...topology, regions: [{ name: 'cn-north-1', jurisdiction: 'eu', writer: true }] }),
      'cn-north-1 is no region of AWS',
    ],
    [
      'one address space twice',
      () => deploymentOf(topology, { cidrs: { 'eu-west-1': '10.5.0.0/16' } }),
      'two regions have one address space',
    ],
    [
      'an address space that is none of ours',
      () => deploymentOf(topology, { cidrs: { 'eu-west-1': '192.168.0.0/16' } }),
      'is no /16',
    ],
    [
      'one account for two jurisdictions',
      () => deploymentOf(topology, { accounts: { eu: '100000000004' } }),
      'guard rails are set by account',
    ],
    ['an account that is none', () => deploymentOf(topology, { accounts: { eu: '12' } }), '12 is no account'],
  ])('refuse %s', (_, make, says) => expect(make).toThrow(says))
})

test('names are the same each time, short enough, and never two of one', () => {
  const big = deploymentOf(large(4, 3, 64))
  const long = 'x'.repeat(63)
  const names = ['a', 'b'].map((end) => named(big, [long, end]))
  expect(names.every((name) => name.length <= 63)).toBe(true)
  expect(names[0]).not.toBe(names[1])
  expect(named(big, [long, 'a'])).toBe(names[0])
})
