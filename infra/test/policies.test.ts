// The evaluation of policies, held to what AWS documents; then our documents, by it.
import { describe, expect, test } from 'vitest'
import {
  bucketPolicy,
  keyPolicy,
  queueArn,
  queuePolicy,
  serviceControlPolicy,
  workerPolicy,
  gatewayPolicy,
  type Policy,
  type Statement,
} from '../src/policies.ts'
import { deploymentOf, roleArn, siteOf } from '../src/sites.ts'
import { loadTopology } from '../src/topology/read.ts'
import { evaluate, matches, type Request } from '../src/verify/iam.ts'
import { retailFile } from './synthesised.ts'

const deployment = deploymentOf(loadTopology(retailFile))
const request = (rest: Partial<Request> = {}): Request => ({
  principal: 'arn:aws:iam::100000000002:role/r',
  principalAccount: '100000000002',
  action: 's3:GetObject',
  resource: 'arn:aws:s3:::b/k',
  resourceAccount: '100000000002',
  region: 'eu-west-1',
  ...rest,
})
const policy = (...statements: Partial<Statement>[]): Policy => ({
  Version: '2012-10-17',
  Statement: statements.map((one) => ({ Sid: 'x', Effect: 'Allow', Action: 's3:GetObject', Resource: '*', ...one })),
})
const allowed = (rest: Partial<Request>, identity: Policy[], resource?: Policy, serviceControl: Policy[] = []) =>
  evaluate(request(rest), { identity, ...(resource && { resource }), serviceControl }).allowed
const administrator = policy({ Action: '*' })

describe('the evaluation', () => {
  test('denies by default, and an explicit denial wins', () => {
    expect(allowed({}, [])).toBe(false)
    expect(allowed({}, [policy({})])).toBe(true)
    expect(allowed({}, [policy({}), policy({ Effect: 'Deny' })])).toBe(false)
    expect(allowed({}, [policy({})], undefined, [policy({ Effect: 'Deny', Action: '*' })])).toBe(false)
  })
  test('within an account either policy is enough, across accounts both are needed', () => {
    const open = policy({ Principal: '*' })
    expect(allowed({}, [], open)).toBe(true)
    expect(allowed({ resourceAccount: '100000000003' }, [], open)).toBe(false)
    expect(allowed({ resourceAccount: '100000000003' }, [administrator])).toBe(false)
    expect(allowed({ resourceAccount: '100000000003' }, [administrator], open)).toBe(true)
    expect(
      allowed(
        { resourceAccount: '100000000003' },
        [administrator],
        policy({ Principal: { AWS: 'arn:aws:iam::100000000009:root' } }),
      ),
    ).toBe(false)
  })
  test("asks a key's own policy even at home", () => {
    const decrypt = { action: 'kms:Decrypt', resource: 'arn:aws:kms:eu-west-1:100000000002:key/x' }
    expect(allowed(decrypt, [administrator])).toBe(false)
    expect(
      allowed(
        decrypt,
        [administrator],
        policy({ Action: 'kms:*', Principal: { AWS: 'arn:aws:iam::100000000002:root' } }),
      ),
    ).toBe(true)
  })
  test.each<[string, Statement['Condition'], boolean]>([
    ['StringEquals', { StringEquals: { 'aws:RequestedRegion': ['eu-west-1', 'x'] } }, true],
    ['StringEquals, other', { StringEquals: { 'aws:RequestedRegion': 'x' } }, false],
    ['StringNotEquals', { StringNotEquals: { 'aws:RequestedRegion': ['x', 'y'] } }, true],
    ['StringNotEquals, one of them', { StringNotEquals: { 'aws:RequestedRegion': ['x', 'eu-west-1'] } }, false],
    ['a key that is absent', { StringEquals: { 'aws:nothing': 'x' } }, false],
    ['absent, negated', { StringNotEquals: { 'aws:nothing': 'x' } }, true],
    ['absent, IfExists', { StringEqualsIfExists: { 'aws:nothing': 'x' } }, true],
    ['Bool', { Bool: { 'aws:SecureTransport': 'true' } }, true],
    ['Bool, other', { Bool: { 'aws:SecureTransport': 'false' } }, false],
    ['ArnLike', { ArnLike: { 'aws:PrincipalArn': 'arn:aws:iam::*:role/r' } }, true],
    [
      'all operators count',
      { Bool: { 'aws:SecureTransport': 'true' }, StringEquals: { 'aws:RequestedRegion': 'x' } },
      false,
    ],
  ])('knows %s', (_, Condition, expected) => expect(allowed({}, [policy({ Condition: Condition! })])).toBe(expected))
  test('refuses to guess', () =>
    expect(() => allowed({}, [policy({ Condition: { NumericLessThan: { 'aws:RequestedRegion': '1' } } })])).toThrow(
      'unknown operator',
    ))
  test('matches as IAM does', () => {
    expect(matches('s3:Get*', 's3:GetObject')).toBe(true)
    expect(matches('arn:aws:s3:::b/?', 'arn:aws:s3:::b/kk')).toBe(false)
    expect(matches('a.c', 'abc')).toBe(false)
    expect(allowed({ action: 's3:getobject' }, [policy({})])).toBe(true)
    expect(
      allowed({ action: 'iam:CreateRole' }, [
        { Version: '2012-10-17', Statement: [{ Sid: 'x', Effect: 'Allow', NotAction: ['iam:*'], Resource: '*' }] },
      ]),
    ).toBe(false)
  })
})

describe("the guard rail of the EU's account", () => {
  const rail = serviceControlPolicy(deployment, 'eu')
  test.each<[string, string, boolean]>([
    ['rds:CreateDBCluster', 'eu-central-1', true],
    ['rds:CreateDBCluster', 'us-east-1', false],
    ['rds:CreateDBCluster', 'us-west-2', false],
    ['rds:CreateDBCluster', 'eu-west-2', false],
    ['s3:CreateBucket', 'eu-west-1', true],
    ['s3:CreateBucket', 'us-east-1', false],
    ['kms:CreateKey', 'us-east-1', false],
    ['secretsmanager:CreateSecret', 'us-east-1', false],
    ['ec2:RunInstances', 'us-east-1', false],
    ['cloudfront:CreateDistribution', 'us-east-1', true],
    ['lambda:CreateFunction', 'us-east-1', true],
    ['lambda:CreateFunction', 'us-west-2', false],
    ['iam:CreateRole', 'us-east-1', true],
    ['ec2:CreateInternetGateway', 'eu-west-1', false],
    ['ec2:CreateVpcPeeringConnection', 'eu-west-1', false],
    ['rds:ModifyDBClusterSnapshotAttribute', 'eu-west-1', false],
    ['organizations:LeaveOrganization', 'us-east-1', false],
  ])('%s in %s by an administrator: %s', (action, region, expected) => {
    expect(allowed({ action, region, resource: '*' }, [administrator], undefined, [rail])).toBe(expected)
  })
  test('fits into what AWS takes, with FullAWSAccess beside it', () => {
    for (const { name } of deployment.topology.jurisdictions)
      expect(JSON.stringify(serviceControlPolicy(deployment, name)).length).toBeLessThan(5_120)
  })
})

describe('the roles', () => {
  const site = siteOf(deployment, 'eu-west-1')
  const key = `arn:aws:kms:eu-west-1:${site.account}:key/k`
  const gateway = gatewayPolicy(deployment, site, key, 'g')
  const worker = workerPolicy(deployment, site, key, 'g')
  const secret = (region: string) => ({
    action: 'secretsmanager:GetSecretValue',
    region,
    resource: `arn:aws:secretsmanager:${region}:${site.account}:secret:domicile/retail/db/domicile_gateway-AbCdEf`,
  })
  test('a gateway reads secrets of home, in each region of home, and no documents', () => {
    expect(allowed(secret('eu-west-1'), [gateway])).toBe(true)
    expect(allowed(secret('eu-central-1'), [gateway])).toBe(true)
    expect(allowed(secret('us-east-1'), [gateway])).toBe(false)
    expect(allowed({ resource: 'arn:aws:s3:::domicile-retail-eu/x' }, [gateway])).toBe(false)
    const owner = `arn:aws:secretsmanager:eu-west-1:${site.account}:secret:domicile-aurora/retail/eu-1-AbCdEf`
    expect(allowed({ ...secret('eu-west-1'), resource: owner }, [gateway])).toBe(false)
  })
  test('a worker writes documents of home', () => {
    const bucket = bucketPolicy(deployment, site, 'domicile-retail-eu')
    expect(allowed({ action: 's3:PutObject', resource: 'arn:aws:s3:::domicile-retail-eu/x' }, [worker], bucket)).toBe(
      true,
    )
    expect(
      allowed(
        { action: 's3:PutObject', resource: 'arn:aws:s3:::domicile-retail-us/x', resourceAccount: '100000000004' },
        [worker],
        bucketPolicy(deployment, siteOf(deployment, 'us-east-1'), 'domicile-retail-us'),
      ),
    ).toBe(false)
    expect(
      allowed({ action: 's3:DeleteObject', resource: 'arn:aws:s3:::domicile-retail-eu/x' }, [worker], bucket),
    ).toBe(false)
  })
  test.each(['eu-west-1', 'eu-west-2', 'us-east-1'])(
    "the worker of %s puts figures into central's queue, and takes none out",
    (id) => {
      const home = siteOf(deployment, id)
      const own = workerPolicy(deployment, home, key, 'g')
      const on = (action: string) =>
        allowed(
          {
            action,
            principal: roleArn(deployment, home, 'worker'),
            principalAccount: home.account,
            resource: queueArn(deployment),
            resourceAccount: siteOf(deployment, 'central').account,
            region: 'eu-west-1',
          },
          [own],
          queuePolicy(deployment),
          [serviceControlPolicy(deployment, home.jurisdiction)],
        )
      expect(on('sqs:SendMessage')).toBe(true)
      expect(on('sqs:ReceiveMessage')).toBe(false)
      expect(on('sqs:PurgeQueue')).toBe(false)
    },
  )
  test('a key is replicated at home only, whoever asks', () => {
    const replicate = keyPolicy(deployment, site).Statement.find((one) => one.Sid === 'ReplicasAtHome')!
    expect(replicate.Condition).toEqual({ StringNotEquals: { 'kms:ReplicaRegion': ['eu-west-1', 'eu-central-1'] } })
  })
})
