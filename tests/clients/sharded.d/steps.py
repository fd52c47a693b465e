"""What the programs in Python share: which users are whose, and how a step's result is told."""
import os
import sys
import traceback

BASE = int(os.environ["CLIENT_BASE"])  # every client has users of its own: a hundred numbers on each shard
CLIENTS = int(os.environ["CLIENTS"])
FIXTURES = 40  # users that are there: low(i) and high(i) for i < FIXTURES; those from SCRATCH on are the steps' to make
SCRATCH = 50
STRANGER, NOBODY = 5001, 3000  # at home in uk; in no range
THING = ("user_id", "thing_no", "amount", "at", "raw", "list", "doc", "words")  # columns of the table of every kind
NOTE = 1_000_000  # bytes of a large value
_steps = []


class Wrong(Exception):
    pass


def low(i):
    return BASE + i


def high(i):
    return 1000 + BASE + i


def either(i):
    """Users of both shards in turns."""
    return (high if i % 2 else low)(i // 2 % FIXTURES)


def checksum(user):
    return user * 7919 + 13


def row(user):
    """The row that the runner has made for a user: (user_id, name, checksum)."""
    return (user, f"p{user}", checksum(user))


def everyone():
    """All clients' users, by id."""
    return [part + base * 100 + i for part in (0, 1000) for base in range(CLIENTS) for i in range(FIXTURES)]


def youngest(count):
    """The first by age, then by id; a user's age is its number among its client's."""
    return sorted(everyone(), key=lambda user: (user % 100, user))[:count]


def check(good, what):
    if not good:
        raise Wrong(what() if callable(what) else what)


def same(got, wanted, what="got"):
    check(got == wanted, lambda: f"{what} {str(got)[:120]} instead of {str(wanted)[:120]}")


def step(function):
    _steps.append(function)
    return function


def main():
    only = os.environ.get("CLIENT_STEPS", "").split()
    for function in _steps:
        if only and function.__name__ not in only:
            continue
        try:
            function()
            print("pass", function.__name__, flush=True)
        except Exception as error:  # whatever a driver throws: the next step goes on
            line = [at for frame, at in traceback.walk_tb(error.__traceback__) if frame.f_code.co_name == function.__name__][-1:]
            print(f"fail {function.__name__}: line {line[0] if line else '?'}: {type(error).__name__}: {' '.join(str(error).split())}", flush=True)
    sys.stdout.flush()
    os._exit(0)  # no thread that still waits for a server holds the program
