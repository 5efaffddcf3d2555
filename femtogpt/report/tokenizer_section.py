"""The tokenizer: how it cuts text, and what its pieces are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from femtogpt.errors import UserError
from femtogpt.report.html_parts import Html, Number, folded, joined, short, table, tag
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording
from femtogpt.tokens.shards import Tokens
from femtogpt.tokens.tokenizer_stats import RARE, source_stats, vocabulary_stats

SOURCES = 30  # rows
PIECES = 40  # in a list
PASSAGE = 120  # pieces of the passage shown
PIECE = 40  # characters


def tokenizer(facts: RunFacts, words: Wording) -> Html:
    """Figures by source, a held-out passage cut into pieces, and the rare and the longest ones."""
    if "tokens" not in facts.artifacts:
        return Html()
    with suppress(UserError, OSError):
        data = Tokens(facts.artifacts["tokens"].path)
        cutter = data.tokenizer()
        by_source = source_stats(data, cutter)
        vocabulary = vocabulary_stats(data, cutter)
        return joined(
            [
                tag("p", _sentence(facts, vocabulary, words)),
                *_sources(by_source, words),
                *_passage(data, words),
                *_pieces(vocabulary, words),
            ]
        )
    return Html()


def _sentence(facts: RunFacts, vocabulary: Mapping[str, Any], words: Wording) -> str:
    return words(
        "tokenizer_in_words",
        pieces=words.count(vocabulary["pieces"], "piece"),
        characters=words.number(facts.counts("tokens").get("characters_per_token", 0), 2),
        never=len(vocabulary["never"]),
        rare=len(vocabulary["rare"]),
        few=RARE,
    )


def _sources(by_source: Mapping[str, Any], words: Wording) -> Iterator[Html]:
    rows = []
    for name, splits in list(by_source.items())[:SOURCES]:
        train, held_out = splits.get("train", {}), splits.get("held_out", {})
        rows.append(
            (
                short(name, 60),
                Number(words.whole(train.get("tokens", 0))),
                Number(words.whole(held_out.get("tokens", 0))),
                Number(words.number(held_out.get("characters_per_token", float("nan")), 2)),
                Number(words.percent(held_out.get("whole_words", float("nan")))),
                Number(words.number(held_out.get("pieces_per_word", float("nan")), 2)),
                Number(words.percent(held_out.get("byte_tokens", float("nan")), 2)),
            )
        )
    names = ("source", "train_tokens", "held_out_tokens", "characters_per_token")
    more = ("whole_words", "pieces_per_word", "byte_tokens")
    yield table([words(name) for name in (*names, *more)], rows)


def _passage(data: Tokens, words: Wording) -> Iterator[Html]:
    """The beginning of the first held-out document, each piece by itself."""
    cutter = data.tokenizer()
    for shards in data.shards("held_out").values():
        for shard in shards:
            for entry in shard.documents()[:1]:
                ids = shard.ids[entry.start + 1 : entry.start + 1 + min(entry.tokens, PASSAGE)]
                pieces = (cutter.pieces[id] or "·" for id in ids)
                yield tag("h3", words("cut_into_pieces"))
                yield tag("p", *(tag("i", piece[:PIECE]) for piece in pieces), of="pieces")
                return


def _pieces(vocabulary: Mapping[str, Any], words: Wording) -> Iterator[Html]:
    lists = (
        ("longest_pieces", [f"{piece} {words.whole(n)}" for piece, n in vocabulary["longest"]]),
        ("rare_pieces", [f"{piece} {words.whole(n)}" for piece, n in vocabulary["rare"]]),
        ("unused_pieces", vocabulary["never"]),
    )
    parts = [
        joined([tag("h3", words(name, few=RARE)), tag("p", _listed(pieces, words))])
        for name, pieces in lists
        if pieces
    ]
    yield folded(words("pieces_of_note"), joined(parts))


def _listed(pieces: list[str], words: Wording) -> str:
    shown = " · ".join(short(piece, PIECE) for piece in pieces[:PIECES])
    rest = len(pieces) - PIECES
    return f"{shown} {words('and_more', count=rest)}" if rest > 0 else shown
