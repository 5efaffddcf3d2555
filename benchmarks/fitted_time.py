"""How many steps fit into a time, found by measuring the training itself.

The schedule of a training is fitted to its steps, so these are chosen before it begins: from a
short beginning of the same training, or from the last one of its kind. If it then took longer or
shorter than it should, it is done again with better numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any, Protocol, TypeVar

TOLERANCE = 0.03  # of the time: nearer than that, a training counts as equal in time
ATTEMPTS = 3
WARM_STEPS = 10  # the first ones are slower
LOSS = "held_out_loss"


@dataclass(frozen=True)
class Pace:
    """What a training spends its time on, in seconds."""

    start: float  # all that does not depend on the number of steps, besides the evaluations
    evaluation: float
    step: float
    evaluations: int  # after the first one; as many whatever the steps

    def steps(self, seconds: float) -> int:
        """The steps of a training of ``seconds``."""
        rest = seconds - self.start - self.evaluations * self.evaluation
        return max(1, int(rest / self.step))

    def as_dict(self) -> dict[str, float]:
        return {name: round(value, 4) for name, value in asdict(self).items()}


def pace_of(lines: Sequence[dict[str, Any]], began: float, ended: float) -> Pace:
    """The pace of a whole training, from its metrics and the Unix times of its start and its end.

    More steps would be like those after its first third. What the first ones took besides, such as
    those that an n-gram taught, would stay as it is.
    """
    spent, steps = _evaluations(lines), lines[-1]["step"]
    step = _step_seconds(lines, steps // 3)
    start = ended - began - sum(spent) - steps * step
    return Pace(start, sum(spent) / len(spent), step, len(spent))


def pace_of_beginning(lines: Sequence[dict[str, Any]], began: float, evaluations: int) -> Pace:
    """The same from a training that was stopped after more than WARM_STEPS steps.

    It evaluated at step WARM_STEPS, and perhaps later; the whole one has ``evaluations``.
    """
    first = next(line for line in lines if LOSS in line)
    spent = _evaluations(lines)
    step = _step_seconds(lines, WARM_STEPS)
    return Pace(first["time"] - began, sum(spent) / len(spent), step, evaluations)


def _step_seconds(lines: Sequence[dict[str, Any]], since: int) -> float:
    """The seconds of a step after step ``since``, evaluations apart."""
    start = max(number for number, line in enumerate(lines) if line["step"] == since)
    later = lines[start:]
    seconds = later[-1]["time"] - later[0]["time"] - sum(_evaluations(later))
    return seconds / (later[-1]["step"] - since)


def _evaluations(lines: Sequence[dict[str, Any]]) -> list[float]:
    """The seconds of each evaluation but the first, before which there is no line."""
    return [after["time"] - before["time"] for before, after in pairwise(lines) if LOSS in after]


class Finished(Protocol):
    """A training that ran to its end."""

    @property
    def seconds(self) -> float:
        """From the start of its process to its end."""

    @property
    def pace(self) -> Pace:
        """What it took for its parts."""


Outcome = TypeVar("Outcome", bound=Finished)


def train_for(seconds: float, pace: Pace, train: Callable[[int], Outcome]) -> Outcome:
    """Train for ``seconds``; of several attempts, the one that took the time most nearly.

    ``train`` trains for a number of steps. At most ATTEMPTS are made.
    """
    attempts: list[Outcome] = []
    while len(attempts) < ATTEMPTS:
        attempts.append(train(pace.steps(seconds)))
        if abs(attempts[-1].seconds / seconds - 1) <= TOLERANCE:
            break
        pace = attempts[-1].pace
    return min(attempts, key=lambda attempt: abs(attempt.seconds / seconds - 1))
