// The two endpoints of bench/http as a team would write them with Fastify and pg: one process, a pool of keep-alive
// connections, named (prepared) statements, JSON schemas for validation and serialisation, no logger.
// Connection by the PG* environment variables; PORT and POOL_MAX beside them.

import Fastify from 'fastify';
import pg from 'pg';

// Ids are below 2^53. Timestamps stay text: a Date would cost time and the microseconds.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);
pg.types.setTypeParser(pg.types.builtins.TIMESTAMP, (text) => text.replace(' ', 'T'));
pg.types.setTypeParser(pg.types.builtins.TIMESTAMPTZ, (text) => text.slice(0, -3).replace(' ', 'T') + 'Z');

const pool = new pg.Pool({
  max: Number(process.env.POOL_MAX ?? 16),
  idleTimeoutMillis: 0,
  statement_timeout: 5000,
  options: '-c TimeZone=UTC -c DateStyle=ISO',
});

const user = {
  type: 'object',
  properties: {
    user_id: { type: 'integer' },
    customer_no: { type: ['integer', 'null'] },
    kind: { type: 'string' },
    country: { type: 'string' },
    name: { type: ['string', 'null'] },
    email: { type: ['string', 'null'] },
    generated: { type: 'boolean' },
    created_at: { type: 'string' },
  },
};

const invoice = {
  type: 'object',
  properties: {
    user_id: { type: 'integer' },
    invoice_no: { type: 'string' },
    country: { type: 'string' },
    invoiced_at: { type: 'string' },
    lines: { type: 'integer' },
    total: { type: 'string' },
    cancelled: { type: 'boolean' },
  },
};

const newInvoice = {
  type: 'object',
  additionalProperties: false,
  required: ['invoice_no', 'country', 'invoiced_at', 'lines', 'total'],
  properties: {
    invoice_no: { type: 'string' },
    country: { type: 'string' },
    invoiced_at: { type: 'string' },
    lines: { type: 'integer' },
    total: { type: 'number' },
  },
};

const params = { type: 'object', properties: { id: { type: 'integer', minimum: 0 } } };

const selectUser =
  'SELECT "user_id", "customer_no", "kind", "country", "name", "email", "generated", "created_at", xmin::text' +
  ' FROM "users" WHERE "user_id" = $1';

const insertInvoice =
  'INSERT INTO "invoices" ("user_id", "invoice_no", "country", "invoiced_at", "lines", "total")' +
  ' VALUES ($1::bigint, $2, $3, $4, $5, $6)' +
  ' RETURNING "user_id", "invoice_no", "country", "invoiced_at", "lines", "total", "cancelled", xmin::text';

const app = Fastify({ logger: false, keepAliveTimeout: 60_000 });

app.get('/healthz', async () => ({ status: 'ok' }));

app.get('/v1/users/:id', { schema: { params, response: { 200: user } } }, async (request, reply) => {
  const { rows } = await pool.query({ name: 'select-user', text: selectUser, values: [request.params.id] });
  if (rows.length === 0) {
    reply.code(404);
    return { message: 'There is no such user.' };
  }
  reply.header('etag', `"${rows[0].xmin}"`);
  return rows[0];
});

app.post(
  '/v1/users/:id/invoices',
  { schema: { params, body: newInvoice, response: { 201: invoice } } },
  async (request, reply) => {
    const { id } = request.params;
    const { invoice_no, country, invoiced_at, lines, total } = request.body;
    const { rows } = await pool.query({
      name: 'insert-invoice',
      text: insertInvoice,
      values: [id, invoice_no, country, invoiced_at, lines, total],
    });
    reply.code(201);
    reply.header('location', `/v1/users/${id}/invoices/${encodeURIComponent(rows[0].invoice_no)}`);
    reply.header('etag', `"${rows[0].xmin}"`);
    return rows[0];
  },
);

const conflicts = { 23505: 409, 23503: 422, 23514: 422, '22P02': 422, 22007: 422 };
app.setErrorHandler((error, request, reply) => {
  reply.code(error.statusCode ?? conflicts[error.code] ?? 500);
  return { message: error.statusCode ? error.message : 'The database refused the request.' };
});

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.once(signal, async () => {
    await app.close();
    await pool.end();
  });
}
pool.on('error', () => {}); // an idle connection died; the pool opens another

await app.listen({ host: '127.0.0.1', port: Number(process.env.PORT ?? 3000) });
