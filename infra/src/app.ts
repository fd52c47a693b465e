// From a topology to stacks: which layer stands where, and what each is given.
import { createRequire } from 'node:module'
import { App } from 'aws-cdk-lib'
import { acknowledge } from './acknowledged.ts'
import { Edge } from './stacks/edge.ts'
import { centralOf, deploymentOf, links, siteOf, type Deployment, type Settings } from './sites.ts'
import { Compute } from './stacks/compute.ts'
import { Data, instancesOf } from './stacks/data.ts'
import { Documents } from './stacks/documents.ts'
import { Events } from './stacks/events.ts'
import { GuardRails } from './stacks/guardrails.ts'
import { Keys } from './stacks/keys.ts'
import { Network } from './stacks/network.ts'
import { Advisor, Observability, Page, Sink } from './stacks/observability.ts'
import { Peering, Routes } from './stacks/routes.ts'
import { Rotation, Secrets } from './stacks/secrets.ts'
import type { Topology } from './topology/read.ts'

const flags = createRequire(import.meta.url)('aws-cdk-lib/recommended-feature-flags.json') as Record<string, unknown>

export function appOf(topology: Topology, settings: Settings = {}, outdir?: string): App {
  const deployment = deploymentOf(topology, settings)
  // Only the command line reads cdk.json; flags from here, and no traces of callers, make every synth the same.
  const app = new App({
    context: { ...flags, '@aws-cdk/core:enablePartitionLiterals': true },
    analyticsReporting: false,
    stackTraces: false,
    ...(outdir && { outdir }),
  })
  const keys = keysOf(app, deployment)
  const networks = networksOf(app, deployment, keys)
  for (const site of deployment.sites.filter((site) => site.jurisdiction)) {
    if (site.writer) new Documents(app, deployment, site, keys.get(site.id)!)
  }
  databases(app, deployment, keys, networks)
  const central = centralOf(deployment)
  if (central) new Events(app, deployment, networks.get('central')!, keys.get('central')!)
  const doors = new Map<string, Compute>()
  for (const site of deployment.sites.filter((site) => site.jurisdiction)) {
    const home = deployment.sites
      .filter((other) => other.jurisdiction === site.jurisdiction)
      .map((other) => keys.get(other.id)!.arn)
    doors.set(site.id, new Compute(app, deployment, networks.get(site.id)!, keys.get(site.id)!, home))
  }
  observe(app, deployment, keys)
  new GuardRails(app, deployment)
  for (const jurisdiction of topology.jurisdictions) new Edge(app, deployment, jurisdiction, doors)
  acknowledge(app)
  return app
}

function keysOf(app: App, deployment: Deployment): Map<string, Keys> {
  const keys = new Map<string, Keys>()
  // Primaries first: a replica names its primary.
  for (const site of [...deployment.sites].sort((a, b) => Number(b.writer) - Number(a.writer))) {
    const primary = deployment.topology.jurisdictions.find((one) => one.name === site.jurisdiction)?.writer
    keys.set(site.id, new Keys(app, deployment, site, site.writer ? undefined : keys.get(primary!)))
  }
  return keys
}

function networksOf(app: App, deployment: Deployment, keys: Map<string, Keys>): Map<string, Network> {
  const networks = new Map(
    deployment.sites.map((site) => [site.id, new Network(app, deployment, site, keys.get(site.id)!)]),
  )
  const peerings = new Map(
    links(deployment).map(([a, b]) => [
      `${a.id} ${b.id}`,
      new Peering(app, deployment, networks.get(a.id)!, networks.get(b.id)!),
    ]),
  )
  const routes = new Map(
    deployment.sites.map((site) => [
      site.id,
      new Routes(app, deployment, networks.get(site.id)!, peerings, networks.get('central')),
    ]),
  )
  // The asking side has routes only once the other has accepted.
  for (const [a, b] of links(deployment)) routes.get(a.id)!.addStackDependency(routes.get(b.id)!)
  return networks
}

function databases(app: App, deployment: Deployment, keys: Map<string, Keys>, networks: Map<string, Network>) {
  const rotations = new Map(
    deployment.sites
      .filter((site) => site.writer)
      .map((site) => [site.id, new Rotation(app, deployment, networks.get(site.id)!, keys.get(site.id)!)]),
  )
  for (const shard of deployment.topology.shards.filter((shard) => !shard.existing)) {
    const secrets = new Secrets(
      app,
      deployment,
      siteOf(deployment, shard.writer),
      keys,
      shard,
      rotations.get(shard.writer)!,
    )
    const primary = new Data(app, deployment, networks.get(shard.writer)!, keys.get(shard.writer)!, shard, secrets)
    for (const region of new Set(shard.readers))
      if (region !== shard.writer && instancesOf(shard, region) > 0)
        new Data(app, deployment, networks.get(region)!, keys.get(region)!, shard, primary)
  }
  const central = centralOf(deployment)
  if (!central) return
  const secrets = new Secrets(app, deployment, central, keys, { name: 'central' }, rotations.get('central')!)
  new Data(
    app,
    deployment,
    networks.get('central')!,
    keys.get('central')!,
    { name: 'central', writer: central.region, readers: [] },
    secrets,
  )
}

function observe(app: App, deployment: Deployment, keys: Map<string, Keys>) {
  const central = centralOf(deployment)
  const regions = [...new Set(deployment.sites.filter((site) => site.jurisdiction).map((site) => site.region))]
  const sinks = new Map(
    central
      ? regions.map((region) => [
          region,
          new Sink(
            app,
            deployment,
            region,
            deployment.sites.filter((site) => site.jurisdiction && site.region === region).map((site) => site.account),
          ),
        ])
      : [],
  )
  for (const site of deployment.sites)
    new Observability(app, deployment, site, keys.get(site.id)!, site.jurisdiction ? sinks.get(site.region) : undefined)
  if (!central) return
  new Page(app, deployment)
  const hub = new Advisor(app, deployment, central.account, undefined)
  for (const { name } of deployment.topology.jurisdictions)
    new Advisor(
      app,
      deployment,
      deployment.sites.find((site) => site.jurisdiction === name)!.account,
      name,
    ).addStackDependency(hub)
}
