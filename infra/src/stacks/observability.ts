// What wakes somebody: alarms and one composite alarm a region, since AWS lets a composite alarm look at its own region
// only; a page at central over all of them; the metrics of every account shared with central's.
import type { App } from 'aws-cdk-lib'
import { CfnAlarm, CfnCompositeAlarm, CfnDashboard, type CfnAlarmProps } from 'aws-cdk-lib/aws-cloudwatch'
import { CfnEventBus, CfnEventBusPolicy, CfnRule } from 'aws-cdk-lib/aws-events'
import { CfnLink, CfnSink } from 'aws-cdk-lib/aws-oam'
import { CfnTopic, CfnTopicPolicy } from 'aws-cdk-lib/aws-sns'
import { queueArn, type Policy } from '../policies.ts'
import { centralOf, homeSites, named, type Deployment, type Site } from '../sites.ts'
import { defaultGateways } from './compute.ts'
import { clusterName, instancesOf } from './data.ts'
import type { Keys } from './keys.ts'
import { Layer } from './layer.ts'

const resourceTypes = ['AWS::CloudWatch::Metric']
type AlarmFacts = Pick<CfnAlarmProps, 'namespace' | 'metricName' | 'threshold' | 'dimensions' | 'statistic'> & {
  minutes?: number
  below?: boolean
}

/** What goes wrong in a region, and when it counts as wrong. Pure, so that a test can hold it to the topology. */
export function alarmsOf(deployment: Deployment, site: Site): Record<string, AlarmFacts> {
  const alarms: Record<string, AlarmFacts> = {}
  for (const shard of deployment.topology.shards.filter(
    (shard) => !shard.existing && instancesOf(shard, site.region) > 0 && site.jurisdiction === shard.jurisdiction,
  )) {
    const dimensions = [{ name: 'DBClusterIdentifier', value: clusterName(deployment, shard.name, site) }]
    alarms[`cpu-${shard.name}`] = {
      namespace: 'AWS/RDS',
      metricName: 'CPUUtilization',
      statistic: 'Average',
      threshold: 80,
      minutes: 10,
      dimensions,
    }
    if (shard.writer !== site.region)
      alarms[`lag-${shard.name}`] = {
        namespace: 'AWS/RDS',
        metricName: 'AuroraGlobalDBReplicationLag',
        statistic: 'Maximum',
        threshold: 5_000,
        dimensions,
      }
  }
  if (site.jurisdiction) {
    const dimensions = [{ name: 'AutoScalingGroupName', value: named(deployment, [site.id, 'gateway']) }]
    alarms.gateways = {
      namespace: 'AWS/AutoScaling',
      metricName: 'GroupInServiceInstances',
      statistic: 'Minimum',
      threshold: deployment.settings.gateways ?? defaultGateways,
      below: true,
      dimensions,
    }
  }
  if (site.id === 'central')
    alarms.dead = {
      namespace: 'AWS/SQS',
      metricName: 'ApproximateNumberOfMessagesVisible',
      statistic: 'Maximum',
      threshold: 0,
      dimensions: [{ name: 'QueueName', value: queueArn(deployment, true).split(':')[5]! }],
    }
  return alarms
}

/** Sinks are regional, as links to them are: one in central's account for each region. */
export class Sink extends Layer {
  readonly arn: string
  constructor(app: App, deployment: Deployment, region: string, accounts: string[]) {
    super(app, deployment, { id: region, region, account: centralOf(deployment)!.account }, 'sink')
    this.arn = new CfnSink(this, 'Sink', {
      name: named(deployment, ['sink', region]),
      policy: {
        Version: '2012-10-17',
        Statement: [
          {
            // Numbers only: no log line leaves its jurisdiction.
            Effect: 'Allow',
            Principal: { AWS: accounts },
            Action: ['oam:CreateLink', 'oam:UpdateLink'],
            Resource: '*',
            Condition: { 'ForAllValues:StringEquals': { 'oam:ResourceTypes': resourceTypes } },
          },
        ],
      },
    }).attrArn
  }
}

export class Observability extends Layer {
  constructor(app: App, deployment: Deployment, place: Site, keys: Keys, sink: Sink | undefined) {
    super(app, deployment, place, 'observability')
    this.after(sink)
    const topicName = this.name('alarms')
    const topicArn = `arn:aws:sns:${place.region}:${place.account}:${topicName}`
    const topic = new CfnTopic(this, 'Topic', { topicName, kmsMasterKeyId: keys.arn })
    const speak: Policy = {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Alarms',
          Effect: 'Allow',
          Principal: { Service: 'cloudwatch.amazonaws.com' },
          Action: 'sns:Publish',
          Resource: topicArn,
          Condition: { StringEquals: { 'aws:SourceAccount': place.account } },
        },
        {
          Sid: 'TlsOnly',
          Effect: 'Deny',
          Principal: '*',
          Action: 'sns:Publish',
          Resource: topicArn,
          Condition: { Bool: { 'aws:SecureTransport': 'false' } },
        },
      ],
    }
    new CfnTopicPolicy(this, 'TopicPolicy', { topics: [topic.ref], policyDocument: speak })
    // Severity 2, an availability problem: an OpsItem that the operators' runbooks begin from.
    const actions = [topicArn, `arn:aws:ssm:${place.region}:${place.account}:opsitem:2#CATEGORY=Availability`]
    const alarms = Object.entries(alarmsOf(deployment, place)).map(
      ([id, { minutes = 3, below = false, ...facts }]) =>
        new CfnAlarm(this, `Alarm-${id}`, {
          ...facts,
          alarmName: this.name(id),
          period: 60,
          evaluationPeriods: minutes,
          comparisonOperator: below ? 'LessThanThreshold' : 'GreaterThanThreshold',
          // A gateway that reports nothing is gone; a lag that is not reported is no lag.
          treatMissingData: below ? 'breaching' : 'notBreaching',
          alarmActions: [topicArn],
        }),
    )
    const composite = new CfnCompositeAlarm(this, 'Region', {
      alarmName: this.name('region'),
      alarmRule: alarms.map((alarm) => `ALARM("${alarm.alarmName}")`).join(' OR '),
      alarmActions: actions,
    })
    for (const alarm of alarms) composite.addResourceDependency(alarm)
    if (sink) new CfnLink(this, 'Link', { sinkIdentifier: sink.arn, resourceTypes, labelTemplate: '$AccountName' })
  }
}

const advisorBus = (deployment: Deployment) => named(deployment, ['advisor'])

/** Trusted Advisor speaks in us-east-1 only; what it finds in an account goes to central's bus there. */
export class Advisor extends Layer {
  constructor(app: App, deployment: Deployment, account: string, jurisdiction: string | undefined) {
    super(
      app,
      deployment,
      { id: jurisdiction ?? 'central', region: 'us-east-1', account, ...(jurisdiction && { jurisdiction }) },
      'advisor',
    )
    const central = centralOf(deployment)!
    const bus = `arn:aws:events:us-east-1:${central.account}:event-bus/${advisorBus(deployment)}`
    if (!jurisdiction) {
      new CfnEventBus(this, 'Bus', { name: advisorBus(deployment) })
      const accounts = [...new Set(homeSites(deployment).map((site) => site.account))]
      for (const sender of accounts)
        new CfnEventBusPolicy(this, `From-${sender}`, {
          eventBusName: advisorBus(deployment),
          statementId: `From${sender}`,
          statement: {
            Sid: `From${sender}`,
            Effect: 'Allow',
            Principal: { AWS: `arn:aws:iam::${sender}:root` },
            Action: 'events:PutEvents',
            Resource: bus,
          },
        }).addResourceDependency(this.node.findChild('Bus') as CfnEventBus)
      return
    }
    const role = this.role('Advisor', 'events.amazonaws.com', {
      Version: '2012-10-17',
      Statement: [{ Sid: 'Findings', Effect: 'Allow', Action: 'events:PutEvents', Resource: bus }],
    })
    new CfnRule(this, 'Rule', {
      eventPattern: { source: ['aws.trustedadvisor'] },
      targets: [{ id: 'central', arn: bus, roleArn: role.attrArn }],
    })
  }
}

/** One page over all regions and accounts. */
export class Page extends Layer {
  constructor(app: App, deployment: Deployment) {
    const central = centralOf(deployment)!
    super(app, deployment, central, 'page')
    const widget = (site: Site, row: number, column: number, title: string, metrics: unknown[][]) => ({
      type: 'metric',
      x: column * 8,
      y: row * 6,
      width: 8,
      height: 6,
      properties: {
        title: `${site.id}: ${title}`,
        region: site.region,
        period: 60,
        metrics: metrics.map((metric) => [...metric, { accountId: site.account }]),
      },
    })
    const widgets = deployment.sites
      .flatMap((site, row) => {
        const facts = Object.values(alarmsOf(deployment, site))
        const of = (name: string) =>
          facts
            .filter((fact) => fact.metricName === name)
            .slice(0, 50)
            .map((fact) => [
              fact.namespace,
              fact.metricName,
              ...(fact.dimensions as { name: string; value: string }[]).flatMap(({ name, value }) => [name, value]),
            ])
        return [
          widget(site, row, 0, 'processors', of('CPUUtilization')),
          widget(site, row, 1, 'lag', of('AuroraGlobalDBReplicationLag')),
          widget(site, row, 2, 'gateways, dead figures', [
            ...of('GroupInServiceInstances'),
            ...of('ApproximateNumberOfMessagesVisible'),
          ]),
        ]
      })
      .filter((one) => one.properties.metrics.length > 0)
    new CfnDashboard(this, 'Dashboard', {
      dashboardName: named(deployment, ['regions']),
      dashboardBody: JSON.stringify({ widgets }),
    })
  }
}
