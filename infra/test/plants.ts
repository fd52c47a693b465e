// Planted defects: each changes the sample's templates in one place, and one named check must find it.
import { all, one, id, stackOf, statements, without, type Plant } from './planting.ts'
import { networkPlants } from './plants.network.ts'

export const plants: Plant[] = [
  ...networkPlants,
  // Data
  {
    name: 'a bucket abroad',
    caughtBy: 'residencyOfStacks',
    in: 'documents-eu-west-1',
    plant: (_, stacks) => {
      stackOf(stacks, 'documents-eu-west-1').region = 'us-east-1'
    },
  },
  {
    name: 'a secret replicated abroad',
    caughtBy: 'replicas',
    in: 'secrets-eu-1-eu-west-1',
    plant: (resources) => {
      one(resources, 'SecretsManager::Secret').ReplicaRegions[0].Region = 'us-east-1'
    },
  },
  {
    name: "a replica under the primary region's key",
    caughtBy: 'replicas',
    in: 'secrets-eu-1-eu-west-1',
    plant: (resources) => {
      const secret = one(resources, 'SecretsManager::Secret')
      secret.ReplicaRegions[0].KmsKeyId = secret.KmsKeyId
    },
  },
  {
    name: 'a bucket replicated',
    caughtBy: 'replicas',
    in: 'documents-us-east-1',
    plant: (resources) => {
      one(resources, 'S3::Bucket').ReplicationConfiguration = { Role: 'x', Rules: [] }
    },
  },
  {
    name: 'a reader too few',
    caughtBy: 'databases',
    in: 'data-uk-1-eu-west-2',
    plant: (resources) => {
      delete resources.Instance1
    },
  },
  {
    name: 'a user on a secondary',
    caughtBy: 'databases',
    in: 'data-us-1-us-west-2',
    plant: (resources) => {
      one(resources, 'RDS::DBCluster').MasterUsername = 'root'
    },
  },
  {
    name: 'a password in the template',
    caughtBy: 'databases',
    in: 'data-us-1-us-east-1',
    plant: (resources) => {
      one(resources, 'RDS::DBCluster').MasterUserPassword = 'correct-horse'
    },
  },
  {
    name: "a cluster joined to another jurisdiction's",
    caughtBy: 'databases',
    in: 'data-us-1-us-west-2',
    plant: (resources) => {
      one(resources, 'RDS::DBCluster').GlobalClusterIdentifier = 'domicile-retail-eu-1'
    },
  },
  {
    name: 'a cluster in clear',
    caughtBy: 'databases',
    in: 'data-eu-2-eu-west-1',
    plant: (resources) => {
      one(resources, 'RDS::DBCluster').StorageEncrypted = false
    },
  },
  {
    name: 'a cluster that a rollback deletes',
    caughtBy: 'databases',
    in: 'data-eu-2-eu-west-1',
    plant: (resources) => {
      resources.Cluster.DeletionPolicy = 'Delete'
    },
  },
  {
    name: 'object lock in a mode that can be lifted',
    caughtBy: 'documents',
    in: 'documents-eu-west-2',
    plant: (resources) => {
      one(resources, 'S3::Bucket').ObjectLockConfiguration = {
        ObjectLockEnabled: 'Enabled',
        Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 1 } },
      }
    },
  },
  {
    name: 'documents expire',
    caughtBy: 'documents',
    in: 'documents-eu-west-2',
    plant: (resources) => {
      one(resources, 'S3::Bucket').LifecycleConfiguration.Rules[0].ExpirationInDays = 30
    },
  },
  {
    name: 'a public bucket',
    caughtBy: 'documents',
    in: 'documents-eu-west-2',
    plant: (resources) => {
      one(resources, 'S3::Bucket').PublicAccessBlockConfiguration.BlockPublicAcls = false
    },
  },
  {
    name: 'figures without a dead-letter queue',
    caughtBy: 'queues',
    in: 'events-central',
    plant: (resources) => {
      delete one(resources, 'SQS::Queue', (queue) => !!queue.RedrivePolicy).RedrivePolicy
    },
  },
  // Rights
  {
    name: "a role that reads another jurisdiction's bucket",
    caughtBy: 'access',
    in: 'documents-us-east-1',
    plant: (resources, stacks) => {
      const compute = stackOf(stacks, 'compute-eu-west-1').template.Resources!
      const role = statements(compute, /-worker$/)
      without(role, 'OutsideJurisdiction')
      without(role, 'OtherAccounts')
      role.push({ Sid: 'Planted', Effect: 'Allow', Action: 's3:GetObject', Resource: '*' })
      const policy = one(resources, 'S3::BucketPolicy').PolicyDocument.Statement
      without(policy, 'OwnAccountOnly')
      policy.push({
        Sid: 'Planted',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::100000000002:root' },
        Action: 's3:GetObject',
        Resource: '*',
      })
      for (const rail of all(stackOf(stacks, 'guardrails-organisation').template.Resources!, 'Organizations::Policy'))
        without(rail.Properties.Content.Statement, 'DataOfOthers')
      for (const rail of all(stackOf(stacks, 'guardrails-organisation').template.Resources!, 'Organizations::Policy'))
        without(rail.Properties.Content.Statement, 'RegionsOfTheJurisdiction')
    },
  },
  {
    name: 'a key whose policy names another account, under a lifted guard rail',
    caughtBy: 'administrators',
    in: 'keys-us-east-1',
    plant: (resources, stacks) => {
      const policy = one(resources, 'KMS::Key').KeyPolicy.Statement
      without(policy, 'OwnAccountOnly')
      policy.push({
        Sid: 'Planted',
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::100000000003:root' },
        Action: 'kms:Decrypt',
        Resource: '*',
      })
      for (const rail of all(stackOf(stacks, 'guardrails-organisation').template.Resources!, 'Organizations::Policy'))
        rail.Properties.Content.Statement = [
          { Sid: 'Nothing', Effect: 'Deny', Action: 'ec2:CreateInternetGateway', Resource: '*' },
        ]
    },
  },
  {
    name: 'a guard rail that shuts out home',
    caughtBy: 'homeAccess',
    in: 'guardrails-organisation',
    plant: (resources) => {
      one(resources, 'Organizations::Policy', (policy) =>
        policy.Name.endsWith('-uk'),
      ).Content.Statement[0].Condition.StringNotEquals['aws:RequestedRegion'] = ['us-east-1']
    },
  },
  {
    name: 'an account without a guard rail',
    caughtBy: 'guardRails',
    in: 'guardrails-organisation',
    plant: (resources) => {
      one(resources, 'Organizations::Policy').TargetIds = ['100000000009']
    },
  },
  {
    name: 'a guard rail with a principal',
    caughtBy: 'guardRails',
    in: 'guardrails-organisation',
    plant: (resources) => {
      one(resources, 'Organizations::Policy').Content.Statement[0].Principal = '*'
    },
  },
  {
    name: 'a role that may do all of S3',
    caughtBy: 'administratorRoles',
    in: 'compute-eu-west-1',
    plant: (resources) => {
      statements(resources, /-gateway$/).push({ Sid: 'Planted', Effect: 'Allow', Action: 's3:*', Resource: '*' })
    },
  },
  {
    name: 'a role for anybody',
    caughtBy: 'administratorRoles',
    in: 'compute-eu-west-1',
    plant: (resources) => {
      one(resources, 'IAM::Role').AssumeRolePolicyDocument.Statement[0].Principal = '*'
    },
  },
  // The rest
  {
    name: 'a composite alarm over another region',
    caughtBy: 'alarms',
    in: 'observability-eu-west-1',
    plant: (resources) => {
      one(resources, 'CloudWatch::CompositeAlarm').AlarmRule += ' OR ALARM("domicile-retail-eu-central-1-gateways")'
    },
  },
  {
    name: 'an own runtime at the edge',
    caughtBy: 'functions',
    in: 'edge-eu',
    plant: (resources) => {
      one(resources, 'Lambda::Function').Runtime = 'provided.al2023'
    },
  },
  {
    name: 'arm64 at the edge',
    caughtBy: 'functions',
    in: 'edge-eu',
    plant: (resources) => {
      one(resources, 'Lambda::Function').Architectures = ['arm64']
    },
  },
  {
    name: 'our release on x86-64',
    caughtBy: 'functions',
    in: 'events-central',
    plant: (resources) => {
      one(resources, 'Lambda::Function').Architectures = ['x86_64']
    },
  },
  {
    name: 'two roles of one name',
    caughtBy: 'oneRegistry',
    in: 'compute-eu-west-1',
    plant: (resources) => {
      resources.Again = structuredClone(resources[id(resources, 'IAM::Role')])
    },
  },
  {
    name: 'a transform',
    caughtBy: 'limits',
    in: 'events-central',
    plant: (_, stacks) => {
      ;(stackOf(stacks, 'events-central').template as any).Transform = 'AWS::Serverless-2016-10-31'
    },
  },
  {
    name: 'an output that is gone',
    caughtBy: 'references',
    in: 'network-eu-west-1',
    plant: (_, stacks) => {
      const { template } = stackOf(stacks, 'network-eu-west-1')
      delete template.Outputs![Object.keys(template.Outputs!)[0]!]
    },
  },
  // What CloudFormation's own rules know
  {
    name: 'an unknown property',
    caughtBy: 'cloudFormation',
    in: 'events-central',
    plant: (resources) => {
      one(resources, 'SQS::Queue').Colour = 'red'
    },
  },
  {
    name: 'a runtime that is not',
    caughtBy: 'cloudFormation',
    in: 'events-central',
    plant: (resources) => {
      one(resources, 'Lambda::Function').Runtime = 'cobol.x'
    },
  },
  {
    name: 'a reference to nothing',
    caughtBy: 'cloudFormation',
    in: 'compute-eu-west-1',
    plant: (resources) => {
      one(resources, 'AutoScaling::AutoScalingGroup').LaunchTemplate.LaunchTemplateId = { Ref: 'Nothing' }
    },
  },
  {
    name: 'an instance class that is not',
    caughtBy: 'cloudFormation',
    in: 'data-eu-1-eu-west-1',
    plant: (resources) => {
      one(resources, 'RDS::DBInstance').DBInstanceClass = 'db.huge'
    },
  },
  {
    name: 'visibility shorter than the function runs',
    caughtBy: 'cloudFormation',
    in: 'events-central',
    plant: (resources) => {
      one(resources, 'SQS::Queue', (queue) => !!queue.VisibilityTimeout).VisibilityTimeout = 1
    },
  },
  {
    name: 'an effect that is none',
    caughtBy: 'cloudFormation',
    in: 'compute-eu-west-1',
    plant: (resources) => {
      one(resources, 'IAM::Role').Policies[0].PolicyDocument.Statement[0].Effect = 'Permit'
    },
  },
]
