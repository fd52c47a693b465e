"""asyncpg, as Debian packages it: it speaks the extended protocol in binary only, and asks for types (Parse, Describe, Flush) first."""
import asyncio
import contextlib
import datetime
import decimal
import functools
import io
import time

import asyncpg

import steps
from steps import (NOBODY, NOTE, SCRATCH, STRANGER, THING, Wrong, check, checksum, either, everyone, high, low, main, row, same,
                   youngest)

COLUMNS = "SELECT user_id, name, checksum FROM users WHERE"
WHO = COLUMNS + " user_id = $1"
ADD = "UPDATE accounts SET balance = balance + $2 WHERE user_id = $1"


@contextlib.asynccontextmanager
async def connected(**options):
    connection = await asyncpg.connect(**options)
    try:
        yield connection
    finally:
        connection.terminate()  # whatever state a failed step left


def step(work):
    @functools.wraps(work)
    def run():
        async def limited():
            async with connected() as c:
                await asyncio.wait_for(work(c), 30)
        asyncio.run(limited())
    return steps.step(run)


async def ask(c, sql, *values):
    return [tuple(one) for one in await c.fetch(sql, *values)]


async def refused(state, work, hint=True):
    try:
        await work
    except asyncpg.PostgresError as error:
        same(error.sqlstate, state, "SQLSTATE")
        check(not hint or error.hint, "no hint")
    else:
        raise Wrong(f"not refused with {state}")


@step
async def connect(c):
    same(await c.fetchval("SELECT current_database()"), "shop")
    await refused("28P01", asyncpg.connect(password="wrong"), hint=False)


@step
async def crud(c):
    for user in (low(SCRATCH), high(SCRATCH)):
        same(await c.execute("INSERT INTO users (user_id, name) VALUES ($1, $2)", user, "new"), "INSERT 0 1")
        same(await c.execute("UPDATE users SET name = $2 WHERE user_id = $1", user, "newer"), "UPDATE 1")
        same(await ask(c, WHO, user), [(user, "newer", None)])
        same(await ask(c, "DELETE FROM users WHERE user_id = $1 RETURNING user_id", user), [(user,)])
        same(await ask(c, WHO, user), [])


@step
async def in_two_shards(c):
    users = [low(0), low(7), high(3)]
    same(await ask(c, COLUMNS + " user_id = ANY($1) ORDER BY user_id", users), [row(user) for user in users])
    same(await ask(c, COLUMNS + " user_id IN ($3, $1, $2) ORDER BY user_id", *users), [row(user) for user in users])


@step
async def gather_order(c):
    same(await ask(c, COLUMNS + " age >= $1 ORDER BY age, user_id LIMIT $2", 0, 20), [row(user) for user in youngest(20)])


@step
async def aggregate(c):
    users = everyone()
    same(await ask(c, "SELECT count(*), sum(checksum), min(user_id), max(user_id) FROM users WHERE age >= 0"),
         [(len(users), sum(map(checksum, users)), users[0], users[-1])])
    same(await ask(c, "SELECT age, count(*) FROM users WHERE age >= 0 GROUP BY age ORDER BY age LIMIT 2"),
         [(age, len(users) // steps.FIXTURES) for age in (0, 1)])


@step
async def insert_split(c):
    users = [low(SCRATCH + 1), low(SCRATCH + 2), high(SCRATCH + 1)]
    same(await c.execute("INSERT INTO users (name, user_id) VALUES ('s', $3), ('s', $1), ('s', $2)", *users), "INSERT 0 3")
    same(await c.fetchval("SELECT count(*) FROM users WHERE name = 's' AND user_id = ANY($1)", users), 3)
    same(await c.execute("DELETE FROM users WHERE user_id = ANY($1)", users), "DELETE 3")


@step
async def transaction(c):
    for end in ("rollback", "commit"):
        begun = c.transaction()
        await begun.start()
        same(await c.execute(ADD, low(1), 7), "UPDATE 1")
        await getattr(begun, end)()
    same(await c.fetchval("SELECT balance FROM accounts WHERE user_id = $1", low(1)), 7)


@step
async def read_first(c):
    for user in (low(9), high(9)):
        for before in ("SELECT 1 WHERE false", "SELECT title FROM countries", None):
            async with c.transaction():
                if before:
                    same(await ask(c, before), [])
                same(await ask(c, WHO, user), [row(user)])
                same(await c.execute(ADD, user, 1), "UPDATE 1")
        same(await c.fetchval("SELECT balance FROM accounts WHERE user_id = $1", user), 3)


@step
async def multi_shard(c):
    begun = c.transaction()
    await begun.start()
    same(await c.execute(ADD, low(2), 5), "UPDATE 1")
    await refused("0A000", c.execute(ADD, high(2), 5))
    await begun.rollback()
    await c.execute("SET domicile.multi_shard = on")
    async with c.transaction():
        for user in (low(2), high(2)):
            same(await c.execute(ADD, user, 5), "UPDATE 1")
    same(await ask(c, "SELECT user_id, balance FROM accounts WHERE user_id IN ($1, $2) ORDER BY 1", low(2), high(2)),
         [(low(2), 5), (high(2), 5)])


@step
async def refused_abroad(c):
    await refused("42501", c.fetch(WHO, STRANGER))
    await refused("42501", c.execute("INSERT INTO users (user_id) VALUES ($1)", STRANGER))
    same(await ask(c, WHO, low(0)), [row(low(0))])


@step
async def refused_range(c):
    await refused("22003", c.fetch(WHO, NOBODY), hint=False)
    same(await ask(c, WHO, high(0)), [row(high(0))])


@step
async def prepared(c):
    who = await c.prepare(WHO)
    for i in range(50):
        same([tuple(one) for one in await who.fetch(either(i))], [row(either(i))])


@step
async def batch_of_one_shard(c):
    await c.executemany(ADD, [(high(i % 40), 0) for i in range(60)])


@step
async def pipeline(c):
    await c.executemany(ADD, [(either(i), 0) for i in range(60)])


@step
async def copy_in(c):
    users = [make(SCRATCH + 10 + i) for i in range(20) for make in (low, high)]
    columns = ["user_id", "name", "age"]
    rows = [(user, f"c{user}", -1) for user in users]
    for bad, state in ((low(0), "23505"), (STRANGER, "42501")):
        await refused(state, c.copy_records_to_table("users", columns=columns, records=rows + [(bad, "bad", -1)]), hint=False)
        same(await c.fetchval("SELECT count(*) FROM users WHERE user_id = ANY($1)", users), 0, "rows of a failed COPY")
    same(await c.copy_records_to_table("users", columns=columns, records=rows), "COPY 40")
    same(await c.execute("DELETE FROM users WHERE user_id = ANY($1)", users), "DELETE 40")
    text = io.BytesIO("".join("{}\t{}\t{}\n".format(*one) for one in rows).encode())
    same(await c.copy_to_table("users", columns=columns, source=text), "COPY 40")
    same(await c.execute("DELETE FROM users WHERE user_id = ANY($1)", users), "DELETE 40")


@step
async def copy_out(c):
    out = io.BytesIO()
    await c.copy_from_query(COLUMNS + " age >= 0 ORDER BY user_id", output=out)
    same(out.getvalue().decode(), "".join("{}\t{}\t{}\n".format(*row(user)) for user in everyone()))


@step
async def cursor(c):
    for one in ("SELECT generate_series(1, 3)", f"SELECT order_no FROM orders WHERE user_id = {low(4)} ORDER BY 1"):
        async with c.transaction():
            open_ = await c.cursor(one)
            same([tuple(one) for size in (1, 2) for one in await open_.fetch(size)], [(1,), (2,), (3,)])
    async with c.transaction():
        same([tuple(one) async for one in c.cursor(COLUMNS + " age >= 0 ORDER BY user_id", prefetch=37)],
             [row(user) for user in everyone()])


@step
async def cancel(c):
    for sql, values in (("SELECT pg_sleep(8)", ()), ("SELECT pg_sleep(8) FROM users WHERE user_id = $1", (high(0),))):
        start = time.monotonic()
        with contextlib.suppress(asyncio.TimeoutError):
            await c.fetch(sql, *values, timeout=0.5)
            raise Wrong("not cancelled")
        check(time.monotonic() - start < 4, "cancelled late")
        same(await ask(c, WHO, low(0)), [row(low(0))])


@step
async def recovery(c):
    again = "INSERT INTO users (user_id) VALUES ($1)"
    await refused("23505", c.execute(again, high(0)), hint=False)
    same(await ask(c, WHO, high(0)), [row(high(0))])
    async with c.transaction():
        same(await ask(c, WHO, high(0)), [row(high(0))])
        with contextlib.suppress(asyncpg.UniqueViolationError):
            async with c.transaction():  # a savepoint
                await c.execute(again, high(0))
        same(await ask(c, WHO, high(1)), [row(high(1))])


@step
async def types(c):
    values = (decimal.Decimal("12345678901234567890.0123456789"),
              datetime.datetime(2024, 2, 29, 23, 59, 59, 999999, datetime.timezone.utc), bytes(range(256)), [1, None, -3],
              '{"a": [1, "ž", null]}', "Žluťoučký 🐎 \\ ' \" \n\t")
    users = [low(5), high(5)]
    wanted = [(user, *rest) for user in users for rest in ((1, *values), (2, *[None] * 6))]
    for one in wanted:
        await c.execute(f"INSERT INTO things ({', '.join(THING)}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)", *one)
    for user in users:
        same(await ask(c, "SELECT * FROM things WHERE user_id = $1 ORDER BY thing_no", user),
             [one for one in wanted if one[0] == user])
    same(await ask(c, "SELECT * FROM things WHERE user_id = ANY($1) ORDER BY user_id, thing_no", users), wanted)
    same(await c.execute("DELETE FROM things WHERE user_id = ANY($1)", users), "DELETE 4")


@step
async def megabyte(c):
    for user in (low(6), high(6)):
        note = f"{user} ".ljust(NOTE, "ž")
        await c.execute("INSERT INTO orders (user_id, order_no, note) VALUES ($1, 9, $2)", user, note)
        check(await c.fetchval("SELECT note FROM orders WHERE user_id = $1 AND order_no = 9", user) == note, "another value came")
    same(await c.execute("DELETE FROM orders WHERE user_id IN ($1, $2) AND order_no = 9", low(6), high(6)), "DELETE 2")


@step
async def concurrent(_):
    async def work(number):
        async with connected() as c:
            for i in range(200):
                user = either(number * 7 + i)
                if i % 10 == 9:
                    same(await ask(c, ADD + " RETURNING user_id", user, 1), [(user,)])
                else:
                    same(await ask(c, WHO, user), [row(user)])
    await asyncio.gather(*(work(number) for number in range(8)))


@step
async def pool(_):
    # A connection that goes back to the pool is reset: pg_advisory_unlock_all, CLOSE ALL, UNLISTEN *, RESET ALL.
    async with asyncpg.create_pool(min_size=2, max_size=4) as connections:
        async def work(number):
            for i in range(20):
                async with connections.acquire() as c:
                    same(await ask(c, WHO, either(number + i)), [row(either(number + i))])
        await asyncio.gather(*(work(number) for number in range(8)))


main()
