"""What the door is compared with: PgBouncer before a node of its fleet, and a plain PostgreSQL cluster."""
import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import shutil
import signal
import tempfile

from fleet import DATABASE, NODE_CONNECTIONS, Login, Server, as_server, free_ports, give, process, run
from measure import Failed

PGBOUNCER = os.environ.get("PGBOUNCER", "pgbouncer")


@contextlib.contextmanager
def pgbouncer(fleet, wrap=()):
    """PgBouncer in transaction mode before the first node, with as many node connections as a gateway."""
    port, node = free_ports(1)[0], fleet.node(0)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pgbouncer.", dir=fleet.folder))
    prepared = "max_prepared_statements = 200" if pgbouncer_prepares() else ""
    (folder / "pgbouncer.ini").write_text(f'''[databases]
{DATABASE} = host=127.0.0.1 port={node.port} dbname={DATABASE} user={node.login.user} password={node.login.password}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {folder}/users.txt
pool_mode = transaction
default_pool_size = {NODE_CONNECTIONS}
max_client_conn = 4096
log_connections = 0
log_disconnections = 0
ignore_startup_parameters = extra_float_digits
{prepared}
''')
    login = fleet.door.login
    (folder / "users.txt").write_text(f'"{login.user}" "{login.password}"\n')
    give(folder, *folder.iterdir())
    command = as_server(*wrap, shutil.which(PGBOUNCER), "-q", folder / "pgbouncer.ini")
    with process(command, fleet.folder / "pgbouncer.log", Server(port, login), 60) as server:
        yield server


@functools.cache
def pgbouncer_version():
    return run(PGBOUNCER, "--version").split("\n")[0]


def pgbouncer_prepares():
    return tuple(int(one) for one in re.findall(r"\d+", pgbouncer_version())[:2]) >= (1, 21)


@contextlib.contextmanager
def plain_cluster(fleet):
    """A PostgreSQL cluster with the settings of a node of the fleet and nothing of ours inside."""
    binaries = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda one: int(one.parent.name))
    folder = fleet.folder / "plain"
    folder.mkdir()
    login = Login("bench", os.urandom(16).hex())
    (folder / "password").write_text(login.password)
    give(folder, folder / "password")
    data, port = folder / "data", free_ports(1)[0]
    run(*as_server(binaries / "initdb", "-D", data, "-U", login.user, "-E", "UTF8", "--locale=C", "-A", "scram-sha-256",
                   f"--pwfile={folder}/password"), cwd="/")
    node = next((fleet.state / "nodes").glob("*/data/domicile.conf")).read_text()
    with open(data / "postgresql.conf", "a") as file:
        file.write(f"{node}\nport = {port}\ncluster_name = 'plain'\n")
    admin = Server(port, dataclasses.replace(login, database="postgres"))
    # SIGINT is PostgreSQL's fast shutdown: clients are not waited for.
    with process(as_server(binaries / "postgres", "-D", data), folder / "log", admin, 60, signal.SIGINT):
        with admin.connect() as connection:
            connection.query(f"CREATE DATABASE {DATABASE}")
        yield Server(port, login)
