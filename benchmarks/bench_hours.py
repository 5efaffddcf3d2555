"""Whether what is chosen for a time (``train.hours``) is the best for it, and ends where it says.

::

    make bench-hours ARCHIVE=russian-literature.zip MINUTES="10 30"

For each time the product measures this machine and chooses a size and a length for
``conf/classics`` (once: a second start keeps the choice). That training and those of a grid of
other sizes, fitted to the same time, run in turn, alone on the machine, one seed each, and are
scored on the complete held-out text. ``--neighbours``: instead of the grid, only the next smaller
and larger size. A second start goes on with what is missing. Six trainings of each time, or three.
Writes ``benchmarks/out/hours.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from arms import Arm
from experiment import OUT, Laboratory, log, shards_of, write_json
from measured_process import machine, run
from paired import FIGURE, compare, shown

from femtogpt import scaling
from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.config_file import load_config
from femtogpt.scaling import HEAD_SIZE
from femtogpt.scaling_law import law_for
from femtogpt.tokens.shards import Tokens
from femtogpt.training.budget import WIDTHS, Budget, Choice, told
from femtogpt.training.settings import tokens_per_epoch

CONF = "classics"
GRID = (128, 192, 256, 320, 384)  # widths; the dial gives the layers
CHOSEN = "chosen"
LEFT = {"hours", "hours_without_card", "sample_every"}  # settings that arms do without
TARGETS = {"to_best": "≤ 1.01", "to_expected": "0.98 to 1.02"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="the archive of the classics, or token shards")
    parser.add_argument("--minutes", type=float, nargs="+", default=[10.0, 30.0])
    parser.add_argument(
        "--neighbours", action="store_true", help="not the grid, but the next sizes"
    )
    parser.add_argument("--set", default="", help="settings of all: section.field=value …")
    parser.add_argument("--folder", type=Path, default=OUT / "experiments", help="for the records")
    parser.add_argument("--out", type=Path, default=OUT / "hours.json")
    options = parser.parse_args()
    tokens = shards_of(options.text, CONF)
    laboratory = Laboratory(tokens, options.folder, final=True)
    times = {f"{minutes:g}": measured(options, laboratory, minutes) for minutes in options.minutes}
    write_json(options.out, {"machine": machine(), "set": options.set, "minutes": times})
    for minutes, found in times.items():
        print(f"\n{minutes} minutes\n\n{shown(found['rows'])}\n")
        for name, target in TARGETS.items():
            print(f"{name:16} {found[name]:8.4f}   {target}")
    print(f"\nwritten: {options.out}")


def measured(options: argparse.Namespace, laboratory: Laboratory, minutes: float) -> dict[str, Any]:
    """The training that is chosen for a time, beside others of that time."""
    budget = budget_of(laboratory.tokens, minutes / 60, options.set)
    file = options.folder / "choices" / f"{laboratory.content}-{minutes:g}.json"
    choice = kept_choice(file, budget)
    widths = neighbours(choice.model.width) if options.neighbours else GRID
    arms = [Arm.parse(f"{CHOSEN}: {as_settings(choice.model, choice.train)}")]
    arms += [rival(width, minutes, choice, budget) for width in widths]
    records = laboratory.records(arms, range(1))
    bits = {name: by_seed[0][FIGURE] for name, by_seed in records.items()}
    return {
        "to_best": bits[CHOSEN] / min(bits.values()),
        "to_expected": bits[CHOSEN] / choice.expected.bits,
        "expected": asdict(choice.expected),
        "chosen": told(choice, minutes / 60),
        "rows": compare(records, CHOSEN),
    }


def budget_of(tokens: Tokens, hours: float, settings: str) -> Budget:
    """The budget of a person who trains the configuration for so many hours."""
    config = load_config(CONF, [f"train.hours={hours}", *settings.split()])
    weights = {name: source.weight for name, source in config.sources.items()}
    return Budget.of(config, tokens_per_epoch(tokens, weights), tokens.vocab_size)


def kept_choice(file: Path, budget: Budget) -> Choice:
    """What the product chooses here and now, or chose at an earlier start."""
    if not file.exists():
        program = [sys.executable, "-m", "femtogpt.training.budget_process"]
        wanted = file.with_suffix(".wanted")
        write_json(wanted, {"budget": asdict(budget), "law": law_for(CONF, Path("data")).as_dict()})
        with wanted.open() as content:
            write_json(file, run(program, stdin=content).output)
    choice = Choice.of(json.loads(file.read_text(encoding="utf-8")))
    for line in told(choice, budget.seconds / 3600):
        log(line)
    return choice


def as_settings(model: ModelConfig, train: TrainConfig) -> str:
    """A model and its training as an arm says them."""
    return " ".join(
        f"{name}.{field}={value}"
        for name, section in (("model", model), ("train", train))
        for field, value in section.model_dump(mode="json", exclude=LEFT, exclude_none=True).items()
    )


def rival(width: int, minutes: float, choice: Choice, budget: Budget) -> Arm:
    """Another size in the same time, trained as the product would train it."""
    shape = {**budget.model, **scaling.shape_of_width(width)}
    ((model, train),) = replace(budget, model=shape).candidates()
    flops = [each.flops_per_token(budget.vocab_size) for each in (choice.model, model)]
    dropout = {"dropout": scaling.dropout(choice.epochs * flops[0] / flops[1]), **shape}
    settings = as_settings(model.model_copy(update=dropout), train)
    return Arm.parse(f"width {width}: {settings} minutes={minutes:g}")


def neighbours(width: int) -> list[int]:
    """The next smaller and the next larger width that could have been chosen."""
    return [other for other in (width - HEAD_SIZE, width + HEAD_SIZE) if other in WIDTHS]


if __name__ == "__main__":
    main()
