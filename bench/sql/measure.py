"""What is measured, and how: processor time, pgbench's figures, system calls, memory. Nothing here knows the door."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

_STARTED = time.monotonic()
_PGBENCH_PROGRESS = re.compile(r"progress: ([\d.]+) s, ([\d.]+) tps")


class Failed(Exception):
    """The run cannot go on; its text is for the person who started it."""


def say(text):
    seconds = int(time.monotonic() - _STARTED)
    print(f"[{seconds // 60}:{seconds % 60:02}] {text}", file=sys.stderr, flush=True)


def cpu_us(pid):
    """User and system time of all threads of a process, from the scheduler's nanosecond counts."""
    total = 0
    for path in pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat"):
        with contextlib.suppress(OSError):
            total += int(path.read_text().split()[0])
    if total == 0:
        raise Failed(f"process {pid} is gone or this kernel keeps no schedstat")
    return total / 1000


def memory_kib(pid):
    """The process's own share of memory (PSS)."""
    return int(re.search(r"^Pss:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.M).group(1))


class Idle:
    """Processors that nobody used while the `with` block ran."""

    def __enter__(self):
        self._before = self._read()
        return self

    def __exit__(self, *_):
        idle, total = (after - before for after, before in zip(self._read(), self._before))
        self.cores = os.cpu_count() * idle / max(total, 1)

    @staticmethod
    def _read():
        fields = [int(one) for one in pathlib.Path("/proc/stat").read_text().split("\n")[0].split()[1:9]]
        return fields[3] + fields[4], sum(fields)


def pgbench(port, login, script, protocol="simple", clients=1, seconds=None, transactions=None, pid=None, options="",
            log=True, jobs=None):
    """One run. tps and, from pgbench's log, p50 and p99; with `pid` that process's CPU per transaction, between the
    first and the last report of progress, so that logins do not count."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder, "script.sql")
        path.write_text(script)
        # pgbench prepares synchronously: with fewer node connections than clients, transactions of several statements
        # would wait for each other inside one thread.
        jobs = jobs or (clients if protocol == "prepared" and "BEGIN" in script else min(clients, 2))
        command = ["pgbench", "-n", "-h", "127.0.0.1", "-p", str(port), "-U", login.user, "-M", protocol, "-f", path,
                   "-c", str(clients), "-j", str(jobs), "-P", "1", "--progress-timestamp"]
        command += ["-T", str(seconds)] if seconds else ["-t", str(transactions)]
        if log:
            command += ["-l", "--log-prefix", f"{folder}/log", "--sampling-rate", "1" if clients == 1 else "0.25"]
        environment = dict(os.environ, PGPASSWORD=login.password, PGOPTIONS=options)
        process = subprocess.Popen([*command, login.database], env=environment, text=True, stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE)
        try:
            samples, complaints = [], []
            for line in process.stderr:
                if found := _PGBENCH_PROGRESS.match(line):
                    samples.append((float(found[1]), float(found[2]), cpu_us(pid) if pid else 0))
                elif "error" in line or "fatal" in line.lower():
                    complaints.append(line.strip())
            out = process.stdout.read()
            if process.wait() != 0 or complaints:
                raise Failed(f"pgbench {protocol} with {clients} clients: {(complaints or [out])[0]}")
        finally:
            process.kill()
            process.wait()
        result = {"tps": float(re.search(r"tps = ([\d.]+)", out)[1]),
                  "transactions": int(re.search(r"actually processed: (\d+)", out)[1])}
        counted = sum(tps * (at - before) for (before, *_), (at, tps, _) in zip(samples, samples[1:]))
        if pid and counted > 0:
            result["cpu_us"] = (samples[-1][2] - samples[0][2]) / counted
        times = sorted(int(line.split()[2]) for one in pathlib.Path(folder).glob("log*")
                       for line in one.read_text().splitlines())
        if times:
            result.update(p50_us=times[len(times) // 2], p99_us=times[int(len(times) * 0.99)])
        return result


def alternately(sides, rounds):
    """Measures every side once a round, beginning with another one each time: what the machine does beside hits all
    alike. `sides`: name to function. Returns name to list of results, in the order of rounds."""
    results = {name: [] for name in sides}
    names = list(sides)
    for turn in range(rounds):
        for name in names[turn % len(names):] + names[:turn % len(names)]:
            results[name].append(sides[name]())
    return results


def median(results, key):
    return statistics.median(one[key] for one in results)


def system_calls(pid, work):
    """How many system calls a process makes while work() runs, and by what they were counted. The kernel's tracepoints
    count at full speed; strace slows the process, so that more is ready at each wake-up and fewer calls are made."""
    event = "raw_syscalls:sys_enter"
    allowed = shutil.which("perf") and subprocess.run(["perf", "stat", "-x", ",", "-e", event, "true"],
                                                      capture_output=True).returncode == 0
    if not allowed and not shutil.which("strace"):
        raise Failed("neither perf nor strace may count system calls here")
    with tempfile.NamedTemporaryFile("r") as out:
        command = (["perf", "stat", "-x", ",", "-o", out.name, "-e", event, "-p", str(pid)] if allowed
                   else ["strace", "-c", "-f", "-qq", "-o", out.name, "-p", str(pid)])
        counter = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        try:
            time.sleep(0.5)
            work()
        finally:
            counter.send_signal(signal.SIGINT)
            counter.wait()
        text = out.read()
    found = re.search(r"^(\d+),", text, re.M) if allowed else re.search(r"^\s*100\.00\s+\S+\s+\S+\s+(\d+).*total$", text, re.M)
    if not found:
        raise Failed(f"{command[0]} counted nothing: {text.strip()}")
    return int(found[1]), command[0]
