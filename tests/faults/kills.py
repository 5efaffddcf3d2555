"""The process is killed at a random moment; then the same command has to end as if it had not been.

The stages and the signals take turns, so that each is met; the moment is drawn. Most tries go
without Prefect and MLflow, which take half a minute each time.
"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

from tests.faults.chain import STAGES
from tests.faults.outcomes import Try
from tests.faults.pictures import Picture, difference, leftovers, picture
from tests.faults.worker import ENDS, Strike, Worker

FULL = 200
Same = Callable[[Picture, Picture], str | None]
SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
SHARE_TWICE = 0.2  # of the tries in which the process is killed a second time
MOST_DRAWS = 5  # of a moment, until one is before the process has ended
FLOW_EVERY = 25  # tries: one of so many kills the whole command, with Prefect and MLflow


def tries(seed: int, folder: Path) -> Iterator[Try]:
    worker, flow = Worker(folder / "chain"), None
    for number in count(seed):
        if number % FLOW_EVERY:
            yield one_try(worker, number)
            continue
        if flow is None:
            from tests.faults.flow_kills import Flow  # it imports MLflow

            flow = Flow(folder / "flow")
        began = time.monotonic()
        what, failure, hits = flow.killed(number)
        seconds = time.monotonic() - began
        yield Try("kills", "the command", what, number, seconds, failure, hits)


def one_try(worker: Worker, seed: int) -> Try:
    """Kill the process once or twice, then run it to its end.

    If it has ended well before the first signal comes, another moment is drawn.
    """
    draw, began = random.Random(f"kills {seed}"), time.monotonic()
    stage, number = STAGES[seed % len(STAGES)], SIGNALS[seed // len(STAGES) % len(SIGNALS)]
    for _ in range(MOST_DRAWS):
        strikes = [drawn(worker, draw, stage, number)]
        worker.before(stage)
        hits, failure = struck(worker, strikes[0])
        if hits or failure:
            break
    if draw.random() < SHARE_TWICE and not failure:
        later = draw.choice(STAGES[STAGES.index(stage) :])
        strikes.append(drawn(worker, draw, later, draw.choice(SIGNALS)))
        again, failure = struck(worker, strikes[1])
        hits += again
    what = ", then ".join(map(str, strikes))
    failure = failure or finished(worker)
    seconds = time.monotonic() - began
    return Try("kills", f"{stage}, {number.name}", what, seed, seconds, failure, hits)


def drawn(worker: Worker, draw: random.Random, stage: str, number: signal.Signals) -> Strike:
    """A moment of a stage: by the clock or by the files, as often."""
    span = worker.spans[stage]
    if draw.random() < 0.5:
        return Strike(number, stage, seconds=draw.random() * span.seconds)
    return Strike(number, stage, operation=draw.randint(1, span.operations))


def struck(worker: Worker, strike: Strike) -> tuple[int, str | None]:
    """Run until the signal comes; how many processes it hit, and what is wrong with how one ended.

    A process that was nearly done may end well before the signal has come to it.
    """
    end = worker.run(strike)
    if end.status in {0, *ENDS[strike.number]}:
        return int(end.status != 0), None
    return 1, f"{strike.number.name} ended it with status {end.status}: {end.last_line}"


def finished(worker: Worker, same: Same = difference) -> str | None:
    """Run to the end; what is wrong with what is there now, compared with an unbroken run."""
    end = worker.run()
    if end.status:
        return f"the same command ended with status {end.status} in {end.stage}: {end.last_line}"
    if left := leftovers(worker.data, worker.temporary):
        return f"left behind: {', '.join(left[:3])}"
    return same(worker.picture, picture(worker.data))
