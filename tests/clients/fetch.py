"""What the clients' tests need: Debian packages, sources and libraries, fetched into build/clients."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
CACHE = ROOT / "build/clients"
PGBIN = pathlib.Path("/usr/lib/postgresql/15/bin")
PYTHON = "/usr/bin/python3"  # the one that sees Debian's python3-… packages
GO = pathlib.Path("/usr/share/gocode/src")
JDBC = "/usr/share/java/postgresql.jar"
SOURCE = CACHE / "postgresql"
# Debian's bookworm/main keeps this version's source; the security archive drops superseded ones.
SOURCE_VERSION = "15.18-0+deb12u1"


def command(arguments, **options):
    """Output of a program that must succeed."""
    done = subprocess.run([str(a) for a in arguments], capture_output=True, text=True, **options)
    if done.returncode != 0:
        sys.exit(f"tests/clients: {' '.join(map(str, arguments))} failed:\n{(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def installed(package):
    done = subprocess.run(["dpkg-query", "-W", "-f", "${db:Status-Status}", package], capture_output=True, text=True)
    return done.stdout == "installed"


def install():
    """Installs what packages.txt lists and is missing."""
    missing = []
    for line in (HERE / "packages.txt").read_text().splitlines():
        package, _, tool = line.partition(" ")
        if not line.startswith("#") and not installed(package) and not (tool and shutil.which(tool)):
            missing.append(package)
    if missing:
        print("installing", *missing, file=sys.stderr)
        as_root = [] if os.getuid() == 0 else ["sudo"]
        command([*as_root, "apt-get", "update"])
        command([*as_root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-y", "--no-install-recommends",
                 *missing])
    CACHE.mkdir(parents=True, exist_ok=True)


def suites(targets):
    """What tests/clients/run needs."""
    install()
    if "pgbouncer" in targets and not (CACHE / "pgbouncer/usr/sbin/pgbouncer").exists():
        # Unpacked, not installed: the package would start a service.
        command(["apt-get", "install", "-y", "--no-install-recommends", "libevent-2.1-7", "libc-ares2"])
        with tempfile.TemporaryDirectory() as folder:
            command(["apt-get", "-o", "APT::Sandbox::User=root", "download", "pgbouncer"], cwd=folder)
            command(["dpkg-deb", "-x", next(pathlib.Path(folder).glob("*.deb")), CACHE / "pgbouncer"])
    if not (SOURCE / "src/test").exists():
        fetch_source()
    pipeline = SOURCE / "src/test/modules/libpq_pipeline"
    if not (CACHE / "libpq_pipeline").exists():
        command(["gcc", "-I/usr/include/postgresql", "-I/usr/include/postgresql/15/server",
                 "-I/usr/include/postgresql/internal", "-o", CACHE / "libpq_pipeline", pipeline / "libpq_pipeline.c",
                 "-L/usr/lib/postgresql/15/lib", "-lpq", "-lpgcommon", "-lpgport", "-lm"])
    if not (CACHE / "regress.so").exists():
        command(["gcc", "-shared", "-fPIC", "-O1", "-w", "-I/usr/include/postgresql/15/server", "-o", CACHE / "regress.so",
                 SOURCE / "src/test/regress/regress.c"])
    if not (CACHE / "go/src").exists():
        # GOPATH mode wants a writable tree without links.
        command(["cp", "-rL", GO, CACHE / "go.new"])
        (CACHE / "go").mkdir(exist_ok=True)
        (CACHE / "go.new").rename(CACHE / "go/src")
    if not (CACHE / "ProbeJdbc.class").exists():
        command(["javac", "-cp", JDBC, "-d", CACHE, HERE / "ProbeJdbc.java"])


def fetch_source():
    """PostgreSQL's source package, through a list of our own: most machines have no deb-src line."""
    apt = CACHE / "apt"
    for folder in ("lists/partial", "cache/archives/partial"):
        (apt / folder).mkdir(parents=True, exist_ok=True)
    text = pathlib.Path("/etc/apt/sources.list.d/debian.sources").read_text().split("\n\n")[0]
    (apt / "source.sources").write_text(re.sub(r"^Types:.*", "Types: deb-src", text, flags=re.M) + "\n")
    options = ["-o", f"Dir::Etc::sourcelist={apt}/source.sources", "-o", "Dir::Etc::sourceparts=-", "-o",
               f"Dir::State::lists={apt}/lists", "-o", f"Dir::Cache={apt}/cache", "-o", "APT::Sandbox::User=root"]
    command(["apt-get", *options, "update"])
    command(["apt-get", *options, "source", "--download-only", f"postgresql-15={SOURCE_VERSION}"], cwd=apt)
    fresh = CACHE / "postgresql.new"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    command(["tar", "-xjf", next(apt.glob("*.orig.tar.bz2")), "--strip-components=1", "-C", fresh, "--wildcards",
             "*/src/test/regress", "*/src/test/modules/libpq_pipeline"])
    fresh.rename(SOURCE)


def psycopg3(may_fetch):
    """The Python that has psycopg 3, from PyPI in an environment of its own: Debian 12 has an old one only."""
    python = CACHE / "psycopg3/bin/python"
    if not (CACHE / "psycopg3/complete").exists():
        if not may_fetch:
            sys.exit("psycopg 3, from PyPI")
        command([PYTHON, "-m", "venv", "--clear", CACHE / "psycopg3"])
        command([python, "-m", "pip", "install", "--quiet", "psycopg[binary]>=3.2,<4"])
        (CACHE / "psycopg3/complete").touch()
    return python


def node_modules(may_fetch):
    """The folder of node's `pg` and its companions, as package.json beside the program names them."""
    folder = CACHE / "node"
    wanted = HERE / "sharded.d/package.json"
    mark = folder / "complete"
    if not mark.exists() or mark.read_text() != wanted.read_text():
        if not may_fetch:
            sys.exit("pg and its companions, from npm")
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(wanted, folder)
        command(["npm", "install", "--no-audit", "--no-fund", "--prefix", folder])
        shutil.copy(wanted, mark)
    return folder / "node_modules"


def go_program(source):
    """A program of one file, built against Debian's packages: GOPATH mode, nothing is downloaded."""
    target = CACHE / source.stem
    command(["go", "build", "-o", target, source],
            env=dict(os.environ, GO111MODULE="off", GOPATH=str(GO.parent), GOCACHE=str(CACHE / "gocache"), GOFLAGS=""))
    return target


def java_class(source):
    """The folder of a program's classes."""
    folder = CACHE / "java"
    command(["javac", "-cp", JDBC, "-d", folder, source])
    return folder
