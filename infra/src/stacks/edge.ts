// The edge of one jurisdiction: a distribution before its writer region's HTTP door, which knows by the viewer's country
// whose people these are. CloudFront takes certificates, functions and firewalls from us-east-1 only.
import { createHash } from 'node:crypto'
import { Fn, type App } from 'aws-cdk-lib'
import * as cf from 'aws-cdk-lib/aws-cloudfront'
import { CfnRole } from 'aws-cdk-lib/aws-iam'
import { CfnFunction, CfnVersion } from 'aws-cdk-lib/aws-lambda'
import { CfnWebACL } from 'aws-cdk-lib/aws-wafv2'
import { edgeOf, type Edge as Declared } from '../edge/edge.ts'
import { headersSource, residencySource } from '../edge/source.ts'
import { named, siteOf, type Deployment } from '../sites.ts'
import type { Jurisdiction } from '../topology/read.ts'
import type { Compute } from './compute.ts'
import { Layer } from './layer.ts'

// AWS's own policy: pass on everything but Host, which the HTTP API wants to be its own.
const allViewerExceptHost = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'

export class Edge extends Layer {
  constructor(app: App, deployment: Deployment, jurisdiction: Jurisdiction, doors: Map<string, Compute>) {
    const home = siteOf(deployment, jurisdiction.writer)
    super(
      app,
      deployment,
      { id: jurisdiction.name, region: 'us-east-1', account: home.account, jurisdiction: jurisdiction.name },
      'edge',
    )
    const edge = edgeOf(deployment, jurisdiction.name)
    const residency = new cf.CfnFunction(this, 'Residency', {
      name: this.name('residency'),
      autoPublish: true,
      functionCode: residencySource(edge),
      functionConfig: { comment: 'whose people these are', runtime: 'cloudfront-js-2.0' },
    })
    const role = new CfnRole(this, 'HeadersRole', {
      assumeRolePolicyDocument: {
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: ['lambda.amazonaws.com', 'edgelambda.amazonaws.com'] },
            Action: 'sts:AssumeRole',
          },
        ],
      },
    })
    // Lambda at the edge takes no environment, no VPC, no arm64 and no own runtime.
    const source = headersSource(edge)
    const headers = new CfnFunction(this, 'Headers', {
      functionName: this.name('headers'),
      runtime: 'nodejs24.x',
      handler: 'index.handler',
      code: { zipFile: source },
      role: role.attrArn,
      timeout: 5,
      memorySize: 128,
    })
    // A version never changes: its id must, with the source.
    const version = new CfnVersion(
      this,
      `HeadersVersion${createHash('sha256').update(source).digest('hex').slice(0, 8)}`,
      { functionName: headers.ref },
    )
    const acl = this.firewall()
    const policy = new cf.CfnResponseHeadersPolicy(this, 'HeadersPolicy', {
      responseHeadersPolicyConfig: { name: this.name('headers'), ...securityHeaders(edge) },
    })
    // Functions see the viewer's country only if a policy names it, and AWS's policies that do pass on Host as well. A cache
    // key may hold headers only if something could be cached: nothing is, unless the door itself says so, for a second.
    const cache = new cf.CfnCachePolicy(this, 'Cache', {
      cachePolicyConfig: {
        name: this.name('door'),
        minTtl: 0,
        defaultTtl: 0,
        maxTtl: 1,
        parametersInCacheKeyAndForwardedToOrigin: {
          enableAcceptEncodingBrotli: false,
          enableAcceptEncodingGzip: false,
          cookiesConfig: { cookieBehavior: 'none' },
          queryStringsConfig: { queryStringBehavior: 'all' },
          headersConfig: { headerBehavior: 'whitelist', headers: ['CloudFront-Viewer-Country', 'Authorization'] },
        },
      },
    })
    const host = deployment.topology.edge.hosts[jurisdiction.name]
    const certificate = deployment.settings.certificates?.[jurisdiction.name]
    const origin = (id: string, region: string) => ({
      id,
      domainName: Fn.join('', [doors.get(region)!.apiId, `.execute-api.${region}.amazonaws.com`]),
      customOriginConfig: { originProtocolPolicy: 'https-only', originSslProtocols: ['TLSv1.2'] },
    })
    new cf.CfnDistribution(this, 'Distribution', {
      distributionConfig: {
        enabled: true,
        httpVersion: 'http2and3',
        comment: `${deployment.topology.name}, ${jurisdiction.name}`,
        webAclId: acl.attrArn,
        ...(host && certificate && { aliases: [host] }),
        viewerCertificate: certificate
          ? { acmCertificateArn: certificate, sslSupportMethod: 'sni-only', minimumProtocolVersion: 'TLSv1.2_2021' }
          : { cloudFrontDefaultCertificate: true },
        origins: [
          origin('door', home.region),
          ...[...new Set(Object.values(edge.regions))].map((region) => origin(`door-${region}`, region)),
        ],
        defaultCacheBehavior: {
          targetOriginId: 'door',
          viewerProtocolPolicy: 'https-only',
          allowedMethods: ['GET', 'HEAD', 'OPTIONS', 'PUT', 'PATCH', 'POST', 'DELETE'],
          cachePolicyId: cache.ref,
          originRequestPolicyId: allViewerExceptHost,
          responseHeadersPolicyId: policy.ref,
          functionAssociations: [
            { eventType: 'viewer-request', functionArn: residency.attrFunctionMetadataFunctionArn },
          ],
          lambdaFunctionAssociations: [{ eventType: 'origin-response', lambdaFunctionArn: version.ref }],
        },
      },
    })
  }

  private firewall() {
    const visibility = (metricName: string) => ({
      cloudWatchMetricsEnabled: true,
      metricName,
      sampledRequestsEnabled: false,
    })
    const managed = (name: string, priority: number) => ({
      name,
      priority,
      overrideAction: { none: {} },
      visibilityConfig: visibility(name),
      statement: { managedRuleGroupStatement: { vendorName: 'AWS', name } },
    })
    return new CfnWebACL(this, 'Firewall', {
      name: this.name('edge'),
      scope: 'CLOUDFRONT',
      defaultAction: { allow: {} },
      visibilityConfig: visibility('edge'),
      rules: [
        managed('AWSManagedRulesAmazonIpReputationList', 0),
        managed('AWSManagedRulesKnownBadInputsRuleSet', 1),
        {
          name: 'Rate',
          priority: 2,
          action: { block: {} },
          visibilityConfig: visibility('Rate'),
          statement: { rateBasedStatement: { limit: 2_000, aggregateKeyType: 'IP' } },
        },
      ],
    })
  }
}

/** For what CloudFront answers by itself, beside the door and the function behind it. What those say stands. */
function securityHeaders(
  edge: Declared,
): Omit<cf.CfnResponseHeadersPolicy.ResponseHeadersPolicyConfigProperty, 'name'> {
  const { headers } = edge
  const age = /^max-age=(\d+)/.exec(headers['Strict-Transport-Security']!)![1]
  const plain = Object.keys(headers).filter((name) => !ownFields.includes(name))
  return {
    securityHeadersConfig: {
      contentSecurityPolicy: { contentSecurityPolicy: headers['Content-Security-Policy']!, override: false },
      contentTypeOptions: { override: true },
      referrerPolicy: { referrerPolicy: headers['Referrer-Policy']!, override: true },
      strictTransportSecurity: {
        accessControlMaxAgeSec: Number(age),
        includeSubdomains: headers['Strict-Transport-Security']!.includes('includeSubDomains'),
        preload: headers['Strict-Transport-Security']!.includes('preload'),
        override: true,
      },
    },
    customHeadersConfig: { items: plain.map((name) => ({ header: name, value: headers[name]!, override: false })) },
  }
}

// Headers that have a field of their own in a response headers policy, and are refused as custom ones.
const ownFields = ['Content-Security-Policy', 'X-Content-Type-Options', 'Referrer-Policy', 'Strict-Transport-Security']
