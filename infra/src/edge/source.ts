// The text of the two functions at the edge. Plain JavaScript of what CloudFront runs, made from an Edge; tests run
// both in node:vm.
import type { Edge } from './edge.ts'

/** At the viewer: passes people of home, sends others home or refuses with 451, and refuses whom it cannot place. */
export const residencySource = (edge: Edge) =>
  `
${Object.keys(edge.regions).length > 0 ? "import cf from 'cloudfront'\n" : ''}var own = ${JSON.stringify(edge.jurisdiction)};
var homes = ${JSON.stringify(edge.homes)};
var rest = ${JSON.stringify(edge.restOfWorld)};
var hosts = ${JSON.stringify(edge.hosts)};
var regions = ${JSON.stringify(edge.regions)};
function refuse(home) {
  return { statusCode: 451, statusDescription: 'Unavailable For Legal Reasons',
    headers: { 'content-type': { value: 'application/problem+json' }, 'cache-control': { value: 'no-store' } },
    body: JSON.stringify({ type: 'urn:domicile:problem:foreign-home', title: 'Unavailable For Legal Reasons', status: 451, rule: 'residency/edge-country' }) };
}
function handler(event) {
  var request = event.request;
  var header = request.headers['cloudfront-viewer-country'];
  var country = header ? header.value : '';
  // CloudFront says nothing, or one of these, when it does not know: then nobody passes.
  if (!/^[A-Z]{2}$/.test(country) || country === 'XX' || country === 'T1' || country === 'ZZ') return refuse();
  var home = Object.prototype.hasOwnProperty.call(homes, country) ? homes[country] : rest;
  if (home === own) {
    if (Object.prototype.hasOwnProperty.call(regions, country)) cf.selectRequestOriginById('door-' + regions[country]);
    return request;
  }
  if (!home || !hosts[home]) return refuse();
  return { statusCode: 307, statusDescription: 'Temporary Redirect',
    headers: { location: { value: 'https://' + hosts[home] + request.uri }, 'cache-control': { value: 'no-store' } } };
}
`.trim()

/** Behind the origin: what the door says stands, what it leaves out is added, what tells of machines goes. */
export const headersSource = (edge: Edge) =>
  `
const wanted = ${JSON.stringify(edge.headers)};
exports.handler = async (event) => {
  const response = event.Records[0].cf.response;
  for (const name of ['server', 'x-powered-by', 'via-gateway']) delete response.headers[name];
  for (const name of Object.keys(wanted)) {
    const key = name.toLowerCase();
    if (!response.headers[key]) response.headers[key] = [{ key: name, value: wanted[name] }];
  }
  // A nonce that a cache gives out again is worth nothing.
  const policies = response.headers['content-security-policy'].map((one) => one.value).join();
  if (policies.includes("'nonce-")) response.headers['cache-control'] = [{ key: 'Cache-Control', value: 'no-store' }];
  return response;
};
`.trim()
