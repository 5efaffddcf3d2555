"""What a sweep is asked for: a YAML file in ``conf/sweeps/``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError, model_validator

from femtogpt.config import Config, Section
from femtogpt.config_file import CONF, load_config, read_given
from femtogpt.errors import UserError

SWEEPS = CONF / "sweeps"
Choice = bool | int | float | str | None


class Range(Section):
    """The numbers between two, both included."""

    low: int | float
    high: int | float
    scale: Literal["linear", "log"] = Field("linear", description="log: factors count, not sums")

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} must be less than high {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"low {self.low} must be more than 0 where the scale is log")
        return self


class SweepConfig(Section):
    """Trainings of one configuration that differ in some settings."""

    name: str = Field(pattern=r"^[\w-]+$")
    config: str = Field(description="the configuration that is varied: a name in conf/ or a path")
    settings: dict[str, list[Choice] | Range] = Field(
        min_length=1, description="section.field to values, or to a range {low, high, scale}"
    )
    changes: dict[str, Any] = Field(
        default_factory=dict, description="section.field to a value that all have"
    )
    search: Literal["grid", "random", "tpe"] = Field(
        "grid", description="grid: every combination; random; tpe: where the best ones lie"
    )
    trials: int | None = Field(
        None, ge=1, description="at most so many; default: all of a grid, or 20"
    )
    minutes: float | None = Field(None, gt=0, description="no trial that would take longer in all")
    tokens: int | None = Field(None, ge=1, description="no trial that would train on more in all")
    prune: bool = Field(
        True, description="end a trial that is worse, half-way, than most were at the same point"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="of the search")

    @model_validator(mode="after")
    def _searchable(self) -> SweepConfig:
        for name, values in self.settings.items():
            if isinstance(values, Range) and self.search == "grid":
                raise ValueError(f"{name} is a range: a grid needs a list of values")
            if isinstance(values, list) and not values:
                raise ValueError(f"{name} has no values")
            if name in self.changes:
                raise ValueError(f"{name} stands in settings and in changes")
        return self

    @property
    def most(self) -> int:
        """Trials at most."""
        if self.search != "grid":
            return self.trials or 20
        whole = math.prod(len(values) for values in self.settings.values())
        return min(whole, self.trials or whole)

    def variant(self, chosen: dict[str, Choice], archive: Path | None = None) -> Config:
        """The configuration with these settings. Raises UserError where they do not fit."""
        return load_config(self.config, archive=archive, changes={**self.changes, **chosen})


def load_sweep(
    name: str, changes: Mapping[str, Any] | None = None, sweeps: Path = SWEEPS
) -> SweepConfig:
    """Read a sweep by name (``shape``: ``conf/sweeps/shape.yaml``) or by path.

    ``changes`` of a sweep's own settings (``minutes``) are its own; all others
    (``train.max_steps``) are changes of every trial. Raises UserError in one line.
    """
    path, given = read_given(name, sweeps, "sweep")
    settings = {"name": path.stem, **given}
    for key, value in (changes or {}).items():
        if key in SweepConfig.model_fields:
            settings[key] = value
        else:
            settings["changes"] = {**settings.get("changes", {}), key: value}
            settings.get("settings", {}).pop(key, None)
    try:
        sweep = SweepConfig.model_validate(settings)
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors()]
        raise UserError(f"sweep {path.name}: " + "; ".join(faults)) from error
    for chosen in _corners(sweep):
        sweep.variant(chosen)
    return sweep


def _corners(sweep: SweepConfig) -> Iterable[dict[str, Choice]]:
    """Each value once, alone: so that a misspelt setting is told before anything runs."""
    for name, values in sweep.settings.items():
        ends = [values.low, values.high] if isinstance(values, Range) else values
        yield from ({name: value} for value in ends)


def _fault(fault: Any) -> str:
    field = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "value_error":
        return f"{field + ': ' if field else ''}{fault['ctx']['error']}"
    return f"{field}: {fault['msg'].lower()}"
