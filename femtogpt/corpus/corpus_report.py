"""A report on the corpus stage, as text for a terminal and as an HTML page with plots."""

from __future__ import annotations

import html
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.balance_report import (
    BALANCE,
    balance_row,
    one_line,
    rule_letters,
    stretch_rows,
)
from femtogpt.corpus.corpus_warnings import corpus_warnings
from femtogpt.corpus.html_page import page, table
from femtogpt.corpus.schema import PROOF, REPORT, SPLITS, parts, texts
from femtogpt.corpus.split_proof import prove
from femtogpt.corpus.text_stats import count_characters
from femtogpt.errors import UserError

REJECTED_SHOWN = 12  # documents on the page for each rule that rejects
COMMON_CHARACTERS = 45  # in the plot
RULE_COLUMNS = (
    *("rule", "documents", "characters"),
    *("letters taken", "replaced", "added", "purpose"),  # letters and digits
)


def report(corpus: Artifact) -> str:
    """The counts by source, rule and filter, and the result of the proof."""
    counts, proof = _read(corpus, REPORT), _read(corpus, PROOF)
    lines = [str(corpus.path), ""]
    header = _source_columns(corpus)
    lines += _columns([header, *([*map(_formatted, row)] for row in _sources(counts))])
    for name, source in counts.items():
        if balance := balance_row(source):
            lines += ["", f"{name}: what became of the letters and digits"]
            lines += _columns([BALANCE, [*map(_formatted, balance)]])
        lines += ["", f"{name}: what the rules did"]
        lines += _columns([RULE_COLUMNS, *([*map(_formatted, row)] for row in _rules_of(source))])
        if stretches := list(stretch_rows(source)):
            lines += ["", f"{name}: the longest stretches that the rules took"]
            lines += _columns(
                [
                    ("rule", "characters", "document", "text"),
                    *(
                        (rule, _formatted(characters), one_line(id), one_line(text))
                        for rule, id, characters, text in stretches
                    ),
                ]
            )
        if source["rejected"]:
            lines += ["", f"{name}: why documents were rejected"]
            lines += _columns([(rule, _formatted(n)) for rule, n in source["rejected"].items()])
    notes = corpus_warnings(corpus)
    return "\n".join([*lines, "", *notes, *([""] if notes else []), verdict(proof)])


def verdict(proof: Mapping[str, Any]) -> str:
    """The proof in words."""
    span = proof["longest"]
    longest = (
        f"the longest shared passage has {span['characters']} characters"
        f" ({span['held_out']} and {span['train']}: «{span['text'].strip()[:60]}…»)"
        if span
        else "they share no passage of note"
    )
    return (
        f"{'Proved' if proof['proved'] else 'NOT PROVED'}: no held-out document, no near-duplicate"
        f" of one and no passage of {proof['length']} characters from one is in train; {longest}."
    )


def prove_again(corpus: Artifact) -> str:
    """The proof repeated from the files. Raises UserError if it fails."""
    length = corpus.manifest["config"]["shared_characters"]
    held_out, train = (texts(file for _, file in parts(corpus, s)) for s in ("held_out", "train"))
    proof = prove(held_out, train, length)
    if not proof["proved"]:
        raise UserError(f"{corpus.path}: {verdict(proof)}")
    return f"{verdict(proof)}\n{json.dumps(proof, ensure_ascii=False, indent=1)}"


def report_page(corpus: Artifact) -> str:
    """The same as an HTML page, with plots and with examples of changes and rejected documents."""
    counts, proof = _read(corpus, REPORT), _read(corpus, PROOF)
    header = _source_columns(corpus)
    body = [
        f'<p class="note">{html.escape(str(corpus.path))}</p>',
        table(header, _sources(counts)),
        f"<p>{html.escape(verdict(proof))}</p>",
        *(f"<p>{html.escape(line)}</p>" for line in corpus_warnings(corpus)),
        *_plots(corpus, counts),
    ]
    for name, source in counts.items():
        if balance := balance_row(source):
            body.append(f"<h2>{html.escape(name)}: what became of the letters and digits</h2>")
            body.append(table(BALANCE, [balance]))
        body.append(f"<h2>{html.escape(name)}: the rules, in order</h2>")
        body.append(
            table(
                (*RULE_COLUMNS, "before", "after"),
                (
                    (*row, *_example(effect))
                    for row, effect in zip(_rules_of(source), source["rules"].values(), strict=True)
                ),
                text=(7, 8),
            )
        )
        if stretches := list(stretch_rows(source)):
            title = f"{name}: the longest stretches that the rules took"
            body.append(f"<h2>{html.escape(title)}</h2>")
            columns = ("rule", "document", "characters", "begins")
            body.append(table(columns, stretches, text=(3,)))
        if source["rejected"]:
            body.append(f"<h2>{html.escape(name)}: rejected</h2>")
            rows = _rejected(corpus, name)
            body.append(table(("document", "rule", "figure", "begins"), rows, text=(3,)))
    return page("The corpus", "".join(body))


def _source_columns(corpus: Artifact) -> tuple[str, ...]:
    by_chapter = corpus.manifest["config"].get("unit") == "chapter"
    documents = ("works read", "parts kept") if by_chapter else ("read", "kept")
    return "source", *documents, "rejected", "characters", "held out", "cut"


def _sources(counts: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for name, source in counts.items():
        splits = source["splits"]
        kept = sum(splits[split]["documents"] for split in SPLITS)
        characters = sum(splits[split]["characters"] for split in SPLITS)
        held_out = splits["held_out"]["characters"] / max(characters, 1)
        rejected = sum(source["rejected"].values())
        yield (
            *(name, source["documents"], kept, rejected, characters),
            *(f"{held_out:.1%}", source["cut_characters"]),
        )


def _rules_of(source: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """What each rule did, in RULE_COLUMNS."""
    for rule, effect in source["rules"].items():
        taken, *others = rule_letters(effect)
        markup = f"{taken:,} of markup" if taken and effect.get("of_markup") else taken
        yield rule, effect["documents"], effect["characters"], markup, *others, effect["purpose"]


def _example(effect: Mapping[str, Any]) -> tuple[str, str]:
    if not effect["examples"]:
        return "", ""
    first = effect["examples"][0]
    return first["before"], first["after"]


def _rejected(corpus: Artifact, source: str) -> Iterator[tuple[str, ...]]:
    files = sorted(corpus.path.glob(f"rejected/source={source}/*.parquet"))
    frame = pl.concat(
        pl.read_parquet(file, columns=["id", "rule", "figure", "text"]).with_columns(
            pl.col("text").str.head(120)
        )
        for file in files
    )
    for _, group in frame.group_by("rule", maintain_order=True):
        for row in group.head(REJECTED_SHOWN).iter_rows(named=True):
            yield row["id"], row["rule"], row["figure"], row["text"]


def _plots(corpus: Artifact, counts: Mapping[str, Any]) -> Iterator[str]:
    frame = _documents(corpus)
    yield _figure("Documents by length, characters", lambda axes: _lengths(axes, frame))
    yield _figure("Million characters by source", lambda axes: _by_source(axes, counts))
    if frame["year"].drop_nulls().len():
        yield _figure("Million characters by year", lambda axes: _years(axes, frame))
    yield _figure("The commonest characters, per thousand", lambda axes: _common(axes, corpus))
    yield _figure("Characters that the rules removed", lambda axes: _rules(axes, counts))


def _documents(corpus: Artifact) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(file, columns=["characters", "year"]).with_columns(source=pl.lit(source))
        for split in SPLITS
        for source, file in parts(corpus, split)
    )


def _lengths(axes: Any, frame: pl.DataFrame) -> None:
    characters = frame["characters"].to_numpy()
    low, high = np.log10(max(characters.min(), 1)), np.log10(characters.max())
    bins = np.logspace(low, high + 0.01, 40)
    for name, documents in frame.group_by("source", maintain_order=True):
        axes.hist(documents["characters"], bins=bins, alpha=0.6, label=str(name[0]))
    axes.set_xscale("log")
    axes.legend(frameon=False)


def _by_source(axes: Any, counts: Mapping[str, Any]) -> None:
    names = list(counts)
    left = np.zeros(len(names))
    for split in SPLITS:
        sizes = np.array([counts[name]["splits"][split]["characters"] / 1e6 for name in names])
        axes.barh(names, sizes, left=left, label=split)
        left += sizes
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))


def _years(axes: Any, frame: pl.DataFrame) -> None:
    dated = frame.drop_nulls("year")
    years = dated["year"].to_numpy()
    first, last = int(years.min()), int(years.max())
    bins = np.arange(first, last + 6, max(1, min(5, (last - first) // 10 or 1)))
    axes.hist(years, bins=bins, weights=dated["characters"] / 1e6)


def _common(axes: Any, corpus: Artifact) -> None:
    counts: Counter[str] = Counter()
    for split in SPLITS:
        for _, file in parts(corpus, split):
            text = pl.read_parquet(file, columns=["text"])["text"].str.join("")[0]
            counts += count_characters(text)
    labels = {" ": "␣", "\n": "⏎"}
    common = counts.most_common(COMMON_CHARACTERS)
    total = counts.total()
    axes.bar([labels.get(c, c) for c, _ in common], [n / total * 1000 for _, n in common])
    axes.set_yscale("log")


def _rules(axes: Any, counts: Mapping[str, Any]) -> None:
    sums: dict[str, int] = {}
    for source in counts.values():
        for rule, effect in source["rules"].items():
            sums[rule] = sums.get(rule, 0) - effect["characters"]
    axes.barh(list(sums)[::-1], list(sums.values())[::-1])
    axes.set_xscale("symlog", linthresh=100)


def _figure(title: str, draw: Callable[[Any], None]) -> str:
    """A plot as part of a page."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.set_title(title, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg")
    _, svg, rest = drawing.getvalue().partition("<svg")  # without the XML header of a file
    return f"<figure>{svg}{rest}</figure>"


def _read(corpus: Artifact, name: str) -> dict[str, Any]:
    return json.loads((corpus.path / name).read_text(encoding="utf-8"))


def _formatted(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows in aligned columns, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if cell.lstrip("-")[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines
