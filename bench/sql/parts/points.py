"""points: reads and small write transactions by user id, the door and PgBouncer in turns before the same node.
calls: system calls of the same reads. threads: one thread of the door against two."""
from fleet import NODE_CONNECTIONS
from measure import Idle, alternately, median, pgbench, say, system_calls
from peers import pgbouncer_prepares, pgbouncer_version
from report import Goal, Row, beside

USERS = 100_000
READ = f"\\set id random(1, {USERS - 1})\nSELECT balance FROM accounts WHERE user_id = :id;\n"
WRITE = (f"\\set id random(1, {USERS - 1})\nBEGIN;\nUPDATE accounts SET balance = balance + 1 WHERE user_id = :id;\n"
         "SELECT balance FROM accounts WHERE user_id = :id;\nCOMMIT;\n")
PROTOCOLS = ("simple", "extended", "prepared")
NO_FREE_CORE = 1.0  # idle cores below which a second thread has nowhere to run


def sides(bench, protocol):
    """The door's own process and PgBouncer, where it can. 1.18 knows no prepared statements in transaction mode."""
    able = protocol != "prepared" or pgbouncer_prepares()
    return {"door": bench.fleet.door, **({"pgbouncer": bench.pgbouncer} if able else {})}


def cannot(protocol):
    return f"{pgbouncer_version()} has no prepared statements here (from 1.21)" if protocol == "prepared" else ""


def cells(quick):
    if quick:
        return [("read", p, 8) for p in PROTOCOLS] + [("read", "simple", 32), ("write", "simple", 8)]
    return ([("read", p, c) for c in (1, 8, 32, 128) for p in PROTOCOLS] +
            [("write", p, c) for c in (8, 32) for p in PROTOCOLS])


def measure(bench):
    seconds = 3 if bench.quick else 6
    for kind, protocol, clients in cells(bench.quick):
        script, statements = (READ, 1) if kind == "read" else (WRITE, 4)
        say(f"points: {kind}, {protocol}, {clients} clients, {bench.rounds} round(s) of {seconds} s each")
        servers = sides(bench, protocol)
        results = alternately(
            {name: lambda one=server: pgbench(one.port, one.login, script, protocol, clients, seconds, pid=one.pid)
             for name, server in servers.items()}, bench.rounds)
        cost = {name: [one["cpu_us"] / statements for one in all_] for name, all_ in results.items()}
        note = beside(results, "pgbouncer", "tps", "p99_us")
        if "pgbouncer" not in servers:
            note = f"{note}; {cannot(protocol)}"
        case = f"{kind}, {protocol}, {clients} client{'s' if clients > 1 else ''}"
        yield Row("points", case, "CPU µs a statement", cost["door"],
                  cost.get("pgbouncer", []), goal=Goal(most=1.0), note=note, rounds=results)


def measure_calls(bench):
    seconds = 2 if bench.quick else 4
    for clients, most in ((8, 5.0), (32, 5.5)):
        say(f"calls: simple reads, {clients} clients")
        counted, by = {}, ""
        for name, server in sides(bench, "simple").items():
            result = {}
            calls, by = system_calls(server.pid, lambda one=server, into=result: into.update(
                pgbench(one.port, one.login, READ, "simple", clients, seconds, log=False)))
            counted[name] = calls / result["transactions"]
        yield Row("calls", f"read, simple, {clients} clients", "system calls a statement", [counted["door"]],
                  [counted["pgbouncer"]], goal=Goal(most=most, unit="calls"), note=f"counted by {by}")


def measure_threads(bench):
    seconds = 3 if bench.quick else 6
    with bench.fleet.gateway(1) as one, bench.fleet.gateway(2) as two:
        for protocol in ("simple", "prepared"):
            say(f"threads: {protocol}, 32 clients")
            idle = []

            def side(server):
                with Idle() as rest:
                    result = pgbench(server.port, server.login, READ, protocol, 32, seconds, pid=server.pid)
                idle.append(rest.cores)
                return dict(result, idle_cores=rest.cores)

            results = alternately({"one": lambda: side(one), "door": lambda: side(two)}, bench.rounds)
            free = median(results["one"], "idle_cores")
            judged = free >= NO_FREE_CORE
            note = f"{free:.1f} cores idle with one thread" + ("" if judged else ": no core free, not judged")
            yield Row("threads", f"read, {protocol}, 32 clients, 2 × {NODE_CONNECTIONS // 2} node connections", "tps",
                      [r["tps"] for r in results["door"]], [r["tps"] for r in results["one"]],
                      rival_name="one thread", goal=Goal(least=1.5), note=note, judged=judged, rounds=results)
