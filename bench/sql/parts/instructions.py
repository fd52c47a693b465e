"""instructions: what a point read costs in user space, on any machine: callgrind's totals of two runs with N and 2 N reads
by one client, their difference divided by N, so that start and login do not count. What the servers do by the clock is in
it (the door's probes: 20 000 instructions a second, a few a read)."""
import pathlib
import re
import tempfile
import time

from fleet import give
from measure import Failed, pgbench, say
from parts.points import PROTOCOLS, READ, cannot
from peers import pgbouncer, pgbouncer_prepares
from report import Goal, Row

# What the lightest of the poolers that understand the protocol needs (Odyssey): the door routes and checks residency on top.
MOST = {"simple": 7_976, "extended": 18_707, "prepared": 14_899}
# The door's first look for transactions left over comes after 5 s and opens node connections. The sums of a SCRAM login
# cost as much as a thousand reads, so that must be over before, in both runs.
SETTLED_SECONDS = 8


def total(fleet, start, protocol, reads):
    """Instructions from start to end of a server that answers so many reads."""
    with tempfile.TemporaryDirectory(dir=fleet.folder) as folder:
        give(folder)
        out = pathlib.Path(folder, "callgrind")
        with start(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]) as server:
            time.sleep(SETTLED_SECONDS)
            pgbench(server.port, server.login, READ, protocol, 1, transactions=reads, log=False)
        found = re.search(r"^(?:summary|totals): (\d+)", out.read_text() if out.exists() else "", re.M)
        if not found:
            raise Failed("callgrind wrote no total")
        return int(found[1])


def measure(bench):
    reads, fleet = 1_000 if bench.quick else 4_000, bench.fleet
    servers = {"door": lambda wrap: fleet.gateway(wrap=wrap), "pgbouncer": lambda wrap: pgbouncer(fleet, wrap)}
    for protocol in PROTOCOLS:
        figures = {}
        for name, start in servers.items():
            if name == "door" or protocol != "prepared" or pgbouncer_prepares():
                say(f"instructions: {protocol}, {name}, {reads} and {2 * reads} reads")
                figures[name] = [(total(fleet, start, protocol, 2 * reads) - total(fleet, start, protocol, reads)) / reads]
        yield Row("instructions", f"read, {protocol}, 1 client", "user-space instructions a statement", figures["door"],
                  figures.get("pgbouncer", []), goal=Goal(most=MOST[protocol], unit="instructions"),
                  note="" if "pgbouncer" in figures else cannot(protocol))
