"""What the samples have from the training text word for word, beside held-out passages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from femtogpt.report.html_parts import Html, Number, cut, joined, limited, note, short, table, tag
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording

SAMPLES = 12  # rows
STRETCH = 300  # characters of a stretch
NAME = 90


def memory(facts: RunFacts, words: Wording) -> Html:
    """The longest stretches of each sample, where they stand, and the same by chance."""
    found = facts.memory
    if not found or not found["samples"]:
        return Html()
    samples, passages = found["samples"], found["held_out"]["passages"]
    rows = [_figures(words("of_samples"), samples, words)]
    if passages:
        same = found["held_out"]["same_authors"]
        key = "of_passages_same_authors" if same else "of_passages"
        rows.append(_figures(words(key), passages, words))
    head = ("", words("longest_stretch"), words("nearly_longest"), words("known_share"))
    return joined(
        [
            note(words("how_memory_is_told")),
            table(head, [[row[0], *map(Number, row[1:])] for row in rows]),
            *_stretches(samples[:SAMPLES], words),
            limited(SAMPLES, len(samples), "sample", words),
        ]
    )


def _figures(name: str, records: Sequence[Mapping[str, Any]], words: Wording) -> list[str]:
    characters = sum(record["characters"] for record in records)
    known = sum(record["known"] for record in records)
    return [
        name,
        words.count(max(_length(record["longest"]) for record in records), "character"),
        words.count(max(_length(record["nearly"]) for record in records), "character"),
        words.percent(known / max(1, characters)),
    ]


def _length(stretch: Mapping[str, Any] | None) -> int:
    return stretch["end"] - stretch["start"] if stretch else 0


def _stretches(samples: Sequence[Mapping[str, Any]], words: Wording) -> Iterator[Html]:
    """The longest stretch of each sample with its place, and the longest that is nearly so."""
    rows = []
    for number, record in enumerate(samples, 1):
        for key, kind in (("longest", "verbatim"), ("nearly", "nearly")):
            stretch = record[key]
            if not stretch or (kind == "nearly" and _length(stretch) <= _length(record["longest"])):
                continue
            there = stretch.get("text_there")
            shown = [tag("div", cut(stretch["text"], STRETCH, words), of="written")]
            if there and there != stretch["text"]:
                shown.append(tag("div", cut(there, STRETCH, words), of="written prompt"))
            rows.append(
                (
                    words.whole(number),
                    words(kind),
                    Number(words.whole(_length(stretch))),
                    joined(shown),
                    name_of(stretch["work"]),
                )
            )
    if rows:
        head = ("", "", words("characters"), words("stretch"), words("where_it_stands"))
        yield table(head, rows)


def name_of(work: Mapping[str, Any]) -> str:
    """A work's author and title, as far as they are known."""
    parts = [work.get("author"), work.get("title") or work.get("id")]
    return short(". ".join(str(part) for part in parts if part), NAME)
