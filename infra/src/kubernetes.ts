// The same processes on Kubernetes instead of groups of instances: one namespace a region, since each region has a
// cluster of its own. Plain objects by cdk8s; test/kubernetes.test.ts holds them to Kubernetes' own schemas.
import { ApiObject, App, Chart, YamlOutputType } from 'cdk8s'
import {
  appPort,
  databasePort,
  deploymentOf,
  homeSites,
  peersOf,
  tierCidr,
  type Deployment,
  type Site,
} from './sites.ts'
import type { Topology } from './topology/read.ts'

export interface Options {
  image: string
  gateways: { least: number; most: number }
  /** Requests a gateway should be answering at once. */ connections: number
}
export const defaults: Options = { image: 'domicile:latest', gateways: { least: 2, most: 8 }, connections: 1_000 }

/** The gateway itself drains for five seconds; before, endpoints need a moment to forget it. */
const preStopSeconds = 10
const graceSeconds = 30

export const namespaceOf = (deployment: Deployment, site: Site) => `${deployment.topology.name}-${site.id}`.slice(0, 63)

export function chartOf(app: App, deployment: Deployment, site: Site, options: Options = defaults): Chart {
  const namespace = namespaceOf(deployment, site)
  const chart = new Chart(app, site.id, {
    namespace,
    disableResourceNameHashes: true,
    labels: { 'app.kubernetes.io/part-of': 'domicile', 'domicile/jurisdiction': site.jurisdiction! },
  })
  const object = (id: string, apiVersion: string, kind: string, rest: object) =>
    new ApiObject(chart, id, {
      apiVersion,
      kind,
      metadata: { name: id, ...(rest as { metadata?: object }).metadata },
      ...Object.fromEntries(Object.entries(rest).filter(([key]) => key !== 'metadata')),
    })

  new ApiObject(chart, 'namespace', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: { name: namespace, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
  })
  object('domicile', 'v1', 'ServiceAccount', { automountServiceAccountToken: false })
  for (const command of site.writer ? (['gateway', 'worker'] as const) : (['gateway'] as const)) {
    const labels = { 'app.kubernetes.io/name': command }
    object(command, 'apps/v1', 'Deployment', { spec: deploymentSpec(site, command, labels, options) })
    object(`${command}-budget`, 'policy/v1', 'PodDisruptionBudget', {
      spec: { maxUnavailable: 1, selector: { matchLabels: labels } },
    })
  }
  object('gateway-service', 'v1', 'Service', {
    metadata: { name: 'gateway' },
    spec: {
      selector: { 'app.kubernetes.io/name': 'gateway' },
      ports: [
        { name: 'https', port: appPort.http, targetPort: 'https' },
        { name: 'sql', port: appPort.sql, targetPort: 'sql' },
      ],
    },
  })
  object('gateway-scaling', 'autoscaling/v2', 'HorizontalPodAutoscaler', {
    spec: {
      scaleTargetRef: { apiVersion: 'apps/v1', kind: 'Deployment', name: 'gateway' },
      minReplicas: options.gateways.least,
      maxReplicas: options.gateways.most,
      metrics: [
        {
          type: 'Pods',
          pods: {
            metric: { name: 'domicile_http_connections' },
            target: { type: 'AverageValue', averageValue: String(options.connections) },
          },
        },
        { type: 'Resource', resource: { name: 'cpu', target: { type: 'Utilization', averageUtilization: 60 } } },
      ],
      // Sessions live as long as their connection: shrink slowly.
      behavior: {
        scaleDown: { stabilizationWindowSeconds: 600, policies: [{ type: 'Pods', value: 1, periodSeconds: 120 }] },
      },
    },
  })
  networkPolicies(object, deployment, site)
  return chart
}

function deploymentSpec(site: Site, command: 'gateway' | 'worker', labels: Record<string, string>, options: Options) {
  const probe = (path: string, rest: object) => ({ httpGet: { path, port: 'https', scheme: 'HTTPS' }, ...rest })
  const gateway = command === 'gateway'
  return {
    // Replicas of gateways belong to the autoscaler; of workers one leads and one waits.
    ...(gateway ? {} : { replicas: 2 }),
    selector: { matchLabels: labels },
    strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } },
    template: {
      metadata: {
        labels,
        annotations: {
          'prometheus.io/scrape': 'true',
          'prometheus.io/path': '/metrics',
          'prometheus.io/port': String(appPort.http),
          'prometheus.io/scheme': 'https',
        },
      },
      spec: {
        serviceAccountName: 'domicile',
        automountServiceAccountToken: false,
        terminationGracePeriodSeconds: graceSeconds,
        securityContext: {
          runAsNonRoot: true,
          runAsUser: 65_532,
          fsGroup: 65_532,
          seccompProfile: { type: 'RuntimeDefault' },
        },
        topologySpreadConstraints: [
          {
            maxSkew: 1,
            topologyKey: 'topology.kubernetes.io/zone',
            whenUnsatisfiable: 'ScheduleAnyway',
            labelSelector: { matchLabels: labels },
          },
        ],
        containers: [
          {
            name: command,
            image: options.image,
            args: [
              command,
              '--topology',
              '/etc/domicile/domicile.toml',
              '--state',
              '/var/lib/domicile',
              '--region',
              site.id,
            ],
            securityContext: {
              allowPrivilegeEscalation: false,
              readOnlyRootFilesystem: true,
              capabilities: { drop: ['ALL'] },
            },
            resources: { requests: { cpu: '500m', memory: '256Mi' }, limits: { memory: '1Gi' } },
            volumeMounts: [
              { name: 'topology', mountPath: '/etc/domicile', readOnly: true },
              { name: 'state', mountPath: '/var/lib/domicile' },
            ],
            ...(gateway
              ? {
                  ports: [
                    { name: 'https', containerPort: appPort.http },
                    { name: 'sql', containerPort: appPort.sql },
                    { name: 'mesh', containerPort: appPort.mesh },
                  ],
                  startupProbe: probe('/healthz', { periodSeconds: 2, failureThreshold: 30 }),
                  livenessProbe: probe('/healthz', { periodSeconds: 10, failureThreshold: 3 }),
                  readinessProbe: probe('/readyz', { periodSeconds: 5, failureThreshold: 2 }),
                  lifecycle: { preStop: { sleep: { seconds: preStopSeconds } } },
                }
              : {}),
          },
        ],
        volumes: [
          { name: 'topology', secret: { secretName: 'domicile-topology' } },
          { name: 'state', emptyDir: { medium: 'Memory', sizeLimit: '64Mi' } },
        ],
      },
    },
  }
}

/** Nothing is let in or out; then what the security groups of the network let through, by the same addresses. */
function networkPolicies(
  object: (id: string, apiVersion: string, kind: string, rest: object) => ApiObject,
  deployment: Deployment,
  site: Site,
) {
  const peers = peersOf(deployment, site)
  const ip = (cidr: string) => ({ ipBlock: { cidr } })
  const ports = (...numbers: number[]) => numbers.map((port) => ({ protocol: 'TCP', port }))
  const siblings = peers.filter((peer) => peer.jurisdiction).map((peer) => ip(tierCidr(peer, 'app')))
  const central = peers.filter((peer) => peer.id === 'central').map((peer) => ip(tierCidr(peer, 'app')))
  const policy = (id: string, spec: object) => object(id, 'networking.k8s.io/v1', 'NetworkPolicy', { spec })
  policy('nothing', { podSelector: {}, policyTypes: ['Ingress', 'Egress'] })
  policy('doors', {
    podSelector: { matchLabels: { 'app.kubernetes.io/name': 'gateway' } },
    policyTypes: ['Ingress'],
    ingress: [
      { from: [ip(tierCidr(site, 'app'))], ports: ports(appPort.http, appPort.sql) },
      ...(siblings.length > 0 ? [{ from: siblings, ports: ports(appPort.mesh) }] : []),
    ],
  })
  policy('out', {
    podSelector: {},
    policyTypes: ['Egress'],
    egress: [
      { to: [ip(tierCidr(site, 'data'))], ports: ports(databasePort) },
      { to: [ip(tierCidr(site, 'app')), ...central], ports: ports(443) },
      ...(siblings.length > 0 ? [{ to: siblings, ports: ports(appPort.mesh) }] : []),
      {
        to: [
          {
            namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } },
            podSelector: { matchLabels: { 'k8s-app': 'kube-dns' } },
          },
        ],
        ports: [
          { protocol: 'UDP', port: 53 },
          { protocol: 'TCP', port: 53 },
        ],
      },
    ],
  })
}

/** Region to manifests. */
export function manifestsOf(topology: Topology, options: Options = defaults): Map<string, unknown[]> {
  const deployment = deploymentOf(topology)
  const app = new App({ yamlOutputType: YamlOutputType.FILE_PER_CHART })
  return new Map(homeSites(deployment).map((site) => [site.id, chartOf(app, deployment, site, options).toJson()]))
}
