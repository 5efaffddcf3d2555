"""Show documents before and after cleaning, or before and after one rule."""

from __future__ import annotations

import difflib
import html
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.lookup import made_from
from femtogpt.corpus.chapters import work_of
from femtogpt.corpus.clean import batches
from femtogpt.corpus.document_view import documents, heading
from femtogpt.corpus.html_page import page
from femtogpt.corpus.rules import select_rules
from femtogpt.corpus.schema import DOCUMENT, REPORT
from femtogpt.errors import UserError
from femtogpt.source_kinds import source_kinds
from femtogpt.sources.base import Source
from femtogpt.sources.fetch import BYTES

CONTEXT_CHARACTERS = 50  # shown before and after a change
TOKEN = re.compile(r"\w+|\s+|.", re.DOTALL)


@dataclass(frozen=True)
class Change:
    """A difference between two texts, with the text before and after it."""

    lead: str
    old: str
    new: str
    tail: str


@dataclass(frozen=True)
class Selection:
    """Which documents to compare, before and after all rules or one."""

    id: str | None = None
    rule: str | None = None
    source: str | None = None
    count: int = 3
    seed: int | None = None


def diff(corpus: Artifact, data: Path, selection: Selection, lines: int = 40) -> Iterator[str]:
    """The changes in the selected documents, as text; ``lines`` of each at most, 0 for all."""
    for row, before, after in pairs(corpus, data, selection):
        all_changes = list(changes(before, after))
        shown = all_changes[:lines] if lines else all_changes
        yield heading(row)
        yield from (_line(change) for change in shown)
        more = len(all_changes) - len(shown)
        yield f"[… {more:,} more changes]\n" if more else f"[{len(all_changes):,} changes]\n"


def diff_page(corpus: Artifact, data: Path, selection: Selection) -> str:
    """The same as an HTML page: each change in its context, before and after."""
    blocks = []
    for row, before, after in pairs(corpus, data, selection):
        rows = "".join(
            f"<tr><td>{_marked(change, change.old, 'del')}</td>"
            f"<td>{_marked(change, change.new, 'ins')}</td></tr>"
            for change in changes(before, after)
        )
        title = html.escape(heading(row).replace("─", "").strip())
        blocks.append(
            f"<h2>{title}</h2><table class=diff><tr><th>before<th>after</tr>{rows}</table>"
        )
    rule = selection.rule
    title = f"What the rule {rule} changed" if rule else "Before and after cleaning"
    return page(title, "".join(blocks))


def pairs(
    corpus: Artifact, data: Path, selection: Selection
) -> Iterator[tuple[dict[str, Any], str, str]]:
    """The selected documents with their text before and after all rules, or one.

    The originals are read again from the raw artifacts in ``data``. Raises UserError if these are
    gone or no document matches.
    """
    settings = corpus.manifest["config"]
    rows = {(row["source"], work_of(row["id"], settings)): row for row in _rows(corpus, selection)}
    for source, id, before, after in before_and_after(corpus, data, set(rows), selection.rule):
        yield rows[source, id], before, after


def before_and_after(
    corpus: Artifact, data: Path, wanted: set[tuple[str, str]], rule: str | None
) -> Iterator[tuple[str, str, str, str]]:
    """The texts of documents before and after all rules, or the one named ``rule``.

    ``wanted`` are their sources and ids; yields (source, id, before, after). The originals are read
    again from the raw artifacts in ``data``. Raises UserError if these are gone.
    """
    settings = corpus.manifest["config"]
    for source in sorted({source for source, _ in wanted}):
        reader = _reader(settings["sources"][source])
        raw = made_from(corpus, source, data, kind="raw").path / BYTES
        ids = {id for name, id in wanted if name == source}
        for document in _originals(reader, raw, ids, settings.get("unit", "work")):
            yield source, document["id"], *_cleaned(document, settings["rules"][source], rule)


def _rows(corpus: Artifact, selection: Selection) -> list[dict[str, Any]]:
    rule, source = selection.rule, selection.source
    if rule is None or selection.id is not None:
        return documents(
            corpus,
            id=selection.id,
            source=source,
            count=selection.count,
            seed=selection.seed,
        )
    report = json.loads((corpus.path / REPORT).read_text(encoding="utf-8"))
    select_rules([rule])  # raises UserError if there is no such rule
    changed = [
        f"{name}/{example['id']}"
        for name, counts in report.items()
        if source in (None, name) and rule in counts["rules"]
        for example in counts["rules"][rule]["examples"]
    ]
    if not changed:
        raise UserError(f"rule {rule!r} changed no document{f' of {source}' if source else ''}")
    names = dict.fromkeys(changed[: selection.count])
    return [documents(corpus, name, count=1)[0] for name in names]


def _reader(settings: dict[str, Any]) -> Source:
    """The source that made the corpus, without its location: only the fetched bytes are read."""
    kind = source_kinds()[settings["kind"]].load()
    return kind.model_construct(**settings)


def _originals(reader: Source, raw: Path, wanted: set[str], unit: str) -> Iterator[dict[str, Any]]:
    for rows in batches(reader.documents(raw), unit=unit):
        for row in rows:
            document = dict(zip(DOCUMENT, row, strict=False))
            if document["id"] in wanted:
                yield document
                wanted.discard(document["id"])
        if not wanted:
            return


def _cleaned(document: dict[str, Any], names: list[str], rule: str | None) -> tuple[str, str]:
    """The text before and after all rules, or the one named ``rule``."""
    frame = pl.DataFrame([document], schema=DOCUMENT)
    before = frame["text"][0]
    for step in select_rules(names):
        if rule == step.name:
            before = frame["text"][0]
        frame = frame.with_columns(step.apply(pl.col("text")).alias("text"))
        if rule == step.name:
            break
    return before, frame["text"][0]


def changes(before: str, after: str) -> Iterator[Change]:
    """The differences between two texts, by words, in order; changes close together are one."""
    old, new = before.split("\n"), after.split("\n")
    for kind, a, b, c, d in difflib.SequenceMatcher(None, old, new).get_opcodes():
        if kind == "equal":
            continue
        if b - a != d - c:
            yield from _word_changes(_with_line_ends(old[a:b]), _with_line_ends(new[c:d]))
        else:
            for old_line, new_line in zip(old[a:b], new[c:d], strict=True):
                yield from _word_changes(old_line, new_line)


def _with_line_ends(lines: list[str]) -> str:
    """Lines with their ends, so that an empty one is visible too."""
    return "".join(f"{line}\n" for line in lines)


def _word_changes(before: str, after: str) -> Iterator[Change]:
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
        lead = "".join(old[:a])[-CONTEXT_CHARACTERS:]
        tail = "".join(old[b:])[:CONTEXT_CHARACTERS]
        yield Change(lead, "".join(old[a:b]), "".join(new[c:d]), tail)


def _line(change: Change) -> str:
    """A change on one line: in colour on a terminal, else with [- -] and {+ +} around it."""
    if sys.stdout.isatty():
        (old_start, old_end), (new_start, new_end) = (
            ("\033[31m", "\033[0m"),
            ("\033[32m", "\033[0m"),
        )
    else:
        (old_start, old_end), (new_start, new_end) = ("[-", "-]"), ("{+", "+}")
    old = f"{old_start}{_visible(change.old)}{old_end}" if change.old else ""
    new = f"{new_start}{_visible(change.new)}{new_end}" if change.new else ""
    return f"  …{_visible(change.lead)}{old}{new}{_visible(change.tail)}…"


def _visible(text: str) -> str:
    """The text on one line, with the code of each invisible character."""
    shown = (f"‹U+{ord(char):04X}›" if _hidden(char) else char for char in text)
    return "".join(shown).replace("\n", "⏎")


def _hidden(char: str) -> bool:
    return char != "\n" and (not char.isprintable() or char in "\u00ad\u0301\u0300\ufeff")


def _marked(change: Change, text: str, tag: str) -> str:
    middle = f"<{tag}>{html.escape(_visible(text))}</{tag}>" if text else ""
    return f"{html.escape(_visible(change.lead))}{middle}{html.escape(_visible(change.tail))}"
