// Audit documents: one bucket a jurisdiction, in its writer region, under its key. Once written, a document stays for
// as long as the topology says; only an event's data is in it, since a compliance lock outlives every erasure.
import { RemovalPolicy, type App } from 'aws-cdk-lib'
import { CfnBucket, CfnBucketPolicy } from 'aws-cdk-lib/aws-s3'
import { bucketPolicy } from '../policies.ts'
import { bucketName, type Deployment, type Site } from '../sites.ts'
import type { Keys } from './keys.ts'
import { Layer } from './layer.ts'

const blocked = { blockPublicAcls: true, blockPublicPolicy: true, ignorePublicAcls: true, restrictPublicBuckets: true }

export class Documents extends Layer {
  constructor(app: App, deployment: Deployment, site: Site, keys: Keys) {
    super(app, deployment, site, 'documents')
    const name = bucketName(deployment, site.jurisdiction!)
    const days = deployment.topology.retainDays
    const encrypted = {
      serverSideEncryptionConfiguration: [
        {
          bucketKeyEnabled: true,
          serverSideEncryptionByDefault: { sseAlgorithm: 'aws:kms', kmsMasterKeyId: keys.arn },
        },
      ],
    }
    const bucket = new CfnBucket(this, 'Bucket', {
      bucketName: name,
      publicAccessBlockConfiguration: blocked,
      bucketEncryption: encrypted,
      versioningConfiguration: { status: 'Enabled' },
      ownershipControls: { rules: [{ objectOwnership: 'BucketOwnerEnforced' }] },
      // Object lock cannot be switched on later; without days it waits for the first retention.
      objectLockEnabled: true,
      objectLockConfiguration: {
        objectLockEnabled: 'Enabled',
        ...(days > 0 ? { rule: { defaultRetention: { mode: 'COMPLIANCE', days } } } : {}),
      },
      lifecycleConfiguration: {
        rules: [
          { id: 'cold', status: 'Enabled', transitions: [{ storageClass: 'GLACIER_IR', transitionInDays: 90 }] },
          { id: 'unfinished', status: 'Enabled', abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } },
        ],
      },
    })
    bucket.applyRemovalPolicy(RemovalPolicy.RETAIN)
    new CfnBucketPolicy(this, 'Policy', {
      bucket: name,
      policyDocument: bucketPolicy(deployment, site, name),
    }).addResourceDependency(bucket)
  }
}
