"""``femtogpt evaluate``: how well models predict text that they have not read."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from femtogpt.commands.options import RUN_NAMES, Commands
from femtogpt.errors import UserError

if TYPE_CHECKING:
    from femtogpt.evaluation.evaluated_run import EvaluatedRun


def add(commands: Commands) -> None:
    """Add the command that measures and compares models."""
    parser = commands.add_parser(
        "evaluate",
        help="bits per character of trained models, with intervals",
        description="Measure how well trained models predict text that they have not read: the"
        " held-out text of the first one's corpus, or texts of your own.",
    )
    add = parser.add_argument
    add("texts", nargs="*", type=Path, help="files and folders of your own, of any known format")
    add("--run", action="append", default=[], help=f"{RUN_NAMES}; several are compared")
    add("--all", action="store_true", help="a table over all trained models")
    models = "a model of the library transformers, on disk; may be given several times"
    add("--model", action="append", default=[], type=Path, help=models)
    add("--json", action="store_true", help="for programs")
    add("--data", type=Path, default=Path("data"), help="default: data")
    parser.set_defaults(run_command=_evaluate)


def _evaluate(options: argparse.Namespace) -> None:
    from femtogpt.commands.evaluation_view import as_json, overview, page
    from femtogpt.commands.find_run import find_run
    from femtogpt.commands.run_list import runs as list_runs
    from femtogpt.evaluation.evaluated_run import EvaluatedRun
    from femtogpt.evaluation.model_comparison import Model, compare
    from femtogpt.evaluation.own_texts import own_texts

    if options.all and options.run:
        raise UserError("--all takes every trained model: give it without --run")
    texts, left_out = own_texts(options.texts) if options.texts else (None, [])
    notes = [f"left out: {line}" for line in left_out]
    if options.all:
        runs, damaged = _all(options.data)
        notes += damaged
    else:
        runs = [EvaluatedRun(find_run(name, options.data)) for name in options.run or [None]]
    others: list[Model] = []
    if options.model:
        from femtogpt.evaluation.transformers_model import TransformersModel

        others = [TransformersModel(folder) for folder in options.model]
    comparison = compare(runs, others, texts, drop_readers=options.all)
    comparison.notes = notes + comparison.notes
    if options.all:
        comparison.models.sort(key=lambda model: model.figure.bits_per_character)
    if options.json:
        print(as_json(comparison))
    else:
        configurations = {run.name: run.configuration for run in list_runs(options.data)}
        print((overview if options.all else page)(comparison, configurations))


def _all(data: Path) -> tuple[list[EvaluatedRun], list[str]]:
    """Every finished run, the newest first, and a line for each that is damaged."""
    from femtogpt.commands.run_list import runs
    from femtogpt.evaluation.evaluated_run import EvaluatedRun

    found, damaged = [], []
    for run in reversed(runs(data)):
        if run.state == "finished":
            try:
                found.append(EvaluatedRun(data / run.name))
            except UserError as error:
                damaged.append(f"left out: {error}")
    if not found:
        raise UserError(f"{data} holds no sound trained model: make pipeline trains one")
    return found, damaged
