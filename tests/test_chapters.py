"""Chapters as the unit that is held out, and the warning where works are too large for that."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.store import Store
from femtogpt.corpus.chapters import PART_CHARACTERS, chapters
from femtogpt.corpus.corpus_report import report
from tests.helpers import PROSE, config, corpus_of, listed, quick, story
from tests.test_balance import comes_out, sums
from tests.test_corpus import kept


def prose(seed: int, characters: int, between: str = "\n\n") -> str:
    text = ""
    while len(text) < characters:
        text += " ".join(story(seed, 150).split()) + "." + between
        seed += 1
    return text.strip()


def novel(seed: int, chapters: int, heading: str = "Глава {}", characters: int = 9000) -> str:
    parts = [
        f"{heading.format(number)}\n\n{prose(seed + 100 * number, characters)}"
        for number in range(1, chapters + 1)
    ]
    return "\n\n".join(parts)


@pytest.mark.parametrize("heading", ["Глава {}", "{}", "ЧАСТЬ {}. О ДОЖДЕ", "Лекция {}", "* * *"])
def test_parts_begin_at_headings_where_there_are_some(heading):
    parts = chapters(novel(0, 8, heading))
    assert len(parts) == 8
    for number, part in enumerate(parts, 1):
        assert part.startswith(heading.format(number))


@pytest.mark.parametrize("between", ["\n\n", "\n", "\n    ", " "])
def test_without_headings_parts_are_of_about_equal_size_and_end_with_a_sentence(between):
    parts = chapters(prose(0, 100_000, between))
    assert 8 <= len(parts) <= 12
    for part in parts[:-1]:
        assert 0.5 * PART_CHARACTERS <= len(part) <= 1.5 * PART_CHARACTERS
        assert re.search(r"[.!?…»]$", part)


@quick
@given(st.text(st.sampled_from("аб. \n*1I"), max_size=400), st.integers(10, 60))
def test_nothing_but_white_space_is_lost(text, size):
    parts = chapters(text, size)
    assert "".join("".join(parts).split()) == "".join(text.split())
    assert all(part and len(part) <= 1.5 * size for part in parts)


def two_novels(unit: str, store: Store, **texts: str):
    novels = {"one": novel(0, 30), "two": novel(50_000, 40), **texts}
    return corpus_of(store, config({"mine": listed(novels)}, corpus={"unit": unit}))


def held_out_share(corpus) -> float:
    counts = corpus.counts
    return counts["held_out_characters"] / (
        counts["held_out_characters"] + counts["train_characters"]
    )


def test_of_two_large_works_a_third_is_held_out_and_that_is_said(tmp_path, caplog):
    corpus = two_novels("work", Store(tmp_path))
    assert held_out_share(corpus) > 0.3
    (line,) = (message for message in caplog.messages if "held out" in message)
    assert "mine: 4" in line
    assert "corpus.held_out asks for 5.0%" in line
    assert "corpus.unit=chapter" in line


def test_by_chapters_the_share_is_kept_and_nothing_is_said(tmp_path, caplog):
    corpus = two_novels("chapter", Store(tmp_path))
    assert 0.03 < held_out_share(corpus) <= 0.05
    assert not [message for message in caplog.messages if "held out" in message]
    assert comes_out(sums(corpus))


def test_small_works_stay_whole_and_parts_have_readable_ids(tmp_path):
    ids = set(kept(two_novels("chapter", Store(tmp_path), tale=PROSE))["id"])
    assert ids == {
        "tale",
        *(f"one, part {number:03d}" for number in range(1, 31)),
        *(f"two, part {number:03d}" for number in range(1, 41)),
    }


def test_few_works_kept_are_told_however_many_parts_they_have(tmp_path, caplog):
    short = {f"short {number}": "Тихо." for number in range(3)}
    corpus = two_novels("chapter", Store(tmp_path), **short)
    assert kept(corpus).height == 70
    assert "only 2 of 5 documents were kept (works and parts rejected: min_characters 3)" in (
        caplog.text
    )
    header = next(line.split("  ") for line in report(corpus).splitlines() if "works read" in line)
    assert "parts kept" in map(str.strip, header)


def test_another_work_changes_no_part_of_a_work(tmp_path):
    def parts(corpus) -> dict[str, str]:
        return dict(kept(corpus).select("id", "text").rows())

    before = parts(two_novels("chapter", Store(tmp_path / "a")))
    after = parts(two_novels("chapter", Store(tmp_path / "b"), tale=PROSE))
    assert {id: after[id] for id in before} == before


def test_a_passage_shared_by_chapters_is_cut_from_train(tmp_path):
    refrain = prose(90_000, 900)
    work = "\n\n".join(f"Глава {n}\n\n{prose(100 * n, 9000)}\n\n{refrain}" for n in range(1, 41))
    corpus = corpus_of(
        Store(tmp_path), config({"mine": listed({"work": work})}, corpus={"unit": "chapter"})
    )
    documents = kept(corpus)
    assert documents.filter(split="held_out")["text"].str.contains(refrain, literal=True).all()
    assert not documents.filter(split="train")["text"].str.contains(refrain, literal=True).any()
    assert comes_out(sums(corpus))


def test_a_single_work_can_be_trained_on_by_chapters(tmp_path):
    source = listed({"work": novel(0, 30)})
    corpus = corpus_of(Store(tmp_path), config({"mine": source}, corpus={"unit": "chapter"}))
    assert 0.03 < held_out_share(corpus) <= 0.05


@pytest.mark.parametrize("name", ["one, part 003", "one, part 0003", "one, part 031"])
def test_a_document_that_is_called_like_a_part_is_not_taken_for_it(tmp_path, name):
    """Decisions go by ids: with one id, either would be held out or rejected with the other."""
    texts = {name: prose(70_000, 3000), f"{name}#2": prose(80_000, 3000)}
    corpus = two_novels("chapter", Store(tmp_path), **texts)
    documents = kept(corpus)
    assert documents["id"].is_unique().all()
    found = dict(documents.select("text", "id").rows())
    assert found[texts[name]] == f"{name}#2"
    assert found[texts[f"{name}#2"]] == f"{name}#2#2"
    assert comes_out(sums(corpus))


def test_works_whole_keep_such_names(tmp_path):
    texts = {"one, part 003": prose(70_000, 3000)}
    assert "one, part 003" in set(kept(two_novels("work", Store(tmp_path), **texts))["id"])
