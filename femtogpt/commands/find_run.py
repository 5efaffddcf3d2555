"""A trained model by what a person calls it."""

from __future__ import annotations

from pathlib import Path

from femtogpt.artifacts.artifact import refuse_damaged
from femtogpt.commands.run_list import Run, runs
from femtogpt.errors import UserError, nearest
from femtogpt.model.files import SETTINGS_FILE, WEIGHTS_FILE

BEST = "best"


def find_run(name: str | None, data: Path) -> Path:
    """The folder of a trained model.

    ``name`` is None (the newest), ``best`` (the fewest held-out bits per character), a folder, a
    run's name in ``femtogpt runs`` or its beginning, or a configuration (its newest). Raises
    UserError if there is none, if a beginning fits several, or if its training has not ended.
    """
    if name and name != BEST and (Path(name) / SETTINGS_FILE).is_file():
        if not (Path(name) / WEIGHTS_FILE).is_file():
            refuse_damaged(Path(name))  # if it was finished once
            raise UserError(
                f"{name} holds no finished model: make pipeline goes on with its training"
            )
        return Path(name)
    listed = runs(data)
    found = [run for run in listed if run.state == "finished"]
    for run in listed:
        if name and run not in found and _digest(run).startswith(name.removeprefix("run/")):
            advice = "make pipeline goes on with it"
            if run.is_training:
                advice = "wait for its end, or name another"
            raise UserError(f"run {run.short} is {run.state}: {advice}")
    if not found:
        raise UserError(f"{data} holds no trained model yet: make pipeline trains one")
    return data / _chosen(name, found, data).name


def _chosen(name: str | None, found: list[Run], data: Path) -> Run:
    if name is None:
        return found[-1]
    if name == BEST:
        scored = [run for run in found if run.held_out_bits_per_character is not None]
        if not scored:
            raise UserError(f"no model in {data} has a held-out figure: name one with --run")
        return min(scored, key=lambda run: run.held_out_bits_per_character or 0.0)
    begun = name.removeprefix("run/")
    fitting = [run for run in found if begun and _digest(run).startswith(begun)]
    if len(fitting) > 1:
        each = ", ".join(f"{run.short} ({run.configuration or '—'}, {run.date})" for run in fitting)
        raise UserError(f"--run {name} begins the names of several runs: give one of {each}")
    fitting = fitting or [run for run in found if run.configuration == name]
    if not fitting:
        names = {run.short for run in found} | {run.configuration or run.short for run in found}
        similar = nearest(name, names)
        raise UserError(
            f"femtogpt runs lists no trained model {name!r}{similar or ': name one that it lists'}"
        )
    return fitting[-1]


def _digest(run: Run) -> str:
    return run.name.removeprefix("run/")
