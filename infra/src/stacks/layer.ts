// One stack is one layer at one site (and, for data, one shard): small, deployed and rolled back alone.
import { CfnTag, DefaultStackSynthesizer, Stack, Tags, type App } from 'aws-cdk-lib'
import { CfnRole } from 'aws-cdk-lib/aws-iam'
import { CfnLogGroup } from 'aws-cdk-lib/aws-logs'
import { assumedBy, type Policy } from '../policies.ts'
import { named, type Deployment, type Site } from '../sites.ts'

export class Layer extends Stack {
  constructor(
    readonly app: App,
    readonly deployment: Deployment,
    readonly site: Pick<Site, 'id' | 'region' | 'account' | 'jurisdiction'>,
    readonly layer: string,
    ...parts: string[]
  ) {
    super(app, named(deployment, [layer, ...parts, site.id], 120), {
      env: { account: site.account, region: site.region },
      // Values of one stack in another resolve when the other is deployed; nothing but this keeps them there.
      terminationProtection: true,
      synthesizer: new DefaultStackSynthesizer({ generateBootstrapVersionRule: false }),
      description: `${layer} of ${deployment.topology.name} in ${site.id}`,
    })
    // Listeners take tags by a schema that is newer than some validators.
    const tagged = { excludeResourceTypes: ['AWS::ElasticLoadBalancingV2::Listener'] }
    Tags.of(this).add('domicile:deployment', deployment.topology.name, tagged)
    Tags.of(this).add('domicile:jurisdiction', site.jurisdiction ?? 'central', tagged)
  }

  /** CDK orders a stack after one of its own account that it reads from, but not after one of another account. */
  after(...others: (Layer | undefined)[]) {
    for (const other of others) if (other) this.addStackDependency(other)
  }

  name = (...parts: string[]) => named(this.deployment, [this.site.id, ...parts])

  /** A role with one policy, both written out: what test/policies.test.ts evaluates is what is deployed. */
  role(id: string, service: string, document: Policy): CfnRole {
    return new CfnRole(this, id, {
      roleName: named(this.deployment, [this.site.id, id.toLowerCase()], 64),
      assumeRolePolicyDocument: assumedBy(service, this.site.account),
      policies: [{ policyName: 'domicile', policyDocument: document }],
    })
  }

  logGroup(id: string, group: string, keyArn: string): CfnLogGroup {
    const log = new CfnLogGroup(this, id, { logGroupName: group, retentionInDays: 365, kmsKeyId: keyArn })
    return log
  }
}
export const logGroupName = (deployment: Deployment, site: Pick<Site, 'id'>, of: string) =>
  `/domicile/${deployment.topology.name}/${site.id}/${of}`
export const nameTag = (value: string): CfnTag => ({ key: 'Name', value })
