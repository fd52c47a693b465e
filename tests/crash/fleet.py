"""A fleet of two jurisdictions on free ports, for what runs outside the C++ tests."""
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
PSQL = "/usr/lib/postgresql/15/bin/psql"
WRITERS = {"eu-1": ("eu-1.eu-west-1.w", range(1, 40)), "uk-1": ("uk-1.eu-west-2.w", range(1001, 1040))}


class Failed(Exception):
    pass


def free_ports(count):
    """A block below the range the kernel hands out to clients."""
    first = 20_000 + os.getpid() * 41 % 9_000
    while True:
        first += count
        try:
            for port in range(first, first + count):
                with socket.socket() as one:
                    one.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue


class Fleet:
    def __init__(self, binary, folder, source=HERE):
        self.binary, self.state = binary, folder / "state"
        self.topology = folder / "domicile.toml"
        shutil.copytree(source / "schema", folder / "schema")
        # Where a worker dies next (src/base/control_point.hpp); it may take the file away.
        (folder / "fate").mkdir()
        (folder / "fate").chmod(0o777)
        self.fate = folder / "fate/at"
        os.environ["DOMICILE_DIE_AT"] = str(self.fate)
        first = free_ports(24)
        text = re.sub(r"@(\d)@", lambda found: str(first + int(found[1])), (source / "domicile.toml").read_text())
        self.topology.write_text(text)
        self.logins = {}
        self.port = {}

    def domicile(self, *words, check=True, **more):
        done = subprocess.run([self.binary, *words, "-t", self.topology, "--state", self.state], capture_output=True, text=True,
                              timeout=180, **more)
        if check and done.returncode != 0:
            raise Failed(f"{' '.join(words)}:\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self):
        self.domicile("up", "--detach")
        status = json.loads(self.domicile("status", "--json"))
        for shard in status["shards"]:
            self.port[shard["name"]] = shard["writer"]["address"].rpartition(":")[2]
        self.port["central"] = status["central"]["address"].rpartition(":")[2]
        for scope in ("eu", "uk", "central"):
            self.logins[scope] = json.loads(self.domicile("secret", "get", "db/domicile_owner", "-j", scope))

    def psql(self, place, *more):
        login = self.logins["central" if place == "central" else place.partition("-")[0]]
        return ([PSQL, "-XqAt", "-h", "127.0.0.1", "-p", self.port[place], "-U", login["username"], *more, "shop"],
                dict(os.environ, PGPASSWORD=login["password"], PGCONNECT_TIMEOUT="3"))

    def ask(self, place, statement):
        command, environment = self.psql(place, "-v", "ON_ERROR_STOP=1", "-c", statement)
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, env=environment)
        if done.returncode != 0:
            raise OSError(done.stderr)
        return done.stdout.strip()

    def victims(self):
        for kind, names in (("worker", ("worker.eu-west-1", "worker.eu-central-1", "worker.eu-west-2")),
                            ("gateway", ("gateway.eu-west-1",))):
            for name in names:
                yield kind, self.state / "run" / f"{name}.pid"
        for node in [node for node, _ in WRITERS.values()] + ["central"]:
            yield "postgres", self.state / "nodes" / node / "data" / "postmaster.pid"
