"""The texts: how many by source, what cleaning took, and that nothing held out is in train."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from femtogpt.corpus.balance_report import balance_row, rule_letters
from femtogpt.report.html_parts import (
    Html,
    Number,
    folded,
    joined,
    limited,
    note,
    short,
    table,
    tag,
)
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording

SOURCES = 30  # rows
RULES = 12  # those that changed most
NAME = 60
STRETCH = 120  # characters of the longest passage shared


def corpus(facts: RunFacts, words: Wording) -> Html:
    """Counts by source, the letters' balance, the rules that changed most, and the proof."""
    report = facts.corpus_report
    if not report:
        return Html()
    return joined(
        [
            tag("p", _sentence(report, words)),
            _sources(report, words),
            limited(SOURCES, len(report), "source", words),
            *_proof(facts.proof, words),
            *_letters(report, words),
            *_rules(report, words),
            *_rejected(report, words),
        ]
    )


def _sentence(report: Mapping[str, Any], words: Wording) -> str:
    sizes = {
        split: sum(source["splits"][split]["characters"] for source in report.values())
        for split in ("train", "held_out")
    }
    share = sizes["held_out"] / max(1, sum(sizes.values()))
    return words(
        "corpus_in_words",
        documents=words.count(sum(it["documents"] for it in report.values()), "document"),
        sources=words.count(len(report), "of_source"),
        train=words.big(sizes["train"]),
        share=words.percent(share),
    )


def _sources(report: Mapping[str, Any], words: Wording) -> Html:
    """By source: documents and characters read, and of each split, with bars."""
    shown = list(report.items())[:SOURCES]
    most = max(_characters(source) for _, source in shown)
    rows = []
    for name, source in shown:
        train, held_out = source["splits"]["train"], source["splits"]["held_out"]
        rows.append(
            (
                short(name, NAME),
                Number(words.whole(source["documents"])),
                Number(words.whole(sum(source["rejected"].values()))),
                Number(words.whole(train["documents"])),
                Number(words.whole(train["characters"])),
                Number(words.whole(held_out["documents"])),
                Number(words.whole(held_out["characters"])),
                _bar(train["characters"] / max(1, most), held_out["characters"] / max(1, most)),
            )
        )
    titles = ("source", "read", "rejected", "in_train", "characters", "held_out", "characters")
    return table([*(words(title) for title in titles), ""], rows)


def _characters(source: Mapping[str, Any]) -> int:
    return sum(part["characters"] for part in source["splits"].values())


def _bar(train: float, held_out: float) -> Html:
    """The sizes of both splits as shares of the largest source."""
    parts = (
        tag("rect", x="0", y="0", width=f"{100 * train:.2f}%", height="100%", of="main"),
        tag(
            "rect",
            x=f"{100 * train:.2f}%",
            y="0",
            width=f"{100 * held_out:.2f}%",
            height="100%",
            of="held",
        ),
    )
    return tag("svg", *parts, of="bar")


def _proof(proof: Mapping[str, Any] | None, words: Wording) -> Iterator[Html]:
    if not proof:
        return
    yield tag("p", words("proved" if proof["proved"] else "not_proved", length=proof["length"]))
    if longest := proof.get("longest"):
        passage = short(longest["text"].strip(), STRETCH)
        size = words.count(longest["characters"], "character")
        yield note(words("longest_shared", characters=size, passage=passage))


def _letters(report: Mapping[str, Any], words: Wording) -> Iterator[Html]:
    """What became of the letters and digits, where the corpus has counted them."""
    rows = []
    for name, source in list(report.items())[:SOURCES]:
        if not (balance := balance_row(source)):
            continue
        decoded, added, taken, markup, cut, kept, rejected, _ = balance
        every = (decoded, added, markup, taken, rejected, cut, kept)
        rows.append([short(name, NAME), *(Number(words.whole(count)) for count in every)])
    if rows:
        yield tag("h3", words("letters"))
        names = ("decoded", "added", "markup", "taken", "in_rejected", "cut_at_split", "kept")
        yield table([words("source"), *(words(name) for name in names)], rows)


def _rules(report: Mapping[str, Any], words: Wording) -> Iterator[Html]:
    """The rules that changed the most letters and digits, over all sources."""
    sums: dict[str, list[int]] = {}
    for source in report.values():
        for rule, effect in source["rules"].items():
            counts = [effect.get("documents", 0), *rule_letters(effect)]
            sums[rule] = [a + b for a, b in zip(sums.get(rule, [0] * 4), counts, strict=True)]
    changed = sorted(
        ((rule, counts) for rule, counts in sums.items() if counts[0]),
        key=lambda entry: (-sum(entry[1][1:]), -entry[1][0]),
    )
    if not changed:
        return
    rows = [
        [tag("code", rule), *(Number(words.whole(count)) for count in counts)]
        for rule, counts in changed[:RULES]
    ]
    head = [words(name) for name in ("rule", "documents", "taken", "replaced", "added")]
    yield folded(
        words("cleaning_rules"),
        joined([table(head, rows), limited(RULES, len(changed), "rule", words)]),
    )


def _rejected(report: Mapping[str, Any], words: Wording) -> Iterator[Html]:
    reasons: dict[str, int] = {}
    for source in report.values():
        for rule, count in source["rejected"].items():
            reasons[rule] = reasons.get(rule, 0) + count
    if reasons:
        rows = [
            (tag("code", rule), Number(words.whole(count)))
            for rule, count in sorted(reasons.items(), key=lambda entry: -entry[1])
        ]
        head = (words("filter"), words("documents"))
        yield folded(words("why_rejected"), table(head, rows))
