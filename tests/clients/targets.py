"""Where the clients' tests run: a plain PostgreSQL, PgBouncer before one, and the SQL door. All on loopback, in folders of
their own under /var/tmp, which the servers' user may enter."""
import os
import pathlib
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time

from fetch import CACHE, HERE, PGBIN, ROOT, command


def free_ports(count):
    """Ports in a row, below the ephemeral ones, so that no outgoing connection takes them meanwhile."""
    for _ in range(200):
        ports = range(first := random.randrange(20000, 30000), first + count)
        sockets = [socket.socket() for _ in ports]
        try:
            for one, port in zip(sockets, ports):
                one.bind(("127.0.0.1", port))
            return list(ports)
        except OSError:
            pass
        finally:
            for one in sockets:
                one.close()
    sys.exit("tests/clients: found no free ports")


def folder_for(name):
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"domicile-clients-{name}.", dir="/var/tmp"))
    folder.chmod(0o755)
    return folder


class Fleet:
    """`domicile up` of one topology with the schema beside it, until stop()."""

    def __init__(self, folder, topology, schema, domicile=ROOT / "build/release/domicile"):
        self.folder, self.domicile = folder, domicile
        self.state, self.topology = folder / "state", folder / "domicile.toml"
        shutil.copytree(schema, folder / "schema")
        self.topology.write_text(topology)

    def start(self):
        self._domicile("up", "--detach")

    def secret(self, jurisdiction, name):
        field = ["--field", "password"] if name.startswith("db/") else []
        return subprocess.run([self.domicile, "secret", "get", name, "-j", jurisdiction, *field, "-t", self.topology,
                               "--state", self.state], check=True, capture_output=True, text=True).stdout.strip()

    def _domicile(self, word, *more):
        command([self.domicile, word, "-t", self.topology, "--state", self.state, *more])

    def stop(self):
        if self.state.exists():
            self._domicile("down")
            self._domicile("reset", "--yes")


def as_postgres(arguments):
    """PostgreSQL refuses to run as root."""
    return ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *arguments] if os.getuid() == 0 else arguments


class Target:
    """One endpoint with one superuser, `postgres`, over a cluster of its own. `node_port` is the node behind it."""
    user = "postgres"

    def __init__(self, kind, suite, database, tables):
        self.folder = folder_for(suite)
        self.kind, self.database, self.pooler, self.fleet = kind, database, None, None
        try:
            self.start_door(tables) if kind == "door" else self.start_plain(kind)
        except BaseException:
            self.stop()
            raise

    def start_plain(self, kind):
        self.password = "clients"
        data = self.folder / "pg"
        data.mkdir()
        if os.getuid() == 0:
            shutil.chown(data, "postgres", "postgres")
        secret = self.folder / "password"
        secret.write_text(self.password)
        secret.chmod(0o644)
        # The same locale and encoding as the fleet's clusters, so that only the path differs.
        command(as_postgres([PGBIN / "initdb", "-D", data / "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", secret,
                             "--locale-provider=libc", "--locale=C.UTF-8", "--encoding=UTF8", "--no-sync"]), cwd="/")
        self.port = self.node_port = free_ports(1)[0]
        with open(data / "data/postgresql.conf", "a") as conf:
            conf.write(f"listen_addresses = '127.0.0.1'\nport = {self.port}\nunix_socket_directories = ''\nfsync = off\n"
                       "max_prepared_transactions = 8\nmax_connections = 200\n")
        command(as_postgres([PGBIN / "pg_ctl", "-D", data / "data", "-l", data / "log", "-w", "start"]), cwd="/")
        if self.database != "postgres":
            self.node(f'CREATE DATABASE "{self.database}"', database="postgres")
        if kind == "pgbouncer":
            self.start_pgbouncer()

    def start_pgbouncer(self):
        self.port = free_ports(1)[0]
        (self.folder / "users.txt").write_text(f'"postgres" "{self.password}"\n')
        (self.folder / "pgbouncer.ini").write_text(
            f"[databases]\n* = host=127.0.0.1 port={self.node_port}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {self.port}\nunix_socket_dir =\nauth_type = scram-sha-256\n"
            f"auth_file = {self.folder}/users.txt\npool_mode = transaction\ndefault_pool_size = 16\n"
            "ignore_startup_parameters = extra_float_digits,options,search_path,datestyle,intervalstyle,statement_timeout\n")
        log = open(self.folder / "pgbouncer.log", "w")
        self.pooler = subprocess.Popen([str(a) for a in as_postgres(
            [CACHE / "pgbouncer/usr/sbin/pgbouncer", self.folder / "pgbouncer.ini"])], cwd="/", stdout=log, stderr=log)
        self.wait_for_port()

    def wait_for_port(self):
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.05)
        sys.exit(f"tests/clients: nothing listens for {self.kind}; see {self.folder}")

    def start_door(self, tables):
        ports = free_ports(4)  # two of the gateway, two of nodes
        text = (HERE / "single.toml").read_text().replace("@DATABASE@", self.database)
        for i, port in enumerate(ports[:3]):
            text = text.replace(f"@PORT{i}@", str(port))
        self.fleet = Fleet(self.folder, text, HERE / "schema")
        self.fleet.start()
        self.port, self.node_port = ports[1], ports[2]
        self.password = self.fleet.secret("eu", "login/postgres")

    def node(self, sql, database=None):
        """Runs SQL on the node itself, beside any proxy: what an administrator sets up before a client comes."""
        password = self.fleet.secret("eu", "db/postgres") if self.kind == "door" else self.password
        command([PGBIN / "psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", self.node_port, "-U", "postgres",
                 "-c", sql, database or self.database], env=dict(os.environ, PGPASSWORD=password))

    def env(self, **more):
        """The environment of a suite that finds its server in libpq's variables."""
        return self.bare_env(PGHOST="127.0.0.1", PGPORT=str(self.port), PGUSER=self.user, PGPASSWORD=self.password,
                             PGDATABASE=self.database, PGSSLMODE="disable", **more)

    def bare_env(self, **more):
        """Without libpq's variables, for suites that test how these are read."""
        return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | more

    def dsn(self):
        return (f"host=127.0.0.1 port={self.port} user={self.user} password={self.password} dbname={self.database} "
                "sslmode=disable")

    def url(self, scheme):
        return f"{scheme}://{self.user}:{self.password}@127.0.0.1:{self.port}/{self.database}"

    def stop(self):
        if self.pooler:
            self.pooler.terminate()
            self.pooler.wait()
        if self.fleet:
            self.fleet.stop()
        elif (self.folder / "pg/data").exists():
            subprocess.run([str(a) for a in as_postgres([PGBIN / "pg_ctl", "-D", self.folder / "pg/data", "-m", "immediate",
                                                         "stop"])], cwd="/", capture_output=True)
        shutil.rmtree(self.folder, ignore_errors=True)
