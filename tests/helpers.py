"""What several test files share: small Russian texts and a source that hands them out."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import ClassVar, Literal

from hypothesis import settings

from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.corpus.build import build_corpus
from femtogpt.sources.base import Document, Source
from femtogpt.sources.fetch import fetch
from femtogpt.sources.sample.stories import write_story

quick = settings(deadline=None, database=None, derandomize=True)


def examples(count: int) -> settings:
    """Other than 100 of them in make test-all, and in make test as many fewer, but 15 at least."""
    share = settings.default.max_examples / 100
    return settings(quick, max_examples=min(count, max(15, round(count * share))))


PROSE = """\
Было раннее утро, и над рекою стоял туман. Старый мельник вышел на крыльцо, поглядел на небо
и сказал: «Быть сегодня дождю». Никто ему не ответил; только собака, ещё сонная, подняла голову.

— Что же ты молчишь? — спросил он её, и в голосе его было больше грусти, чем упрёка. — Видно,
и тебе наскучили мои разговоры. Пойдём-ка лучше к воде: там, говорят, нынче объявился сом.

Собака зевнула, потянулась и побежала вперёд, а мельник, придерживая шапку, зашагал за нею.
"""
VERSE = """\
Над полем тихий свет зари,
И в роще голос соловья;
Ты долго так не говори,
Что песня кончена моя.

Ещё не смолкли эти дни,
Ещё звенит вдали ручей,
И светят поздние огни
Среди серебряных ночей."""


@cache
def story(seed: int, words: int = 120) -> str:
    """A text of about so many words, its own for each seed: generated stories one after another."""
    draw, lines = random.Random(seed), []
    while sum(len(line.split()) for line in lines) < words:
        lines += write_story(draw).text.split("\n")
    kept, left = [], words
    for line in lines:
        kept.append(" ".join(line.split(" ")[:left]))
        left -= len(line.split())
        if left <= 0:
            break
    return "\n".join(kept)


class Listed(Source):
    """A kind of source that holds its documents itself."""

    location: ClassVar[frozenset[str]] = frozenset({"items"})
    kind: Literal["listed"] = "listed"
    rules: tuple[str, ...] | None = ()
    items: tuple[Document, ...]

    def fetch(self, into: Path) -> dict:
        lines = [json.dumps(asdict(item), ensure_ascii=False) for item in self.items]
        (into / "documents.jsonl").write_text("\n".join(lines), encoding="utf-8")
        return {}

    def documents(self, raw: Path) -> Iterator[Document]:
        for line in (raw / "documents.jsonl").read_text(encoding="utf-8").split("\n"):
            yield Document(**json.loads(line))


def listed(texts: dict[str, str], **settings) -> Listed:
    """A source of these texts by id."""
    items = tuple(Document(id=name, text=text) for name, text in texts.items())
    return Listed(items=items, **settings)


def config(sources: dict[str, Source], **sections) -> Config:
    return Config(name="test", sources=sources, **sections)


def corpus_of(store: Store, settings: Config):
    """The corpus of a configuration, its sources fetched."""
    raws = {name: fetch(store, name, source) for name, source in settings.sources.items()}
    return build_corpus(store, settings, raws)
