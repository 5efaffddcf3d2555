"""A report on how well a tokenizer suits its corpus and what other vocabulary sizes would cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from textwrap import wrap
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.tokens.tokenizer_stats import RARE, compute_stats

PIECES_LISTED = 12  # in each list
WIDTH = 100  # characters of a line
NO_BREAK = "\0"  # stands for a space at which a line must not be broken


def report(tokens: Artifact, corpus: Artifact, sizes: Iterable[int], width: int = 256) -> str:
    """The statistics of ``compute_stats`` as text for the terminal."""
    stats = compute_stats(tokens, corpus, sizes, width)
    return "\n\n".join(
        (
            _sources(stats["sources"]),
            _held_out(stats["sources"]),
            _vocabulary(stats["vocabulary"]),
            _sizes(stats),
        )
    )


def _sources(sources: dict[str, Any]) -> str:
    head = ("", ""), ("", ""), "documents", "characters", "tokens", ("characters", "per token")
    rows = [
        (
            name,
            split.replace("_", " "),
            f"{part['documents']:,}",
            f"{part['characters']:,}",
            f"{part['tokens']:,}",
            f"{part['characters_per_token']:.2f}",
        )
        for name, splits in sources.items()
        for split, part in splits.items()
    ]
    return "Corpus\n" + _table(head, rows, left=2)


def _held_out(sources: dict[str, Any]) -> str:
    head = (
        "",
        ("characters", "with a piece"),
        ("tokens that", "are bytes"),
        "words",
        ("words in", "one piece"),
        ("pieces", "per word"),
    )
    rows = [
        (
            name,
            f"{part['covered_characters']:.3%}",
            f"{part['byte_tokens']:.3%}",
            f"{part['words']:,}",
            f"{part['whole_words']:.1%}",
            f"{part['pieces_per_word']:.2f}",
        )
        for name, splits in sources.items()
        if (part := splits.get("held_out"))
    ]
    return "Held-out text (a word is a run of letters)\n" + _table(head, rows)


def _vocabulary(stats: dict[str, Any]) -> str:
    lists = {
        "never": _listed([(piece, 0) for piece in stats["never"]]),
        f"fewer than {RARE} times": _listed(stats["rare"]),
        "the longest": _named(stats["longest"]),
    }
    lines = [f"Vocabulary of {stats['pieces']:,} pieces, and how often they occur in train"]
    for title, text in lists.items():
        start = f"  {title:20} "
        lines += wrap(start + text, WIDTH, subsequent_indent=" " * len(start))
    return "\n".join(lines).replace(NO_BREAK, " ")


def _sizes(stats: dict[str, Any]) -> str:
    head = (
        "pieces",
        ("characters", "per token"),
        ("words in", "one piece"),
        ("pieces", "per word"),
        ("tokens", "of train"),
        ("embedding at", f"width {stats['width']}"),
        "",
    )
    rows = [
        (
            f"{size['pieces']:,}",
            f"{size['characters_per_token']:.2f}",
            f"{size['whole_words']:.1%}",
            f"{size['pieces_per_word']:.2f}",
            f"{size['train_tokens']:,}",
            f"{size['embedding_parameters']:,}",
            "← now" if size["pieces"] == stats["vocabulary"]["pieces"] else "",
        )
        for size in stats["sizes"]
    ]
    lines = ["Vocabularies of other sizes, on held-out text", _table(head, rows, left=0)]
    small = [f"{size:,}" for size in stats["impossible"] if size <= stats["largest"]]
    large = [f"{size:,}" for size in stats["impossible"] if size > stats["largest"]]
    if small:
        lines.append(f"  {' and '.join(small)}: too few for bytes and letters")
    if large:
        lines.append(f"  {' and '.join(large)}: this text gives {stats['largest']:,} at most")
    return "\n".join(lines)


def _listed(pieces: Sequence[tuple[str, int]]) -> str:
    """The number of pieces and the first of them."""
    more = " …" if len(pieces) > PIECES_LISTED else ""
    return f"{len(pieces):,}{': ' if pieces else ''}{_named(pieces)}{more}"


def _named(pieces: Sequence[tuple[str, int]]) -> str:
    return ", ".join(
        f"«{piece}»{f' {count:,}' if count else ''}".replace("\n", "⏎").replace(" ", NO_BREAK)
        for piece, count in islice(pieces, PIECES_LISTED)
    )


def _table(
    head: Sequence[str | tuple[str, str]], rows: Sequence[Sequence[str]], left: int = 1
) -> str:
    """Aligned columns, the first ``left`` of them to the left; a two-line title is a pair."""
    titles = [title if isinstance(title, tuple) else ("", title) for title in head]
    lines = [list(line) for line in zip(*titles, strict=True)] + [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  "
        + "  ".join(
            cell.ljust(width) if number < left else cell.rjust(width)
            for number, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
        if any(line)
    )
