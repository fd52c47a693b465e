// PostgreSQL of one shard in one region: an Aurora Global Database, whose primary stands in the writer region of home
// and whose secondaries stand where the topology has readers, in other regions of home only.
import { RemovalPolicy, type App } from 'aws-cdk-lib'
import * as rds from 'aws-cdk-lib/aws-rds'
import { assumedBy } from '../policies.ts'
import { databasePort, named, type Deployment, type Site } from '../sites.ts'
import type { Shard } from '../topology/read.ts'
import { CfnRole } from 'aws-cdk-lib/aws-iam'
import type { Keys } from './keys.ts'
import { Layer } from './layer.ts'
import type { Network } from './network.ts'
import type { Secrets } from './secrets.ts'

export const engineVersion = '16.6'
export const defaultInstance = 'db.r7g.large'

/** Instances of a shard in a region: the writer where it writes, and a reader for each time the region is named. */
export const instancesOf = (shard: Pick<Shard, 'writer' | 'readers'>, region: string) =>
  (shard.writer === region ? 1 : 0) + shard.readers.filter((reader) => reader === region).length
export const globalName = (deployment: Deployment, shard: string) => named(deployment, [shard], 60)
export const clusterName = (deployment: Deployment, shard: string, site: Pick<Site, 'id'>) =>
  named(deployment, [shard, site.id], 60)

export class Data extends Layer {
  constructor(
    app: App,
    deployment: Deployment,
    network: Network,
    keys: Keys,
    shard: Pick<Shard, 'name' | 'writer' | 'readers'>,
    primary: Secrets | Data,
  ) {
    const site = network.place
    super(app, deployment, site, 'data', shard.name)
    const first = !(primary instanceof Data)
    const group = new rds.CfnDBSubnetGroup(this, 'Subnets', {
      dbSubnetGroupDescription: `data subnets for ${shard.name}`,
      subnetIds: network.subnets.data.map((subnet) => subnet.ref),
    })
    const parameters = new rds.CfnDBClusterParameterGroup(this, 'Parameters', {
      family: 'aurora-postgresql16',
      description: `${shard.name}`,
      // Ranges move by logical replication; clients without TLS are not let in; erased values must not stay in logs.
      parameters: {
        'rds.logical_replication': '1',
        'rds.force_ssl': '1',
        log_parameter_max_length: '0',
        log_parameter_max_length_on_error: '0',
      },
    })
    const global = first
      ? new rds.CfnGlobalCluster(this, 'Global', {
          globalClusterIdentifier: globalName(deployment, shard.name),
          engine: 'aurora-postgresql',
          engineVersion,
          storageEncrypted: true,
          deletionProtection: true,
        })
      : undefined
    const cluster = new rds.CfnDBCluster(this, 'Cluster', {
      dbClusterIdentifier: clusterName(deployment, shard.name, site),
      engine: 'aurora-postgresql',
      engineVersion,
      globalClusterIdentifier: global?.ref ?? globalName(deployment, shard.name),
      dbSubnetGroupName: group.ref,
      vpcSecurityGroupIds: [network.groups.data.attrGroupId],
      dbClusterParameterGroupName: parameters.ref,
      port: databasePort,
      storageEncrypted: true,
      kmsKeyId: keys.arn,
      deletionProtection: true,
      enableIamDatabaseAuthentication: true,
      copyTagsToSnapshot: true,
      // As long as an erasure's certificate says that backups live; Aurora keeps at least one day.
      backupRetentionPeriod: Math.min(35, Math.max(1, deployment.topology.backupDays)),
      enableCloudwatchLogsExports: ['postgresql'],
      // A secondary takes the primary's users and databases: AWS refuses both here.
      ...(first
        ? {
            masterUsername: 'domicile_owner',
            masterUserPassword: primary.password,
            databaseName: deployment.topology.database,
          }
        : {}),
    })
    cluster.applyRemovalPolicy(RemovalPolicy.RETAIN)
    const monitoring = new CfnRole(this, 'Monitoring', {
      assumeRolePolicyDocument: assumedBy('monitoring.rds.amazonaws.com', site.account),
      managedPolicyArns: ['arn:aws:iam::aws:policy/service-role/AmazonRDSEnhancedMonitoringRole'],
    })
    for (let i = 0; i < instancesOf(shard, site.region); i += 1)
      new rds.CfnDBInstance(this, `Instance${i}`, {
        dbClusterIdentifier: cluster.ref,
        engine: 'aurora-postgresql',
        dbInstanceClass: deployment.settings.databaseInstance ?? defaultInstance,
        publiclyAccessible: false,
        autoMinorVersionUpgrade: true,
        monitoringInterval: 60,
        monitoringRoleArn: monitoring.attrArn,
        enablePerformanceInsights: true,
        performanceInsightsKmsKeyId: keys.arn,
        promotionTier: first && i < 2 ? 0 : 1,
      })
    this.addStackDependency(primary)
  }
}
