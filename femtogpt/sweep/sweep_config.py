"""The settings of a sweep: a YAML file in ``conf/sweeps/``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, ValidationError, model_validator

from femtogpt.config import Config, Section
from femtogpt.config_file import CONF, load_config, name_of, read_named
from femtogpt.errors import UserError

SWEEPS = CONF / "sweeps"
CHECKED_COMBINATIONS = 1000  # before anything runs, at most
Choice = bool | int | float | str | None


class Range(Section):
    """The numbers from ``low`` to ``high``, both included."""

    low: int | float
    high: int | float
    scale: Literal["linear", "log"] = Field(
        "linear", description="linear: every interval is as likely; log: every ratio"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Range:
        if not self.low < self.high:
            raise ValueError(f"low {self.low} must be less than high {self.high}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"low {self.low} must be more than 0 if the scale is log")
        return self


class SweepConfig(Section):
    """Training runs of one configuration that differ in some settings."""

    name: str = Field(pattern=r"^[\w-]+$")
    config: str = Field(description="the configuration to vary: a name in conf/ or a path")
    settings: dict[str, list[Choice] | Range] = Field(
        min_length=1, description="section.field to values, or to a range {low, high, scale}"
    )
    changes: dict[str, Any] = Field(
        default_factory=dict, description="section.field to a value for all trials"
    )
    search: Literal["grid", "random", "tpe"] = Field(
        "grid", description="grid: every combination; random; tpe: near the best ones so far"
    )
    trials: int | None = Field(
        None, ge=1, description="the most trials to run; default: all of a grid, otherwise 20"
    )
    minutes: float | None = Field(
        None,
        gt=0,
        description="the training time of all trials: none starts that would exceed it at the mean"
        " time so far, and the first is ended if it would clearly exceed it alone",
    )
    tokens: int | None = Field(None, ge=1, description="the same limit in tokens trained on")
    prune: bool = Field(
        True, description="end a trial that is worse than the median, from a quarter of it on"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="the seed of the search")

    @model_validator(mode="after")
    def _searchable(self) -> SweepConfig:
        for name, values in self.settings.items():
            if isinstance(values, Range) and self.search == "grid":
                raise ValueError(f"{name} is a range: a grid needs a list of values")
            if isinstance(values, list) and not values:
                raise ValueError(f"{name} has no values")
            if isinstance(values, list) and any(values.count(value) > 1 for value in values):
                raise ValueError(f"{name} has a value twice")
            if name in self.changes:
                raise ValueError(f"{name} is in both settings and changes")
        return self

    @property
    def max_trials(self) -> int:
        """The most trials to run."""
        if self.search != "grid":
            return self.trials or 20
        combinations = math.prod(
            len(values) for values in self.settings.values() if isinstance(values, list)
        )
        return min(combinations, self.trials or combinations)

    def variant(self, chosen: dict[str, Choice], archive: Path | None = None) -> Config:
        """The configuration with these settings. Raises UserError if they do not fit."""
        return load_config(self.config, archive=archive, changes={**self.changes, **chosen})


def load_sweep(
    name: str, changes: Mapping[str, Any] | None = None, sweeps: Path = SWEEPS
) -> SweepConfig:
    """Load a sweep by name (``shape``: ``conf/sweeps/shape.yaml``) or by path.

    ``changes`` to a sweep's own settings (``minutes``) apply to the sweep, all others
    (``train.max_steps``) to every trial. Raises UserError for an invalid sweep.
    """
    path, content = read_named(name, sweeps, "sweep")
    settings = {"name": name_of(path), **{k: v for k, v in content.items() if v is not None}}
    for key, value in (changes or {}).items():
        if key in SweepConfig.model_fields:
            settings[key] = value
        else:
            settings["changes"] = {**(settings.get("changes") or {}), key: value}
            (settings.get("settings") or {}).pop(key, None)
    try:
        sweep = SweepConfig.model_validate(settings)
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors()]
        raise UserError(f"sweep {path.name}: " + "; ".join(faults)) from error
    _check(sweep)
    return sweep


def _check(sweep: SweepConfig) -> None:
    """Raise UserError if a value fits in no combination, so that a misspelling is found early."""
    ends = {
        name: [values.low, values.high] if isinstance(values, Range) else values
        for name, values in sweep.settings.items()
    }
    fitting: set[tuple[str, str]] = set()
    faults: dict[tuple[str, str], UserError] = {}
    for point in itertools.islice(itertools.product(*ends.values()), CHECKED_COMBINATIONS):
        chosen = dict(zip(ends, point, strict=True))
        keys = {(name, repr(value)) for name, value in chosen.items()}
        if keys <= fitting:
            continue
        try:
            sweep.variant(chosen)
            fitting |= keys
        except UserError as error:
            faults |= {key: error for key in keys if key not in faults}
    for key, fault in faults.items():
        if key not in fitting:
            raise fault


def is_integer(name: str) -> bool:
    """Whether a setting takes integers only."""
    section, _, field = name.partition(".")
    model: Any = Config.model_fields.get(section)
    if field:
        model = getattr(model and model.annotation, "model_fields", {}).get(field)
    kinds = {model.annotation, *get_args(model.annotation)} if model else set()
    return int in kinds and float not in kinds


def _fault(fault: Any) -> str:
    field = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "value_error":
        return f"{field + ': ' if field else ''}{fault['ctx']['error']}"
    return f"{field}: {fault['msg'].lower()}"
