"""An evaluation on a terminal: the models, and what they make of each part of the text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from itertools import groupby
from typing import Any

from femtogpt.commands.table import millions, table
from femtogpt.evaluation.breakdown import Part
from femtogpt.evaluation.intervals import Difference, counted, signed
from femtogpt.evaluation.model_comparison import Comparison

SHOWN = 20  # parts of one level
CHARACTERS = 48  # of a part's name
COLUMNS = 4  # models side by side


def page(comparison: Comparison, configurations: Mapping[str, str | None]) -> str:
    """The models, then each part of the text with a column for each of the first COLUMNS."""
    sections = [overview(comparison, configurations)]
    head = ["works", "characters", *_letters(comparison)[:COLUMNS]]
    if len(comparison.models) == 2:
        head.append("B − A")
    for level, parts in groupby(comparison.parts(), lambda part: part.level):
        rows = list(parts)
        if level != "all":
            sections.append(table([f"by {level}", *head], map(_row, rows[:SHOWN])))
            if len(rows) > SHOWN:
                sections[-1] += f"\n… and {len(rows) - SHOWN:,} more: --json has all"
    return "\n\n".join(sections)


def overview(comparison: Comparison, configurations: Mapping[str, str | None]) -> str:
    """Each model and baseline with its figure, and how it compares with the first.

    ``configurations`` are those of runs, by the runs' names.
    """
    scored = [*comparison.models, *comparison.baselines]
    letters = _letters(comparison) + [""] * len(comparison.baselines)
    verdicts = ["", *map(_verdict, comparison.differences())]
    rows = [
        (letter, str(each.figure), verdict, each.name, configurations.get(each.name) or "")
        for letter, each, verdict in zip(letters, scored, verdicts, strict=True)
    ]
    whole = comparison.models[0].figure
    characters = (
        "1 character" if whole.characters == 1 else f"{millions(whole.characters)} characters"
    )
    size = f"{counted(whole.works, 'work')}, {characters}"
    lines = [f"{comparison.text}: {size}", _about(whole.clusters), *comparison.notes]
    compared = f"beside {letters[0]}" if len(rows) > 1 else ""
    return "\n".join(lines) + "\n\n" + table(["", "bits/char", compared, "model", ""], rows)


def _about(clusters: str | None) -> str:
    if clusters is None:
        return "too few works for an interval"
    parts = ", or by work in parts of fewer than three authors" if clusters == "author" else ""
    return f"±: a 95 % interval, clustered by {clusters}{parts}"


def _letters(comparison: Comparison) -> list[str]:
    """A, B, C, …, and numbers after Z."""
    return [
        chr(ord("A") + number) if number < 26 else str(number + 1)
        for number in range(len(comparison.models))
    ]


def _verdict(difference: Difference) -> str:
    """In few words, for a table."""
    if difference.half_width is None:
        return f"{signed(difference.difference)}, no interval"
    if not difference.is_told:
        return f"no difference can be told ({_with_interval(difference)})"
    better = "better" if difference.difference < 0 else "worse"
    return f"{better} by {abs(difference.difference):.3f} ± {difference.half_width:.3f}"


def _with_interval(difference: Difference) -> str:
    half = "" if difference.half_width is None else f" ± {difference.half_width:.3f}"
    return signed(difference.difference) + half


def _row(part: Part) -> list[str]:
    name = " ".join(part.name.split())
    if len(name) > CHARACTERS:
        name = name[: CHARACTERS - 1] + "…"
    difference = [] if part.difference is None else [_with_interval(part.difference)]
    size = [f"{part.figures[0].works:,}", millions(part.figures[0].characters)]
    return [name, *size, *map(str, part.figures[:COLUMNS]), *difference]


def as_json(comparison: Comparison) -> str:
    """The comparison for programs."""
    differences = comparison.differences()
    against: list[Difference | None] = [None, *differences]
    models = [
        {
            "name": each.name,
            "is_baseline": number >= len(comparison.models),
            **asdict(each.figure),
            "against_first": difference and {**asdict(difference), "is_told": difference.is_told},
        }
        for number, (each, difference) in enumerate(
            zip([*comparison.models, *comparison.baselines], against, strict=True)
        )
    ]
    parts: list[dict[str, Any]] = [
        {
            "level": part.level,
            "name": part.name,
            "figures": [asdict(figure) for figure in part.figures],
            "difference": part.difference and asdict(part.difference),
        }
        for part in comparison.parts()
    ]
    whole = {"text": comparison.text, "notes": comparison.notes, "models": models, "parts": parts}
    return json.dumps(whole, ensure_ascii=False)
