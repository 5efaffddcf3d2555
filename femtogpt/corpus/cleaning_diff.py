"""Documents before and after cleaning, or before and after one rule."""

from __future__ import annotations

import difflib
import html
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.lookup import made_from
from femtogpt.config import source_kinds
from femtogpt.corpus.clean import batches
from femtogpt.corpus.document_view import documents, heading
from femtogpt.corpus.html_page import page
from femtogpt.corpus.rules import chosen
from femtogpt.corpus.schema import DOCUMENT, REPORT
from femtogpt.errors import UserError
from femtogpt.sources.base import Source
from femtogpt.sources.fetch import BYTES

AROUND = 50  # characters shown before and after a change
TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


@dataclass(frozen=True)
class Change:
    """A place where two texts differ: what stood there, what stands there, what is around."""

    lead: str
    old: str
    new: str
    tail: str


def diff(
    corpus: Artifact,
    data: Path,
    id: str | None = None,
    rule: str | None = None,
    source: str | None = None,
    count: int = 3,
    seed: int | None = None,
    lines: int = 40,
) -> Iterator[str]:
    """The changes in some documents, as text: ``lines`` of each (0: all)."""
    for row, before, after in pairs(corpus, data, id, rule, source, count, seed):
        found = list(changes(before, after))
        shown = found[:lines] if lines else found
        yield heading(row)
        yield from (_line(change) for change in shown)
        more = len(found) - len(shown)
        yield f"[… {more:,} changes more]\n" if more else f"[{len(found):,} changes]\n"


def diff_page(
    corpus: Artifact,
    data: Path,
    id: str | None = None,
    rule: str | None = None,
    source: str | None = None,
    count: int = 3,
    seed: int | None = None,
) -> str:
    """The same as an HTML page: each change with its surroundings, before and after."""
    blocks = []
    for row, before, after in pairs(corpus, data, id, rule, source, count, seed):
        rows = "".join(
            f"<tr><td>{_marked(change, change.old, 'del')}</td>"
            f"<td>{_marked(change, change.new, 'ins')}</td></tr>"
            for change in changes(before, after)
        )
        title = html.escape(heading(row).replace("─", "").strip())
        blocks.append(
            f"<h2>{title}</h2><table class=diff><tr><th>before<th>after</tr>{rows}</table>"
        )
    what = f"What the rule {rule} changed" if rule else "Before and after cleaning"
    return page(what, "".join(blocks))


def pairs(
    corpus: Artifact,
    data: Path,
    id: str | None,
    rule: str | None,
    source: str | None,
    count: int,
    seed: int | None,
) -> Iterator[tuple[dict, str, str]]:
    """Documents of the corpus with their text before and after cleaning, or one rule.

    The originals are read once more from the raw artifacts. Raises UserError where these are
    gone, or nothing fits.
    """
    config = corpus.manifest["config"]
    rows = _rows(corpus, id, rule, source, count, seed)
    for name in sorted({row["source"] for row in rows}):
        reader = _reader(config["sources"][name])
        raw = made_from(corpus, name, data, kind="raw").path / BYTES
        wanted = {row["id"]: row for row in rows if row["source"] == name}
        for document in _originals(reader, raw, set(wanted)):
            before, after = _cleaned(document, config["rules"][name], rule)
            yield wanted[document["id"]], before, after


def _rows(corpus: Artifact, id, rule, source, count, seed) -> list[dict]:
    if rule is None or id is not None:
        return documents(corpus, id, None, source, False, count, seed)
    report = json.loads((corpus.path / REPORT).read_text(encoding="utf-8"))
    chosen([rule])  # or it is unknown
    touched = [
        f"{name}/{example['id']}"
        for name, part in report.items()
        if source in (None, name) and rule in part["rules"]
        for example in part["rules"][rule]["examples"]
    ]
    if not touched:
        raise UserError(f"rule {rule!r} changed no document{f' of {source}' if source else ''}")
    return [documents(corpus, name, count=1)[0] for name in dict.fromkeys(touched[:count])]


def _reader(settings: dict) -> Source:
    """The source as it was, without its place: that is not needed to read its bytes."""
    kind = source_kinds()[settings["kind"]].load()
    return kind.model_construct(**settings)


def _originals(reader: Source, raw: Path, wanted: set[str]) -> Iterator[dict]:
    for rows in batches(reader.documents(raw)):
        for row in rows:
            document = dict(zip(DOCUMENT, row, strict=False))
            if document["id"] in wanted:
                yield document
                wanted.discard(document["id"])
        if not wanted:
            return


def _cleaned(document: dict, names: list[str], rule: str | None) -> tuple[str, str]:
    """The text before and after all rules, or the one named."""
    frame = pl.DataFrame([document], schema=DOCUMENT)
    before = frame["text"][0]
    for step in chosen(names):
        if rule == step.name:
            before = frame["text"][0]
        frame = frame.with_columns(step.apply(pl.col("text")).alias("text"))
        if rule == step.name:
            break
    return before, frame["text"][0]


def changes(before: str, after: str) -> Iterator[Change]:
    """Where two texts differ, by words, in order; changes that stand close are one."""
    old, new = before.split("\n"), after.split("\n")
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            continue
        if b - a != d - c:
            yield from _words(_ended(old[a:b]), _ended(new[c:d]))
        else:
            for one, other in zip(old[a:b], new[c:d], strict=True):
                yield from _words(one, other)


def _ended(lines: list[str]) -> str:
    """Lines with their ends: so that one that is empty can be seen, too."""
    return "".join(f"{line}\n" for line in lines)


def _words(before: str, after: str) -> Iterator[Change]:
    if not before or not after:
        yield Change("", before, after, "")
        return
    old, new = TOKEN.findall(before), TOKEN.findall(after)
    groups: list[list[int]] = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            continue
        if groups and a - groups[-1][1] < 2:  # tokens apart
            groups[-1][1], groups[-1][3] = b, d
        else:
            groups.append([a, b, c, d])
    for a, b, c, d in groups:
        lead, tail = "".join(old[:a])[-AROUND:], "".join(old[b:])[:AROUND]
        yield Change(lead, "".join(old[a:b]), "".join(new[c:d]), tail)


def _line(change: Change) -> str:
    colours = ("\033[31m", "\033[32m", "\033[0m") if sys.stdout.isatty() else ("[-", "{+", "")
    red, green, off = colours
    old = f"{red}{_visible(change.old)}{off or '-]'}" if change.old else ""
    new = f"{green}{_visible(change.new)}{off or '+}'}" if change.new else ""
    return f"  …{_visible(change.lead)}{old}{new}{_visible(change.tail)}…"


def _visible(text: str) -> str:
    """The text in one line, with a sign for what cannot be seen."""
    shown = (f"‹U+{ord(char):04X}›" if _hidden(char) else char for char in text)
    return "".join(shown).replace("\n", "⏎")


def _hidden(char: str) -> bool:
    return char != "\n" and (not char.isprintable() or char in "\u00ad\u0301\u0300\ufeff")


def _marked(change: Change, text: str, tag: str) -> str:
    middle = f"<{tag}>{html.escape(_visible(text))}</{tag}>" if text else ""
    return f"{html.escape(_visible(change.lead))}{middle}{html.escape(_visible(change.tail))}"
