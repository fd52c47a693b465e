// Who may read what: every role of the templates against every secret, key, queue and bucket, with the policies that
// stand on them and the guard rails of the accounts.
import { vaultPrefix, type Policy } from '../policies.ts'
import { evaluate, type Verdict } from './iam.ts'
import { ofType, type Resource } from './templates.ts'

export interface Role {
  arn: string
  account: string
  policies: Policy[]
  name: string
}
export interface Holder {
  kind: 'secret' | 'key' | 'queue' | 'bucket'
  arn: string
  account: string
  region: string
  policy?: Policy
}

const deploymentName = (key: Resource): string =>
  key.properties.Tags.find((tag: { Key: string }) => tag.Key === 'domicile:deployment').Value

const reading: Record<Holder['kind'], [action: string, suffix: string][]> = {
  secret: [['secretsmanager:GetSecretValue', '-AbCdEf']],
  key: [
    ['kms:Decrypt', ''],
    ['kms:GenerateDataKey', ''],
  ],
  queue: [
    ['sqs:ReceiveMessage', ''],
    ['sqs:DeleteMessage', ''],
  ],
  bucket: [
    ['s3:GetObject', '/documents/x'],
    ['s3:ListBucket', ''],
  ],
}

export function rolesOf(resources: Resource[]): Role[] {
  const attached = ofType(resources, 'AWS::IAM::Policy')
  return ofType(resources, 'AWS::IAM::Role').map((role) => ({
    arn: `arn:aws:iam::${role.account}:role/${role.properties.RoleName ?? role.id.replace('/', '-')}`,
    account: role.account,
    name: role.properties.RoleName ?? role.id,
    policies: [
      ...(role.properties.Policies ?? []).map((one: any) => one.PolicyDocument),
      ...attached.filter((one) => one.properties.Roles?.includes(role.id)).map((one) => one.properties.PolicyDocument),
    ],
  }))
}

export function holdersOf(resources: Resource[]): Holder[] {
  const policyOn = (type: string, key: string, value: string) =>
    ofType(resources, type).find((one) => [one.properties[key]].flat().includes(value))?.properties
  const at = ({ account, region }: Resource) => ({ account, region })
  return [
    ...ofType(resources, 'AWS::SecretsManager::Secret').flatMap((secret) =>
      [secret.region, ...(secret.properties.ReplicaRegions ?? []).map((one: any) => one.Region as string)].map(
        (region): Holder => {
          const policy = policyOn('AWS::SecretsManager::ResourcePolicy', 'SecretId', secret.id)?.ResourcePolicy
          return {
            kind: 'secret',
            account: secret.account,
            region,
            arn: `arn:aws:secretsmanager:${region}:${secret.account}:secret:${secret.properties.Name}`,
            ...(policy && { policy }),
          }
        },
      ),
    ),
    // What the binary's vault makes, beside each key: no template has it, and it is what matters most.
    ...resources
      .filter((one) => /^AWS::KMS::(Replica)?Key$/.test(one.type))
      .map((key): Holder => ({
        kind: 'secret',
        ...at(key),
        arn: `arn:aws:secretsmanager:${key.region}:${key.account}:secret:${vaultPrefix(deploymentName(key))}/db/domicile_gateway`,
      })),
    ...resources
      .filter((one) => /^AWS::KMS::(Replica)?Key$/.test(one.type))
      .map((key): Holder => ({
        kind: 'key',
        ...at(key),
        arn: `arn:aws:kms:${key.region}:${key.account}:key/${key.stack}`,
        policy: key.properties.KeyPolicy,
      })),
    ...ofType(resources, 'AWS::SQS::Queue').map((queue): Holder => {
      const policy = policyOn('AWS::SQS::QueuePolicy', 'Queues', queue.id)?.PolicyDocument
      return {
        kind: 'queue',
        ...at(queue),
        arn: `arn:aws:sqs:${queue.region}:${queue.account}:${queue.properties.QueueName}`,
        ...(policy && { policy }),
      }
    }),
    ...ofType(resources, 'AWS::S3::Bucket').map((bucket): Holder => {
      const policy = policyOn('AWS::S3::BucketPolicy', 'Bucket', bucket.properties.BucketName)?.PolicyDocument
      return {
        kind: 'bucket',
        ...at(bucket),
        arn: `arn:aws:s3:::${bucket.properties.BucketName}`,
        ...(policy && { policy }),
      }
    }),
  ]
}

export const guardRailsOf = (resources: Resource[], account: string): Policy[] =>
  ofType(resources, 'AWS::Organizations::Policy')
    .filter((one) => one.properties.Type === 'SERVICE_CONTROL_POLICY' && one.properties.TargetIds?.includes(account))
    .map((one) => one.properties.Content)

const everything: Policy = {
  Version: '2012-10-17',
  Statement: [{ Sid: 'Administrator', Effect: 'Allow', Action: '*', Resource: '*' }],
}

/** Every reading of a holder by a role, with its verdict; `asAdministrator` gives the role all rights there are. */
export function readings(
  resources: Resource[],
  asAdministrator = false,
): { role: Role; holder: Holder; action: string; verdict: Verdict }[] {
  const holders = holdersOf(resources)
  const rails = new Map<string, Policy[]>()
  return rolesOf(resources).flatMap((role) => {
    if (!rails.has(role.account)) rails.set(role.account, guardRailsOf(resources, role.account))
    return holders.flatMap((holder) =>
      reading[holder.kind].map(([action, suffix]) => ({
        role,
        holder,
        action,
        verdict: evaluate(
          {
            principal: role.arn,
            principalAccount: role.account,
            action,
            resource: holder.arn + suffix,
            resourceAccount: holder.account,
            region: holder.region,
          },
          {
            identity: asAdministrator ? [everything] : role.policies,
            ...(holder.policy && { resource: holder.policy }),
            serviceControl: rails.get(role.account)!,
          },
        ),
      })),
    )
  })
}
