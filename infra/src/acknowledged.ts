// Every finding of a rule pack that we let stand, and why. Nothing is silenced anywhere else.
import { CfnResource, Validations, type App } from 'aws-cdk-lib'
import { CfnRole } from 'aws-cdk-lib/aws-iam'

export const acknowledged: { id: string; reason: string }[] = [
  {
    id: 'AwsSolutions-S1',
    reason:
      "Server access logs of S3 name keys and requesters in clear and beyond the bucket's lock; reads are in CloudTrail",
  },
  { id: 'NIST.800.53.R5-S3BucketLoggingEnabled', reason: 'As AwsSolutions-S1' },
  {
    id: 'NIST.800.53.R5-S3BucketReplicationEnabled',
    reason: 'A jurisdiction may have one region only: a replica would stand abroad. S3 keeps three zones',
  },
  {
    id: 'AwsSolutions-IAM4[Policy::arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole]',
    reason: 'What RDS documents for enhanced monitoring: it writes one log group of its own',
  },
  {
    id: 'NIST.800.53.R5-IAMNoInlinePolicy',
    reason:
      'One role, one purpose, one policy, deleted together; the document is a pure function that test/policies.test.ts evaluates',
  },
  {
    id: 'AwsSolutions-ELB2',
    reason:
      'A network load balancer logs TLS listeners only; ours pass TLS through whole. The doors keep an access log',
  },
  { id: 'NIST.800.53.R5-ELBLoggingEnabled', reason: 'As AwsSolutions-ELB2' },
  {
    id: 'NIST.800.53.R5-ELBv2ACMCertificateRequired',
    reason: 'TLS ends in the gateway, so that no machine between client and door sees a row',
  },
  { id: 'AwsSolutions-AS3', reason: 'Instances come and go by design; what counts, too few in service, is an alarm' },
  {
    id: 'AwsSolutions-APIG4',
    reason: 'Off loopback the door itself asks everybody for a token; a second check here would be a second truth',
  },
  {
    id: 'AwsSolutions-CFR1',
    reason:
      "Countries are the residency function's decision, which answers 451 or sends home; a geo restriction knows 403 only",
  },
  {
    id: 'AwsSolutions-CFR3',
    reason: "CloudFront's access logs hold people's addresses and ids; the doors log at home",
  },
  {
    id: 'AwsSolutions-CFR4',
    reason:
      'Without a host name of its own ([edge] hosts, and aws.json "certificates") a distribution has CloudFront\'s certificate, whose floor AWS sets; with one it is TLSv1.2_2021',
  },
  {
    id: 'NIST.800.53.R5-WAFv2LoggingEnabled',
    reason: "Its logs hold people's addresses, in us-east-1; metrics and samples by rule stay",
  },
  {
    id: 'NIST.800.53.R5-VPCDefaultSecurityGroupClosed',
    reason:
      'Nothing uses the default group (a check of ours); closing it takes a custom resource with rights on every group',
  },
  {
    id: 'NIST.800.53.R5-LambdaConcurrency',
    reason:
      'The accepter runs at deploys only; Lambda@Edge takes no reserved concurrency. Functions on the data path have it',
  },
  {
    id: 'NIST.800.53.R5-LambdaDLQ',
    reason:
      'The accepter answers CloudFormation itself; Lambda@Edge takes no dead-letter queue; behind a FIFO queue only the queue itself can have one, and has',
  },
  {
    id: 'NIST.800.53.R5-LambdaInsideVPC',
    reason:
      'The accepter calls EC2 alone, before the network stands; Lambda@Edge takes no VPC. Functions on the data path stand in it',
  },
  {
    id: 'NIST.800.53.R5-RDSInBackupPlan',
    reason:
      "Aurora's own backups end when an erasure's certificate says; a vault of AWS Backup would keep erased values longer",
  },
]

/** Resources with a wildcard that a role may name. Anything else with one is a finding (AwsSolutions-IAM5). */
export const wildcards: { resource: RegExp; reason: string }[] = [
  {
    resource: /^arn:aws:logs:[^*]+:log-group:\/domicile\/[^*]+:\*$/,
    reason: 'Log streams of one log group: names that the service makes',
  },
  { resource: /^arn:aws:s3:::[^*]+\/\*$/, reason: 'Objects of one bucket of its own jurisdiction' },
  {
    resource: /^arn:aws:secretsmanager:[^*]+:secret:domicile(-aurora)?\/[^*]+\/\*$/,
    reason: 'Secrets of its own jurisdiction: Secrets Manager ends each name with letters of its own',
  },
  {
    resource: /^arn:aws:ec2:[^*]+:transit-gateway-attachment\/\*$/,
    reason: 'A peering has no name before it is accepted',
  },
  {
    resource: /^\*$/,
    reason: 'Actions that know no resource (metrics of one namespace, SSM channels, interfaces), and denials',
  },
]

const resourcesOf = (role: CfnRole): string[] => {
  const policies = role.stack.resolve(role.policies ?? []) as {
    policyDocument: { Statement: { Resource: unknown }[] }
  }[]
  return policies
    .flatMap((policy) => policy.policyDocument.Statement)
    .flatMap((statement) => statement.Resource)
    .filter((one): one is string => typeof one === 'string')
}

export function acknowledge(app: App) {
  Validations.of(app).acknowledge(...acknowledged)
  const named = new Map<string, string>()
  for (const role of app.node
    .findAll()
    .filter((node): node is CfnRole => CfnResource.isCfnResource(node) && node instanceof CfnRole))
    for (const resource of resourcesOf(role)) {
      const known = wildcards.find((one) => one.resource.test(resource))
      if (known && resource.includes('*')) named.set(`AwsSolutions-IAM5[Resource::${resource}]`, known.reason)
    }
  if (named.size > 0) Validations.of(app).acknowledge(...[...named].map(([id, reason]) => ({ id, reason })))
}
