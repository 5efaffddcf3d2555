"""Held-out bits per character by source and work, with intervals and baselines."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from femtogpt.report.html_parts import Html, joined, limited, note, short, tag
from femtogpt.report.quality_parts import (
    QualityPart,
    baseline_title,
    differences,
    quality_levels,
    whole_part,
)
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording

ROWS = {"source": 25, "kind": 25, "author": 25, "work": 120}  # there may be thousands
NAME = 90  # characters
Span = tuple[float, float]


def quality(facts: RunFacts, words: Wording) -> Html:
    """The figures, drawn on one scale and as numbers."""
    whole = whole_part(facts)
    if whole is None:
        return Html()
    levels = list(quality_levels(facts, ROWS))
    kinds = list(facts.baselines)
    span = _span([whole, *(part for level in levels for part in level.parts)])
    rows = [_row(whole, kinds, span, words)]
    for level in levels:
        title = tag("td", words(f"by_{level.level}"), colspan=5 + len(kinds))
        rows.append(tag("tr", title, of="group"))
        rows += [_row(part, kinds, span, words) for part in level.parts]
    head = tag("thead", tag("tr", *_head(facts, span, words)))
    figures = tag("table", head, tag("tbody", *rows))
    cuts = (limited(len(it.parts), it.total, it.level, words) for it in levels)
    parts = [note(words("how_quality_is_told")), tag("div", figures, of="wide"), *cuts]
    return joined([*_differences(facts, words), *parts])


def _differences(facts: RunFacts, words: Wording) -> Iterator[Html]:
    """How the model compares with each baseline on the same texts, where that is known."""
    for kind, it in differences(facts).items():
        if it.half_width is not None:
            title = baseline_title(kind, facts.baselines[kind], words)
            more = words.number(it.difference, 3, sign=True)
            told = words("compared_with", title=title, more=more, half=words.number(it.half_width))
            yield tag("p", told if it.is_told else f"{told} {words('cannot_be_told')}")


def _head(facts: RunFacts, span: Span, words: Wording) -> Iterator[Html]:
    """The titles of the columns, with the sign of each model on the scale."""
    yield tag("th", words("part"))
    ends = (tag("span", words.number(end, 2)) for end in span)
    yield tag("th", tag("span", *ends, of="ends"), of="range")
    yield tag("th", tag("i", of="sign model"), words("model"), of="n")
    for kind, baseline in facts.baselines.items():
        title = short(baseline_title(kind, baseline, words), NAME)
        yield tag("th", tag("i", of=f"sign {kind}"), title, of="n")
    yield tag("th", words("works"), of="n")
    yield tag("th", words("characters"), of="n")


def _row(part: QualityPart, kinds: Sequence[str], span: Span, words: Wording) -> Html:
    half = "" if part.half_width is None else f" ± {words.number(part.half_width)}"
    baselines = (part.baselines.get(kind) for kind in kinds)
    numbers = [
        words.number(part.bits) + half,
        *("" if bits is None else words.number(bits) for bits in baselines),
        "" if part.level == "work" else words.whole(part.works),
        words.whole(part.characters),
    ]
    cells = [tag("td", _name(part, words)), tag("td", _drawn(part, span), of="range")]
    return tag("tr", *cells, *(tag("td", number, of="n") for number in numbers))


def _name(part: QualityPart, words: Wording) -> str:
    if part.level == "all":
        return words("whole_text")
    return words(f"kind_{part.name}") if part.level == "kind" else short(part.name, NAME)


def _drawn(part: QualityPart, span: Span) -> Html:
    """The figure, its interval and the baselines on the common scale."""

    def x(bits: float) -> str:
        return f"{(bits - span[0]) / (span[1] - span[0]) * 100:.1f}%"

    def line(of: str, start: float, end: float, top: str = "50%", bottom: str = "50%") -> Html:
        return tag("line", x1=x(start), x2=x(end), y1=top, y2=bottom, of=of)

    half = part.half_width or 0.0
    return tag(
        "svg",
        line("scale", *span),
        line("span", part.bits - half, part.bits + half),
        *(line(kind, bits, bits, "12%", "88%") for kind, bits in part.baselines.items()),
        line("dot", part.bits, part.bits),
    )


def _span(parts: Sequence[QualityPart]) -> Span:
    """What the common scale reaches: all figures, intervals and baselines."""
    ends = [
        value
        for part in parts
        for half in [part.half_width or 0.0]
        for value in (part.bits - half, part.bits + half, *part.baselines.values())
    ]
    low, high = min(ends), max(ends)
    return (low, high) if high > low else (low - 0.5, high + 0.5)
