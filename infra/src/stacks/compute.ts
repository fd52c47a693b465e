// Gateways of one region (and, in a writer region, its workers): groups of instances behind a network load balancer that
// passes TLS through whole. The HTTP door is reached by an HTTP API over a private link, the SQL door inside the network.
import { Fn, type App } from 'aws-cdk-lib'
import * as api from 'aws-cdk-lib/aws-apigatewayv2'
import { CfnAutoScalingGroup, CfnScalingPolicy } from 'aws-cdk-lib/aws-autoscaling'
import { CfnLaunchTemplate } from 'aws-cdk-lib/aws-ec2'
import * as lb from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import { CfnInstanceProfile } from 'aws-cdk-lib/aws-iam'
import { gatewayPolicy, workerPolicy } from '../policies.ts'
import { appPort, release, releaseBucket, type Deployment } from '../sites.ts'
import type { Keys } from './keys.ts'
import { Layer, logGroupName } from './layer.ts'
import type { Network } from './network.ts'

const image = 'resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-arm64'
export const defaultGateway = 'c7g.large'
export const defaultGateways = 2

/** Drains on stop: systemd sends SIGTERM and waits longer than the longest statement. */
export const userData = (bucket: string, key: string, command: string, region: string) => `#!/bin/bash
set -euo pipefail
aws s3 cp "s3://${bucket}/${key}" /tmp/domicile.zip
mkdir -p /opt/domicile && unzip -qo /tmp/domicile.zip -d /opt/domicile
useradd --system domicile
# The binary reads a credentials file at each call and no instance metadata: this keeps the file fresh, hours before its end.
cat > /usr/local/bin/domicile-credentials <<'SCRIPT'
#!/bin/bash
set -euo pipefail
umask 077
mkdir -p /run/domicile
{ echo '[default]'; aws configure export-credentials --format env-no-export | sed -n 's/^AWS_\\(ACCESS_KEY_ID\\|SECRET_ACCESS_KEY\\|SESSION_TOKEN\\)=/aws_\\L\\1 = /p'; } > /run/domicile/credentials.new
chown -R domicile /run/domicile
mv /run/domicile/credentials.new /run/domicile/credentials
SCRIPT
chmod 755 /usr/local/bin/domicile-credentials
cat > /etc/systemd/system/domicile-credentials.service <<'UNIT'
[Service]
Type=oneshot
ExecStart=/usr/local/bin/domicile-credentials
UNIT
cat > /etc/systemd/system/domicile-credentials.timer <<'UNIT'
[Timer]
OnActiveSec=0
OnUnitActiveSec=600
[Install]
WantedBy=timers.target
UNIT
/usr/local/bin/domicile-credentials
cat > /etc/systemd/system/domicile.service <<'UNIT'
[Service]
Environment=AWS_SHARED_CREDENTIALS_FILE=/run/domicile/credentials
ExecStart=/opt/domicile/domicile ${command} --topology /opt/domicile/domicile.toml --state /var/lib/domicile --region ${region}
User=domicile
StateDirectory=domicile
Restart=always
KillSignal=SIGTERM
TimeoutStopSec=60
[Install]
WantedBy=multi-user.target
UNIT
systemctl enable --now domicile-credentials.timer domicile
`

export class Compute extends Layer {
  readonly apiId: string
  readonly groupName = this.name('gateway')

  constructor(
    app: App,
    deployment: Deployment,
    private network: Network,
    private keys: Keys,
    private homeKeys: string[],
  ) {
    super(app, deployment, network.place, 'compute')
    const subnets = network.subnets.app.map((subnet) => subnet.ref)
    const balancer = new lb.CfnLoadBalancer(this, 'Balancer', {
      type: 'network',
      scheme: 'internal',
      subnets,
      securityGroups: [network.groups.app.attrGroupId],
      loadBalancerAttributes: [
        { key: 'deletion_protection.enabled', value: 'true' },
        { key: 'load_balancing.cross_zone.enabled', value: 'true' },
      ],
    })
    const target = (door: 'http' | 'sql') => {
      const group = new lb.CfnTargetGroup(this, `Targets-${door}`, {
        vpcId: network.vpc.ref,
        protocol: 'TCP',
        port: appPort[door],
        targetType: 'instance',
        healthCheckProtocol: 'HTTPS',
        healthCheckPath: '/readyz',
        healthCheckPort: String(appPort.http),
        targetGroupAttributes: [{ key: 'deregistration_delay.timeout_seconds', value: '60' }],
      })
      const listener = new lb.CfnListener(this, `Listener-${door}`, {
        loadBalancerArn: balancer.ref,
        protocol: 'TCP',
        port: appPort[door],
        defaultActions: [{ type: 'forward', targetGroupArn: group.ref }],
      })
      return { group, listener }
    }
    const doors = { http: target('http'), sql: target('sql') }
    const least = deployment.settings.gateways ?? defaultGateways
    this.fleet('gateway', least, least * 4, [doors.http.group.ref, doors.sql.group.ref])
    if (network.place.writer) this.fleet('worker', 2, 2, [])
    this.apiId = this.httpApi(doors.http.listener, subnets)
  }

  private fleet(command: 'gateway' | 'worker', least: number, most: number, targetGroupArns: string[]) {
    const { place } = this.network
    const id = command === 'gateway' ? 'Gateway' : 'Worker'
    const group = logGroupName(this.deployment, place, command)
    this.logGroup(`${id}Logs`, group, this.keys.arn)
    const role = this.role(
      id,
      'ec2.amazonaws.com',
      (command === 'gateway' ? gatewayPolicy : workerPolicy)(this.deployment, place, this.homeKeys, group),
    )
    const profile = new CfnInstanceProfile(this, `${id}Profile`, { roles: [role.ref] })
    const template = new CfnLaunchTemplate(this, `${id}Template`, {
      launchTemplateData: {
        imageId: image,
        instanceType: this.deployment.settings.gatewayInstance ?? defaultGateway,
        iamInstanceProfile: { arn: profile.attrArn },
        securityGroupIds: [this.network.groups.app.attrGroupId],
        metadataOptions: { httpTokens: 'required', httpPutResponseHopLimit: 1 },
        monitoring: { enabled: true },
        blockDeviceMappings: [
          {
            deviceName: '/dev/xvda',
            ebs: { encrypted: true, volumeType: 'gp3', volumeSize: 20, deleteOnTermination: true },
          },
        ],
        userData: Fn.base64(
          userData(releaseBucket(this.deployment, place), release(this.deployment), command, place.id),
        ),
      },
    })
    const fleet = new CfnAutoScalingGroup(this, `${id}Fleet`, {
      autoScalingGroupName: this.name(command),
      minSize: String(least),
      maxSize: String(most),
      vpcZoneIdentifier: this.network.subnets.app.map((subnet) => subnet.ref),
      targetGroupArns,
      launchTemplate: { launchTemplateId: template.ref, version: template.attrLatestVersionNumber },
      healthCheckType: targetGroupArns.length > 0 ? 'ELB' : 'EC2',
      healthCheckGracePeriod: 120,
      metricsCollection: [{ granularity: '1Minute' }],
      tags: [{ key: 'Name', value: this.name(command), propagateAtLaunch: true }],
    })
    if (most > least)
      new CfnScalingPolicy(this, `${id}Scaling`, {
        autoScalingGroupName: fleet.ref,
        policyType: 'TargetTrackingScaling',
        targetTrackingConfiguration: {
          predefinedMetricSpecification: { predefinedMetricType: 'ASGAverageCPUUtilization' },
          targetValue: 50,
        },
      })
  }

  private httpApi(listener: lb.CfnListener, subnetIds: string[]): string {
    const door = new api.CfnApi(this, 'Api', { name: this.name('door'), protocolType: 'HTTP' })
    const link = new api.CfnVpcLink(this, 'Link', {
      name: this.name('door'),
      subnetIds,
      securityGroupIds: [this.network.groups.app.attrGroupId],
    })
    const integration = new api.CfnIntegration(this, 'Integration', {
      apiId: door.ref,
      integrationType: 'HTTP_PROXY',
      integrationMethod: 'ANY',
      integrationUri: listener.ref,
      connectionType: 'VPC_LINK',
      connectionId: link.ref,
      payloadFormatVersion: '1.0',
      timeoutInMillis: 15_000,
      tlsConfig: {
        serverNameToVerify:
          this.deployment.topology.edge.hosts[this.network.place.jurisdiction!] ??
          `${this.network.place.id}.${this.deployment.topology.name}.internal`,
      },
    })
    // The door itself asks everybody for a token; one more check here would be a second truth about who is who.
    new api.CfnRoute(this, 'Route', {
      apiId: door.ref,
      routeKey: '$default',
      target: Fn.join('/', ['integrations', integration.ref]),
      authorizationType: 'NONE',
    })
    const log = this.logGroup('DoorLogs', logGroupName(this.deployment, this.network.place, 'door'), this.keys.arn)
    new api.CfnStage(this, 'Stage', {
      apiId: door.ref,
      stageName: '$default',
      autoDeploy: true,
      defaultRouteSettings: { throttlingBurstLimit: 2_000, throttlingRateLimit: 5_000, detailedMetricsEnabled: true },
      // No path: it holds people's ids.
      accessLogSettings: {
        destinationArn: log.attrArn,
        format: '{"id":"$context.requestId","status":"$context.status","ms":"$context.responseLatency"}',
      },
    })
    return door.ref
  }
}
