"""Small runs from which the scaling law is fitted (``femtogpt.scaling_law``).

::

    make law ARCHIVE=russian-literature.zip      the law that comes with the project
    make law CONF=mine                           one of your own text, which wins for ``mine``

Trains models of several sizes for several lengths, and some for many epochs on little text, one
thread each, ``--jobs`` side by side. All are scored on the held-out works, because theirs is the
figure that the law predicts: other works may be harder by several per cent. A finished run is a
file in the folder of records; a second start does what is missing. Writes the points and the fit.
Runs that stand in the law already, of the same settings, code and text, are not trained again: one
that was fitted to the ``--first`` of them can be completed on any machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arms import Arm
from experiment import OUT, Laboratory, log, shards_of, write_json
from measured_process import machine
from paired import FIGURE

from femtogpt import scaling
from femtogpt.artifacts.lookup import find
from femtogpt.config_file import load_config
from femtogpt.scaling_law import ALL, LAWS, LAYERS, Point, ScalingLaw, fit
from femtogpt.tokens.shards import Tokens

# Settings of all runs, but size, batch and length: those that train.hours has.
BASE = "conf=classics-cpu train.ngram_tokens=1_000_000"
CONTEXT = 256
Row = dict[str, Any]  # what a run was given, and what came of it


@dataclass(frozen=True)
class Run:
    """A model of some width that reads some tokens of a text of some length."""

    width: int
    tokens: int
    text: int | None = None  # tokens; None: all there are

    def arm(self, base: str, whole: int) -> Arm:
        """The arm of this run; ``whole``: tokens of all the text."""
        batch = int(scaling.recipe(self.width, CONTEXT)["batch_size"])
        shape = scaling.shape_of_width(self.width)
        settings = {
            **{f"model.{name}": value for name, value in shape.items()},
            "model.context": CONTEXT,
            "model.dropout": scaling.dropout(self.tokens / (self.text or whole)),
            "train.batch_size": batch,
            "train.compile": True,  # uncompiled, the short runs of wide models took longer
            "train.max_steps": max(1, round(self.tokens / (batch * CONTEXT))),
            **({"text": self.text} if self.text else {}),
        }
        text = f" of {self.text / 1e6:g} M" if self.text else ""
        name = f"width {self.width}, {self.tokens / 1e6:g} M tokens{text}"
        line = " ".join(f"{name}={value}" for name, value in settings.items())
        return Arm.parse(f"{name}: {line}", base)


# Of 600,000 tokens and 200 steps at least: less is another regime, which no law of more predicts.
# The shortest come first, so that a grid that is stopped has a law too.
GRID = (
    *(Run(width, 600_000) for width in (128, 192, 256, 320)),
    *(Run(width, 600_000, 150_000) for width in (128, 256)),
    *(Run(width, 1_200_000) for width in (128, 192, 256, 320, 384)),
    Run(192, 1_200_000, 300_000),
    *(Run(width, 1_800_000, 150_000) for width in (128, 256)),
    *(Run(width, 2_400_000) for width in (128, 192, 256)),
    Run(128, 3_000_000),
    Run(192, 3_600_000, 300_000),
    Run(128, 3_600_000, 900_000),
    Run(256, 3_600_000),
    Run(128, 6_000_000),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, nargs="?", help="an archive, or token shards")
    parser.add_argument("--conf", help="instead: the newest shards of a configuration")
    parser.add_argument("--data", type=Path, default=Path("data"), help="where those are")
    parser.add_argument("--base", default=BASE, help="settings of all runs")
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--first", type=int, default=len(GRID), help="only so many runs")
    parser.add_argument("--folder", type=Path, default=OUT / "experiments", help="for the records")
    parser.add_argument("--out", type=Path, help="the law; default: of --conf, or out/law.json")
    options = parser.parse_args()
    if (options.text is None) == (options.conf is None):
        raise SystemExit("name an archive or token shards, or a configuration with --conf")
    tokens = (
        shards_of(options.text, "classics")
        if options.text
        else Tokens(find("tokens", options.conf, options.data).path)
    )
    out = options.out or OUT / "law.json"
    if options.conf and not options.out:
        out = options.data / LAWS / f"{load_config(options.conf).name}.json"
    laboratory = Laboratory(tokens, options.folder, final=True, jobs=options.jobs)
    grid = GRID[: options.first]
    rows = measured(laboratory, options.base, options.seeds, grid, known_rows(out, options.seeds))
    law = best_fit(rows, made_from(options, tokens, rows))
    write_json(out, {**law.as_dict(), "runs": rows})
    for row in rows:
        expected = law.bits(row[law.counts], row["tokens"], row["text"])
        print(f"{row['run']:40} {row[FIGURE]:.4f}   by the law {expected:.4f}")
    print(f"off by {law.spread:.2%} (one standard deviation)\nwritten: {out}")


def known_rows(law: Path, seeds: int) -> dict[str, list[Row]]:
    """What came of the runs of a law that is there already, by the names of their records."""
    known: dict[str, list[Row]] = {}
    try:
        for row in json.loads(law.read_bytes())["runs"]:
            if "record" in row and row["seed"] < seeds:
                known.setdefault(row["record"], []).append(row)
    except (OSError, ValueError, TypeError, KeyError):  # none yet, or no law: it is made anew
        return {}
    return {name: found for name, found in known.items() if len(found) == seeds}


def measured(
    laboratory: Laboratory,
    base: str,
    seeds: int,
    grid: tuple[Run, ...],
    known: Mapping[str, list[Row]],
) -> list[Row]:
    """What came of the runs of the grid for which there is text enough, missing ones made first."""
    there = laboratory.tokens.total("train")
    arms = {run: run.arm(base, there) for run in grid if run.text is None or run.text <= there}
    names = {run: laboratory.digest(arm) for run, arm in arms.items()}
    missing = [arm for run, arm in arms.items() if names[run] not in known]
    log(f"{len(missing)} of {len(arms)} runs are to be made")
    records = laboratory.records(missing, range(seeds))
    rows: list[Row] = []
    for run, arm in arms.items():
        rows += known.get(names[run], [])
        for seed, record in records.get(arm.name, {}).items():
            if "failure" in record:
                log(f"{arm.name} is left out: {record['failure']}")
                continue
            settings = record["trainings"][0]
            row: Row = {"run": arm.name, "record": names[run], "seed": seed}
            row |= {key: record[key] for key in (FIGURE, "tokens", "steps")}
            table = laboratory.tokens.vocab_size * run.width
            row |= {ALL: record["parameters"], LAYERS: record["parameters"] - table}
            row |= {"text": laboratory.text(run.text).total("train"), "width": run.width}
            row |= {"batch": settings["train"]["batch_size"], "seconds": record["seconds"]}
            rows.append(row)
    return rows


def best_fit(rows: list[Row], origin: dict[str, Any]) -> ScalingLaw:
    """The law that is off by less: of all parameters, or of the layers' alone."""
    laws = []
    for counts in (LAYERS, ALL):
        points = [Point(row[counts], row["tokens"], row["text"], row[FIGURE]) for row in rows]
        laws.append(fit(points, origin, counts=counts))
        log(f"off by {laws[-1].spread:.2%} with {counts}")
    return min(laws, key=lambda law: law.spread)


def made_from(options: argparse.Namespace, tokens: Tokens, rows: list[Row]) -> dict[str, Any]:
    sources = sorted(tokens.index["splits"]["train"])
    sizes, seen = (sorted(row[name] / 1e6 for row in rows) for name in (ALL, "tokens"))
    return {
        "runs": f"{len(rows)} runs ({sizes[0]:.1f} to {sizes[-1]:.1f} M parameters,"
        f" {seen[0]:.1f} to {seen[-1]:.1f} M tokens of {', '.join(sources)})",
        "sources": sources,
        "tokens": tokens.total("train"),
        "vocab_size": tokens.vocab_size,
        "base": options.base,
        "seeds": options.seeds,
        "machine": machine(),
    }


if __name__ == "__main__":
    main()
