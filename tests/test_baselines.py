"""Baselines: figures that are true code lengths, made when needed, and what they say of a model."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from functools import cache

import pyppmd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.config import BaselinesConfig
from femtogpt.errors import UserError
from femtogpt.evaluation import ppmd_baseline
from femtogpt.evaluation.baseline import Baseline, Tally, baselines_of, wanted
from femtogpt.evaluation.baseline_words import comparison
from femtogpt.evaluation.ngram_baseline import score_ngram
from femtogpt.evaluation.ppmd import END, ESCAPE, Alphabet, _encode, reader
from femtogpt.evaluation.ppmd_baseline import score_ppmd
from tests.helpers import config, corpus_of, listed, quick, story
from tests.tiny import BOUNDARY, write_tokens

MEMORY = 1 << 24
BYTE_BITS = 8  # what a code length is rounded to


def decoded(code: bytes, alphabet: Alphabet) -> list[str]:
    """The documents that were written in an alphabet's bytes."""
    characters = {sign: chr(number) for number, sign in alphabet.items()}
    documents, text = [], code.decode("latin-1")
    document, at = "", 0
    while at < len(text):
        if text[at] == END:
            documents.append(document)
            document = ""
        elif text[at] == ESCAPE:
            first = ord(text[at + 1])
            size = 1 if first < 0x80 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4
            document += text[at + 1 : at + 1 + size].encode("latin-1").decode()
            at += size
        else:
            document += characters[text[at]]
        at += 1
    return documents


# PPMd


whole_characters = st.text(st.characters(exclude_categories=["Cs"]))


@quick
@given(st.lists(whole_characters), whole_characters)
def test_any_text_can_be_read_back_from_its_bytes(documents, known):
    alphabet = Alphabet(Counter(known))
    code = b"".join(map(alphabet.encode, documents))
    assert decoded(code, alphabet) == documents


def test_a_text_of_usual_characters_has_a_byte_for_each_and_others_cost_more():
    text = story(1)
    alphabet = Alphabet(Counter(text))
    assert len(alphabet.encode(text)) == len(text) + 1
    assert len(alphabet.encode("漢")) == 1 + 3 + 1


def test_of_more_characters_than_bytes_the_most_frequent_have_one():
    often = "".join(map(chr, range(0x400, 0x400 + 254)))
    rarely = "".join(map(chr, range(0x100, 0x200)))
    alphabet = Alphabet(Counter(often * 2 + rarely))
    assert len(alphabet.encode(often)) == 254 + 1
    assert len(alphabet.encode(rarely)) == 3 * len(rarely) + 1


@pytest.mark.parametrize("length", [40, 3_000, 250_000])
def test_what_is_counted_is_the_length_of_a_code_that_a_decoder_reads(length):
    draw = random.Random(length)
    history = bytes(draw.choices(b"abcdefgh ", k=length))
    text = bytes(draw.choices(range(256), k=length))  # its code is longer than itself
    encoder = pyppmd.Ppmd7Encoder(12, MEMORY)
    pieces = [*_pieces(history), *_pieces(text)]
    code = b"".join([encoder.encode(piece) for piece in pieces]) + encoder.flush()
    assert pyppmd.Ppmd7Decoder(12, MEMORY).decode(code, 2 * length) == history + text
    alone = pyppmd.Ppmd7Encoder(12, MEMORY)
    before = _encode(alone, history) + len(alone.flush())
    with reader(12, MEMORY) as ppmd:
        ppmd.read(history)
        assert ppmd.code_length(text) == BYTE_BITS * (len(code) - before)


def _pieces(text: bytes) -> list[bytes]:
    return [text[start : start + 10_000] for start in range(0, len(text), 10_000)]


@pytest.mark.parametrize("letters", ["ab", "abcdefghijklmnop"])
def test_text_of_a_known_source_takes_no_fewer_bits_than_its_entropy(letters):
    draw = random.Random(7)
    history, text = ("".join(draw.choices(letters, k=100_000)) for _ in range(2))
    alphabet = Alphabet(Counter(history))
    with reader(12, MEMORY) as ppmd:
        ppmd.read(alphabet.encode(history))
        bits = ppmd.code_length(alphabet.encode(text)) / len(text)
    assert math.log2(len(letters)) <= bits < 1.1 * math.log2(len(letters))


def test_a_history_of_the_same_kind_helps_and_one_of_another_kind_hardly_harms():
    alphabet = Alphabet(Counter(story(1)))
    text, own = alphabet.encode(story(1, 2_000)), alphabet.encode(story(2, 20_000))
    draw = random.Random(1)
    strange = bytes(draw.choices(own, k=len(own)))  # the same letters without their order
    lengths = []
    for histories in ([], [own[: len(own) // 4]], [own], [own, strange], [text]):
        with reader(12, MEMORY) as ppmd:
            for history in histories:
                ppmd.read(history)
            lengths.append(ppmd.code_length(text))
    nothing, some, more, mixed, itself = lengths
    assert itself < more < some < nothing
    assert mixed < 1.05 * nothing


def test_a_document_that_was_scored_is_not_known_afterwards():
    text = Alphabet(Counter(story(1))).encode(story(1))
    with reader(12, MEMORY) as ppmd:
        ppmd.read(text[:100])
        first = [ppmd.code_length(text) for _ in range(3)]
        assert len({*first}) == 1
        ppmd.read(text)
        assert ppmd.code_length(text) < first[0] / 4


def test_a_reader_whose_process_is_killed_says_what_to_do():
    import multiprocessing

    with (
        pytest.raises(UserError, match=r"memory ran out: .*baselines\.ppmd=0"),
        reader(12, MEMORY) as ppmd,
    ):
        (process,) = multiprocessing.active_children()
        process.kill()
        process.join()
        ppmd.code_length(b"text")


# the stages


@pytest.fixture
def store(tmp_path) -> Store:
    return Store(tmp_path / "data")


@cache
def texts() -> dict[str, str]:
    return {f"work {number}": story(number, 300) for number in range(40)}


def settings(**changes):
    held_out = {"corpus": {"held_out": 0.2, "quality": {}}}
    return config({"stories": listed(texts())}, **held_out, baselines=BaselinesConfig(**changes))


def test_ppmd_scores_each_held_out_document_and_is_made_again_when_something_changes(store):
    corpus = corpus_of(store, settings())
    first = score_ppmd(store, settings(), corpus)
    (baseline,) = baselines_of({"ppmd": first}).values()
    assert baseline.title == "PPMd (order 12)"
    assert baseline.sources == {"stories": baseline.bits_per_character}
    assert baseline.loss is None
    assert 0.5 < baseline.bits_per_character < 3
    assert first.counts["bits_per_character"] == baseline.bits_per_character
    assert baseline.settings["history_characters"] == corpus.counts["train_characters"]
    again = score_ppmd(store, settings(ngram=2), corpus)
    assert (again.path, again.made) == (first.path, False)
    other = score_ppmd(store, settings(ppmd=3), corpus)
    assert other.path != first.path
    assert other.counts["bits_per_character"] != first.counts["bits_per_character"]


def test_of_a_long_train_split_ppmd_reads_the_same_share_of_each_document(store, monkeypatch):
    corpus = corpus_of(store, settings())
    everything = score_ppmd(store, settings(), corpus)
    monkeypatch.setattr(ppmd_baseline, "HISTORY", corpus.counts["train_characters"] // 10)
    a_tenth = score_ppmd(Store(store.root.parent / "other"), settings(), corpus)
    read = baselines_of({"ppmd": a_tenth})["ppmd"].settings["history_characters"]
    assert 0 <= read - corpus.counts["train_characters"] // 10 <= 40
    assert a_tenth.counts["bits_per_character"] > everything.counts["bits_per_character"]


def test_many_small_documents_are_scored_together_at_about_the_same_cost(store, monkeypatch):
    corpus = corpus_of(store, settings())
    alone = score_ppmd(store, settings(), corpus).counts["bits_per_character"]
    monkeypatch.setattr(ppmd_baseline, "SCORED", 2)
    together = score_ppmd(Store(store.root.parent / "other"), settings(), corpus)
    assert 0.9 * alone < together.counts["bits_per_character"] < alone


def tokens_artifact(store: Store, held_out: dict[str, list[list[int]]]) -> Artifact:
    folder = store.root / "tokens/made"
    folder.mkdir(parents=True)
    draw = random.Random(3)
    train = [draw.choices(range(2, 10), k=300) for _ in range(30)]
    write_tokens(folder, {"train": {"one": train}, "held_out": held_out})
    return Artifact(folder, "tokens", "made", "made", {})


def test_the_n_gram_scores_every_token_and_every_end_of_a_document_once(store):
    draw = random.Random(4)
    held_out = {
        source: [draw.choices(range(2, 10), k=size) for size in sizes]
        for source, sizes in {"one": [500, 20], "two": [700]}.items()
    }
    tokens = tokens_artifact(store, held_out)
    made = score_ngram(store, settings(), tokens)
    (baseline,) = baselines_of({"ngram": made}).values()
    documents = [document for source in held_out.values() for document in source]
    count = sum(len(document) + 1 for document in documents)
    characters = sum(3 * len(document) + 1 for document in documents)
    bits = baseline.loss * count / math.log(2)
    assert baseline.bits_per_character == pytest.approx(bits / characters)
    assert 3 * (count - len(documents)) <= bits < 1.4 * 3 * count  # eight even pieces
    assert set(baseline.sources) == {"one", "two"}
    assert made.counts["loss"] == baseline.loss
    assert not score_ngram(store, settings(ppmd=0), tokens).made
    assert score_ngram(store, settings(ngram=2), tokens).path != made.path
    assert BOUNDARY not in documents[0]


def test_each_baseline_can_be_left_out():
    assert wanted(settings()) == ["ngram", "ppmd"]
    assert wanted(settings(ngram=0)) == ["ppmd"]
    assert wanted(settings(ngram=0, ppmd=0)) == []


# in words


def baseline(bits: float, title: str = "n-gram (order 4)") -> Baseline:
    return Baseline.of(title, {}, {"one": Tally(1000 * bits, 1000, 300)})


BOTH = {"ngram": baseline(1.894), "ppmd": baseline(1.88, "PPMd (order 12)")}
COURSE = [
    {"step": 0, "seconds": 0.5, "held_out_loss": 9.0},
    {"step": 300, "seconds": 240.0, "held_out_loss": 5.2},
    {"step": 600, "seconds": 483.0, "held_out_loss": 5.0},
]


def test_a_model_below_the_n_gram_is_said_to_be():
    figures, verdict = comparison(BOTH, 1.867, COURSE)
    assert figures == "n-gram (order 4): 1.894 · PPMd (order 12): 1.880 bits per character"
    assert verdict == "the model is 1.4% below the n-gram"


def test_a_model_above_the_n_gram_is_said_to_be_with_what_would_help():
    _, verdict, advice = comparison(BOTH, 2.056, COURSE)
    assert "8.6% above the n-gram" in verdict
    assert "train.max_steps=1200 takes 8 min 3 s more" in advice
    assert "more text" in advice


def test_where_the_held_out_loss_rises_more_steps_are_not_advised():
    rising = [*COURSE, {"step": 900, "seconds": 700.0, "held_out_loss": 5.6}]
    *_, advice = comparison(BOTH, 2.056, rising)
    assert "risen since step 600" in advice
    assert "max_steps" not in advice and "more text" in advice


def test_without_baselines_nothing_is_said_and_without_an_n_gram_nothing_is_compared():
    assert comparison({}, 2.0, COURSE) == []
    assert comparison({"ppmd": BOTH["ppmd"]}, 2.0, COURSE) == [
        "PPMd (order 12): 1.880 bits per character"
    ]


def test_a_baseline_is_read_back_as_it_was_written(tmp_path):
    folder = tmp_path / "ngram"
    folder.mkdir()
    BOTH["ngram"].write(folder)
    artifact = Artifact(folder, "ngram", "1", "1", {})
    assert baselines_of({"ngram": artifact, "run": artifact}) == {"ngram": BOTH["ngram"]}
    assert json.loads((folder / "baseline.json").read_text())["bits_per_character"] == 1.894
