// Guard rails over each jurisdiction's account, set from the organisation's management account: what nobody may do
// there, its administrators included.
import type { App } from 'aws-cdk-lib'
import { CfnPolicy } from 'aws-cdk-lib/aws-organizations'
import { serviceControlPolicy } from '../policies.ts'
import { named, type Deployment } from '../sites.ts'
import { Layer } from './layer.ts'

export class GuardRails extends Layer {
  constructor(app: App, deployment: Deployment) {
    super(app, deployment, { id: 'organisation', region: 'us-east-1', account: deployment.management }, 'guardrails')
    const owners = new Map(deployment.sites.map((site) => [site.account, site.jurisdiction]))
    for (const [account, jurisdiction] of owners)
      new CfnPolicy(this, `Policy-${jurisdiction ?? 'central'}`, {
        name: named(deployment, [jurisdiction ?? 'central']),
        type: 'SERVICE_CONTROL_POLICY',
        targetIds: [account],
        content: serviceControlPolicy(deployment, jurisdiction),
      })
  }
}
