"""psql, driven as a person would: scripts, and a terminal for what a person types."""
import os
import pty
import re
import select
import signal
import subprocess
import time

from steps import (NOBODY, NOTE, SCRATCH, STRANGER, THING, check, checksum, either, everyone, high, low, main, row, same, step, youngest)

PSQL = ["/usr/lib/postgresql/15/bin/psql", "-X"]
ANSWER_SECONDS_MAX = 10


def psql(script, *options, **more):
    """Runs a script; gives its output. Errors come with SQLSTATE and hint."""
    done = subprocess.run([*PSQL, "-qAt", "-v", "VERBOSITY=verbose", *options], input=script, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=60, **more)
    return done.stdout


def lines(rows):
    return "".join("|".join(map(str, one)) + "\n" for one in rows)


def who(user):
    return f"SELECT user_id, name, checksum FROM users WHERE user_id = {user};\n"


def refused(text, state, hint=True):
    check(f"ERROR:  {state}:" in text and (not hint or "HINT:" in text), f"not refused with {state}: {text[:200]}")


class Terminal:
    """psql on a terminal of its own."""

    def __enter__(self):
        self.pid, self.terminal = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="dumb", PSQL_PAGER="", PAGER="")
            os.execv(PSQL[0], [*PSQL, "-nAt"])
        self.text = ""
        self.until("=> ")
        return self

    def __exit__(self, *_):
        os.write(self.terminal, b"\\q\n")
        deadline = time.monotonic() + 5
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.02)
        os.close(self.terminal)

    def until(self, pattern):
        """What came until the pattern did."""
        deadline = time.monotonic() + ANSWER_SECONDS_MAX
        while not (found := re.search(pattern, self.text)):
            check(select.select([self.terminal], [], [], max(0, deadline - time.monotonic()))[0],
                  lambda: f"waited for {pattern!r}, saw {self.text[-200:]!r}")
            self.text += os.read(self.terminal, 65536).decode().replace("\r", "")
        seen, self.text = self.text[:found.end()], self.text[found.end():]
        return seen

    def type(self, line):
        os.write(self.terminal, line.encode() + b"\n")
        self.until(re.escape(line) + "\n")  # its echo

    def interrupt(self):
        os.write(self.terminal, b"\x03")  # Ctrl-C: SIGINT to psql


@step
def connect():
    same(psql("SELECT current_database();"), "shop\n")
    text = psql("SELECT 1", env=dict(os.environ, PGPASSWORD="wrong"))
    check("password authentication failed" in text, text)


@step
def crud():
    for user in (low(SCRATCH), high(SCRATCH)):
        same(psql(f"""INSERT INTO users (user_id, name) VALUES ({user}, 'new');
                      UPDATE users SET name = 'newer' WHERE user_id = {user} RETURNING name;
                      SELECT user_id, name FROM users WHERE user_id = {user};
                      DELETE FROM users WHERE user_id = {user} RETURNING user_id;""" + who(user)),
             f"newer\n{user}|newer\n{user}\n")


@step
def in_two_shards():
    users = [low(0), low(7), high(3)]
    same(psql(f"SELECT user_id, name, checksum FROM users WHERE user_id IN ({users[2]}, {users[0]}, {users[1]}) ORDER BY user_id"),
         lines(map(row, users)))


@step
def gather_order():
    same(psql("SELECT user_id, name, checksum FROM users WHERE age >= 0 ORDER BY age, user_id LIMIT 20"),
         lines(map(row, youngest(20))))


@step
def aggregate():
    users = everyone()
    same(psql("""SELECT count(*), sum(checksum), min(user_id), max(user_id) FROM users WHERE age >= 0;
                 SELECT age, count(*) FROM users WHERE age >= 0 GROUP BY age ORDER BY age LIMIT 2"""),
         lines([(len(users), sum(map(checksum, users)), users[0], users[-1]), (0, len(users) // 40), (1, len(users) // 40)]))


@step
def insert_split():
    users = [low(SCRATCH + 1), low(SCRATCH + 2), high(SCRATCH + 1)]
    chosen = f"({', '.join(map(str, users))})"
    values = ", ".join(f"('s{user}', {user})" for user in reversed(users))
    same(psql(f"""INSERT INTO users (name, user_id) VALUES {values};
                  SELECT user_id, name FROM users WHERE user_id IN {chosen} ORDER BY user_id;
                  DELETE FROM users WHERE user_id IN {chosen};
                  SELECT count(*) FROM users WHERE user_id IN {chosen}"""), lines((user, f"s{user}") for user in users) + "0\n")


@step
def transaction():
    add = f"BEGIN; UPDATE accounts SET balance = balance + 7 WHERE user_id = {low(1)} RETURNING user_id, balance;\n"
    same(psql(f"{add} ROLLBACK; {add} COMMIT; SELECT balance FROM accounts WHERE user_id = {low(1)}"),
         f"{low(1)}|7\n{low(1)}|7\n7\n")


@step
def read_first():
    for user in (low(9), high(9)):
        for before in ("SELECT 1 WHERE false;", "SELECT title FROM countries;", ""):
            same(psql(f"BEGIN;\n{before}\n{who(user)}UPDATE accounts SET balance = balance + 1 WHERE user_id = {user};\nCOMMIT;\n"),
                 lines([row(user)]))
        # Another session's reads may come from a reader that lags.
        same(psql(f"SET domicile.read = 'writer'; SELECT balance FROM accounts WHERE user_id = {user}"), "3\n")


@step
def multi_shard():
    def add(user):
        return f"UPDATE accounts SET balance = balance + 5 WHERE user_id = {user};\n"
    both = "BEGIN;\n" + add(low(2)) + add(high(2))
    sum_ = f"SELECT user_id, balance FROM accounts WHERE user_id IN ({low(2)}, {high(2)}) ORDER BY 1;\n"
    refused(psql(both + "COMMIT"), "0A000")
    same(psql(f"SET domicile.multi_shard = on;\n {both} ROLLBACK;\n {both} COMMIT;\n {sum_}"), f"{low(2)}|5\n{high(2)}|5\n")


@step
def refused_abroad():
    refused(psql(who(STRANGER)), "42501")
    refused(psql(f"INSERT INTO users (user_id) VALUES ({STRANGER})"), "42501")


@step
def refused_range():
    text = psql(who(NOBODY) + who(high(0)))
    refused(text, "22003", hint=False)
    check(text.endswith(lines([row(high(0))])), text)


@step
def prepared():
    # psql 15 sends no Parse; SQL's own statement belongs to the shard of the user that the session names.
    who_sql = "PREPARE who(bigint) AS SELECT user_id, name, checksum FROM users WHERE user_id = $1;\n"
    refused(psql(who_sql), "0A000")
    same(psql(f"SET domicile.user_id = {high(0)};\n" + who_sql + "".join(f"EXECUTE who({high(i % 40)});\n" for i in range(50))),
         lines(row(high(i % 40)) for i in range(50)))


@step
def pipeline():
    # One message with several statements (\;), users of both shards: one transaction over both.
    users = [either(i) for i in range(10)]
    same(psql("\\;".join(who(user).rstrip(";\n") for user in users) + ";\n"), lines(map(row, users)))


@step
def copy_in():
    users = [make(SCRATCH + 10 + i) for i in range(20) for make in (low, high)]
    good = "".join(f"{user}\tc{user}\t-1\n" for user in users)
    command, end = "\\copy users (user_id, name, age) FROM STDIN\n", "\\.\n"
    count = f"SELECT count(*) FROM users WHERE user_id IN ({', '.join(map(str, users))});\n"
    for bad, state in (("x\ty\t-1\n", "22"), (f"{low(0)}\ttwice\t-1\n", "23505"), (f"{STRANGER}\tabroad\t-1\n", "42501")):
        text = psql(command + good + bad + end + count)
        check(f"ERROR:  {state}" in text and text.endswith("\n0\n"), f"{bad}: {text}")
    same(psql(command + good + end + count + f"DELETE FROM users WHERE user_id IN ({', '.join(map(str, users))});\n" + count),
         "40\n0\n")


@step
def copy_out():
    query = "(SELECT user_id, name, checksum FROM users WHERE age >= 0 ORDER BY user_id)"
    wanted = "".join("{}\t{}\t{}\n".format(*row(user)) for user in everyone())
    same(psql(f"COPY {query} TO STDOUT"), wanted)
    same(psql(f"\\copy {query} TO STDOUT"), wanted)


@step
def cursor():
    # FETCH_COUNT declares a cursor of SQL, which one shard has; several refuse it by name.
    ask = "SELECT user_id, order_no FROM orders WHERE {} ORDER BY order_no;\n"
    same(psql("\\set FETCH_COUNT 2\n" + ask.format(f"user_id = {high(4)}")), lines((high(4), no) for no in (1, 2, 3)))
    refused(psql("\\set FETCH_COUNT 2\n" + ask.format("order_no < 3")), "0A000")


@step
def cancel():
    with Terminal() as t:
        for sql in ("SELECT pg_sleep(8);", f"SELECT pg_sleep(8) FROM users WHERE user_id = {high(0)};",
                    "SELECT count(pg_sleep(8)) FROM users WHERE age = 0;"):
            start = time.monotonic()
            t.type(sql)
            time.sleep(0.4)  # it sleeps, and nothing tells when it has begun
            t.interrupt()
            t.until("canceling statement due to user request[^$]*=> ")
            check(time.monotonic() - start < 4, "cancelled late")
            t.type(who(low(0)).strip())
            t.until(re.escape(lines([row(low(0))])) + "[^$]*=> ")


@step
def recovery():
    again = f"INSERT INTO users (user_id) VALUES ({high(0)});\n"
    text = psql(again + who(high(0)) + "BEGIN;\n" + who(high(1)) + "SAVEPOINT a;\n" + again + who(high(1)) + "ROLLBACK TO a;\n" +
                who(high(2)) + "COMMIT;\n")
    same(re.findall(r"ERROR:  (\w+)", text), ["23505", "23505", "25P02"])
    same([int(user) for user in re.findall(r"^(\d+)\|p\1\|", text, flags=re.M)], [high(0), high(1), high(2)])


@step
def types():
    for user in (low(5), high(5)):
        same(psql(f"""INSERT INTO things ({", ".join(THING)}) VALUES ({user}, 1, 12345678901234567890.0123456789, '2024-02-29 23:59:59.999999+00',
                        '\\x00ff27', '{{1,NULL,-3}}', '{{"a": [1, "ž"]}}', 'Žluť 🐎 \\ '' "'), ({user}, 2);
                      SET timezone = 'Asia/Kathmandu';
                      SELECT * FROM things WHERE user_id = {user} ORDER BY thing_no;
                      DELETE FROM things WHERE user_id = {user}""".replace(f", ({user}, 2)", f", ({user}, 2" + ", NULL" * 6 + ")")),
             f"{user}|1|12345678901234567890.0123456789|2024-03-01 05:44:59.999999+05:45|\\x00ff27|{{1,NULL,-3}}|"
             f'{{"a": [1, "ž"]}}|Žluť 🐎 \\ \' "\n{user}|2||||||\n')


@step
def megabyte():
    for user in (low(6), high(6)):
        note = f"{user} ".ljust(NOTE, "m")
        same(psql(f"""INSERT INTO orders (user_id, order_no, note) VALUES ({user}, 9, '{note}');
                      SELECT user_id, note FROM orders WHERE user_id = {user} AND order_no = 9;
                      DELETE FROM orders WHERE user_id = {user} AND order_no = 9"""), f"{user}|{note}\n")


@step
def concurrent():
    users = [[either(number * 7 + i) for i in range(200)] for number in range(8)]
    running = [subprocess.Popen([*PSQL, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                text=True) for _ in users]
    for process, some in zip(running, users):
        process.stdin.write("".join(map(who, some)))
        process.stdin.close()
    for process, some in zip(running, users):
        got = process.stdout.read()
        process.wait()
        same(got, lines(map(row, some)))


@step
def copy_refused_at_once():
    # The node refuses FREEZE right behind its CopyInResponse, while psql sends rows already.
    script = "COPY settings FROM STDIN (FREEZE);\na\t1\nb\t2\n\\.\nSELECT 7;\n"
    for _ in range(10):
        text = psql(script)
        check("ERROR:  55000:" in text and text.endswith("\n7\n"), text)


@step
def describe():
    text = psql("\\d")
    for name in ("users", "orders", "countries"):
        check(f"public|{name}|table|" in text, text)
    text = psql("\\d users", "-P", "tuples_only=off")
    check("user_id|bigint||not null|" in text and "PRIMARY KEY, btree (user_id)" in text, text)
    check("domicile_gateway|" in psql("\\du") and "shop|" in psql("\\l"), "no roles or no databases")


@step
def watch():
    with Terminal() as t:
        t.type(who(low(3)).rstrip(";\n") + " \\watch 0.1")
        for _ in range(3):
            t.until(re.escape(lines([row(low(3))])))
        t.interrupt()
        t.until("=> ")
        t.type(who(high(3)).strip())
        t.until(re.escape(lines([row(high(3))])))


@step
def gset():
    same(psql(f"SELECT user_id AS u, name AS n FROM users WHERE user_id = {high(4)} \\gset\n"
              "SELECT user_id, name, checksum FROM users WHERE user_id = :u AND name = :'n';\n"
              f"SELECT 'SELECT ' || user_id FROM users WHERE user_id IN ({low(4)}, {high(4)}) ORDER BY user_id \\gexec\n"),
         lines([row(high(4)), (low(4),), (high(4),)]))


@step
def isolation():
    level = f"BEGIN; SELECT count(*) FROM users WHERE user_id = {high(0)}; SHOW transaction_isolation; COMMIT;\n"
    same(psql("SET default_transaction_isolation = 'repeatable read';\n" + level +
              "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE;\n" + level),
         "1\nrepeatable read\n1\nserializable\n")


@step
def script_of_one_transaction():
    text = psql(f"INSERT INTO orders (user_id, order_no, total, note) VALUES ({low(7)}, 8, 1, 'x');\nSELECT 1 / 0;\n", "-1", "-v", "ON_ERROR_STOP=1")
    check("22012" in text, text)
    same(psql(f"SELECT count(*) FROM orders WHERE user_id = {low(7)} AND order_no = 8"), "0\n")


main()
