"""login: CPU of the proxy for one SCRAM login. idle: memory that an idle client costs it."""
import contextlib
import time

from measure import alternately, cpu_us, memory_kib, say
from peers import pgbouncer
from report import Goal, Row


def measure_login(bench):
    count = 100 if bench.quick else 500
    say(f"login: {count} logins, {bench.rounds} round(s)")

    def side(server):
        before = cpu_us(server.pid)
        for _ in range(count):
            server.connect().close()
        return {"cpu_us": (cpu_us(server.pid) - before) / count}

    servers = {"door": bench.fleet.door, "pgbouncer": bench.pgbouncer}
    results = alternately({name: lambda one=server: side(one) for name, server in servers.items()}, bench.rounds)
    yield Row("login", "SCRAM-SHA-256, one after the other", "CPU µs a login", [r["cpu_us"] for r in results["door"]],
              [r["cpu_us"] for r in results["pgbouncer"]], goal=Goal(most=150, unit="µs"), rounds=results)


def measure_idle(bench):
    count = 500 if bench.quick else 2_000
    figures = {}
    for name, start in (("door", bench.fleet.gateway), ("pgbouncer", lambda: pgbouncer(bench.fleet))):
        say(f"idle: {count} clients of {name}")
        with start() as server, contextlib.ExitStack() as clients:
            # Buffers that one client makes and all share are not the price of a client.
            server.connect().close()
            time.sleep(0.5)
            empty = memory_kib(server.pid)
            connections = [clients.enter_context(server.connect()) for _ in range(count)]
            time.sleep(1)
            idle = memory_kib(server.pid)
            for one in connections:
                one.query("SELECT balance FROM accounts WHERE user_id = 1")
            time.sleep(1)
            used = memory_kib(server.pid)
        figures[name] = {"empty_kib": empty, "idle_kib": idle, "used_kib": used, "after_login": (idle - empty) / count,
                         "after_query": (used - empty) / count}
    for key, case in (("after_login", "after login"), ("after_query", "after a query each")):
        whole = "idle_kib" if key == "after_login" else "used_kib"
        yield Row("idle", f"{count:,} idle clients, {case}", "KiB a client (PSS)", [figures["door"][key]],
                  [figures["pgbouncer"][key]], goal=Goal(most=8, unit="KiB"), rounds=figures,
                  note=f"whole process {figures['door'][whole] / 1024:.1f} / {figures['pgbouncer'][whole] / 1024:.1f} MiB")
