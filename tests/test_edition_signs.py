"""The hint that a source's documents look like editions, which only its setting cleans as such."""

from __future__ import annotations

import polars as pl
import pytest

from femtogpt.artifacts.store import Store
from femtogpt.corpus.edition_signs import look_like_editions
from tests.helpers import PROSE, config, corpus_of, listed, story

MARKED = PROSE.replace(".", ".[1]")
NOTED = f"{PROSE}\n\nПримечания\n\n1. Мельник — владелец мельницы.\n2. Так звали соседей.\n"


@pytest.mark.parametrize(
    "text",
    [
        NOTED,
        f"{PROSE}\n\nПРИМЕЧАНИЯ.\n\n[1]\nТак звали соседей.",
        f"{PROSE}\n\n* * *\n\nСноски:\n* Так звали соседей.",
        f"{PROSE}\n\nКомментарии к повести\n\n(1) Так звали соседей.",
        "Слово[1] и дело[2], дом.[3] «Сад»[4] и лес,[5] и река.",
        f"Москва, 1984\nISBN 5-17-000000-0\n\n{PROSE}",
        f"OCR: Иван Петров\n\n{PROSE}",
    ],
)
def test_notes_marks_and_imprints_show_an_edition(text):
    assert look_like_editions(pl.Series([text])).to_list() == [True]


@pytest.mark.parametrize(
    "text",
    [
        PROSE,
        "",
        "Возьмём a[1], a[2], x[3], b[4], c[5] и сложим.",
        "Об этом писали [1], [2], [3], [4], [5] и [6].",
        "[1] И пошёл старик в лес.\n[2] А вода была светла.\n[3] И сказал он.\n" * 5,
        f"Его примечания к делу\n\n{PROSE}",
        f"Примечания\n\n{PROSE}",
        "Номер ISBN есть у каждой книги. OCR — это распознавание.",
    ],
)
def test_what_only_looks_like_one_does_not(text):
    assert look_like_editions(pl.Series([text])).to_list() == [False]


def hints(caplog, tmp_path, texts, **source) -> list[str]:
    mine = listed(texts, **{"rules": None, **source})
    corpus_of(Store(tmp_path), config({"mine": mine}))
    return [message for message in caplog.messages if "look like editions" in message]


def stories(count: int) -> dict[str, str]:
    return {f"story {seed}": story(seed, 60) for seed in range(count)}


def books(count: int) -> dict[str, str]:
    return {f"book {seed}": f"{story(100 + seed, 60)}\nISBN 5-17-{seed}" for seed in range(count)}


def test_many_editions_are_told_in_one_line(tmp_path, caplog):
    (line,) = hints(caplog, tmp_path, stories(10) | books(3))
    assert "mine: 3 of 13 documents look like editions" in line
    assert "'book 0'" in line
    assert "edition: true" in line


@pytest.mark.parametrize(
    ("texts", "source"),
    [
        (stories(20), {}),
        (stories(20) | books(1), {}),
        (stories(40) | books(3), {}),
        (stories(10) | books(3), {"edition": True}),
        (stories(10) | books(3), {"rules": ("spaces",)}),
    ],
    ids=["none", "one", "few", "edition", "own rules"],
)
def test_there_is_no_hint_otherwise(tmp_path, caplog, texts, source):
    assert not hints(caplog, tmp_path, texts, **source)


def test_a_large_work_in_parts_counts_once(tmp_path, caplog):
    work = "\n\n".join(f"{story(seed, 3000)}\n\nISBN 5-17-{seed}" for seed in range(5))
    mine = {"mine": listed({"work": work} | books(1), rules=None)}
    corpus_of(Store(tmp_path), config(mine, corpus={"unit": "chapter"}))
    (line,) = (message for message in caplog.messages if "look like editions" in message)
    assert "2 of 2" in line


def test_no_texts_have_no_signs():
    assert look_like_editions(pl.Series([], dtype=pl.String)).to_list() == []
