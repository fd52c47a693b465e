// A deployment that never was: made from a seed, of any size, and moving.
import { random_of } from './random.js'

const places = [
  ['eu-west-1', 'eu', 53.3, -6.3],
  ['eu-central-1', 'eu', 50.1, 8.7],
  ['eu-west-2', 'uk', 51.5, -0.1],
  ['us-east-1', 'us', 38.9, -77.4],
  ['us-west-2', 'us', 45.8, -119.7],
  ['ap-northeast-1', 'jp', 35.7, 139.7],
  ['sa-east-1', 'br', -23.5, -46.6],
  ['ap-southeast-2', 'au', -33.9, 151.2],
  ['eu-north-1', 'eu', 59.3, 18.1],
  ['ap-northeast-3', 'jp', 34.7, 135.5],
  ['us-east-2', 'us', 40.0, -83.0],
  ['eu-south-1', 'eu', 45.5, 9.2],
]
const ids = 30_000
const day_ms = 86_400_000
const date = (ms) => new Date(ms).toISOString().slice(0, 10)

export function make_world({ shards = 8, regions = 5, seed = 1, now = Date.now() } = {}) {
  const random = random_of(seed)
  const between = (low, high) => low + Math.floor(random() * (high - low))
  const chosen = places.slice(0, Math.max(1, Math.min(places.length, regions)))
  const names = [...new Set(chosen.map(([, jurisdiction]) => jurisdiction))]
  const of = (jurisdiction) => chosen.filter((one) => one[1] === jurisdiction).map(([name]) => name)
  const resources = []
  const add = (kind, name, region, jurisdiction, more = {}) =>
    resources.push({
      kind,
      name,
      region,
      jurisdiction,
      shard: null,
      role: null,
      state: 'ok',
      summary: 'as it should be',
      facts: {},
      series: [],
      ...more,
    })

  for (const [region, jurisdiction] of chosen) {
    add('gateway', `gateway-${region}`, region, jurisdiction, {
      summary: 'both doors open',
      facts: {
        requests_per_s: between(80, 900),
        sessions: between(20, 400),
        p99_ms: 4.2,
        version: '0.1.0',
        uptime_s: between(4_000, 900_000),
      },
      series: ['requests_per_s', 'p99_ms', 'refusals_per_s', 'sessions'],
    })
    add('worker', `worker-${region}`, region, jurisdiction, {
      summary: 'leads where it should',
      facts: { rounds_per_s: 4, behind_ms: between(10, 300) },
      series: ['behind_ms'],
    })
    add('relay', `relay-${region}`, region, jurisdiction, {
      summary: 'carries to all its peers',
      facts: { connections: between(4, 60), bytes_per_s: between(10_000, 900_000) },
      series: ['connections'],
    })
    add('certificate', `mesh-${region}`, region, jurisdiction, {
      summary: 'rolls over each day',
      facts: { expires_s: between(30_000, 80_000), authority: jurisdiction },
    })
  }
  const ranges = []
  const flows = []
  const place_of = {}
  for (let i = 0; i < shards; i++) {
    const jurisdiction = names[i % names.length]
    const home = of(jurisdiction)
    const n = Math.floor(i / names.length) + 1
    const shard = `${jurisdiction}-${n}`
    const writer = home[0]
    const reader = home[1 + (n % Math.max(1, home.length - 1))] ?? writer
    place_of[shard] = { jurisdiction, writer, reader }
    const people = between(4_000, ids)
    add('shard', shard, writer, jurisdiction, {
      shard,
      summary: `${people} people on 3 nodes`,
      facts: { people, bytes: people * between(40_000, 90_000), epoch: 3 + (i % 3), prepared: 0 },
      series: ['statements_per_s', 'bytes'],
    })
    add('node', `${shard}-a`, writer, jurisdiction, {
      shard,
      role: 'writer',
      summary: 'takes writes',
      facts: { statements_per_s: between(50, 800), connections: between(8, 60), bytes: people * 60_000, timeline: 1 },
      series: ['statements_per_s', 'connections', 'bytes'],
    })
    for (const [suffix, region] of [
      ['b', writer],
      ['c', reader],
    ])
      add('node', `${shard}-${suffix}`, region, jurisdiction, {
        shard,
        role: 'reader',
        summary: 'follows the writer',
        facts: {
          lag_ms: between(1, 60),
          statements_per_s: between(50, 900),
          connections: between(4, 40),
          slot: `domicile_${suffix}`,
        },
        series: ['lag_ms', 'statements_per_s'],
      })
    add('secret', `db/${shard}`, writer, jurisdiction, {
      shard,
      summary: 'in every region of home',
      facts: { age_s: between(1, 80) * 43_200, copies: home.length },
    })
    if (reader !== writer)
      flows.push({
        from: writer,
        to: reader,
        kind: 'replication',
        state: 'ok',
        summary: `${shard} ${between(1, 60)} ms behind`,
      })
    ranges.push({
      from: 0,
      to: 0,
      shard,
      jurisdiction,
      open: n > 1 || shards < 2 * names.length,
      people,
      epoch: 3 + (i % 3),
    })
  }
  // Each jurisdiction has its own part of the id space, with a gap after it that belongs to nobody.
  let from = 0
  for (const name of names) {
    for (const one of ranges.filter((r) => r.jurisdiction === name)) {
      one.from = from
      one.to = from += ids
    }
    from += ids / 2
  }
  for (const name of names) {
    const writer = of(name)[0]
    add('queue', `figures-${name}`, writer, name, {
      summary: 'drained',
      facts: { waiting: between(0, 9), oldest_s: 0.4 },
      series: ['waiting'],
    })
    add('store', `documents-${name}`, writer, name, {
      summary: 'sealed under home’s key',
      facts: { objects: between(10_000, 900_000), bytes: between(1e9, 9e10) },
      series: ['bytes'],
    })
    add('institution', `${name}-tax`, null, name, { summary: 'acknowledges', facts: { last_s: between(20, 900) } })
  }
  for (let i = 1; i < chosen.length; i++)
    flows.push(
      { from: chosen[0][0], to: chosen[i][0], kind: 'mesh', state: 'ok', summary: 'range map and health' },
      { from: chosen[i][0], to: chosen[0][0], kind: 'figures', state: 'ok', summary: 'anonymous figures to central' },
    )

  const institutions = names.flatMap((name, i) =>
    Object.keys(place_of)
      .filter((shard) => place_of[shard].jurisdiction === name)
      .map((shard) => ({
        name: `${name}-tax`,
        jurisdiction: name,
        shard,
        waiting: between(0, 40),
        documents: between(10_000, 90_000),
        batches: between(100, 900),
        unacknowledged_s: i === 1 ? 5_400 : null,
        complete: true,
      })),
  )
  const kinds = ['erasure', 'access', 'rectification', 'restriction', 'objection', 'portability']
  const requests = Array.from({ length: Math.min(60, 6 + shards) }, (_, i) => {
    const shard = Object.keys(place_of)[i % shards]
    const left = i === 0 ? -2 : between(0, 29)
    return {
      id: `r-${(seed * 7919 + i * 104_729).toString(36).padStart(6, '0')}`,
      shard,
      jurisdiction: place_of[shard].jurisdiction,
      kind: kinds[i % kinds.length],
      state: ['asked', 'checking', 'held', 'running'][i % 4],
      asked: date(now - (30 - left) * day_ms),
      due: date(now + left * day_ms),
      days_left: left,
      extended: i % 7 === 3,
    }
  })

  const last = chosen.at(-1)
  const slow =
    resources.find((one) => one.kind === 'node' && one.role === 'reader' && one.region !== chosen[0][0]) ??
    resources.find((one) => one.kind === 'node')
  const alarm = (name, more) => ({
    name,
    region: null,
    jurisdiction: null,
    resource: null,
    state: 'ok',
    since: now - between(1, 900) * 60_000,
    value: null,
    threshold: null,
    unit: '',
    severity: 'medium',
    rule: '',
    why: '',
    runbook: 'docs/fleet.md',
    silenced_until: null,
    children: [],
    ...more,
  })
  const alarms = [
    alarm('reader-behind', {
      region: slow.region,
      jurisdiction: slow.jurisdiction,
      resource: `node/${slow.name}`,
      value: 12,
      threshold: 10_000,
      unit: 'ms',
      severity: 'high',
      rule: 'replica_lag_ms > 10000 for 3 of 5',
      why: 'A reader this far behind serves nobody: its load is on the others now.',
    }),
    alarm('privacy-overdue', {
      jurisdiction: names[0],
      state: 'alarm',
      value: 1,
      threshold: 0,
      severity: 'high',
      rule: 'requests_overdue > 0',
      why: 'A person was promised an answer by a date that has passed.',
      runbook: 'docs/privacy.md',
    }),
    alarm('documents-unacknowledged', {
      jurisdiction: names[1] ?? names[0],
      resource: `institution/${names[1] ?? names[0]}-tax`,
      state: names[1] ? 'alarm' : 'ok',
      value: 5_400,
      threshold: 3_600,
      unit: 's',
      severity: 'medium',
      rule: 'unacknowledged_s > 3600 for 2 of 3',
      why: 'The institution has taken a batch and does not say so.',
      runbook: 'docs/audit.md',
    }),
    alarm('shard-without-writer', {
      severity: 'critical',
      value: 0,
      threshold: 0,
      rule: 'writers < 1 for 2 of 2',
      why: 'Nobody of this shard can write.',
    }),
    alarm('refusals-unusual', {
      region: last[0],
      jurisdiction: last[1],
      state: 'insufficient',
      severity: 'low',
      rule: 'refusals_per_s outside its band for 5 of 5',
      why: 'Somebody may be trying ids.',
      runbook: 'docs/security.md',
    }),
    alarm('secret-old', {
      severity: 'medium',
      value: 3,
      threshold: 90,
      unit: 'd',
      rule: 'secret_age_days > 90',
      why: 'A login that never changes is a login that somebody has kept.',
      runbook: 'docs/vault.md',
    }),
    alarm('jurisdiction-at-risk', {
      jurisdiction: slow.jurisdiction,
      severity: 'critical',
      rule: 'ALARM(reader-behind) AND ALARM(shard-without-writer)',
      why: 'One more failure and people of this jurisdiction cannot be served.',
      children: ['reader-behind', 'shard-without-writer'],
    }),
  ]
  const finding = (id, pillar, severity, resource, title, evidence, why, command, more = {}) => ({
    id,
    check: id.split(':')[0],
    pillar,
    severity,
    resource,
    region: null,
    jurisdiction: names[0],
    title,
    evidence,
    why,
    command,
    acknowledged: null,
    ...more,
  })
  const first_shard = Object.keys(place_of)[0]
  const advice = [
    finding(
      'backup-age:1',
      'resilience',
      'high',
      `shard/${first_shard}`,
      'The last base backup is old',
      'last backup 9 days ago, 40 GiB of log since',
      'A restore replays all of that log first: hours, not minutes.',
      `domicile backup ${first_shard}`,
    ),
    finding(
      'reader-home:1',
      'resilience',
      'medium',
      `shard/${first_shard}`,
      'All readers of a shard stand in one region',
      'writer and 2 readers in one region',
      'If that region is away, nobody of the shard is served.',
      `domicile explain shard ${first_shard}`,
    ),
    finding(
      'rule-missing:1',
      'residency',
      'high',
      'table/preferences',
      'A table without a rule of erasure',
      'column preferences.note holds text, and no rule names it',
      'An erasure would be refused, and its clock runs.',
      'domicile privacy coverage -t domicile.toml',
    ),
    finding(
      'secret-age:1',
      'security',
      'medium',
      `secret/db/${first_shard}`,
      'A login has not changed for long',
      'age 40 days, others 12',
      'Rotation is without an outage: there is no reason to wait.',
      `domicile secret rotate db/${first_shard}`,
    ),
    finding(
      'ids-left:1',
      'limits',
      'medium',
      `shard/${first_shard}`,
      'A range is 82 % full',
      '24 600 of 30 000 ids are given out',
      'New people need an open range; a full one refuses.',
      `domicile ranges split ${first_shard}`,
    ),
    finding(
      'index-unused:1',
      'performance',
      'low',
      `shard/${first_shard}`,
      'An index nobody reads',
      'invoices_note_idx, 0 scans in 28 days, 1.2 GiB',
      'Each write keeps it up to date for nothing.',
      'DROP INDEX CONCURRENTLY invoices_note_idx',
    ),
    finding(
      'idle-reader:1',
      'cost',
      'low',
      `node/${slow.name}`,
      'A reader serves almost nobody',
      '0.3 statements per second in 14 days',
      'It costs as much as a busy one.',
      `domicile explain node ${slow.name}`,
    ),
    finding(
      'clock:1',
      'operations',
      'low',
      `gateway/gateway-${last[0]}`,
      'A clock differs',
      '41 ms from the others',
      'Tokens are held against the clock.',
      'chronyc tracking',
      { acknowledged: { by: 'operator', reason: 'machine is replaced on Monday', until: date(now + 9 * day_ms) } },
    ),
  ]
  const you = {
    principal: 'on-call@simulated',
    may: ['ops:Read', 'ops:Silence', 'ops:Acknowledge', 'iam:ReadPolicies', 'stats:Read'],
  }
  const overview = {
    at: now,
    deployment: 'retail',
    seen_from: chosen[0][0],
    map_epoch: 5,
    you,
    jurisdictions: names.map((name) => ({ name, regions: of(name) })),
    regions: chosen.map(([name, jurisdiction, latitude, longitude], i) => ({
      name,
      jurisdiction,
      latitude,
      longitude,
      state: 'ok',
      seen_s: 0.4,
      round_trip_us: i === 0 ? null : between(8_000, 240_000),
      same_map: true,
      figures: {
        requests_per_s: between(80, 900),
        refusals_per_s: random() * 2,
        statements_per_s: between(100, 2_000),
        sessions: between(20, 400),
        p99_ms: 2 + random() * 9,
      },
    })),
    resources,
    flows,
    ranges,
    institutions,
    requests,
    alarms,
    transitions: alarms
      .filter((one) => one.state !== 'ok')
      .map((one) => ({
        at: one.since,
        name: one.name,
        region: one.region,
        resource: one.resource,
        from: 'ok',
        to: one.state,
      })),
    advice,
  }
  return { overview, random, slow }
}

/** One second later. Gives the names of the sections that changed. */
export function move(world, now = Date.now()) {
  const { overview, random, slow } = world
  const drift = (value, low, high) => Math.max(low, Math.min(high, value * (0.94 + random() * 0.12)))
  overview.at = now
  for (const region of overview.regions) {
    const f = region.figures
    f.requests_per_s = drift(f.requests_per_s, 20, 2_000)
    f.statements_per_s = drift(f.statements_per_s, 20, 4_000)
    f.refusals_per_s = drift(f.refusals_per_s + 0.01, 0, 40)
    f.sessions = Math.round(drift(f.sessions, 5, 900))
    f.p99_ms = drift(f.p99_ms, 1.2, 40)
    region.seen_s = random()
  }
  for (const one of overview.resources)
    for (const name of ['requests_per_s', 'statements_per_s', 'lag_ms', 'connections', 'sessions'])
      if (typeof one.facts[name] === 'number' && !(one === slow && one.state === 'alarm'))
        one.facts[name] = Math.round(drift(one.facts[name] + 0.5, 1, 3_000))
  return ['regions', 'resources']
}

/** A reader falls behind: resource, region, flow, alarm and composite all say so. */
export function plant(world, now = Date.now(), on = true) {
  const { overview, slow } = world
  const state = on ? 'alarm' : 'ok'
  slow.state = state
  slow.facts.lag_ms = on ? 48_200 : 12
  slow.summary = on ? 'too far behind to serve' : 'follows the writer'
  overview.regions.find((one) => one.name === slow.region).state = state
  for (const flow of overview.flows)
    if (flow.kind === 'replication' && flow.to === slow.region && flow.summary.startsWith(slow.shard))
      flow.state = state
  const alarm = overview.alarms.find((one) => one.name === 'reader-behind')
  overview.transitions.unshift({
    at: now,
    name: alarm.name,
    region: alarm.region,
    resource: alarm.resource,
    from: alarm.state,
    to: state,
  })
  Object.assign(alarm, { state, since: now, value: slow.facts.lag_ms })
  return ['regions', 'resources', 'flows', 'alarms', 'transitions']
}
