// Keys. One key a jurisdiction, primary in its writer region, replicas in its other regions: what is sealed at
// home opens in every region of home, and nowhere else.
import { CfnAlias, CfnKey, CfnReplicaKey } from 'aws-cdk-lib/aws-kms'
import type { App } from 'aws-cdk-lib'
import { keyPolicy } from '../policies.ts'
import type { Deployment, Site } from '../sites.ts'
import { Layer } from './layer.ts'

export class Keys extends Layer {
  readonly arn: string

  constructor(app: App, deployment: Deployment, site: Site, primary?: Keys) {
    super(app, deployment, site, 'keys')
    const common = {
      keyPolicy: keyPolicy(deployment, site),
      pendingWindowInDays: 30,
      description: `${deployment.topology.name}, ${site.id}`,
    }
    const key = primary
      ? new CfnReplicaKey(this, 'Key', { ...common, primaryKeyArn: primary.arn })
      : new CfnKey(this, 'Key', { ...common, enableKeyRotation: true, multiRegion: site.jurisdiction !== undefined })
    new CfnAlias(this, 'Alias', {
      aliasName: site.id === 'central' ? `${deployment.topology.keyAlias}-central` : deployment.topology.keyAlias,
      targetKeyId: key.attrArn,
    })
    this.arn = key.attrArn
  }
}
