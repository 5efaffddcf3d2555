"""The network between the real client and Kaggle fails, once, several times or for good.

A try fetches a dataset as the pipeline's task does, by the same rule for another attempt, with its
waits noted down and not made. What is asked: the file that stays is right to the byte or there is
none; what may come right is tried again, after the time that Kaggle asks for, and nothing else is;
the token goes to Kaggle alone, and into no message, line of the log or file; and the end is one
clear line, with one of advice.
"""

from __future__ import annotations

import base64
import logging
import os
import random
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count, takewhile
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.sources import kaggle_process
from femtogpt.sources.fetch import fetch
from femtogpt.sources.kaggle_process import ADVICE
from femtogpt.sources.texts import Kaggle
from tests.faults.faulty_kaggle import STATUSES, Fault, FaultyKaggle, drawn
from tests.faults.outcomes import Try
from tests.faults.told import Told
from tests.kaggle_home import ARCHIVE, FILE, NAME, archive
from tests.kaggle_stand_in import KaggleStandIn
from tests.secret_search import KEY, TOKEN

KINDS = (
    *map(str, STATUSES),
    *("cut", "stall", "too short a length", "too long a length", "no length", "garbled"),
    *("changed", "redirect", "circle", "page", "hung up", "echo"),
)
FULL = 4 * len(KINDS)
BASIC = base64.b64encode(f"me:{KEY}".encode()).decode()
SECRETS = (TOKEN, KEY, BASIC, "signature=")
CREDENTIALS = ({"KAGGLE_API_TOKEN": TOKEN}, {"KAGGLE_USERNAME": "me", "KAGGLE_KEY": KEY})
SHARE_FOR_GOOD = 0.25  # of the tries: the fault never ends
MOST_AGAIN = 3  # other attempts
MAX_FAULTS = MOST_AGAIN  # before the answers are good
PATIENCE = {"ANSWER_SECONDS": 8.0, "STALL_SECONDS": 6.0}  # of the product, set low
# The client's own waits between its attempts are no part of what is tried.
QUICK = """
import runpy, sys, time
time.sleep = lambda seconds: None
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def tries(seed: int, folder: Path) -> Iterator[Try]:
    for number in count(seed):
        yield one_try(folder / "try", number)


def one_try(folder: Path, seed: int) -> Try:
    """Fetch a dataset while the network fails, then look at what there is."""
    draw, began = random.Random(f"network {seed}"), time.monotonic()
    kind = KINDS[seed % len(KINDS)]
    first, again = drawn(draw, kind), None
    faults = [first, *(drawn(draw, draw.choice(KINDS)) for _ in range(draw.randrange(MAX_FAULTS)))]
    if draw.random() < SHARE_FOR_GOOD:
        faults, again = [], first
    dataset = draw.choice((NAME, f"{NAME}/1"))
    credentials = draw.choice(CREDENTIALS)
    (folder / "home").mkdir(parents=True)
    with faulty_kaggle(folder, credentials) as faulty:
        faulty.faults, faulty.again = list(faults), again
        attempts = Attempts(Store(folder / "data"), dataset, faulty.met)
        attempts.run()
        failure = wrong(attempts, faulty, folder)
    shutil.rmtree(folder)
    what = f"{again}, every time" if again else ", then ".join(map(str, faults))
    return Try("network", kind, what, seed, time.monotonic() - began, failure)


@contextmanager
def faulty_kaggle(folder: Path, credentials: dict[str, str]) -> Iterator[FaultyKaggle]:
    """The stand-in and the other host, where this process and its client find them."""
    real = subprocess.Popen

    def popen(command, **options):
        return real([*command[:2], "-c", QUICK, *command[2:]], **options)

    with KaggleStandIn({NAME: ARCHIVE}) as kaggle:
        faulty = FaultyKaggle(kaggle, tuple(credentials.values()))
        faulty.change = lambda: kaggle.datasets.update({NAME: archive(seed=1)})
        own = {**kaggle.env(), "HOME": str(folder / "home")}
        inherited = {name: one for name, one in os.environ.items() if "KAGGLE" not in name}
        with (
            mock.patch.dict(os.environ, {**inherited, **own, **credentials}, clear=True),
            mock.patch.object(kaggle_process.subprocess, "Popen", popen),
            mock.patch.multiple(kaggle_process, **PATIENCE),
        ):
            yield faulty


class Attempts:
    """Attempts to fetch a dataset, with the pipeline's rule for another one."""

    def __init__(self, store: Store, dataset: str, met: list[Fault]):
        """``met`` gets the faults that come."""
        self.store, self.source, self._all_met = store, Kaggle(dataset=dataset), met
        self.met: list[list[Fault]] = []  # in each attempt
        self.waits: list[float] = []  # before each other attempt, in seconds, and besides …
        self.asked: list[float] = []  # … those that Kaggle asks for
        self.artifact: Artifact | None = None
        self.error: Exception | None = None
        self.told = Told()

    def run(self) -> None:
        from tasks import stages  # it imports Prefect

        product = logging.getLogger("femtogpt")
        level = product.level
        product.setLevel(logging.DEBUG)
        try:
            with (
                mock.patch.multiple(product, handlers=[self.told], propagate=False),
                mock.patch.object(stages, "time", SimpleNamespace(sleep=self._slept)),
            ):
                self._run(stages.fetch_source)
        finally:
            product.setLevel(level)

    def _run(self, task) -> None:
        """As Prefect's engine does it."""
        for delay in (*task.retry_delay_seconds, None):
            before = len(self._all_met)
            try:
                self.artifact = fetch(self.store, "books", self.source)
                return
            except Exception as error:
                self.error = error
            finally:
                self.met.append(self._all_met[before:])
            self._asked = 0.0
            state = SimpleNamespace(result=lambda raise_on_failure: self.error)
            if delay is None or not task.retry_condition_fn(task, None, state):
                return
            self.waits.append(delay)
            self.asked.append(self._asked)

    def _slept(self, seconds: float) -> None:
        self._asked += seconds


def wrong(attempts: Attempts, faulty: FaultyKaggle, folder: Path) -> str | None:
    """What is wrong with what came of the attempts, in one line."""
    return (
        leaked(attempts, faulty, folder)
        or (wrong_file(attempts, faulty) if attempts.artifact else wrong_end(attempts, folder))
        or impatient(attempts)
    )


def leaked(attempts: Attempts, faulty: FaultyKaggle, folder: Path) -> str | None:
    """Where a token is that should not be there."""
    for request in faulty.elsewhere:
        if any(secret in request for secret in (TOKEN, KEY, BASIC)):
            return f"another host was sent the token: {request.splitlines()[0]}"
    said = [*attempts.told.messages, str(attempts.error or "")]
    for text in said:
        if any(secret in text for secret in SECRETS):
            return f"the token is in {text[:300]!r}"
    for path in folder.rglob("*"):
        if path.is_file() and any(one.encode() in path.read_bytes() for one in SECRETS):
            return f"the token is in {path.name}"
    return None


def wrong_file(attempts: Attempts, faulty: FaultyKaggle) -> str | None:
    artifact = attempts.artifact
    assert artifact is not None
    files = [path for path in (artifact.path / "bytes").rglob("*") if path.is_file()]
    if [path.name for path in files] != [FILE]:
        return f"there are {', '.join(path.name for path in files)}"
    if files[0].read_bytes() != faulty.kaggle.data(NAME):
        return "the file is not what Kaggle has"
    return None


def wrong_end(attempts: Attempts, folder: Path) -> str | None:
    """What is wrong with a failure: its words, or a file that looks like the dataset."""
    if [*folder.glob("data/raw/*/manifest.json")]:
        return "an artifact was left that is none"
    error = attempts.error
    if not isinstance(error, kaggle_process.KaggleError):
        return f"{type(error).__name__}: {error}"
    first, *rest = str(error).split("\n")
    if not first or rest != [ADVICE] or "0x" in first or "Traceback" in first:
        return f"the message is not one clear line and the advice: {str(error)!r}"
    return None


def impatient(attempts: Attempts) -> str | None:
    """Whether it was asked too seldom, too often or too soon, for each answer.

    What is refused for good is asked once; what may come right is asked again in another attempt,
    after the time that was asked for, until there are no more.
    """
    *earlier, last = attempts.met
    for number, met in enumerate(attempts.met):
        refused = _before_a_break(met)
        for fault, times in Counter(refused).items():
            # The version is asked for before the file, and once more with it.
            if times > (2 if fault.place == "question" else 1) and fault.kind in ("status", "echo"):
                return f"{fault} came {times} times in one attempt"
        is_last = number == len(earlier)
        if not is_last and any(map(_is_for_good, refused)):
            return f"asked again though it was refused for good: {', '.join(map(str, met))}"
        asked = next((one.wait for one in reversed(met) if one.place != "question"), 0)
        if not is_last and attempts.asked[number] < asked:
            return f"the next attempt did not wait for {asked} s more: {attempts.asked[number]} s"
    if attempts.waits != sorted({*attempts.waits} - {0}):
        return f"the waits do not grow: {attempts.waits}"
    if attempts.artifact is None and not any(map(_is_for_good, last)) and len(earlier) < MOST_AGAIN:
        return f"given up after {len(attempts.met)} attempts: {', '.join(map(str, last))}"
    return None


def _before_a_break(met: list[Fault]) -> list[Fault]:
    """What came before a file broke off: for the rest the client asks several times by itself.

    Then a refusal is of a part of the file, or of an address that has expired.
    """
    answers = ("status", "echo")
    return [*takewhile(lambda one: one.place != "file" or one.kind in answers, met)]


def _is_for_good(fault: Fault) -> bool:
    return fault.is_for_good or (fault.kind == "echo" and fault.place != "question")
