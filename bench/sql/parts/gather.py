"""gather: reads over two shards by the door, against postgres_fdw on a third cluster whose RANGE partitions are foreign
tables on the same two nodes."""
from measure import Failed, alternately, median, pgbench, say
from report import Goal, Row, beside

QUERIES = {
    "count(*)": "SELECT count(*) FROM entries",
    "sum … GROUP BY": "SELECT kind, sum(amount), count(*) FROM entries GROUP BY kind ORDER BY kind",
    "ORDER BY … LIMIT 20": "SELECT user_id, entry, amount FROM entries ORDER BY amount DESC, user_id, entry LIMIT 20",
    "ORDER BY (index) … LIMIT 20": "SELECT user_id, entry, stamp FROM entries ORDER BY stamp DESC LIMIT 20",
}
USERS = 100_000
ENTRIES = 4  # of each user
SCHEMA = """CREATE TABLE entries (user_id bigint NOT NULL, entry bigint NOT NULL, kind integer NOT NULL, amount bigint NOT NULL,
    stamp bigint NOT NULL, note text NOT NULL, PRIMARY KEY (user_id, entry));
CREATE INDEX entries_stamp ON entries (stamp);
"""
# Rows a cursor brings at once. For whole tables many are better, for the first twenty few: each query gets the better one.
FETCH_SIZES = (100, 10_000)
FAIR = "-c enable_partitionwise_aggregate=on -c enable_partitionwise_join=on"


def fill(fleet, shards):
    width = USERS // shards
    for shard in range(shards):
        with fleet.node(shard, "domicile_owner").connect(600) as node:
            node.query(f"""INSERT INTO entries
                SELECT u, e, (u * 7 + e) % 20, (u * 7919 + e * 104729) % 1000003, (u * {ENTRIES} + e) * 48271 % 2147483647,
                       'entry ' || e || ' of user ' || u
                FROM generate_series({shard * width}::bigint, {(shard + 1) * width - 1}) AS u,
                     generate_series(1, {ENTRIES}) AS e""")
            node.query("VACUUM ANALYZE entries")


def foreign_tables(plain, fleet, shards):
    """One schema for each fetch size, in each the same partitioned table."""
    width = USERS // shards
    with plain.connect(600) as cluster:
        cluster.query("CREATE EXTENSION postgres_fdw")
        for shard in range(shards):
            node = fleet.node(shard)
            cluster.query(f"""CREATE SERVER s{shard} FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '127.0.0.1',
                port '{node.port}', dbname '{node.login.database}', use_remote_estimate 'true', async_capable 'true')""")
            cluster.query(f"CREATE USER MAPPING FOR {plain.login.user} SERVER s{shard} OPTIONS (user '{node.login.user}', "
                          f"password '{node.login.password}')")
        for size in FETCH_SIZES:
            cluster.query(f"CREATE SCHEMA fetch_{size}")
            cluster.query(f"""CREATE TABLE fetch_{size}.entries (user_id bigint NOT NULL, entry bigint NOT NULL,
                kind integer NOT NULL, amount bigint NOT NULL, stamp bigint NOT NULL, note text NOT NULL)
                PARTITION BY RANGE (user_id)""")
            for shard in range(shards):
                cluster.query(f"""CREATE FOREIGN TABLE fetch_{size}.entries_{shard} PARTITION OF fetch_{size}.entries
                    FOR VALUES FROM ({shard * width}) TO ({(shard + 1) * width}) SERVER s{shard}
                    OPTIONS (schema_name 'public', table_name 'entries', fetch_size '{size}')""")
            cluster.query(f"ANALYZE fetch_{size}.entries")


def measure(bench):
    fleet, plain = bench.fleet, bench.plain
    say("gather: filling two shards, making foreign tables over them")
    fill(fleet, 2)
    foreign_tables(plain, fleet, 2)
    seconds = 3 if bench.quick else 8

    def door(sql, clients, seconds):
        return pgbench(fleet.door.port, fleet.door.login, sql + ";\n", "simple", clients, seconds, pid=fleet.door.pid)

    def fdw(sql, clients, seconds, size):
        return pgbench(plain.port, plain.login, sql + ";\n", "simple", clients, seconds,
                       options=f"{FAIR} -c search_path=fetch_{size}")

    for name, sql in QUERIES.items():
        with fleet.door.connect() as one, plain.connect() as other:
            other.query(f"SET search_path = fetch_{FETCH_SIZES[0]}")
            if one.query(sql) != other.query(sql):
                raise Failed(f"the door and postgres_fdw answer {sql} differently")
        best = max(FETCH_SIZES, key=lambda size: fdw(sql, 1, 2, size)["tps"])
        for clients in (1,) if bench.quick else (1, 8):
            say(f"gather: {name}, {clients} client(s)")
            results = alternately({"door": lambda: door(sql, clients, seconds), "fdw": lambda: fdw(sql, clients, seconds, best)},
                                  bench.rounds)
            cost = f", door's CPU {median(results['door'], 'cpu_us'):,.0f} µs" if "cpu_us" in results["door"][0] else ""
            yield Row("gather", f"{name}, {clients} client{'s' if clients > 1 else ''}", "queries a second",
                      [r["tps"] for r in results["door"]], [r["tps"] for r in results["fdw"]], rival_name="postgres_fdw",
                      goal=Goal(least=3.0), rounds=results,
                      note=f"{beside(results, 'fdw', 'p50_us')}, fetch_size {best}{cost}")
