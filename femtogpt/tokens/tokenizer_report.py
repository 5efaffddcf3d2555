"""How well a tokenizer suits its corpus, and what other sizes of its vocabulary would cost."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from textwrap import wrap

from femtogpt.artifacts.artifact import Artifact
from femtogpt.tokens.tokenizer_stats import RARE, figures

SHOWN = 12  # pieces of each list
WIDTH = 100  # of a line
HELD = "\0"  # a space at which no line is broken


def report(tokens: Artifact, corpus: Artifact, sizes: Iterable[int], width: int = 256) -> str:
    """The figures (see ``figures``) as a text for the terminal."""
    found = figures(tokens, corpus, sizes, width)
    return "\n\n".join(
        (
            _sources(found["sources"]),
            _held_out(found["sources"]),
            _vocabulary(found["vocabulary"]),
            _sizes(found),
        )
    )


def _sources(sources: dict) -> str:
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


def _held_out(sources: dict) -> str:
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


def _vocabulary(found: dict) -> str:
    lists = {
        "never": _listed([(piece, 0) for piece in found["never"]]),
        f"fewer than {RARE} times": _listed(found["rare"]),
        "the longest": _named(found["longest"]),
    }
    lines = [f"Vocabulary of {found['pieces']:,} pieces, and how often they stand in train"]
    for title, text in lists.items():
        start = f"  {title:20} "
        lines += wrap(start + text, WIDTH, subsequent_indent=" " * len(start))
    return "\n".join(lines).replace(HELD, " ")


def _sizes(found: dict) -> str:
    head = (
        "pieces",
        ("characters", "per token"),
        ("words in", "one piece"),
        ("pieces", "per word"),
        ("tokens", "of train"),
        ("embedding at", f"width {found['width']}"),
        "",
    )
    rows = [
        (
            f"{cost['pieces']:,}",
            f"{cost['characters_per_token']:.2f}",
            f"{cost['whole_words']:.1%}",
            f"{cost['pieces_per_word']:.2f}",
            f"{cost['train_tokens']:,}",
            f"{cost['embedding_parameters']:,}",
            "← now" if cost["pieces"] == found["vocabulary"]["pieces"] else "",
        )
        for cost in found["sizes"]
    ]
    lines = ["Vocabularies of other sizes, on held-out text", _table(head, rows, left=0)]
    small = [f"{size:,}" for size in found["impossible"] if size <= found["largest"]]
    large = [f"{size:,}" for size in found["impossible"] if size > found["largest"]]
    if small:
        lines.append(f"  {' and '.join(small)}: too few for bytes and letters")
    if large:
        lines.append(f"  {' and '.join(large)}: this text gives {found['largest']:,} at most")
    return "\n".join(lines)


def _listed(pieces: Sequence[tuple[str, int]]) -> str:
    """How many there are, and some of them."""
    more = " …" if len(pieces) > SHOWN else ""
    return f"{len(pieces):,}{': ' if pieces else ''}{_named(pieces)}{more}"


def _named(pieces: Sequence[tuple[str, int]]) -> str:
    return ", ".join(
        f"«{piece}»{f' {count:,}' if count else ''}".replace("\n", "⏎").replace(" ", HELD)
        for piece, count in islice(pieces, SHOWN)
    )


def _table(
    head: Sequence[str | tuple[str, str]], rows: Sequence[Sequence[str]], left: int = 1
) -> str:
    """Columns in line, the first ``left`` of them to the left; titles of two lines are pairs."""
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
