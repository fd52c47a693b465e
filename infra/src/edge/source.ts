// The text of the two functions at the edge. Plain JavaScript of what CloudFront runs, made from an Edge; tests run
// both in node:vm.
import type { Edge } from './edge.ts'

/** At the viewer: passes people of home, sends others home or refuses with 451, and refuses whom it cannot place. */
export const residencySource = (edge: Edge) =>
  `
var own = ${JSON.stringify(edge.jurisdiction)};
var homes = ${JSON.stringify(edge.homes)};
var rest = ${JSON.stringify(edge.restOfWorld)};
var hosts = ${JSON.stringify(edge.hosts)};
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
  if (home === own) return request;
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
  for (const name of Object.keys(wanted)) if (!response.headers[name]) response.headers[name] = [{ key: name, value: wanted[name] }];
  return response;
};
`.trim()
