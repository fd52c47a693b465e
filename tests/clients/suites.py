"""Foreign suites. Each function runs one against a target and gives {test: "pass" | "skip" | "fail: why"}."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import xml.etree.ElementTree

from fetch import CACHE, GO, HERE, JDBC, PGBIN, PYTHON, SOURCE, command

RESULTS = CACHE / "results"
SUITE_SECONDS_MAX = 300
# Tests of PostgreSQL's schedule that are about what a client sends and gets, not about one access method.
REGRESS = """test_setup create_index boolean char name varchar text int2 int4 int8 oid bit numeric uuid enum money pg_lsn strings
    numerology date time timetz interval unicode mvcc copy copyselect copydml insert insert_conflict create_table
    create_schema create_view select drop_if_exists errors select_into select_distinct select_having subselect union
    case join transactions portals arrays update delete namespace prepared_xacts lock async psql psql_crosstab
    portals_p2 advisory_lock combocid json jsonb plancache limit copy2 temp prepare truncate sequence returning
    largeobject with""".split()


def run(arguments, **options):
    """Output of a suite, whatever its exit code. One that hangs is ended, kindly first: what it has found is kept."""
    process = subprocess.Popen([str(a) for a in arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                               errors="replace", start_new_session=True, **options)
    for patience, ending in ((SUITE_SECONDS_MAX, signal.SIGINT), (10, signal.SIGKILL)):
        try:
            return process.communicate(timeout=patience)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, ending)  # its own session: the suite and its children only
    return process.communicate()[0] + "\nended after too long"


def libpq_pipeline(target):
    results = {}
    traces = SOURCE / "src/test/modules/libpq_pipeline/traces"
    for test in command([CACHE / "libpq_pipeline", "tests"]).split():
        trace = target.folder / f"{test}.trace"
        arguments = ["timeout", "60", CACHE / "libpq_pipeline", "-r", "700"]
        wanted = traces / f"{test}.trace"
        if wanted.exists():
            arguments += ["-t", trace]
        done = subprocess.run([str(a) for a in [*arguments, test, target.dsn()]], capture_output=True, text=True)
        results[test] = "pass" if done.returncode == 0 else "fail: " + (done.stderr or done.stdout)[-400:]
        if wanted.exists():
            got = trace.read_text() if trace.exists() else ""
            results[f"{test} trace"] = "pass" if got == wanted.read_text() else "fail: " + first_difference(
                wanted.read_text(), got)
    return results


def first_difference(wanted, got):
    for number, (a, b) in enumerate(zip(wanted.splitlines(), got.splitlines()), 1):
        if a != b:
            return f"line {number}: expected {a!r}, got {b!r}"
    return f"{len(wanted.splitlines())} lines expected, {len(got.splitlines())} came"


def regress(target):
    """Besides PostgreSQL's own verdict, the whole output is kept: behind a proxy it must equal the direct one."""
    folder = target.folder / "regress"
    shutil.copytree(SOURCE / "src/test/regress", folder)
    for library in (CACHE / "regress.so", "/usr/lib/postgresql/15/lib/autoinc.so", "/usr/lib/postgresql/15/lib/refint.so"):
        shutil.copy(library, folder)
    subprocess.run(["chmod", "-R", "a+rwX", str(folder)])  # the server writes COPY files here
    output = target.folder / "out"
    (output / "results").mkdir(parents=True)
    output.chmod(0o777)
    (output / "results").chmod(0o777)
    text = run(["/usr/lib/postgresql/15/lib/pgxs/src/test/regress/pg_regress", f"--bindir={PGBIN}", "--use-existing",
                      "--host=127.0.0.1", f"--port={target.port}", f"--user={target.user}", f"--dbname={target.database}",
                      f"--dlpath={folder}", f"--inputdir={folder}", f"--outputdir={output}", *REGRESS],
                     env=target.env(), cwd=folder)
    file = output / "regression.diffs"
    parts = re.split(r"^diff ", file.read_text(errors="replace") if file.exists() else "", flags=re.M)
    # What differs, without the lines that name the two files.
    why = {name[1]: part.split("\n", 3)[-1] for part in parts if (name := re.search(r"/results/(\w+)\.out", part))}
    results = {name: "pass" if verdict == "ok" else "fail: " + why.get(name, "")[:6000]
               for name, verdict in re.findall(r"^(?:test )?\s*(\w+)\s+\.\.\. (ok|FAILED)", text, flags=re.M)}
    direct, keep = RESULTS / "direct/regress", RESULTS / target.kind / "regress"
    shutil.rmtree(keep, ignore_errors=True)
    shutil.copytree(output / "results", keep)
    # Where the server itself does not say what its tests expect, a proxy must say what the server says.
    file = RESULTS / "direct/regress.json"
    verdicts = json.loads(file.read_text()) if target.kind != "direct" and file.exists() else dict(results)
    for name, verdict in verdicts.items():
        if verdict.startswith("fail") and name in results:
            same = (keep / f"{name}.out").read_bytes() == (direct / f"{name}.out").read_bytes()
            results[f"{name} as direct"] = "pass" if same else f"fail: diff {direct / name}.out {keep / name}.out"
    return results or {"start": "fail: " + text[-1500:]}


def go_tests(package, env):
    """Verdicts of a package's tests from `go test -json`, which keeps the words of tests that run side by side apart."""
    text = run(["go", "test", "-json", "-short", "-count=1", "-timeout", "240s", "."], cwd=CACHE / "go/src" / package,
               env=env | dict(GO111MODULE="off", GOPATH=str(CACHE / "go"), GOCACHE=str(CACHE / "gocache"), GOFLAGS="-vet=off"))
    said, results, other = {}, {}, ""
    for line in text.splitlines():
        try:
            event = json.loads(line)
        except ValueError:
            other += line + "\n"  # of the compiler
            continue
        name, action = event.get("Test", "").split("/")[0], event["Action"]
        if action == "output":
            said[name] = said.get(name, "") + event["Output"]
        elif action == "run":
            results.setdefault(name, None)
        elif action in ("pass", "fail", "skip") and event.get("Test") == name:
            results[name] = action if action != "fail" else "fail: " + said.get(name, "")[-1500:]
    ended = "fail: the run ended here: " + said.get("", "")[-1500:]
    results = {name: verdict or ended for name, verdict in results.items() if name}
    return results or {"build": "fail: " + (other + said.get("", ""))[-1500:]}


def lib_pq(target):
    return go_tests("github.com/lib/pq", target.env())


def pgx(target):
    for extension in ("hstore", "ltree"):
        target.node(f"CREATE EXTENSION {extension}")
    target.node("CREATE DOMAIN uint64 AS numeric(20,0)")
    env = target.bare_env(PGX_TEST_DATABASE=target.dsn())
    pool = go_tests("github.com/jackc/pgx/v4/pgxpool", env)
    return go_tests("github.com/jackc/pgx/v4", env) | {f"pgxpool {name}": verdict for name, verdict in pool.items()}


def pgconn(target):
    return go_tests("github.com/jackc/pgconn", target.bare_env(
        **{f"PGX_TEST_{name}": target.dsn() for name in ("CONN_STRING", "TCP_CONN_STRING", "DATABASE")}))


def sqlalchemy(target, driver="psycopg2"):
    folder = target.folder / "sa"
    folder.mkdir()
    (folder / "setup.cfg").write_text("[tool:pytest]\naddopts = -p no:warnings -p no:cacheprovider\npython_files = test_*.py\n"
                                      "[sqla_testing]\nprofile_file = profiles.txt\n"
                                      "requirement_cls = sqlalchemy.testing.requirements:SuiteRequirements\n")
    (folder / "conftest.py").write_text("import pytest\npytest.register_assert_rewrite('sqlalchemy.testing.assertions')\n"
                                        "from sqlalchemy.testing.plugin.pytestplugin import *\n")
    (folder / "test_suite.py").write_text("from sqlalchemy.testing.suite import *\n")
    target.node("CREATE SCHEMA test_schema")
    report = folder / "report.xml"
    text = run([PYTHON, "-m", "pytest", "-q", "--tb=native", f"--junitxml={report}", "--dburi", target.url(f"postgresql+{driver}"),
                "test_suite.py"], cwd=folder, env=target.env())
    if not report.exists():
        return {"start": "fail: " + text[-1500:]}
    results = {}
    for case in xml.etree.ElementTree.parse(report).iter("testcase"):
        # Without the driver and the server's version, which the suite appends.
        name = re.sub(r"_postgresql\+.*", "", case.get("classname").split(".", 1)[-1]) + "." + case.get("name")
        bad = [child.get("message") or child.text or "" for child in case if child.tag in ("failure", "error")]
        skipped = case.find("skipped") is not None
        results[name] = "fail: " + bad[0][:1500] if bad else "skip" if skipped else "pass"
    return results


def asyncpg(target):
    return sqlalchemy(target, "asyncpg")


def pgjdbc(target):
    text = run(["java", "-cp", f"{JDBC}:{CACHE}", "ProbeJdbc",
                      f"jdbc:postgresql://127.0.0.1:{target.port}/{target.database}?sslmode=disable", target.user],
                     env=target.env())
    results = {name: "pass" if verdict == "pass" else f"fail: {why}"
               for verdict, name, why in re.findall(r"^(pass|fail) (\w+)(?:: )?(.*)$", text, flags=re.M)}
    return results or {"start": "fail: " + text[-1500:]}


def pgbench(target):
    results = {}
    made = subprocess.run([PGBIN / "pgbench", "-i", "-q", "-s", "1"], env=target.env(), capture_output=True, text=True)
    results["initialise"] = "pass" if made.returncode == 0 else "fail: " + made.stderr[-600:]
    for protocol in ("simple", "extended", "prepared"):
        for script in ("tpcb-like", "select-only"):
            # One thread a client: pgbench prepares synchronously and would wait for itself behind any pooler.
            done = subprocess.run(["timeout", "60", PGBIN / "pgbench", "-n", "-M", protocol, "-b", script, "-c", "4", "-j", "4",
                                   "-t", "100"], env=target.env(), capture_output=True, text=True)
            good = done.returncode == 0 and "actually processed: 400/400" in done.stdout
            results[f"{protocol} {script}"] = "pass" if good else "fail: " + (done.stderr or done.stdout)[-600:]
    return results


# suite: (function, database, where its sources name the tables it creates)
SUITES = {
    "libpq_pipeline": (libpq_pipeline, "pipeline", [SOURCE / "src/test/modules/libpq_pipeline"]),
    "regress": (regress, "regression", [SOURCE / "src/test/regress/sql"]),
    "lib_pq": (lib_pq, "pqgotest", [GO / "github.com/lib/pq"]),
    "pgx": (pgx, "pgx_test", [GO / "github.com/jackc/pgx/v4"]),
    "pgconn": (pgconn, "pgconn_test", [GO / "github.com/jackc/pgconn"]),
    "sqlalchemy": (sqlalchemy, "satest", [pathlib.Path("/usr/lib/python3/dist-packages/sqlalchemy/testing")]),
    "asyncpg": (asyncpg, "satest", [pathlib.Path("/usr/lib/python3/dist-packages/sqlalchemy/testing")]),
    "pgjdbc": (pgjdbc, "probe", [HERE]),
    "pgbench": (pgbench, "bench", []),
}


def tables_of(suite):
    """Names of the tables that a suite creates, read from its sources. Temporary ones need no declaration."""
    found = {f"pgbench_{name}" for name in ("accounts", "branches", "history", "tellers")} if suite == "pgbench" else set()
    patterns = [r"create\s+(?:unlogged\s+)?(?:table|view|materialized\s+view)\s+(?:if\s+not\s+exists\s+)?([a-z_]\w*)"]
    if suite == "regress":
        patterns.append(r"select\b[^;]*?\binto\s+(?:table\s+)?([a-z_]\w*)")
    for file in (file for folder in SUITES[suite][2] for file in folder.rglob("*")):
        if file.suffix in (".sql", ".go", ".py", ".c", ".java"):
            here = patterns + ([r"""\bTable\(\s*["']([a-z_]\w*)["']"""] if file.suffix == ".py" else [])
            text = file.read_text(errors="replace")
            found |= {name.lower() for one in here for name in re.findall(one, text, flags=re.I)}
    return {name for name in found if len(name) < 64 and name.isascii()
            and (name.startswith("pgbench_") or not name.startswith(("domicile", "pg_")))}
