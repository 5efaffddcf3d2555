"""The longest stretches that a rule took out of a whole corpus."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.cleaning_diff import before_and_after
from femtogpt.corpus.losses import MIN_STRETCH, Taken
from femtogpt.corpus.rules import select_rules
from femtogpt.corpus.schema import BALANCE, REPORT
from femtogpt.corpus.stretches import gaps, stretches
from femtogpt.errors import UserError

SHOWN_CHARACTERS = 1000  # of a stretch


def longest(
    corpus: Artifact, data: Path, rule: str, source: str | None = None, count: int = 3
) -> list[Taken]:
    """The ``count`` longest stretches that a rule took, the longest first; 0 for all.

    Their ids are source/id. Only documents that may have one of them are read again, from the raw
    artifacts in ``data``. Raises UserError if the rule took nothing of note, if the raw artifacts
    are gone, or if the corpus was made by a version that kept no balance.
    """
    select_rules([rule])  # raises UserError if there is no such rule
    wanted = _documents(corpus, rule, source, _least(corpus, rule, source, count))
    found = [
        Taken(f"{name}/{id}", letters, len(text), text)
        for name, id, before, after in before_and_after(corpus, data, wanted, rule)
        for gap in gaps(before.encode(), after.encode())
        for letters, text in stretches(gap, MIN_STRETCH)
    ]
    if not found:
        scope = f" of {source}" if source else ""
        raise UserError(
            f"rule {rule!r} took no stretch of {MIN_STRETCH} letters or more from a document{scope}"
        )
    return sorted(found, key=lambda taken: -taken.letters)[: count or None]


def _least(corpus: Artifact, rule: str, source: str | None, count: int) -> int:
    """The letters that each of the ``count`` longest stretches has at least, by the report."""
    report = json.loads((corpus.path / REPORT).read_text(encoding="utf-8"))
    known = [
        taken["letters"]
        for name, counts in report.items()
        if source in (None, name) and rule in counts["rules"]
        for taken in counts["rules"][rule].get("longest", ())
    ]
    known.sort(reverse=True)
    return known[count - 1] if 0 < count <= len(known) else MIN_STRETCH


def _documents(corpus: Artifact, rule: str, source: str | None, least: int) -> set[tuple[str, str]]:
    """The documents of which the rule took ``least`` letters or more, as (source, id)."""
    files = sorted(corpus.path.glob(f"{BALANCE}/source={source or '*'}/*.parquet"))
    if not files:
        scope = f" of {source!r}" if source else ""
        raise UserError(
            f"{corpus.path} has no balance{scope}: an earlier version made it;"
            " run the pipeline again"
        )
    found = set()
    for file in files:
        lines = pl.read_parquet(file, columns=["id", "kind", "name", "letters"])
        lines = lines.filter(pl.col("letters") >= least, kind="rule", name=rule)
        found |= {(file.parent.name.removeprefix("source="), id) for id in lines["id"]}
    return found


def listing(found: list[Taken]) -> Iterator[str]:
    """Stretches as text, each with its document and length."""
    for taken in found:
        more = taken.characters - SHOWN_CHARACTERS
        yield f"── {taken.id} · {taken.characters:,} characters · {taken.letters:,} letters"
        yield taken.text[:SHOWN_CHARACTERS] + (f"\n[… {more:,} more]" if more > 0 else "") + "\n"
