"""pgbench with scripts of our own, in its three protocols. A script stops the client with an error where a row is another's."""
import os
import subprocess
import tempfile

from steps import BASE, FIXTURES, NOBODY, SCRATCH, STRANGER, check, everyone, low, high, main, step

PGBENCH = "/usr/lib/postgresql/15/bin/pgbench"
PROTOCOLS = ("simple", "extended", "prepared")
# `u` becomes a user of either shard, in turns by chance.
ANYONE = f"\\set u {BASE} + random(0, 1) * 1000 + random(0, 29)\n"
READ = "SELECT user_id AS got, checksum AS sum FROM users WHERE user_id = :u \\gset\n"
WRONG = "\\if :got <> :u or :sum <> :u * 7919 + 13\nSELECT wrong_row_of_another_user;\n\\endif\n"


def pgbench(script, clients=4, each=25, protocols=PROTOCOLS, options=(), refused=None):
    with tempfile.NamedTemporaryFile("w", suffix=".sql") as file:
        file.write(script)
        file.flush()
        for protocol in protocols:
            # One thread a client: pgbench prepares synchronously, and a client must not wait for its own neighbour.
            done = subprocess.run([PGBENCH, "-n", "-M", protocol, "-c", str(clients), "-j", str(clients), "-t", str(each),
                                   *options, "-f", file.name], capture_output=True, text=True, timeout=60)
            text = done.stderr + done.stdout
            if refused:
                check(done.returncode != 0 and refused in text, f"{protocol}: {text[:300]}")
            else:
                processed = f"actually processed: {clients * each}/{clients * each}"
                check(done.returncode == 0 and processed in text, f"{protocol}: {text[:300]}")


@step
def connect():
    # A connection for every transaction.
    pgbench(ANYONE + READ + WRONG, each=10, options=["-C"])
    done = subprocess.run([PGBENCH, "-n", "-t", "1", "-S"], capture_output=True, text=True, env=dict(os.environ, PGPASSWORD="wrong"))
    check("password authentication failed" in done.stderr, done.stderr)


@step
def crud():
    pgbench(f"""\\set u {BASE} + {SCRATCH} + :client_id + random(0, 1) * 1000
        INSERT INTO users (user_id, name) VALUES (:u, 'new');
        UPDATE users SET checksum = :u * 7919 + 13 WHERE user_id = :u;
        {READ}{WRONG}DELETE FROM users WHERE user_id = :u;
        """)


@step
def in_two_shards():
    pgbench(f"""\\set a {BASE} + random(0, {FIXTURES - 1})
        \\set b :a + 1000
        SELECT min(user_id) AS a2, max(user_id) AS b2, sum(checksum) AS sum FROM users WHERE user_id IN (:a, :b) \\gset
        \\if :a2 <> :a or :b2 <> :b or :sum <> (:a + :b) * 7919 + 26
        SELECT wrong_rows;
        \\endif
        """)


@step
def gather_order():
    pgbench(f"""\\set u {BASE} + random(0, {FIXTURES - 1})
        SELECT user_id AS got, checksum AS sum FROM users WHERE user_id IN (:u, :u + 1000) ORDER BY user_id LIMIT 1 \\gset
        {WRONG}""")


@step
def aggregate():
    pgbench(f"""SELECT count(*) AS n FROM users WHERE age >= 0 \\gset
        \\if :n <> {len(everyone())}
        SELECT wrong_count;
        \\endif
        """, each=20)


@step
def insert_split():
    pgbench(f"""\\set a {BASE} + {SCRATCH} + 10 + :client_id
        \\set b :a + 1000
        INSERT INTO users (user_id, name) VALUES (:b, 's'), (:a, 's');
        DELETE FROM users WHERE user_id IN (:a, :b);
        """, each=10)


@step
def transaction():
    pgbench(f"""{ANYONE}BEGIN;
        {READ}{WRONG}UPDATE accounts SET balance = balance + 1 WHERE user_id = :u;
        UPDATE orders SET note = 'b' WHERE user_id = :u AND order_no = 1;
        COMMIT;
        """)


@step
def read_first():
    pgbench(f"""{ANYONE}BEGIN;
        SELECT count(*) FROM countries;
        {READ}{WRONG}UPDATE accounts SET balance = balance + 1 WHERE user_id = :u;
        COMMIT;
        """, each=20)
    pgbench(f"""{ANYONE}\\startpipeline
        BEGIN;
        SELECT checksum FROM users WHERE user_id = :u;
        UPDATE accounts SET balance = balance + 1 WHERE user_id = :u;
        COMMIT;
        \\endpipeline
        """, each=20, protocols=["extended", "prepared"])


@step
def multi_shard():
    pairs = BASE + 30  # of nobody else
    both = f"""\\set a {pairs} + :client_id
        \\set b :a + 1000
        BEGIN;
        UPDATE accounts SET balance = balance + 1 WHERE user_id = :a;
        UPDATE accounts SET balance = balance - 1 WHERE user_id = :b;
        COMMIT;
        """
    pgbench(both, clients=1, each=1, refused="multi_shard = on")
    for protocol in PROTOCOLS:
        pgbench("SET domicile.multi_shard = on;\n" + both, each=10, protocols=[protocol])
        pgbench(f"""SET domicile.read = 'writer';
            SELECT min(balance) AS least, max(balance) AS most, sum(balance) AS sum FROM accounts
             WHERE user_id BETWEEN {pairs} AND {pairs + 3} OR user_id BETWEEN {pairs + 1000} AND {pairs + 1003} \\gset
            \\if :sum <> 0 or :least <> -:most or :most < 10
            SELECT money_was_made_or_lost;
            \\endif
            """, clients=1, each=1, protocols=["simple"])


@step
def refused_abroad():
    pgbench(f"SELECT name FROM users WHERE user_id = {STRANGER};\n", clients=1, each=1, refused="this gateway serves eu only")


@step
def refused_range():
    pgbench(f"SELECT name FROM users WHERE user_id = {NOBODY};\n", clients=1, each=1, refused="range")


@step
def prepared():
    pgbench(f"\\set u {low(0)}\n{READ}{WRONG}\\set u {high(0)}\n{READ}{WRONG}" * 5, clients=1, each=10, protocols=["prepared"])


@step
def pipeline():
    pgbench(f"""\\set a {BASE} + random(0, {FIXTURES - 1})
        \\set b :a + 1000
        \\startpipeline
        UPDATE accounts SET balance = balance + 1 WHERE user_id = :a;
        SELECT checksum FROM users WHERE user_id = :a;
        \\endpipeline
        \\startpipeline
        UPDATE accounts SET balance = balance + 1 WHERE user_id = :b;
        SELECT checksum FROM users WHERE user_id = :b;
        \\endpipeline
        \\startpipeline
        SELECT checksum FROM users WHERE user_id = :a;
        SELECT checksum FROM users WHERE user_id = :b;
        SELECT checksum FROM users WHERE user_id = :a;
        \\endpipeline
        """, protocols=["extended", "prepared"])


@step
def own_writes():
    # Some seconds of it: the moments when a reader seems to have caught up are what matters.
    read = """SELECT balance AS got FROM accounts WHERE user_id = :u \\gset
        \\if :got <> :balance
        SELECT missed_what_this_session_wrote;
        \\endif
        SELECT count(*) AS got FROM accounts WHERE user_id IN (:u, :v) AND balance = :balance \\gset
        \\if :got < 1
        SELECT missed_what_this_session_wrote_when_gathered;
        \\endif
        """
    pgbench(f"""\\set u {BASE} + 10 + :client_id
        \\set v :u + 1000
        UPDATE accounts SET balance = balance + 1 WHERE user_id = :u RETURNING balance \\gset
        """ + read * 10, each=60, protocols=["simple"])


@step
def concurrent():
    pgbench(ANYONE + READ + WRONG, clients=8, each=200)


main()
