"""What the corpus stage did, as text for a terminal and as an HTML page with plots."""

from __future__ import annotations

import html
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import polars as pl

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.html_page import page, table
from femtogpt.corpus.schema import PROOF, REPORT, SPLITS, parts
from femtogpt.corpus.split_proof import prove
from femtogpt.errors import UserError

SAMPLES = 12  # rejected documents on the page, of each rule


def report(corpus: Artifact) -> str:
    """The counts by source, rule and filter, and the proof's verdict."""
    counts, proof = _read(corpus, REPORT), _read(corpus, PROOF)
    lines = [str(corpus.path), ""]
    header = ("source", "read", "kept", "rejected", "characters", "held out", "cut")
    lines += _columns([header, *([*map(_shown, row)] for row in _sources(counts))])
    for name, part in counts.items():
        lines += ["", f"{name}: what the rules did"]
        rules = [("rule", "documents", "characters", "purpose")]
        rules += [
            (rule, _shown(did["documents"]), _shown(did["characters"]), did["purpose"])
            for rule, did in part["rules"].items()
        ]
        lines += _columns(rules)
        if part["rejected"]:
            lines += ["", f"{name}: why documents were rejected"]
            lines += _columns([(rule, _shown(n)) for rule, n in part["rejected"].items()])
    return "\n".join([*lines, "", verdict(proof)])


def verdict(proof: Mapping[str, Any]) -> str:
    """The proof in words."""
    longest = proof["longest"]
    found = (
        f"the longest stretch that both have is of {longest['characters']} characters"
        f" ({longest['held_out']} and {longest['train']}: «{longest['text'].strip()[:60]}…»)"
        if longest
        else "no stretch of note is in both"
    )
    return (
        f"{'Proved' if proof['proved'] else 'NOT PROVED'}: no document, no near-duplicate and no"
        f" stretch of {proof['length']} characters of held-out text stands in train; {found}."
    )


def proved(corpus: Artifact) -> str:
    """The proof, made again from the files; UserError where it fails."""
    length = corpus.manifest["config"]["shared_characters"]
    proof = prove(_texts(corpus, "held_out"), _texts(corpus, "train"), length)
    if not proof["proved"]:
        raise UserError(f"{corpus.path}: {verdict(proof)}")
    return f"{verdict(proof)}\n{json.dumps(proof, ensure_ascii=False, indent=1)}"


def report_page(corpus: Artifact) -> str:
    """The same as a page, with plots and examples of what was changed and rejected."""
    counts, proof = _read(corpus, REPORT), _read(corpus, PROOF)
    header = ("source", "read", "kept", "rejected", "characters", "held out", "cut")
    body = [
        f'<p class="note">{html.escape(str(corpus.path))}</p>',
        table(header, _sources(counts)),
        f"<p>{html.escape(verdict(proof))}</p>",
        *_plots(corpus, counts),
    ]
    for name, part in counts.items():
        body.append(f"<h2>{html.escape(name)}: the rules, in order</h2>")
        body.append(
            table(
                ("rule", "documents", "characters", "purpose", "before", "after"),
                (
                    (rule, did["documents"], did["characters"], did["purpose"], *_example(did))
                    for rule, did in part["rules"].items()
                ),
                text=(4, 5),
            )
        )
        if part["rejected"]:
            body.append(f"<h2>{html.escape(name)}: rejected</h2>")
            rows = _rejected(corpus, name)
            body.append(table(("document", "rule", "figure", "begins"), rows, text=(3,)))
    return page("The corpus", "".join(body))


def _sources(counts: Mapping[str, Any]) -> Iterator[tuple]:
    for name, part in counts.items():
        splits = part["splits"]
        kept = sum(splits[split]["documents"] for split in SPLITS)
        characters = sum(splits[split]["characters"] for split in SPLITS)
        held = splits["held_out"]["characters"] / max(characters, 1)
        rejected = sum(part["rejected"].values())
        yield (
            *(name, part["documents"], kept, rejected, characters),
            *(f"{held:.1%}", part["cut_characters"]),
        )


def _example(did: Mapping[str, Any]) -> tuple[str, str]:
    if not did["examples"]:
        return "", ""
    first = did["examples"][0]
    return first["before"], first["after"]


def _rejected(corpus: Artifact, source: str) -> Iterator[tuple]:
    files = sorted(corpus.path.glob(f"rejected/source={source}/*.parquet"))
    frame = pl.concat(
        pl.read_parquet(file, columns=["id", "rule", "figure", "text"]).with_columns(
            pl.col("text").str.head(120)
        )
        for file in files
    )
    for _, group in frame.group_by("rule", maintain_order=True):
        for row in group.head(SAMPLES).iter_rows(named=True):
            yield row["id"], row["rule"], row["figure"], row["text"]


def _plots(corpus: Artifact, counts: Mapping[str, Any]) -> Iterator[str]:
    frame = _documents(corpus)
    yield _figure("Documents by length, characters", lambda axes: _lengths(axes, frame))
    yield _figure("Million characters by source", lambda axes: _by_source(axes, counts))
    if frame["year"].drop_nulls().len():
        yield _figure("Million characters by year", lambda axes: _years(axes, frame))
    yield _figure("The commonest characters, per thousand", lambda axes: _common(axes, corpus))
    yield _figure("Characters that the rules took (or gave)", lambda axes: _rules(axes, counts))


def _documents(corpus: Artifact) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(file, columns=["characters", "year"]).with_columns(source=pl.lit(source))
        for split in SPLITS
        for source, file in parts(corpus, split)
    )


def _lengths(axes, frame: pl.DataFrame) -> None:
    low, high = np.log10(max(frame["characters"].min(), 1)), np.log10(frame["characters"].max())
    bins = np.logspace(low, high + 0.01, 40)
    for name, part in frame.group_by("source", maintain_order=True):
        axes.hist(part["characters"], bins=bins, alpha=0.6, label=str(name[0]))
    axes.set_xscale("log")
    axes.legend(frameon=False)


def _by_source(axes, counts: Mapping[str, Any]) -> None:
    names = list(counts)
    left = np.zeros(len(names))
    for split in SPLITS:
        sizes = np.array([counts[name]["splits"][split]["characters"] / 1e6 for name in names])
        axes.barh(names, sizes, left=left, label=split)
        left += sizes
    axes.legend(frameon=False, ncols=2, loc="lower right", bbox_to_anchor=(1, 1))


def _years(axes, frame: pl.DataFrame) -> None:
    known = frame.drop_nulls("year")
    first, last = int(known["year"].min()), int(known["year"].max())
    bins = np.arange(first, last + 6, max(1, min(5, (last - first) // 10 or 1)))
    axes.hist(known["year"], bins=bins, weights=known["characters"] / 1e6)


def _common(axes, corpus: Artifact) -> None:
    total: dict[str, int] = {}
    for split in SPLITS:
        for _, file in parts(corpus, split):
            text = pl.read_parquet(file, columns=["text"])["text"].str.join("")[0]
            codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
            for code, count in zip(*np.unique(codes, return_counts=True), strict=True):
                total[chr(code)] = total.get(chr(code), 0) + int(count)
    first = sorted(total, key=total.get, reverse=True)[:45]
    signs = {" ": "␣", "\n": "⏎"}
    whole = sum(total.values())
    axes.bar([signs.get(char, char) for char in first], [total[c] / whole * 1000 for c in first])
    axes.set_yscale("log")


def _rules(axes, counts: Mapping[str, Any]) -> None:
    sums: dict[str, int] = {}
    for part in counts.values():
        for rule, did in part["rules"].items():
            sums[rule] = sums.get(rule, 0) - did["characters"]
    axes.barh(list(sums)[::-1], list(sums.values())[::-1])
    axes.set_xscale("symlog", linthresh=100)


def _figure(title: str, draw) -> str:
    """A plot as a part of a page."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.add_subplot()
    draw(axes)
    axes.set_title(title, fontsize=11)
    axes.spines[["top", "right"]].set_visible(False)
    drawing = io.StringIO()
    figure.savefig(drawing, format="svg")
    _, svg, rest = drawing.getvalue().partition("<svg")  # what stands before is for a file alone
    return f"<figure>{svg}{rest}</figure>"


def _texts(corpus: Artifact, split: str) -> Iterator[tuple[str, str]]:
    for source, file in parts(corpus, split):
        for name, text in pl.read_parquet(file, columns=["id", "text"]).iter_rows():
            yield f"{source}/{name}", text


def _read(corpus: Artifact, name: str) -> dict:
    return json.loads((corpus.path / name).read_text(encoding="utf-8"))


def _shown(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _columns(rows: list) -> list[str]:
    """Rows in columns, numbers to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if cell.lstrip("-")[:1].isdigit() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        ]
        lines.append(("  " + "  ".join(cells)).rstrip())
    return lines
