"""What is measured: the door with its nodes. Everything listens on loopback, lives in one folder under /var/tmp, and is
stopped when its `with` block ends, however it ends."""
import contextlib
import dataclasses
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

from measure import Failed, say
from wire import Connection

ROOT = pathlib.Path(__file__).resolve().parents[2]
DATABASE = "bench"
NODE_CONNECTIONS = 8


@dataclasses.dataclass
class Login:
    user: str
    password: str
    database: str = DATABASE


@dataclasses.dataclass
class Server:
    """Something that speaks PostgreSQL's protocol; `pid` of the process whose CPU is counted."""
    port: int
    login: Login
    pid: int = 0

    def connect(self, timeout=60):
        return Connection(self.port, self.login.user, self.login.password, self.login.database, timeout)


def free_ports(count):
    """Ports in a row, below the ephemeral ones, so that no outgoing connection takes them meanwhile."""
    for _ in range(200):
        first = random.randrange(20000, 30000)
        with contextlib.ExitStack() as stack:
            try:
                for port in range(first, first + count):
                    stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return list(range(first, first + count))
    raise Failed("found no free ports")


def as_server(*command):
    """PostgreSQL and PgBouncer refuse to run as root."""
    change = ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups"] if os.geteuid() == 0 else []
    return [*change, *map(str, command)]


def give(*paths):
    if os.geteuid() == 0:
        for path in paths:
            shutil.chown(path, "postgres", "postgres")


def run(*command, **options):
    done = subprocess.run([str(one) for one in command], text=True, capture_output=True, **options)
    if done.returncode != 0:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


@contextlib.contextmanager
def process(command, log, server, patience, ends_by=signal.SIGTERM):
    """Runs a server until the block ends. A session of its own: Ctrl-C is for us, who then stop it in order."""
    with open(log, "ab") as out:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/")
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                with server.connect() as connection:
                    connection.query("SELECT 1")
                break
            except (OSError, Failed) as error:
                if running.poll() is not None or time.monotonic() > deadline:
                    raise Failed(f"{command} does not serve: {error}\n{pathlib.Path(log).read_text()[-2000:]}") from error
                time.sleep(0.1)
        server.pid = running.pid  # setpriv and valgrind become what they start
        yield server
    finally:
        running.send_signal(ends_by)
        try:
            running.wait(20)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


class Fleet:
    """`domicile up` of one region with `shards` shards of `users` user ids in all; the first table holds the people."""

    def __init__(self, domicile, schema, shards, users, tables):
        self._domicile, self._shards, self._users, self._tables = domicile, shards, users, tables
        # Not in /tmp, which may be memory.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="domicile-bench-sql.", dir="/var/tmp"))
        self.folder.chmod(0o755)
        (self.folder / "schema").mkdir()
        (self.folder / "schema/0001_bench.sql").write_text(schema)
        self.state = self.folder / "state"
        self._http, self._sql, *self.node_ports = free_ports(2 + shards)
        self._topology = self.folder / "domicile.toml"
        self._topology.write_text(self._text(self._http, self._sql, 1, NODE_CONNECTIONS))

    def _text(self, http, sql, threads, connections):
        width = self._users // self._shards
        shards = "".join(f'[shards.s{i}]\nranges = [[{i * width}, {(i + 1) * width}]]\nwriter = "r1"\n'
                         for i in range(self._shards))
        tables = "".join(f'[tables.{name}]\nkey = "user_id"\n' for name in self._tables[1:])
        return f'''name = "bench"
[database]
name = "{DATABASE}"
migrations = "schema"
[jurisdictions.eu]
rest_of_world = true
[regions.r1]
jurisdiction = "eu"
writer = true
http = "127.0.0.1:{http}"
sql = "127.0.0.1:{sql}"
{shards}[embedded]
first_port = {self.node_ports[0]}
durable = false
[tables.{self._tables[0]}]
key = "user_id"
person = true
{tables}[limits]
gateway_threads = {threads}
node_connections_max = {connections}
statement_ms_max = 9999
'''

    def __enter__(self):
        say(f"starting a fleet with {self._shards} shard(s) in {self.folder}")
        try:
            run(self._domicile, "up", "-t", self._topology, "--state", self.state, "--detach")
            self.door = Server(self._sql, self.login("app", "login/app"),
                               int((self.state / "run/gateway.r1.pid").read_text().split()[0]))
            return self
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_):
        if self.state.exists():
            try:
                run(self._domicile, "down", "-t", self._topology, "--state", self.state)
            except Failed as error:
                raise Failed(f"the fleet in {self.folder} did not stop; nothing there was deleted\n{error}") from error
        shutil.rmtree(self.folder)

    def login(self, user, secret=None):
        name = secret or f"db/{user}"
        field = ["--field", "password"] if name.startswith("db/") else []
        return Login(user, subprocess.run([self._domicile, "secret", "get", name, "-j", "eu", *field, "-t", self._topology,
                                           "--state", self.state], check=True, capture_output=True,
                                          text=True).stdout.strip())

    def node(self, shard, role="domicile_gateway"):
        """One node, without anything between."""
        return Server(self.node_ports[shard], self.login(role))

    def everywhere(self, *statements, role="domicile_owner"):
        for shard in range(self._shards):
            with self.node(shard, role).connect(600) as connection:
                for statement in statements:
                    connection.query(statement)

    def _without_debug_information(self):
        """Debian 12's valgrind gives up at what our compiler writes there (DWARF 5); the names of functions stay."""
        bare = self.folder / "domicile"
        if not bare.exists():
            run("objcopy", "--strip-debug", self.state / "bin/domicile", bare)
            bare.chmod(0o755)
        return bare

    @contextlib.contextmanager
    def gateway(self, threads=1, wrap=()):
        """A second gateway of the same region beside the fleet's own, started as the fleet starts it (the binary's copy,
        the same arguments), with other ports and threads; `wrap` goes before, such as valgrind."""
        http, sql = free_ports(2)
        topology = self.folder / f"gateway.{sql}.toml"
        topology.write_text(self._text(http, sql, threads, NODE_CONNECTIONS // threads))
        binary = self._without_debug_information() if wrap else self.state / "bin/domicile"
        command = as_server(*wrap, binary, "gateway", "--topology", topology, "--region",
                            "r1", "--state", self.state)
        with process(command, self.folder / "gateway.log", Server(sql, self.door.login), 120) as server:
            yield server
