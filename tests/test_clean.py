"""Cleaning a batch: what one bad document, odd ids and a full disk do to the others."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from femtogpt.config import CorpusConfig
from femtogpt.corpus import clean as module
from femtogpt.corpus.clean import Batch, batches, clean
from femtogpt.corpus.rules import STANDARD
from femtogpt.sources.base import Document
from tests.helpers import story

GOOD = [Document(f"d{number}", story(number)) for number in range(6)]


def rows(documents: list[Document]) -> list[tuple]:
    return next(batches(iter(documents)))


def batch(documents: list[Document], folder: Path, rules: tuple[str, ...] = STANDARD) -> Batch:
    return Batch(rows(documents), rules, CorpusConfig(), folder / "cleaned" / "x")


def test_a_full_disk_never_drops_a_large_document(tmp_path, monkeypatch):
    original = Path.write_bytes

    def nearly_full(path, data):
        if len(data) > 60_000:
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return original(path, data)

    monkeypatch.setattr(Path, "write_bytes", nearly_full)
    big = " ".join(story(1000 + number) for number in range(300))
    with pytest.raises(OSError):
        clean(batch([*GOOD, Document("big", big)], tmp_path))


def test_ids_are_unique_though_one_looks_like_a_repeated_one():
    got = rows([Document("a", "1"), Document("a", "2"), Document("a#2", "3")])
    assert len({row[0] for row in got}) == 3


@pytest.mark.parametrize(
    "bad",
    [
        Document("s\ud800", story(9)),
        Document("s", story(9), title="\ud800"),
        Document("s", story(9), year=2**40),
    ],
    ids=["id", "title", "year"],
)
def test_a_document_whose_metadata_cannot_be_kept_takes_no_other_with_it(bad, tmp_path):
    assert set(clean(batch([*GOOD, bad], tmp_path)).ids) >= {good.id for good in GOOD}


def test_one_bad_document_among_many_does_not_mean_a_pass_for_each(tmp_path, monkeypatch):
    calls, real = [], module._clean
    monkeypatch.setattr(module, "_clean", lambda *a: calls.append(1) or real(*a))
    many = [Document(str(number), f"Строка {number}.") for number in range(255)]
    done = clean(batch([*many, Document("x", "\ud800")], tmp_path, ()))
    assert len(calls) < 40
    assert done.rejected["unreadable"] == 1


def test_batches_of_documents_without_text_are_bounded():
    documents = (Document(str(number), "", fault="плохо") for number in range(120_000))
    assert max(len(part) for part in batches(documents)) < 120_000
