"""Near-duplicates are found, at any size, and nothing else is taken for one."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.corpus import shingles as module
from femtogpt.corpus.dedup import (
    EMPTY_TEXT,
    HASHES,
    SimilarityIndex,
    near_duplicates,
    signatures,
    similarity,
)
from femtogpt.corpus.shingles import SHINGLE, shingles
from femtogpt.sources.texts import Files
from tests.helpers import PROSE, VERSE, quick

texts = st.lists(st.text("абвгДЕЁёж \n.,—1\u0301ßİ𝔸", max_size=40), max_size=6)


def essay(seed: int, words: int) -> list[str]:
    draw = random.Random(seed)
    return ["".join(draw.choices("абвгдежзиклмн", k=draw.randint(2, 9))) for _ in range(words)]


def edited(words: list[str], share: float, seed: int) -> list[str]:
    """The words, that share of them replaced."""
    draw = random.Random(seed)
    return [word if draw.random() >= share else f"иное{draw.random()}" for word in words]


def jaccard(one: str, other: str) -> float:
    first, second = (set(shingles([text])[0].tolist()) for text in (one, other))
    return len(first & second) / len(first | second)


def likeness(one: str, other: str) -> float:
    return float(similarity(*signatures([one, other])))


def test_lines_marks_capitals_and_yo_make_no_difference():
    other = re.sub(r"[^\w\n]+", "\n", PROSE).upper().replace("Ё", "Е")
    assert likeness(PROSE, other) == 1


def test_other_texts_are_not_similar():
    assert likeness(PROSE, VERSE) == 0


@pytest.mark.parametrize("words", [40, 300, 5000])
@pytest.mark.parametrize("share", [0.005, 0.02, 0.05, 0.1])
def test_the_estimate_is_close_to_the_true_similarity(words, share):
    pairs = [(essay(seed, words), seed) for seed in range(20)]
    originals = [" ".join(text) for text, _ in pairs]
    changed = [" ".join(edited(text, share, seed)) for text, seed in pairs]
    estimates = similarity(signatures(originals), signatures(changed))
    errors = estimates - [jaccard(*pair) for pair in zip(originals, changed, strict=True)]
    assert np.abs(errors).max() < 4 * 0.5 / HASHES**0.5
    assert abs(errors.mean()) < 4 * 0.5 / (20 * HASHES) ** 0.5


@given(texts)
@quick
def test_a_signature_does_not_depend_on_the_texts_beside(texts):
    together = signatures(texts)
    assert together.shape == (len(texts), HASHES) and together.dtype == np.uint32
    for text, row in zip(texts, together, strict=True):
        assert (signatures([text])[0] == row).all()


@given(texts, st.integers(1, 9), st.integers(2, 9))
@quick
def test_equal_shingles_are_equal_runs_of_words(texts, piece, longest):
    """Whatever the places at which the text is taken apart for hashing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_PIECE", piece)
        patch.setattr(module, "HASHED_LETTERS", longest)
        hashes, sizes = shingles(texts)
    expected = []
    for text in texts:
        basic = "".join(char if char.isalpha() and ord(char) < 65536 else " " for char in text)
        words = [
            "".join(char.lower()[0] for char in word).replace("ё", "е")[:longest]
            for word in basic.split()
        ]
        runs = [tuple(words[at : at + SHINGLE]) for at in range(max(len(words) - SHINGLE + 1, 0))]
        expected.append(runs or ([tuple(words)] if words else []))
    assert sizes.tolist() == [len(runs) for runs in expected]
    flat = [run for runs in expected for run in runs]
    assert len(set(zip(flat, hashes.tolist(), strict=True))) == len(set(flat))
    assert len(set(hashes.tolist())) == len(set(flat))


def test_signatures_are_the_same_on_every_machine():
    assert signatures([VERSE])[0, :3].tolist() == [2937957231, 3260266651, 3238279148]


def test_texts_without_words_are_similar_to_nothing():
    found = signatures(["", "1812", "…", "— !", VERSE])
    assert (found[:4] == EMPTY_TEXT).all() and (found[4] != EMPTY_TEXT).all()
    assert near_duplicates(found, 0.3) == []
    assert SimilarityIndex(found[:4]).most_similar(found) is None


def test_texts_of_few_words_are_duplicates_only_if_they_are_the_same():
    short = ["да", "нет", "Да!", "да да", "да да да да", "добрый день", "Добрый день."]
    assert near_duplicates(signatures(short)) == [(2, 0, 1.0), (6, 5, 1.0)]


def test_of_two_editions_the_first_is_kept():
    verse = VERSE.replace("вдали", "внизу")  # one word in two quatrains
    prose = essay(1, 1000)
    slips = " ".join([*prose[:300], "опечатка", *prose[301:700], "другая", *prose[701:]])
    documents = [PROSE, VERSE, " ".join(prose), verse, slips, " ".join(essay(2, 1000))]
    found = near_duplicates(signatures(documents))
    assert [pair[:2] for pair in found] == [(3, 1), (4, 2)]
    assert 0.7 <= found[0][2] < 0.8 and found[1][2] > 0.95


def test_what_is_similar_to_a_document_that_goes_stays():
    """Of a chain of editions, each some way from the last, not all go for the first."""
    chain = [essay(1, 2000)]
    for step in range(1, 6):
        chain.append(edited(chain[-1], 0.02, step))
    found = near_duplicates(signatures([" ".join(words) for words in chain]))
    gone = {document for document, _, _ in found}
    assert gone and {kept for _, kept, _ in found}.isdisjoint(gone)
    assert len(gone) < len(chain) - 1
    assert all(similar >= 0.7 for _, _, similar in found)


def clusters(seed: int, documents: int) -> np.ndarray:
    """Signatures in which many are similar to some degree."""
    draw = np.random.default_rng(seed)
    found = draw.integers(0, 2**32 - 1, (documents, HASHES), dtype=np.uint32)
    for row in range(1, documents):
        if draw.random() < 0.7:
            same = draw.random(HASHES) < draw.uniform(0.5, 1)
            found[row, same] = found[draw.integers(0, row), same]
    return found


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9])
def test_nothing_kept_is_similar_to_what_was_kept_before_it(threshold):
    missed = kept = 0
    for seed in range(10):
        found = clusters(seed, 300)
        gone = {document: pair for document, *pair in near_duplicates(found, threshold)}
        for document, (other, similar) in gone.items():
            assert other < document and other not in gone
            assert similar == similarity(found[other], found[document]) >= threshold
        stay = np.array([row for row in range(len(found)) if row not in gone])
        kept += len(stay)
        for at, row in enumerate(stay):
            missed += bool((similarity(found[stay[:at]], found[row]) >= threshold).any())
    assert kept > 300 and missed < 0.01 * kept


@pytest.mark.parametrize("equal", [1.0, 0.97])
def test_very_many_that_are_all_alike_are_no_trouble(equal):
    draw = np.random.default_rng(0)
    one = draw.integers(0, 2**32 - 1, HASHES, dtype=np.uint32)
    found = draw.integers(0, 2**32 - 1, (20_000, HASHES), dtype=np.uint32)
    found = np.where(draw.random(found.shape) < equal, one, found)
    gone = near_duplicates(found)
    assert len(gone) >= 19_990 and {kept for _, kept, _ in gone} <= {0, *range(20_000)}


def test_no_documents_have_no_duplicates():
    assert near_duplicates(signatures([])) == []
    assert SimilarityIndex(signatures([])).most_similar(signatures([VERSE])) is None


def test_the_closest_document_is_found():
    kept = [essay(seed, 400) for seed in range(30)]
    closest = SimilarityIndex(signatures([" ".join(words) for words in kept]))
    others = [essay(99, 400), edited(kept[7], 0.04, 1), edited(kept[12], 0.01, 2)]
    row, document, similar = closest.most_similar(signatures([" ".join(words) for words in others]))
    assert (row, document) == (2, 12) and 0.8 < similar < 1


def test_no_two_works_of_the_classics_are_near_duplicates(classics, tmp_path):
    source = Files(kind="files", path=classics)
    source.fetch(tmp_path)
    works = list(source.documents(tmp_path))
    found = near_duplicates(signatures([work.text for work in works]), 0.3)
    assert not [pair for pair in found if pair[2] > 0.4]
