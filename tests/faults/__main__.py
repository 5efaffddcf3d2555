"""``python -m tests.faults [PART …]``: try to break the product, and say what came of it.

The status is 1 if a try failed or there was no time for it; what this machine cannot do, such as to
mount a disk, is told and leaves it 0.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sys
import time
from contextlib import closing, suppress
from importlib import import_module
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType, ModuleType

import psutil

from tests.faults.outcomes import NotTried, Try, Untried, failures, table, write
from tests.secret_search import TOKEN, found_in_files

# Those that take longest come last: they get the time that the others leave.
PARTS = {  # of KEYS, with their modules
    "damages": "damages",
    "inputs": "inputs",
    "network": "network",
    "together": "at_once",
    "disk": "full_disk",
    "kills": "kills",
}
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# The processes that a try starts are short: threads and processes of their own would cost more.
FEW = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "FEMTOGPT_WORKERS": "1"}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make test-faults", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}: all")
    parser.add_argument("--seed", type=int, help="of the first try: drawn, and printed")
    about = "after which no try begins: 55"
    parser.add_argument("--minutes", type=float, default=55, help=about)
    parser.add_argument("--tries", type=int, help="of each part: as many as it has")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/faults.json"))
    options = parser.parse_args(arguments)
    if unknown := [part for part in options.parts if part not in PARTS]:
        parser.error(f"no part {unknown[0]!r}; there are {', '.join(PARTS)}")
    seed = random.randrange(10**6) if options.seed is None else options.seed
    print(f"seed {seed}", flush=True)
    end = time.monotonic() + 60 * options.minutes
    done: list[Try] = []
    untried: list[Untried] = []
    parts = options.parts or list(PARTS)
    for number, part in enumerate(parts):
        share = (end - time.monotonic()) / (len(parts) - number)
        module = import_module(f"tests.faults.{PARTS[part]}")  # now: it imports torch
        count = options.tries or module.FULL
        tried: list[Try] = []
        why, is_machine = "time was up", False
        try:
            run_part(module, seed, count, time.monotonic() + share, tried)
        except NotTried as reason:
            why, is_machine = str(reason), True
        done += tried
        if len(tried) < count:
            untried.append(Untried(part, count - len(tried), why, is_machine))
    for line in (table(done, untried), *untried, *failures(done)):
        print(line)
    write(done, untried, options.out)
    return int(any(one.failure for one in done) or not all(one.is_machine for one in untried))


def run_part(module: ModuleType, seed: int, count: int, end: float, done: list[Try]) -> None:
    """Add tries of a part to ``done``, until there are ``count`` or the time has come."""
    with (
        TemporaryDirectory(prefix="faults-") as folder,
        closing(module.tries(seed, Path(folder))) as tries,
    ):
        for one in islice(tries, count):
            done.append(one)
            held = "failed" if one.failure else "held"
            print(f"{one.part} {len(done)}/{count} {one.what}: {held}", flush=True)
            if time.monotonic() > end:
                break
        for place in found_in_files([Path(folder)]):
            what = "what the tries have left"
            done.append(Try(done[-1].part, "secrets", what, seed, 0.0, f"the token is in {place}"))


def end_on_signals() -> None:
    """On a signal, end the processes that were started, unmount the disks, and remove the files."""

    def end(number: int, frame: FrameType | None) -> None:
        for one in SIGNALS:
            signal.signal(one, signal.SIG_IGN)
        for child in (children := psutil.Process().children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                child.kill()
        psutil.wait_procs(children, timeout=10)
        sys.exit(128 + number)

    for number in SIGNALS:
        signal.signal(number, end)


if __name__ == "__main__":
    end_on_signals()
    os.environ.update(FEW, KAGGLE_API_TOKEN=TOKEN)
    sys.exit(main())
