"""The tables in docs/cards.md, from the files that ``make check-gpu`` wrote.

::

    python benchmarks/cards_table.py

Reads ``docs/cards/*.json`` and puts the tables into the page.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().parent.parent / "docs/cards.md"
BEGIN, END = "<!-- written by benchmarks/cards_table.py -->\n", "<!-- end of the tables -->"
NONE = (
    "No card has been measured yet. Whatever these pages say of cards is an estimate or follows"
    " from the code.\n"
)
CARDS = ("card", "memory", "torch", "parts passed", "what failed")
SPEEDS = (
    *("card", "model", "format", "tokens per second", "share of the peak"),
    *("not compiled", "share of the peak", "memory, not compiled", "of the plan"),
)


def tables(results: list[dict[str, Any]]) -> str:
    """The tables of some checks; without any, a sentence that says so."""
    if not results:
        return NONE
    cards, speeds = [], []
    for result in sorted(results, key=lambda result: result["machine"]["card"]):
        about, parts = result["machine"], result["parts"]
        failed = [name for name, part in parts.items() if part["state"] == "failed"]
        passed = sum(part["state"] == "passed" for part in parts.values())
        counted = sum(part["state"] != "left out" for part in parts.values())
        memory = f"{about['memory_gb']:g} GB"
        count = f"{passed} of {counted}"
        cards.append((about["card"], memory, about["torch"], count, ", ".join(failed)))
        for name, part in parts.items():
            if "peak_tflops" in part["figures"]:
                speeds.append((about["card"], *_speeds(name, part["figures"])))
    return "\n".join([_table(CARDS, cards), *([_table(SPEEDS, speeds)] if speeds else [])])


def _speeds(name: str, figures: dict[str, Any]) -> tuple[str, ...]:
    model = " ".join(name.split()[:2])  # without the format
    cells = []
    for way in ("compiled", "not_compiled"):
        if f"{way}_tokens_per_second" in figures:
            cells.append(f"{figures[f'{way}_tokens_per_second']:,.0f}")
            cells.append(f"{figures[f'{way}_share_of_peak']:.0%}")
        else:
            cells += ["failed", ""]
    memory, ratio = figures.get("not_compiled_memory_gb"), figures.get("memory_to_plan")
    taken = (f"{memory:.2f} GB", f"{ratio:.2f}") if memory and ratio else ("", "")
    return model, figures["format"], *cells, *taken


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def results(folder: Path) -> list[dict[str, Any]]:
    """What the files in a folder say. Raises SystemExit for that of a dry run."""
    found = []
    for file in sorted(folder.glob("*.json")):
        result = json.loads(file.read_text("utf-8"))
        if result["dry"]:
            raise SystemExit(f"{file} is of a dry run, without a card: remove it")
        found.append(result)
    return found


def page(text: str, results: list[dict[str, Any]]) -> str:
    """The page with the tables of these results."""
    before, _, rest = text.partition(BEGIN)
    return f"{before}{BEGIN}{tables(results)}{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    written = page(PAGE.read_text("utf-8"), results(PAGE.with_suffix("")))
    PAGE.write_text(written, encoding="utf-8")
