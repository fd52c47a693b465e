"""copy: COPY FROM STDIN through the door, which splits the rows over two shards and commits in two phases, against one
direct COPY of the same bytes into one cluster."""
import os
import time

from measure import Failed, alternately, cpu_us, median, say
from report import Goal, Row

# One column of each usual kind, users in no order, so that every message holds rows of both shards.
SCHEMA = """CREATE TABLE loads (user_id bigint NOT NULL, row_no bigint NOT NULL, amount numeric(12, 2) NOT NULL,
    created_at timestamptz NOT NULL, note text NOT NULL, PRIMARY KEY (user_id, row_no));
"""
ROWS = """SELECT (i * 7919) % 100000, i, (((i * 31) % 1000000)::numeric / 100)::numeric(12, 2),
    timestamptz '2026-01-01' + i * interval '1 s', 'row ' || i || ' with a note' FROM generate_series(1::bigint, {}) AS i"""
FORMATS = ("text", "csv", "binary")
CORES = 4  # client, gateway and two nodes; with fewer, a second node has nowhere to run


def bytes_of(plain, rows, format_):
    """The rows as PostgreSQL itself writes them."""
    return plain.copy_out(f"COPY ({ROWS.format(rows)}) TO STDOUT (FORMAT {format_})")


def measure(bench):
    rows = 100_000 if bench.quick else 1_000_000
    fleet, plain = bench.fleet, bench.plain
    with plain.connect(600) as cluster:
        cluster.query(SCHEMA)
        cluster.query("SET timezone = 'UTC'")
        data = {format_: bytes_of(cluster, rows, format_) for format_ in FORMATS}

    def clean():
        for role, statement in (("domicile_owner", "TRUNCATE loads"), ("postgres", "CHECKPOINT")):
            fleet.everywhere(statement, role=role)
        with plain.connect(600) as cluster:
            cluster.query("TRUNCATE loads")
            cluster.query("CHECKPOINT")

    def side(server, format_):
        clean()
        with server.connect(600) as connection:
            before = cpu_us(server.pid) if server.pid else 0
            started = time.monotonic()
            tag = connection.copy_in(f"COPY loads FROM STDIN (FORMAT {format_})", data[format_])
            seconds = time.monotonic() - started
            cpu = (cpu_us(server.pid) - before) / rows if server.pid else 0
            found = connection.query("SELECT count(*), sum(row_no) FROM loads")[0]
        if tag != f"COPY {rows}" or found != (str(rows), str(rows * (rows + 1) // 2)):
            raise Failed(f"COPY said {tag}, the tables hold {found}")
        return {"rows_s": rows / seconds, "cpu_us": cpu}

    enough = os.cpu_count() >= CORES
    for format_ in FORMATS:
        say(f"copy: {format_}, {rows:,} rows ({len(data[format_]) / 1e6:.0f} MB)")
        results = alternately({"door": lambda: side(fleet.door, format_), "direct": lambda: side(plain, format_)}, bench.rounds)
        note = f"door's CPU {median(results['door'], 'cpu_us'):.2f} µs a row"
        note += "" if enough else f"; {os.cpu_count()} cores, so ≥ 0.9 × is asked instead of ≥ 1.5 ×"
        yield Row("copy", f"{format_}, {rows:,} rows over 2 shards", "rows a second", [r["rows_s"] for r in results["door"]],
                  [r["rows_s"] for r in results["direct"]], rival_name="one direct COPY",
                  goal=Goal(least=1.5 if enough else 0.9), note=note, rounds=results)
