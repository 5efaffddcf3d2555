"""What a person should know of a corpus without having to look for it, a line each."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.losses import NOTABLE_SHARE, NOTABLE_STRETCH
from femtogpt.corpus.schema import REPORT, SPLITS

SHOWN = 6  # rules that are named; the report has them all
MUCH_HELD_OUT = 2  # times the share that was asked for
SOME_EDITIONS = 2  # documents that look like editions: these are told if they are
MANY_EDITIONS = 20  # as many, or a share of the source's documents:
EDITIONS_SHARE = 0.1


def corpus_warnings(corpus: Artifact) -> list[str]:
    """The warnings on a corpus, of whatever version it is."""
    report = json.loads((corpus.path / REPORT).read_text(encoding="utf-8"))
    return warnings(report, corpus.manifest["config"])


def warnings(report: Mapping[str, Any], settings: Mapping[str, Any]) -> list[str]:
    """The warnings on a corpus with this report; ``settings`` are those of its stage."""
    rules = [
        (effect["notable"]["worst"][0]["taken"], name, rule, effect["notable"])
        for name, source in report.items()
        for rule, effect in source["rules"].items()
        if effect.get("notable", {}).get("documents")  # earlier versions have no such entry
        and not effect.get("of_markup")  # which is no text
    ]
    rules.sort(key=lambda entry: -entry[0])
    lines = [_much_taken(name, rule, notable) for _, name, rule, notable in rules[:SHOWN]]
    if len(rules) > SHOWN:
        more = len(rules) - SHOWN
        lines.append(
            f"{more} more rule{'s' if more > 1 else ''} took much of a document:"
            " see `femtogpt corpus report`"
        )
    return [*_much_held_out(report, settings), *_editions(report), *lines]


def _editions(report: Mapping[str, Any]) -> Iterator[str]:
    for name, source in report.items():
        found = source.get("editions", {"documents": 0})  # earlier versions have no such entry
        count = found["documents"]
        many = min(MANY_EDITIONS, EDITIONS_SHARE * source["documents"])
        if count >= max(SOME_EDITIONS, many):
            yield (
                f"{name}: {count:,} of {source['documents']:,} documents look like editions with"
                f" notes or imprints, such as {found['examples'][0]!r}: with edition: true, the"
                " source's rules remove these"
            )


def _much_taken(source: str, rule: str, notable: Mapping[str, Any]) -> str:
    worst, count = notable["worst"][0], notable["documents"]
    share = worst["taken"] / max(worst["decoded"], 1)
    stretch = f", {worst['stretch']:,} characters in one stretch" if worst["stretch"] else ""
    documents = f"{count:,} documents, most of " if count > 1 else ""
    return (
        f"{source}: the rule {rule} took over {NOTABLE_SHARE:.0%} of the letters, or"
        f" {NOTABLE_STRETCH} characters in a row, of {documents}{worst['id']!r}"
        f" ({worst['taken']:,} letters, {share:.1%} of it{stretch})"
    )


def _much_held_out(report: Mapping[str, Any], settings: Mapping[str, Any]) -> Iterator[str]:
    asked = settings["held_out"]
    for name, source in report.items():
        sizes = {split: source["splits"][split]["characters"] for split in SPLITS}
        share = sizes["held_out"] / max(sum(sizes.values()), 1)
        if share > MUCH_HELD_OUT * asked:
            units, remedy = (
                ("parts", "add texts, or give a larger share")
                if settings.get("unit") == "chapter"
                else ("works", "with corpus.unit=chapter, chapters of them are held out instead")
            )
            yield (
                f"{name}: {share:.1%} of the characters are held out, though corpus.held_out asks"
                f" for {asked:.1%}, because its {units} are few and large: {remedy}"
            )
