"""The registry of evaluation metrics: a registered function is all that a metric needs.

Its value appears in ``evaluation.json``, in the report's summary, in MLflow and in the tables of
sweeps. Register one in ``femtogpt.evaluation.standard_metrics``, or in any module that is imported
before the evaluation::

    @metric("commas_per_character", unit="commas per character", better="lower")
    def commas_per_character(context: EvaluationContext) -> float:
        …
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from femtogpt.evaluation.evaluation_context import EvaluationContext

RANKING = "held_out_bits_per_character"  # the metric by which sweeps rank their trials
Function = Callable[[EvaluationContext], float | None]


@dataclass(frozen=True)
class Metric:
    """A figure of a trained model."""

    name: str  # lower case with underscores, as in JSON and MLflow
    function: Function  # None if it has no value for these texts
    unit: str
    better: Literal["lower", "higher"] | None  # None: a property of the texts, not of the model
    reads: tuple[str, ...] = ()  # sections of the configuration; a change evaluates again

    @property
    def words(self) -> str:
        """The name in words."""
        return self.name.replace("_", " ")


METRICS: dict[str, Metric] = {}


def metric(
    name: str,
    *,
    unit: str,
    better: Literal["lower", "higher"] | None,
    reads: tuple[str, ...] = (),
) -> Callable[[Function], Function]:
    """Register a function as an evaluation metric. Raises ValueError if the name is taken."""

    def register(function: Function) -> Function:
        if name in METRICS:
            raise ValueError(f"there is a metric {name!r} already: choose another name")
        METRICS[name] = Metric(name, function, unit, better, reads)
        return function

    return register
