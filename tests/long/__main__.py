"""``python -m tests.long``: train for two hours, and say what grew; set and stop the clocks."""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.long import clocks, growth
from tests.long.judged import table
from tests.secret_search import TOKEN, found_in_files

PAUSE_SHARE, LEAST_PAUSE = 0.04, 40.0  # of all the time, and seconds, for which things are stopped


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make test-long", description=__doc__)
    parser.add_argument("--minutes", type=float, default=120, help="5 or more: 120")
    parser.add_argument("--out", type=Path, default=Path("benchmarks/out/long.json"))
    options = parser.parse_args(arguments)
    if options.minutes < 5:
        parser.error("--minutes: in less than 5 nothing can be said")
    pause = max(LEAST_PAUSE, PAUSE_SHARE * 60 * options.minutes)
    end = time.monotonic() + 60 * options.minutes
    with TemporaryDirectory(prefix="long-") as name:
        told: dict[str, str | None] = {}
        for what, failure in clocks.tries(Path(name) / "clocks", pause):
            told[what] = failure
            print(f"{what}: {failure or 'held'}", flush=True)
        # Other programs may have held up the clocks: this has half of the time in any case.
        seconds = max(end - time.monotonic(), 30 * options.minutes)
        course = growth.watched(Path(name) / "growth", seconds, pause)
        secrets = found_in_files([Path(name)])  # what all that was started said is there, too
    rows = course.rows()
    failures = [f"{what}: {failure}" for what, failure in told.items() if failure]
    failures += [f"the token is in {place}" for place in secrets]
    failures += [*course.failures, *(row.failure for row in rows if row.failure)]
    print(table(rows), *course.told(), *(f"failed: {line}" for line in failures), sep="\n")
    written = {
        "minutes": options.minutes,
        "clocks": {what: failure or "held" for what, failure in told.items()},
        "course": course.told(),
        "growth": [row.as_dict() for row in rows],
        "failures": failures,
    }
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(written, ensure_ascii=False, indent=1) + "\n", "utf-8")
    return int(bool(failures))


if __name__ == "__main__":
    os.environ["KAGGLE_API_TOKEN"] = TOKEN  # to be searched for in the end
    sys.exit(main())
