"""instructions: what a point read costs in user space, on any machine: callgrind's totals of two runs with N and 2 N reads
by one client, their difference divided by N, so that start and login do not count."""
import pathlib
import re
import tempfile

from fleet import give, pgbouncer_prepares
from measure import Failed, pgbench, say
from parts.points import PROTOCOLS, READ, cannot
from report import Goal, Row

# What the lightest of the poolers that understand the protocol needs (Odyssey): the door routes and checks residency on top.
MOST = {"simple": 7_976, "extended": 18_707, "prepared": 14_899}


def total(bench, start, protocol, transactions):
    with tempfile.TemporaryDirectory(dir=bench.fleet.folder) as folder:
        give(folder)
        out = pathlib.Path(folder, "callgrind")
        valgrind = ["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}"]
        with start(wrap=valgrind) as server:
            done = pgbench(server.port, server.login, READ, protocol, 1, transactions=transactions, log=False)
        found = re.search(r"^(?:summary|totals): (\d+)", out.read_text() if out.exists() else "", re.M)
        if not found or done["transactions"] != transactions:
            raise Failed(f"callgrind wrote no total for {protocol}")
        return int(found[1])


def measure(bench):
    count = 1_000 if bench.quick else 4_000
    for protocol in PROTOCOLS:
        figures = {}
        for name, start in (("door", bench.fleet.gateway), ("pgbouncer", bench.fleet.pgbouncer)):
            if name == "pgbouncer" and protocol == "prepared" and not pgbouncer_prepares():
                continue
            say(f"instructions: {protocol}, {name}, {count} and {2 * count} reads")
            figures[name] = (total(bench, start, protocol, 2 * count) - total(bench, start, protocol, count)) / count
        note = cannot(protocol) if "pgbouncer" not in figures else ""
        yield Row("instructions", f"read, {protocol}, 1 client", "user-space instructions a statement", [figures["door"]],
                  [figures["pgbouncer"]] if "pgbouncer" in figures else [],
                  goal=Goal(most=MOST[protocol], unit="instructions"), note=note)
