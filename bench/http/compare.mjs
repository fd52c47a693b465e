// Asks the door and a peer for the same things and fails unless both answer alike: status, row, and the headers that
// belong to the contract. usage: compare.mjs DOOR_URL PEER_URL USERS
import { isDeepStrictEqual } from 'node:util';

const [door, peer, users] = process.argv.slice(2);
let failed = false;

async function ask(base, path, body) {
  const response = await fetch(base + path, body && {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const row = await response.json();
  return {
    status: response.status,
    row: response.ok ? row : undefined, // each has its own words for an error
    etag: response.headers.get('etag') !== null,
    location: response.headers.get('location'),
  };
}

function same(what, ours, theirs, wanted) {
  if (ours.status !== wanted || !isDeepStrictEqual(ours, theirs)) {
    failed = true;
    console.error(`compare: ${what}: expected equal answers with status ${wanted}\n  door`, ours, '\n  peer', theirs);
  }
}

for (const id of [0, 1, Math.floor(users / 2), users - 1]) {
  const path = `/v1/users/${id}`;
  same(`GET ${path}`, await ask(door, path), await ask(peer, path), 200);
}
const nobody = `/v1/users/${Number(users) + 1}`;
same(`GET ${nobody}`, await ask(door, nobody), await ask(peer, nobody), 404);

// The same invoice for two users; beyond the user id the answers must be equal.
const body = { invoice_no: 'compare/1', country: 'DE', invoiced_at: '2026-01-02T03:04:05', lines: 3, total: 59.97 };
const answers = [];
for (const [base, id] of [[door, 1], [peer, 2]]) {
  const answer = await ask(base, `/v1/users/${id}/invoices`, body);
  if (answer.row?.user_id !== id || !answer.location?.startsWith(`/v1/users/${id}/invoices/`)) {
    failed = true;
    console.error(`compare: POST for user ${id} answered`, answer);
  }
  delete answer.row?.user_id;
  answer.location = answer.location?.split('/').pop();
  answers.push(answer);
}
same('POST of an invoice', answers[0], answers[1], 201);
const again = [await ask(door, '/v1/users/1/invoices', body), await ask(peer, '/v1/users/2/invoices', body)];
same('POST of a known invoice', again[0], again[1], 409);

process.exit(failed ? 1 : 0);
