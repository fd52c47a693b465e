import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { manifestsOf } from '../src/kubernetes.ts'
import { loadTopology } from '../src/topology/read.ts'
import { retailFile } from './synthesised.ts'

const require = createRequire(import.meta.url)
const manifests = manifestsOf(loadTopology(retailFile)) as Map<string, any[]>
const validate = (doc: any) => new (require(`kubernetes-models/${doc.apiVersion}`)[doc.kind])(doc).validate()
const of = (region: string, kind: string, name?: string) =>
  manifests.get(region)!.filter((one) => one.kind === kind && (!name || one.metadata.name === name))

describe('manifests', () => {
  test('stand for every region of home', () =>
    expect([...manifests.keys()]).toEqual(['eu-west-1', 'eu-central-1', 'eu-west-2', 'us-east-1', 'us-west-2']))
  test.each(
    [...manifests].flatMap(([region, all]) =>
      all.map((doc) => [`${region} ${doc.kind} ${doc.metadata.name}`, doc] as const),
    ),
  )("%s fits Kubernetes' schema", (_, doc) => {
    expect(() => validate(doc)).not.toThrow()
  })
  test('of a broken kind would be refused', () => {
    const [bad] = structuredClone(of('us-east-1', 'Deployment'))
    bad.spec.template.spec.containers[0].ports[0].containerPort = 'https'
    expect(() => validate(bad)).toThrow()
    const [worse] = structuredClone(of('us-east-1', 'HorizontalPodAutoscaler'))
    delete worse.spec.maxReplicas
    expect(() => validate(worse)).toThrow()
  })
  test('have workers in writer regions only', () => {
    expect([...manifests.keys()].filter((region) => of(region, 'Deployment', 'worker').length > 0)).toEqual([
      'eu-west-1',
      'eu-west-2',
      'us-east-1',
    ])
  })
  test('leave the number of gateways to the autoscaler, which looks at our own metric', () => {
    for (const region of manifests.keys()) {
      expect(of(region, 'Deployment', 'gateway')[0].spec).not.toHaveProperty('replicas')
      const { spec } = of(region, 'HorizontalPodAutoscaler')[0]
      expect(spec.scaleTargetRef.name).toBe('gateway')
      expect(spec.metrics[0].pods.metric.name).toBe('domicile_http_connections')
    }
  })
  test('ask /healthz whether to live and /readyz whether to serve, and drain within the grace', () => {
    const { spec } = of('eu-west-1', 'Deployment', 'gateway')[0].spec.template
    const [container] = spec.containers
    expect(container.livenessProbe.httpGet).toMatchObject({ path: '/healthz', scheme: 'HTTPS' })
    expect(container.readinessProbe.httpGet.path).toBe('/readyz')
    // Five seconds is drain_time of src/app/gateway.cpp, twice: sessions, then the prober.
    expect(container.lifecycle.preStop.sleep.seconds + 2 * 5).toBeLessThan(spec.terminationGracePeriodSeconds)
  })
  test('select pods that exist', () => {
    for (const [region, all] of manifests) {
      const labels = new Set(
        of(region, 'Deployment').map((one) => one.spec.template.metadata.labels['app.kubernetes.io/name']),
      )
      const wanted = all.flatMap((one) => [
        one.spec?.selector?.matchLabels,
        one.kind === 'Service' ? one.spec.selector : undefined,
        one.kind === 'NetworkPolicy' ? one.spec.podSelector.matchLabels : undefined,
      ])
      for (const selector of wanted) if (selector) expect(labels).toContain(selector['app.kubernetes.io/name'])
    }
  })
  test('let no address of another jurisdiction in or out', () => {
    const cidrs = (region: string) =>
      [...new Set(JSON.stringify(of(region, 'NetworkPolicy')).match(/10\.\d+\.\d+\.0\/18/g))]
        .map((cidr) => Number(cidr.split('.')[1]))
        .sort()
    // By order of the file: central 0, eu-west-1 1, eu-central-1 2, eu-west-2 3, us-east-1 4, us-west-2 5.
    expect([...new Set(cidrs('eu-west-1'))]).toEqual([0, 1, 2])
    expect([...new Set(cidrs('eu-west-2'))]).toEqual([0, 3])
    expect([...new Set(cidrs('us-west-2'))]).toEqual([0, 4, 5])
    for (const region of manifests.keys())
      expect(of(region, 'NetworkPolicy', 'nothing')[0].spec).toEqual({
        podSelector: {},
        policyTypes: ['Ingress', 'Egress'],
      })
  })
  test('run as nobody, with nothing', () => {
    for (const region of manifests.keys())
      for (const { spec } of of(region, 'Deployment')) {
        expect(spec.template.spec.securityContext.runAsNonRoot).toBe(true)
        for (const container of spec.template.spec.containers)
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ['ALL'] },
          })
      }
  })
})
