"""Early stopping: ending a training whose held-out loss no longer improves."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from femtogpt.training.schedule import Schedule


class Verdict(Enum):
    """What follows from an evaluation."""

    GO_ON = "go on"
    DECAY = "decay"
    END = "end"


class EarlyStopping:
    """Decides by the held-out losses so far, so a resumed training decides the same.

    After ``patience`` evaluations without a better loss the rate decays from there, if it does not
    yet: most of what can be learned is learned then (Hägele et al. 2024). When patience runs out
    again, the training ends. ``patience`` None: it never does.
    """

    def __init__(
        self,
        schedule: Schedule,
        patience: int | None,
        evaluations: Iterable[tuple[int, float]] = (),
    ):
        """``evaluations``: step and loss of those that were done before."""
        self.schedule, self.patience = schedule, patience
        self.losses: list[float] = []
        self._since = 0  # the evaluation from which patience counts
        for step, loss in evaluations:
            self.judge(step, loss)

    def judge(self, step: int, loss: float) -> Verdict:
        """Take in the held-out loss at a step."""
        self.losses.append(loss)
        newest = len(self.losses) - 1
        if step <= self.schedule.start:  # of an earlier training, or its very end
            self._since = newest
            return Verdict.GO_ON
        best = self.losses.index(min(self.losses))
        if self.patience is None or newest - max(best, self._since) < self.patience:
            return Verdict.GO_ON
        if not self.schedule.decay_from(step):
            return Verdict.END
        self._since = newest
        return Verdict.DECAY
