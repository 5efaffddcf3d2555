"""Optuna's study of a sweep, kept on disk: it picks the trials and ends the hopeless ones."""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Mapping
from typing import Any

from femtogpt.artifacts.disk import explain_os_errors, json_digest
from femtogpt.artifacts.file_lock import FileLock, Timeout
from femtogpt.config import PLACES, Config
from femtogpt.errors import Pruned, UserError
from femtogpt.evaluation import standard_metrics  # noqa: F401  registers the metrics
from femtogpt.evaluation.metric_registry import METRICS
from femtogpt.sqlite_url import sqlite_url
from femtogpt.sweep.sweep_config import Choice, Range, SweepConfig, is_integer
from femtogpt.training.metrics import BITS
from femtogpt.training.training_stage import WITHOUT_EFFECT

COMPARISONS = 20  # points of a training at which trials are compared
BUDGET_TOLERANCE = 1.25  # times the budget: the first tenth of a training predicts it so well
log = logging.getLogger(__name__)


class Study:
    """The trials of a sweep so far, in ``<data>/sweeps/<name>-<digest>/study.db``.

    The digest is of what makes trials comparable: the sweep and the configuration that it varies.
    A sweep with a larger budget continues the same study. The next trial depends only on those that
    ended, so a trial whose process was killed is repeated. Raises UserError if another process uses
    the study.
    """

    def __init__(self, sweep: SweepConfig, config: Config):
        """``config``: before the changes of a trial, with its sources pinned to a version."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.sweep = sweep
        search = sweep.model_dump(mode="json", exclude={"trials", "minutes", "tokens", "prune"})
        irrelevant: dict[str, Any] = {
            **dict.fromkeys((*PLACES, "baselines", "memory"), True),
            "train": WITHOUT_EFFECT,
        }
        base = config.model_dump(mode="json", exclude=irrelevant)
        digest = json_digest([search, base])[:8]
        self.folder = config.paths.data / "sweeps" / f"{sweep.name}-{digest}"
        with explain_os_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._lock = FileLock(self.folder / ".lock")
            try:
                self._lock.acquire(blocking=False)
            except Timeout:
                raise UserError(
                    f"the sweep {sweep.name} is running already, in another process: wait for it"
                ) from None
        self._study = optuna.create_study(
            study_name=sweep.name,
            storage=sqlite_url(self.folder.absolute() / "study.db"),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=3, n_warmup_steps=COMPARISONS // 4),
            load_if_exists=True,
        )
        self.states = optuna.trial.TrialState
        for trial in self._study.get_trials(deepcopy=False, states=(self.states.RUNNING,)):
            self._study.tell(trial.number, state=self.states.FAIL)

    def close(self) -> None:
        """Release the study for other processes."""
        self._lock.release()

    def next(self) -> Trial | None:
        """The next trial; None if the sweep is complete or its budget does not allow another."""
        done = self.done()
        if len(done) >= self.sweep.max_trials or not self._affordable(done):
            return None
        self._study.sampler = self._sampler(len(done))
        if self.sweep.search == "grid":
            tried = [trial["chosen"] for trial in done]
            self._study.enqueue_trial(next(p for p in grid(self.sweep) if p not in tried))
        trial = self._study.ask()
        chosen = {
            name: _suggested(trial, name, values) for name, values in self.sweep.settings.items()
        }
        return Trial(self, trial, chosen)

    def _affordable(self, done: list[dict[str, Any]]) -> bool:
        """Whether the budget allows another trial of the mean cost of those done."""
        for name, spent, budget in (
            ("minutes", sum(trial["seconds"] for trial in done) / 60, self.sweep.minutes),
            ("tokens", sum(trial["tokens"] for trial in done), self.sweep.tokens),
        ):
            if budget and done and spent + spent / len(done) > budget:
                log.info("the budget of %g %s does not allow another trial", budget, name)
                return False
        return True

    def _sampler(self, done: int) -> Any:
        """A sampler seeded by the sweep's seed and the number of trials that ended."""
        from optuna.samplers import RandomSampler, TPESampler

        seed = self.sweep.seed + 7919 * done
        if self.sweep.search == "tpe":
            return TPESampler(seed=seed, n_startup_trials=5)
        return RandomSampler(seed=seed)

    def done(self) -> list[dict[str, Any]]:
        """The trials that ended, in order: number, state, chosen settings, bits, steps, …

        The state is ``complete``, ``pruned`` or ``failed``.
        """
        ended = [
            trial
            for trial in self._study.get_trials(deepcopy=False)
            if trial.state in (self.states.COMPLETE, self.states.PRUNED)
            or "why" in trial.user_attrs
        ]
        names = {self.states.COMPLETE: "complete", self.states.PRUNED: "pruned"}
        return [
            {
                "number": trial.number,
                "state": names.get(trial.state, "failed"),
                "chosen": dict(trial.params),
                "bits": trial.value if trial.state == self.states.COMPLETE else None,
                "best_estimate": min(trial.intermediate_values.values(), default=None),
                **trial.user_attrs,
            }
            for trial in ended
        ]

    def tell(self, trial: Any, state: Any, bits: float | None) -> None:
        """Record the outcome of a trial."""
        self._study.tell(trial, bits, state=state)

    def best(self) -> dict[str, Any] | None:
        """The complete trial with the fewest bits per character."""
        return min(
            (trial for trial in self.done() if trial["bits"] is not None),
            key=lambda trial: trial["bits"],
            default=None,
        )


class Trial:
    """One training of the sweep."""

    def __init__(self, study: Study, trial: Any, chosen: dict[str, Choice]):
        self.study, self.chosen = study, chosen
        self._trial = trial
        self._reported = -1
        self._first: tuple[float, dict[str, float]] | None = None  # the first report: share, spent
        self._spent: dict[str, float] = {"steps": 0, "tokens": 0, "seconds": 0.0}

    def watch(self, share: float, line: dict) -> None:
        """Report a metrics line with a held-out estimate; ``share`` of the training is done.

        Raises Pruned if the trial is hopeless, and UserError if it is the sweep's first and will
        exceed the budget.
        """
        point = math.floor(share * COMPARISONS)
        self._spent = {"steps": line["step"], "tokens": line["tokens"], "seconds": line["seconds"]}
        if point <= self._reported or share >= 1:
            return
        self._reported = point
        self._check_budget(share)
        self._trial.report(line[BITS], point)
        if self.study.sweep.prune and self._trial.should_prune():
            raise Pruned(f"{line[BITS]:.3f} bits per character at {share:.0%}, most were better")

    def _check_budget(self, share: float) -> None:
        """Raise UserError if the sweep's first trial alone would clearly exceed a budget."""
        if share <= 0 or self.study.done():
            return
        self._first = self._first or (share, self._spent)  # the model is compiled by now
        first_share, before = self._first
        for name, axis, unit in (("minutes", "seconds", 60), ("tokens", "tokens", 1)):
            budget = getattr(self.study.sweep, name)
            if not budget or share == first_share:
                continue
            rate = (self._spent[axis] - before[axis]) / (share - first_share)
            total = (before[axis] + rate * (1 - first_share)) / unit
            if total > BUDGET_TOLERANCE * budget:
                raise UserError(
                    f"one training takes about {total:,.0f} {name}, the sweep may take {budget:,}:"
                    f" raise the budget ({name}=…) or make the trainings shorter"
                    " (train.max_steps=…)"
                )

    def complete(
        self,
        bits: float,
        counts: Mapping[str, Any],
        baselines: Mapping[str, float] | None = None,
    ) -> None:
        """Record the held-out bits per character, ``counts``, and bits of ``baselines`` by title.

        The counts are steps, tokens and seconds, and the values of evaluation metrics.
        """
        self._spent = {axis: counts[axis] for axis in ("steps", "tokens", "seconds")}
        metrics = {name: counts[name] for name in METRICS if counts.get(name) is not None}
        self._trial.set_user_attr("metrics", metrics)
        self._trial.set_user_attr("baselines", dict(baselines or {}))
        self._tell(None, bits)

    def prune(self) -> None:
        """Record that the trial was ended early."""
        self._tell(self.study.states.PRUNED)

    def fail(self, why: str) -> None:
        """Record that there is no result because the loss diverged or the settings do not fit."""
        self._tell(self.study.states.FAIL, why=why)

    def _tell(self, state: Any, bits: float | None = None, **why: str) -> None:
        for name, value in {**self._spent, **why}.items():
            self._trial.set_user_attr(name, value)
        self.study.tell(self._trial, state, bits)


def grid(sweep: SweepConfig) -> list[dict[str, Choice]]:
    """Every combination of the values, with the last setting varying fastest."""
    names = list(sweep.settings)
    values = [choices for choices in sweep.settings.values() if isinstance(choices, list)]
    return [dict(zip(names, point, strict=True)) for point in itertools.product(*values)]


def _suggested(trial: Any, name: str, values: list[Choice] | Range) -> Choice:
    if isinstance(values, list):
        return trial.suggest_categorical(name, values)
    log_scale = values.scale == "log"
    if is_integer(name):
        return trial.suggest_int(name, values.low, values.high, log=log_scale)
    return trial.suggest_float(name, values.low, values.high, log=log_scale)
