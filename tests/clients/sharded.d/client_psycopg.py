"""psycopg 2 and 3. usage: client_psycopg.py 2|3"""
import contextlib
import datetime
import decimal
import io
import os
import sys
import threading
import time

from steps import (NOBODY, NOTE, SCRATCH, STRANGER, THING, Wrong, check, checksum, either, everyone, high, low, main, row, same,
                   step, youngest)

THREE = sys.argv[1] == "3"
if THREE:
    import psycopg as driver
else:
    import psycopg2 as driver
    import psycopg2.extras
    from psycopg2.extras import Json

WHO = "SELECT user_id, name, checksum FROM users WHERE user_id = %s"


@contextlib.contextmanager
def connected(autocommit=True, **options):
    connection = driver.connect("", **options)
    connection.autocommit = autocommit
    try:
        yield connection
    finally:
        connection.close()


def ask(connection, sql, values=None, **options):
    cursor = connection.cursor()
    cursor.execute(sql, values, **options)
    return cursor.fetchall() if cursor.description else cursor.rowcount


def refused(state, work, hint=True):
    try:
        work()
    except driver.Error as error:
        same(error.diag.sqlstate, state, "SQLSTATE")
        check(not hint or error.diag.message_hint, "no hint")
        return error
    raise Wrong(f"not refused with {state}")


@step
def connect():
    with connected() as c:
        same(ask(c, "SELECT current_database()"), [("shop",)])
    try:
        driver.connect("", password="wrong")
    except driver.OperationalError as error:
        check("password authentication failed" in str(error), str(error))
    else:
        raise Wrong("a wrong password was taken")


@step
def crud():
    with connected() as c:
        for user in (low(SCRATCH), high(SCRATCH)):
            same(ask(c, "INSERT INTO users (user_id, name) VALUES (%s, %s)", (user, "new")), 1)
            same(ask(c, "UPDATE users SET name = %s WHERE user_id = %s", ("newer", user)), 1)
            same(ask(c, "SELECT user_id, name FROM users WHERE user_id = %s", (user,)), [(user, "newer")])
            same(ask(c, "DELETE FROM users WHERE user_id = %s RETURNING user_id", (user,)), [(user,)])
            same(ask(c, WHO, (user,)), [])


@step
def in_two_shards():
    with connected() as c:
        users = [low(0), low(7), high(3)]
        same(ask(c, "SELECT user_id, name, checksum FROM users WHERE user_id = ANY(%s) ORDER BY user_id", (users,)),
             [row(user) for user in users])
        same(ask(c, "SELECT user_id, name, checksum FROM users WHERE user_id IN (%s, %s, %s) ORDER BY user_id DESC", users),
             [row(user) for user in reversed(users)])


@step
def gather_order():
    with connected() as c:
        same(ask(c, "SELECT user_id, name, checksum FROM users WHERE age >= %s ORDER BY age, user_id LIMIT %s", (0, 20)),
             [row(user) for user in youngest(20)])


@step
def aggregate():
    users = everyone()
    with connected() as c:
        same(ask(c, "SELECT count(*), sum(checksum), min(user_id), max(user_id) FROM users WHERE age >= 0"),
             [(len(users), sum(map(checksum, users)), users[0], users[-1])])
        same(ask(c, "SELECT age, count(*) FROM users WHERE age >= 0 GROUP BY age ORDER BY age LIMIT 2"),
             [(age, len(users) // 40) for age in (0, 1)])


@step
def insert_split():
    users = [low(SCRATCH + 1), high(SCRATCH + 1), low(SCRATCH + 2)]
    with connected() as c:
        same(ask(c, "INSERT INTO users (name, user_id) VALUES (%s, %s), (%s, %s), (%s, %s)",
                 [value for user in users for value in (f"s{user}", user)]), 3)
        same(ask(c, "SELECT user_id, name FROM users WHERE user_id = ANY(%s) ORDER BY user_id", (users,)),
             [(user, f"s{user}") for user in sorted(users)])
        same(ask(c, "DELETE FROM users WHERE user_id = ANY(%s)", (users,)), 3)


@step
def transaction():
    user = low(1)
    with connected(autocommit=False) as c:
        for end, age in (("rollback", 1), ("commit", 77)):
            ask(c, "UPDATE accounts SET balance = 77 WHERE user_id = %s", (user,))
            same(ask(c, "SELECT user_id, balance FROM accounts WHERE user_id = %s", (user,)), [(user, 77)])
            getattr(c, end)()
        ask(c, "UPDATE accounts SET balance = 0 WHERE user_id = %s", (user,))
        c.rollback()
        same(ask(c, "SELECT balance FROM accounts WHERE user_id = %s", (user,)), [(77,)])


@step
def read_first():
    with connected(autocommit=False) as c:
        for user in (low(9), high(9)):
            for sql, wanted in (("SELECT 1", [(1,)]), ("SELECT count(*) >= 0 FROM countries", [(True,)]), (None, None)):
                if sql:
                    same(ask(c, sql), wanted)
                same(ask(c, WHO, (user,)), [row(user)])
                same(ask(c, "UPDATE accounts SET balance = balance + 1 WHERE user_id = %s", (user,)), 1)
                c.commit()
            same(ask(c, "SELECT balance FROM accounts WHERE user_id = %s", (user,)), [(3,)])
            c.commit()


@step
def multi_shard():
    add = "UPDATE accounts SET balance = balance + 5 WHERE user_id = %s"
    users = [low(2), high(2)]
    with connected(autocommit=False) as c:
        ask(c, add, users[:1])
        refused("0A000", lambda: ask(c, add, users[1:]))
        c.rollback()
        ask(c, "SET domicile.multi_shard = on")
        c.commit()
        for end in (c.rollback, c.commit):
            for user in users:
                same(ask(c, add, (user,)), 1)
            end()
        same(ask(c, "SELECT user_id, balance FROM accounts WHERE user_id = ANY(%s) ORDER BY 1", (users,)),
             [(user, 5) for user in users])


@step
def refused_abroad():
    with connected() as c:
        refused("42501", lambda: ask(c, WHO, (STRANGER,)))
        refused("42501", lambda: ask(c, "INSERT INTO users (user_id) VALUES (%s)", (STRANGER,)))
        same(ask(c, WHO, (low(0),)), [row(low(0))])


@step
def refused_range():
    with connected() as c:
        refused("22003", lambda: ask(c, WHO, (NOBODY,)), hint=False)
        same(ask(c, WHO, (high(0),)), [row(high(0))])


@step
def prepared():
    with connected() as c:
        if THREE:
            for threshold in (0, 3):
                c.prepare_threshold = threshold
                for i in range(50):
                    same(ask(c, WHO, (either(i),)), [row(either(i))])
        else:  # it has none of the protocol; SQL's own belongs to the shard of the user that the session names
            ask(c, "SET domicile.user_id = %s", (low(0),))
            ask(c, "PREPARE who(bigint) AS SELECT user_id, name, checksum FROM users WHERE user_id = $1")
            for i in range(50):
                same(ask(c, "EXECUTE who(%s)", (low(i % 40),)), [row(low(i % 40))])
            ask(c, "DEALLOCATE who")


@step
def pipeline():
    with connected() as c:
        if not THREE:  # one message with several statements instead
            cursor = c.cursor()
            psycopg2.extras.execute_batch(cursor, "UPDATE accounts SET balance = balance WHERE user_id = %s",
                                          [(either(i),) for i in range(20)], page_size=10)
            return
        with c.pipeline():
            cursors = [c.execute(WHO, (either(i),)) for i in range(60)]
            gathered = c.execute("SELECT count(*) FROM users WHERE age >= 0")
        for i, cursor in enumerate(cursors):
            same(cursor.fetchall(), [row(either(i))])
        same(gathered.fetchall(), [(len(everyone()),)])
        with c.cursor() as cursor:
            cursor.executemany("UPDATE accounts SET balance = balance WHERE user_id = %s RETURNING user_id",
                               [(either(i),) for i in range(20)], returning=True)
            for i in range(20):
                same(cursor.fetchall(), [(either(i),)])
                cursor.nextset()
        # An error in the midst: what follows up to the next sync is not run, the session goes on.
        with contextlib.suppress(driver.errors.DivisionByZero), c.pipeline():
            c.execute(WHO, (low(0),))
            c.execute("SELECT 1 / 0 FROM users WHERE user_id = %s", (high(0),))
            c.execute(WHO, (low(1),))
        same(ask(c, WHO, (high(1),)), [row(high(1))])


@step
def copy_in():
    users = [make(SCRATCH + 10 + i) for i in range(20) for make in (low, high)]
    lines = [f"{user}\tc{user}\t-1\n" for user in users]

    def copy(c, text):
        sql = "COPY users (user_id, name, age) FROM STDIN"
        cursor = c.cursor()
        if THREE:
            with cursor.copy(sql) as copying:
                copying.write(text)
        else:
            cursor.copy_expert(sql, io.StringIO(text))
        return cursor.rowcount
    with connected() as c:
        for bad in ("x\ty\t-1\n", f"{low(0)}\ttwice\t-1\n", f"{STRANGER}\tabroad\t-1\n"):
            try:
                copy(c, "".join(lines) + bad)
            except driver.Error:
                pass
            else:
                raise Wrong(f"{bad.split()} was taken")
            same(ask(c, "SELECT count(*) FROM users WHERE user_id = ANY(%s)", (users,)), [(0,)], "rows of a failed COPY")
        same(copy(c, "".join(lines)), len(users))
        same(ask(c, "SELECT user_id, name FROM users WHERE user_id = ANY(%s) ORDER BY user_id", (users,)),
             [(user, f"c{user}") for user in sorted(users)])
        same(ask(c, "DELETE FROM users WHERE user_id = ANY(%s)", (users,)), len(users))
        if THREE:
            with c.cursor().copy("COPY users (user_id, name, age) FROM STDIN (FORMAT binary)") as copying:
                copying.set_types(["int8", "text", "int4"])
                for user in users:
                    copying.write_row((user, f"c{user}", -1))
            same(ask(c, "DELETE FROM users WHERE user_id = ANY(%s)", (users,)), len(users))


@step
def copy_out():
    sql = "COPY (SELECT user_id, name, checksum FROM users WHERE age >= 0 ORDER BY user_id) TO STDOUT"
    with connected() as c:
        if not THREE:
            out = io.StringIO()
            c.cursor().copy_expert(sql, out)
            same(out.getvalue(), "".join("{}\t{}\t{}\n".format(*row(user)) for user in everyone()))
            return
        for tail in ("", " (FORMAT binary)"):
            with c.cursor().copy(sql + tail) as copying:
                copying.set_types(["int8", "text", "int8"])
                got = []
                while one := copying.read_row():
                    got.append(one)
                same(got, [row(user) for user in everyone()])


@step
def cursor():
    with connected(autocommit=False) as c:
        for sql, refuse in (("SELECT user_id FROM users WHERE age >= 0 ORDER BY user_id", True),
                            (f"SELECT order_no FROM orders WHERE user_id = {high(4)} ORDER BY order_no", False)):
            named = c.cursor("c")
            named.itersize = 2
            if refuse:
                refused("0A000", lambda: named.execute(sql))
                c.rollback()
            else:
                named.execute(sql)
                same(named.fetchmany(2), [(1,), (2,)])
                same(named.fetchall(), [(3,)])
                named.close()
                c.commit()
        if THREE:  # row by row of several shards
            same(list(c.cursor().stream("SELECT user_id, name, checksum FROM users WHERE age >= 0 ORDER BY user_id")),
                 [row(user) for user in everyone()])


@step
def settings():
    """What frameworks say at connect: Django, SQLAlchemy."""
    with connected() as c:
        ask(c, "SET client_encoding TO 'UTF8'")
        ask(c, "SELECT set_config('TimeZone', 'Asia/Tokyo', false)")
        for user in (low(0), high(0), low(1)):
            same(ask(c, "SELECT user_id, current_setting('TimeZone') FROM users WHERE user_id = %s", (user,)), [(user, "Asia/Tokyo")])


@step
def cancel():
    with connected() as c:
        for sql in ("SELECT pg_sleep(8)", f"SELECT user_id, pg_sleep(8) FROM users WHERE user_id = {high(0)}"):
            timer = threading.Timer(0.5, c.cancel)
            timer.start()
            start = time.monotonic()
            refused("57014", lambda: ask(c, sql), hint=False)
            check(time.monotonic() - start < 4, "cancelled late")
            timer.join()
            same(ask(c, WHO, (low(0),)), [row(low(0))])


@step
def recovery():
    with connected() as c:
        for user in (low(0), high(0)):
            refused("23505", lambda: ask(c, "INSERT INTO users (user_id) VALUES (%s)", (user,)), hint=False)
            same(ask(c, WHO, (user,)), [row(user)])
        c.autocommit = False
        ask(c, WHO, (high(0),))
        ask(c, "SAVEPOINT a")
        refused("23505", lambda: ask(c, "INSERT INTO users (user_id) VALUES (%s)", (high(0),)), hint=False)
        refused("25P02", lambda: ask(c, WHO, (high(0),)), hint=False)
        ask(c, "ROLLBACK TO a")
        same(ask(c, WHO, (high(1),)), [row(high(1))])
        c.commit()


@step
def types():
    values = (decimal.Decimal("12345678901234567890.0123456789"),
              datetime.datetime(2024, 2, 29, 23, 59, 59, 999999, datetime.timezone.utc), bytes(range(256)), [1, None, -3],
              {"a": [1, "ž", None]}, "Žluťoučký 🐎 \\ ' \" \n\t")
    empty = (None,) * 6
    users = [low(5), high(5)]

    def read(rows):
        return [(*one[:4], one[4] if one[4] is None else bytes(one[4]), *one[5:]) for one in rows]
    with connected() as c:
        for user in users:
            for number, given in ((1, values), (2, empty)):
                sent = [*given]
                sent[4] = None if sent[4] is None else driver.types.json.Jsonb(sent[4]) if THREE else Json(sent[4])
                ask(c, f"INSERT INTO things ({', '.join(THING)}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s)", (user, number, *sent))
        for binary in ([{"binary": False}, {"binary": True}] if THREE else [{}]):
            for user in users:
                same(read(ask(c, "SELECT * FROM things WHERE user_id = %s ORDER BY thing_no", (user,), **binary)),
                     [(user, 1, *values), (user, 2, *empty)])
            same(read(ask(c, "SELECT * FROM things WHERE user_id = ANY(%s) ORDER BY user_id, thing_no", (users,), **binary)),
                 [(user, *rest) for user in users for rest in ((1, *values), (2, *empty))])
        same(ask(c, "DELETE FROM things WHERE user_id = ANY(%s)", (users,)), 4)


@step
def megabyte():
    with connected() as c:
        for user in (low(6), high(6)):
            note = f"{user} ".ljust(NOTE, "ž")
            same(ask(c, "INSERT INTO orders (user_id, order_no, note) VALUES (%s, 9, %s)", (user, note)), 1)
            check(ask(c, "SELECT user_id, note FROM orders WHERE user_id = %s AND order_no = 9", (user,)) == [(user, note)],
                  "another value came back")
        notes = ask(c, "SELECT user_id, note FROM orders WHERE user_id IN (%s, %s) AND order_no = 9 ORDER BY user_id",
                    (low(6), high(6)))
        check([(user, note[:10].split()[0], len(note)) for user, note in notes] ==
              [(user, str(user), NOTE) for user in (low(6), high(6))], "gathered: another value came back")
        same(ask(c, "DELETE FROM orders WHERE user_id IN (%s, %s) AND order_no = 9", (low(6), high(6))), 2)


@step
def concurrent():
    problems = []

    def work(number):
        try:
            with connected() as c:
                for i in range(200):
                    user = either(number * 7 + i)
                    if i % 10 == 9:
                        same(ask(c, "UPDATE accounts SET balance = balance + 1 WHERE user_id = %s RETURNING user_id", (user,)),
                             [(user,)])
                    else:
                        same(ask(c, WHO, (user,)), [row(user)])
        except Exception as error:
            problems.append(error)
    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if problems:
        raise problems[0]


if THREE:
    @step
    def large():
        """Fifty thousand rows in and out; what a failed or abandoned COPY has sent is nowhere."""
        sql = "COPY things (user_id, thing_no, words) FROM STDIN"
        rows = [(either(i), 1000 + i, f"word {i}") for i in range(50_000)]
        text = "".join("{}\t{}\t{}\n".format(*one) for one in rows)
        mine = f"thing_no >= 1000 AND (user_id BETWEEN {low(0)} AND {low(99)} OR user_id BETWEEN {high(0)} AND {high(99)})"

        def copy(c, more=""):
            with c.cursor().copy(sql) as copying:
                copying.write(text + more)
                if more == "stop":
                    raise Wrong("on purpose")
        with connected() as c:
            for more, kind in (("x\t1\ty\n", driver.Error), (f"{low(0)}\t1000\tagain\n", driver.Error), ("stop", Wrong)):
                with contextlib.suppress(kind):
                    copy(c, more)
                same(ask(c, f"SELECT count(*) FROM things WHERE {mine}"), [(0,)])
            copy(c)
            found = c.cursor().stream(f"SELECT user_id, thing_no, words FROM things WHERE {mine} ORDER BY user_id, thing_no")
            same(list(found), sorted(rows))
            same(ask(c, f"DELETE FROM things WHERE {mine}"), len(rows))

    @step
    def definition_changes():
        sql = "SELECT value FROM settings WHERE name = 'psycopg'"
        with connected() as c, connected(user="operator", password=os.environ["OPERATOR_PASSWORD"]) as owner:
            ask(c, "INSERT INTO settings (name, value) VALUES ('psycopg', '1')")
            for kind, value in (("int", 1), ("text", "1")):
                for _ in range(3):
                    ask(c, sql, prepare=True)
                ask(owner, f"ALTER TABLE settings ALTER value TYPE {kind} USING value::{kind}")
                with connected() as late:  # has prepared nothing before
                    same(ask(late, sql, prepare=True), [(value,)])

    @step
    def client_cursor():
        with connected(cursor_factory=driver.ClientCursor) as c:
            for i in range(10):
                same(ask(c, WHO, (either(i),)), [row(either(i))])


main()
