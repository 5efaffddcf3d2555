"""The tokenizer: no text is ever changed by it."""

from __future__ import annotations

import polars as pl
import pytest
import sentencepiece as spm
from hypothesis import example, given, settings
from hypothesis import strategies as st

from femtogpt.artifact import Store
from femtogpt.corpus.build import parts
from femtogpt.errors import UserError
from femtogpt.tokens.tokenizer import FILE, SPACE, Tokenizer, train, train_tokenizer
from tests.helpers import PROSE, VERSE, config, corpus_of, listed, quick, story

LINES = [line for seed in range(20) for line in story(seed).split("\n")]
LINES += [*PROSE.split("\n"), *VERSE.split("\n")]
MODEL = train(iter(LINES), vocab_size=500)
TOKENIZER = Tokenizer(MODEL)
thorough = settings(quick, max_examples=300)
anything = st.text(st.characters(codec="utf-8"))
russian = st.lists(
    st.sampled_from([*"аеикЁё ,.—\n\t7😀", "  ", "\r\n", SPACE, "мельник", " он", "ещё"])
).map("".join)


@thorough
@given(anything | russian)
@example("")
@example(" ")
@example("\n\n\n")
@example("  два  пробела  ")
@example("строка\r\nстрока\rстрока\u2028строка\n")
@example(f"{SPACE}{SPACE} {SPACE}я\n{SPACE}")
@example("a\0b")
@example("\ufeffначало")
@example("\ufffd \u2047 ⁇")
@example("<unk> </s> <s> <0x41> <0x0A>")
@example("𝕳𝖊𝖑𝖑𝖔 👩‍👩‍👧 ﷽ ﬁ Å й ё")
@example("\u0301\u0308")
def test_decoding_what_was_encoded_gives_the_text_back(text):
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


@thorough
@given(anything | russian)
def test_no_text_holds_the_boundary_or_an_unknown_piece(text):
    ids = TOKENIZER.encode(text)
    assert TOKENIZER.boundary not in ids
    assert all(1 < piece < TOKENIZER.size for piece in ids)


@quick
@given(st.lists(anything | russian, max_size=6))
def test_threads_and_cutting_into_lines_change_no_id(texts):
    whole = spm.SentencePieceProcessor(model_proto=MODEL)
    one, two = (TOKENIZER.encode_documents(texts, threads) for threads in (1, 2))
    assert [ids.tolist() for ids in one] == [ids.tolist() for ids in two]
    for text, ids in zip(texts, one, strict=True):
        if SPACE not in text:
            assert ids.tolist() == whole.encode(text)


def test_a_long_text_is_encoded_as_sentencepiece_does():
    text = "\n".join(LINES)
    whole = spm.SentencePieceProcessor(model_proto=MODEL)
    assert TOKENIZER.encode_documents([text], 2)[0].tolist() == whole.encode(text)


def test_a_boundary_gives_no_text():
    ids = [TOKENIZER.boundary, *TOKENIZER.encode("да"), TOKENIZER.boundary]
    assert TOKENIZER.decode(ids) == "да"


def test_verse_keeps_its_lines_as_pieces_of_their_own():
    newline = TOKENIZER.encode("\n")
    ids = TOKENIZER.encode(VERSE)
    assert len(newline) == 1
    assert ids.count(newline[0]) == VERSE.count("\n")


def test_frequent_words_are_single_pieces():
    assert len(TOKENIZER.encode(" мельник")) <= 2
    assert len(TOKENIZER.encode(PROSE)) < len(PROSE) / 2


def test_the_same_lines_give_the_same_model():
    assert train(iter(LINES), vocab_size=500) == MODEL


def test_a_long_line_is_learned_from_too():
    """By default sentencepiece skips lines past 4192 bytes in silence."""
    line = " ".join(LINES)
    assert len(line.encode()) > 4192
    assert len(Tokenizer(train(iter([line]), 500)).encode(PROSE)) < len(PROSE) / 2


@pytest.mark.parametrize(
    ("lines", "size"),
    [(LINES[:3], 8000), ([chr(0x400 + n) * 3 for n in range(200)], 300), ([], 500), (["а"], 300)],
    ids=["too large", "too small", "no text", "one letter"],
)
def test_a_vocabulary_that_does_not_suit_the_text_is_told_in_one_line(lines, size):
    with pytest.raises(UserError, match=r"vocab_size \d+.*(choose another|add text)") as refused:
        train(iter(lines), vocab_size=size, character_coverage=1.0)
    assert "\n" not in str(refused.value)


# the stage


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data")


def stories(count: int) -> dict[str, str]:
    return {f"story {seed}": story(seed) for seed in range(count)}


def test_the_stage_gives_a_tokenizer_of_the_size_asked_for_and_finds_it_again(store):
    chosen = config({"mine": listed(stories(30))}, tokenizer={"vocab_size": 400})
    corpus = corpus_of(store, chosen)
    made = train_tokenizer(store, chosen, corpus)
    assert made.counts["pieces"] == Tokenizer.load(made.path).size == 400
    assert Tokenizer.load(made.path / FILE).encode(PROSE) == Tokenizer.load(made.path).encode(PROSE)
    assert not train_tokenizer(store, chosen, corpus).made


def test_nothing_is_learned_from_held_out_text(store):
    chosen = config({"mine": listed(stories(30))}, tokenizer={"vocab_size": 400})
    corpus = corpus_of(store, chosen)
    model = (train_tokenizer(store, chosen, corpus).path / FILE).read_bytes()
    texts = [text for _, file in parts(corpus, "train") for text in pl.read_parquet(file)["text"]]
    assert model == train((line for text in texts for line in text.split("\n")), 400)


def test_a_vocabulary_too_large_for_the_corpus_leaves_nothing_behind(store):
    chosen = config({"mine": listed(stories(4))}, tokenizer={"vocab_size": 60_000})
    corpus = corpus_of(store, chosen)
    with pytest.raises(UserError, match="vocab_size 60000"):
        train_tokenizer(store, chosen, corpus)
    assert list(store.root.glob("tokenizer/*")) == []
