// node's `pg` with pg-cursor, pg-query-stream and pg-copy-streams.
'use strict';
const assert = require('node:assert');
const { Readable, Writable } = require('node:stream');
const { pipeline: flow } = require('node:stream/promises');
const pg = require('pg');
const Cursor = require('pg-cursor');
const QueryStream = require('pg-query-stream');
const copy = require('pg-copy-streams');

const BASE = Number(process.env.CLIENT_BASE);
const CLIENTS = Number(process.env.CLIENTS);
const FIXTURES = 40;
const SCRATCH = 50;
const STRANGER = 5001;
const NOBODY = 3000;
const NOTE = 1_000_000;
const WHO = 'SELECT user_id, name, checksum FROM users WHERE user_id = $1';
pg.types.setTypeParser(20, Number);

const low = (i) => BASE + i;
const high = (i) => 1000 + BASE + i;
const either = (i) => (i % 2 ? high : low)(Math.floor(i / 2) % FIXTURES);
const checksum = (user) => user * 7919 + 13;
const row = (user) => ({ user_id: user, name: `p${user}`, checksum: checksum(user) });
const range = (count) => [...Array(count).keys()];
const everyone = () => [0, 1000].flatMap((part) => range(CLIENTS).flatMap((c) => range(FIXTURES).map((i) => part + c * 100 + i)));
const youngest = (count) => everyone().sort((a, b) => a % 100 - b % 100 || a - b).slice(0, count);
const same = assert.deepStrictEqual;

async function connected(work, options) {
  const client = new pg.Client(options);
  client.on('error', () => {}); // of a refused login: connect() tells it
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

async function refused(state, promise, hint = true) {
  const error = await promise.then(() => null, (problem) => problem);
  assert(error, `not refused with ${state}`);
  same(error.code, state, `${error.code} instead of ${state}: ${error.message}`);
  assert(!hint || error.hint, `no hint: ${error.message}`);
}

const ask = async (client, sql, values) => (await client.query(sql, values)).rows;
const changed = async (client, sql, values) => (await client.query(sql, values)).rowCount;

const steps = {
  async connect() {
    await connected(async (c) => same(await ask(c, 'SELECT current_database() AS d'), [{ d: 'shop' }]));
    await refused('28P01', connected(async () => {}, { password: 'wrong' }), false);
  },
  crud: () => connected(async (c) => {
    for (const user of [low(SCRATCH), high(SCRATCH)]) {
      same(await changed(c, 'INSERT INTO users (user_id, name) VALUES ($1, $2)', [user, 'new']), 1);
      same(await changed(c, 'UPDATE users SET name = $1 WHERE user_id = $2', ['newer', user]), 1);
      same(await ask(c, 'SELECT user_id, name FROM users WHERE user_id = $1', [user]), [{ user_id: user, name: 'newer' }]);
      same(await ask(c, 'DELETE FROM users WHERE user_id = $1 RETURNING user_id', [user]), [{ user_id: user }]);
      same(await ask(c, WHO, [user]), []);
    }
  }),
  in_two_shards: () => connected(async (c) => {
    const users = [low(0), low(7), high(3)];
    same(await ask(c, 'SELECT user_id, name, checksum FROM users WHERE user_id = ANY($1) ORDER BY user_id', [users]), users.map(row));
    same(await ask(c, 'SELECT user_id, name, checksum FROM users WHERE user_id IN ($1, $2, $3) ORDER BY user_id', users), users.map(row));
  }),
  gather_order: () => connected(async (c) => {
    same(await ask(c, 'SELECT user_id, name, checksum FROM users WHERE age >= $1 ORDER BY age, user_id LIMIT $2', [0, 20]),
      youngest(20).map(row));
  }),
  aggregate: () => connected(async (c) => {
    const users = everyone();
    const [all] = await ask(c, 'SELECT count(*) AS n, sum(checksum) AS s, min(user_id), max(user_id) FROM users WHERE age >= 0');
    same({ ...all }, { n: users.length, s: String(users.map(checksum).reduce((a, b) => a + b)), min: users[0], max: users.at(-1) });
    same(await ask(c, 'SELECT age, count(*) AS n FROM users WHERE age >= 0 GROUP BY age ORDER BY age LIMIT 2'),
      [0, 1].map((age) => ({ age, n: users.length / FIXTURES })));
  }),
  insert_split: () => connected(async (c) => {
    const users = [low(SCRATCH + 1), low(SCRATCH + 2), high(SCRATCH + 1)];
    same(await changed(c, "INSERT INTO users (name, user_id) VALUES ('s', $1), ('s', $3), ('s', $2)", users), 3);
    same(await ask(c, "SELECT user_id FROM users WHERE name = 's' AND user_id = ANY($1) ORDER BY 1", [users]),
      users.map((user) => ({ user_id: user })));
    same(await changed(c, 'DELETE FROM users WHERE user_id = ANY($1)', [users]), 3);
  }),
  transaction: () => connected(async (c) => {
    for (const [end, after] of [['ROLLBACK', 0], ['COMMIT', 7]]) {
      await c.query('BEGIN');
      same(await changed(c, 'UPDATE accounts SET balance = balance + 7 WHERE user_id = $1', [low(1)]), 1);
      await c.query(end);
      same(await ask(c, 'SELECT balance FROM accounts WHERE user_id = $1', [low(1)]), [{ balance: after }]);
    }
  }),
  read_first: () => connected(async (c) => {
    for (const user of [low(9), high(9)]) {
      for (const before of ['SELECT 1 WHERE false', 'SELECT title FROM countries', null]) {
        await c.query('BEGIN');
        if (before) same(await ask(c, before, []), []);
        same(await ask(c, WHO, [user]), [row(user)]);
        same(await changed(c, 'UPDATE accounts SET balance = balance + 1 WHERE user_id = $1', [user]), 1);
        await c.query('COMMIT');
      }
      same(await ask(c, 'SELECT balance FROM accounts WHERE user_id = $1', [user]), [{ balance: 3 }]);
    }
  }),
  multi_shard: () => connected(async (c) => {
    const add = (user) => changed(c, 'UPDATE accounts SET balance = balance + 5 WHERE user_id = $1', [user]);
    await c.query('BEGIN');
    same(await add(low(2)), 1);
    await refused('0A000', add(high(2)));
    await c.query('ROLLBACK');
    await c.query('SET domicile.multi_shard = on');
    for (const end of ['ROLLBACK', 'COMMIT']) {
      await c.query('BEGIN');
      same(await add(low(2)), 1);
      same(await add(high(2)), 1);
      await c.query(end);
    }
    same(await ask(c, 'SELECT user_id, balance FROM accounts WHERE user_id IN ($1, $2) ORDER BY 1', [low(2), high(2)]),
      [low(2), high(2)].map((user) => ({ user_id: user, balance: 5 })));
  }),
  refused_abroad: () => connected(async (c) => {
    await refused('42501', c.query(WHO, [STRANGER]));
    await refused('42501', c.query('INSERT INTO users (user_id) VALUES ($1)', [STRANGER]));
    same(await ask(c, WHO, [low(0)]), [row(low(0))]);
  }),
  refused_range: () => connected(async (c) => {
    await refused('22003', c.query(WHO, [NOBODY]), false);
    same(await ask(c, WHO, [high(0)]), [row(high(0))]);
  }),
  prepared: () => connected(async (c) => {
    for (let i = 0; i < 50; ++i) {
      same((await c.query({ name: 'who', text: WHO, values: [either(i)] })).rows, [row(either(i))]);
    }
  }),
  // All sent without waiting; the driver keeps them apart by a Sync each.
  pipeline: () => connected(async (c) => {
    const answers = await Promise.all(range(60).map((i) => c.query(WHO, [either(i)])));
    answers.forEach((answer, i) => same(answer.rows, [row(either(i))]));
  }),
  copy_in: () => connected(async (c) => {
    const users = range(20).flatMap((i) => [low(SCRATCH + 10 + i), high(SCRATCH + 10 + i)]);
    const lines = users.map((user) => `${user}\tc${user}\t-1\n`).join('');
    const put = (text) => flow(Readable.from([text]), c.query(copy.from('COPY users (user_id, name, age) FROM STDIN')));
    const count = async () => (await ask(c, 'SELECT count(*) AS n FROM users WHERE user_id = ANY($1)', [users]))[0].n;
    for (const [bad, state] of [['x\ty\t-1\n', '22023'], [`${low(0)}\ttwice\t-1\n`, '23505'], [`${STRANGER}\tabroad\t-1\n`, '42501']]) {
      await refused(state, put(lines + bad), false);
      same(await count(), 0);
    }
    await put(lines);
    same(await count(), users.length);
    same(await changed(c, 'DELETE FROM users WHERE user_id = ANY($1)', [users]), users.length);
  }),
  copy_out: () => connected(async (c) => {
    let text = '';
    const sink = new Writable({ write(piece, _, done) { text += piece; done(); } });
    await flow(c.query(copy.to('COPY (SELECT user_id, name, checksum FROM users WHERE age >= 0 ORDER BY user_id) TO STDOUT')), sink);
    same(text, everyone().map((user) => `${Object.values(row(user)).join('\t')}\n`).join(''));
  }),
  cursor: () => connected(async (c) => {
    for (const one of ['SELECT generate_series(1, 3) AS n', `SELECT order_no AS n FROM orders WHERE user_id = ${low(4)} ORDER BY 1`]) {
      await c.query('BEGIN');
      const open = c.query(new Cursor(one));
      same([...await open.read(2), ...await open.read(2)], [1, 2, 3].map((n) => ({ n })));
      await open.close();
      await c.query('COMMIT');
    }
    const sql = 'SELECT user_id, name, checksum FROM users WHERE age >= $1 ORDER BY user_id';
    for (const inside of [false, true]) {
      if (inside) await c.query('BEGIN');
      const cursor = c.query(new Cursor(sql, [0]));
      const rows = [];
      for (let part = await cursor.read(37); part.length; part = await cursor.read(37)) rows.push(...part);
      await cursor.close();
      same(rows, everyone().map(row));
      const early = c.query(new Cursor(sql, [0]));
      same(await early.read(3), everyone().slice(0, 3).map(row));
      await early.close();
      const streamed = [];
      for await (const one of c.query(new QueryStream(sql, [0], { batchSize: 50 }))) streamed.push(one);
      same(streamed, everyone().map(row));
      same(await ask(c, WHO, [high(1)]), [row(high(1))]);
      if (inside) await c.query('COMMIT');
    }
  }),
  cancel: () => connected(async (c) => {
    for (const [sql, values] of [['SELECT pg_sleep(8)', []], ['SELECT pg_sleep(8) FROM users WHERE user_id = $1', [high(0)]]]) {
      const start = Date.now();
      const query = new pg.Query(sql, values);
      const ended = new Promise((resolve, reject) => query.on('error', reject).on('end', resolve));
      c.query(query);
      setTimeout(() => new pg.Client().cancel(c, query), 500);
      await refused('57014', ended, false);
      assert(Date.now() - start < 4000, 'cancelled late');
      same(await ask(c, WHO, [low(0)]), [row(low(0))]);
    }
  }),
  recovery: () => connected(async (c) => {
    const again = () => c.query('INSERT INTO users (user_id) VALUES ($1)', [high(0)]);
    await refused('23505', again(), false);
    same(await ask(c, WHO, [high(0)]), [row(high(0))]);
    await c.query('BEGIN');
    await c.query(WHO, [high(0)]);
    await c.query('SAVEPOINT a');
    await refused('23505', again(), false);
    await refused('25P02', c.query(WHO, [high(0)]), false);
    await c.query('ROLLBACK TO a');
    same(await ask(c, WHO, [high(1)]), [row(high(1))]);
    await c.query('COMMIT');
  }),
  types: () => connected(async (c) => {
    const values = ['12345678901234567890.0123456789', new Date('2024-02-29T23:59:59.999Z'), Buffer.from(range(256)), [1, null, -3],
      { a: [1, 'ž', null] }, 'Žluťoučký 🐎 \\ \' " \n\t'];
    const users = [low(5), high(5)];
    const columns = ['user_id', 'thing_no', 'amount', 'at', 'raw', 'list', 'doc', 'words'];
    const wanted = (user) => [[user, 1, ...values], [user, 2, ...values.map(() => null)]]
      .map((one) => Object.fromEntries(columns.map((name, i) => [name, one[i]])));
    for (const user of users) {
      for (const one of wanted(user)) {
        await c.query(`INSERT INTO things (${columns}) VALUES (${columns.map((_, i) => `$${i + 1}`)})`, Object.values(one));
      }
      same(await ask(c, 'SELECT * FROM things WHERE user_id = $1 ORDER BY thing_no', [user]), wanted(user));
    }
    same(await ask(c, 'SELECT * FROM things WHERE user_id = ANY($1) ORDER BY user_id, thing_no', [users]), users.flatMap(wanted));
    // In text only: pg-types 2.2 misreads int8 and timestamptz in binary, from PostgreSQL itself, too.
    same(await changed(c, 'DELETE FROM things WHERE user_id = ANY($1)', [users]), 4);
  }),
  megabyte: () => connected(async (c) => {
    for (const user of [low(6), high(6)]) {
      const note = `${user} `.padEnd(NOTE, 'ž');
      await c.query('INSERT INTO orders (user_id, order_no, note) VALUES ($1, 9, $2)', [user, note]);
      const [got] = await ask(c, 'SELECT user_id, note FROM orders WHERE user_id = $1 AND order_no = 9', [user]);
      assert(got.user_id === user && got.note === note, 'another value came back');
    }
    same(await changed(c, 'DELETE FROM orders WHERE user_id IN ($1, $2) AND order_no = 9', [low(6), high(6)]), 2);
  }),
  async concurrent() {
    const pool = new pg.Pool({ max: 8 });
    await Promise.all(range(8).map(async (number) => {
      for (let i = 0; i < 200; ++i) {
        const user = either(number * 7 + i);
        if (i % 10 === 9) {
          same((await pool.query('UPDATE accounts SET balance = balance + 1 WHERE user_id = $1 RETURNING user_id', [user])).rows,
            [{ user_id: user }]);
        } else {
          same((await pool.query(WHO, [user])).rows, [row(user)]);
        }
      }
    }));
    await pool.end();
  },
};

async function main() {
  const only = (process.env.CLIENT_STEPS || '').split(' ').filter(Boolean);
  for (const [name, step] of Object.entries(steps)) {
    if (only.length && !only.includes(name)) continue;
    let timer;
    const late = new Promise((_, reject) => { timer = setTimeout(() => reject(new Error('no answer for 30 s')), 30_000); });
    try {
      await Promise.race([step(), late]);
      console.log(`pass ${name}`);
    } catch (error) {
      const line = /client_node\.js:(\d+)/.exec(error.stack || '');
      console.log(`fail ${name}: line ${line ? line[1] : '?'}: ${String(error.message).replace(/\s+/g, ' ')}`);
    } finally {
      clearTimeout(timer);
    }
  }
  process.exit(0);
}

main();
