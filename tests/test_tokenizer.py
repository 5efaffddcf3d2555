"""The tokenizer: no text is ever changed by it."""

from __future__ import annotations

from collections import Counter

import pytest
import sentencepiece as spm
from hypothesis import example, given
from hypothesis import strategies as st

from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.errors import UserError
from femtogpt.tokens.tokenizer import (
    SPACE,
    TOKENIZER_FILE,
    Tokenizer,
    sample_lines,
    train,
    train_tokenizer,
)
from tests.helpers import PROSE, VERSE, config, examples, listed, quick, story
from tests.parquet import corpus

LINES = [line for seed in range(20) for line in story(seed).split("\n")]
LINES += [*PROSE.split("\n"), *VERSE.split("\n")]
MODEL = train(iter(LINES), vocab_size=500)
TOKENIZER = Tokenizer(MODEL)
STORY = story(1000)  # like LINES, and not among them
thorough = examples(300)
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
    assert TOKENIZER.eos not in ids
    assert all(1 < piece < TOKENIZER.size for piece in ids)


@quick
@given(st.lists(anything | russian, max_size=6))
def test_threads_and_cutting_at_line_ends_change_no_id(texts):
    processor = spm.SentencePieceProcessor(model_proto=MODEL)
    one, two = (TOKENIZER.encode_documents(texts, threads) for threads in (1, 2))
    assert [ids.tolist() for ids in one] == [ids.tolist() for ids in two]
    for text, ids in zip(texts, one, strict=True):
        if SPACE not in text:
            assert ids.tolist() == processor.encode(text)


@pytest.mark.parametrize("gap", ["\n", "\n\n", " ", "\n" * 600, " " * 600])
def test_a_long_text_is_encoded_as_sentencepiece_does(gap):
    text = gap.join([*LINES, PROSE, *LINES])
    processor = spm.SentencePieceProcessor(model_proto=MODEL)
    [ids] = TOKENIZER.encode_documents([text], 2)
    assert ids.tolist() == processor.encode(text)


def test_a_long_text_with_sentencepieces_own_sign_comes_back():
    text = "\n".join([*LINES, f"{SPACE}и {SPACE}{SPACE}", *LINES])
    assert TOKENIZER.decode(TOKENIZER.encode(text)) == text


def test_a_boundary_gives_no_text():
    ids = [TOKENIZER.eos, *TOKENIZER.encode("да"), TOKENIZER.eos]
    assert TOKENIZER.decode(ids) == "да"


def test_verse_keeps_its_lines_as_pieces_of_their_own():
    newline = TOKENIZER.encode("\n")
    ids = TOKENIZER.encode(VERSE)
    assert len(newline) == 1
    assert ids.count(newline[0]) == VERSE.count("\n")


def test_frequent_words_are_single_pieces():
    assert all(len(TOKENIZER.encode(word)) == 1 for word in (" он", " жил", " жила", " на"))
    assert len(TOKENIZER.encode(STORY)) < 0.6 * len(STORY)


def test_the_same_lines_give_the_same_model():
    assert train(iter(LINES), vocab_size=500) == MODEL


def test_a_long_line_is_learned_from_too():
    """By default sentencepiece skips lines past 4192 bytes in silence."""
    line = " ".join(LINES)
    assert len(line.encode()) > 4192
    assert len(Tokenizer(train(iter([line]), 500)).encode(STORY)) < 0.6 * len(STORY)


@pytest.mark.parametrize(
    ("lines", "size"),
    [(LINES[:3], 8000), ([chr(0x400 + n) * 3 for n in range(200)], 300), ([], 500), (["а"], 300)],
    ids=["too large", "too small", "no text", "one letter"],
)
def test_a_vocabulary_that_does_not_suit_the_text_is_told_in_one_line(lines, size):
    with pytest.raises(UserError, match=r"vocab_size \d+.*(choose another|add text)") as refused:
        train(iter(lines), vocab_size=size, character_coverage=1.0)
    assert "\n" not in str(refused.value)


def test_a_special_piece_is_one_id_whether_it_occurs_or_not():
    tokenizer = Tokenizer(train(iter(LINES), 500, special=("▸", "[вопрос]")))
    assert tokenizer.size == 500
    for piece in ("▸", "[вопрос]"):
        [id] = tokenizer.encode(piece)
        assert tokenizer.pieces[id] == piece
        text = f"{piece} Что{piece}{piece} же?\n{piece}"
        ids = tokenizer.encode(text)
        assert ids.count(id) == 4
        assert tokenizer.decode(ids) == text


@pytest.mark.parametrize(
    "special",
    ["", " ", "а б", "\n", "а\nб", "\t", SPACE, f"а{SPACE}", "<unk>", "</s>", "<0x0A>"],
)
def test_a_special_piece_that_cannot_be_one_is_told(special):
    with pytest.raises(UserError, match=r"tokenizer\.special .*: give signs or words"):
        train(iter(LINES), 500, special=("▸", special))


def test_a_special_piece_that_is_named_twice_is_told():
    with pytest.raises(UserError, match=r"tokenizer\.special has '▸' twice"):
        train(iter(LINES), 500, special=("▸", "я", "▸"))


def test_a_model_of_at_most_so_many_pieces_takes_what_the_text_gives():
    model = Tokenizer(train(iter(LINES[:30]), 60_000, at_most=True))
    assert 300 < model.size < 60_000
    assert model.decode(model.encode(PROSE)) == PROSE
    assert train(iter(LINES[:30]), model.size) is not None
    with pytest.raises(UserError, match="vocab_size"):
        train(iter(LINES[:30]), model.size + 1)


def test_each_id_has_its_text_or_its_byte():
    kinds = list(zip(TOKENIZER.pieces, TOKENIZER.bytes.tolist(), strict=True))
    assert sorted(byte for _, byte in kinds if byte >= 0) == list(range(256))
    for id, (text, byte) in enumerate(kinds):
        assert TOKENIZER.decode([id]) == text or byte >= 0 or id == 0
        assert bool(text) + (byte >= 0) == (id > TOKENIZER.eos)


@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_what_is_no_tokenizer_is_told(content, tmp_path):
    if content is not None:
        (tmp_path / TOKENIZER_FILE).write_bytes(content)
    with pytest.raises(
        UserError, match=r"tokenizer\.model is no tokenizer: put the right one there"
    ):
        Tokenizer.load(tmp_path)


# the stage

SOURCES = {
    "mine": {
        "train": {f"story {seed}": story(seed) for seed in range(3, 30)},
        "held_out": {f"story {seed}": story(seed) for seed in range(3)},
    }
}


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data")


def chosen(*names: str, **tokenizer) -> Config:
    weights = {"mine": 1, "half": 0.5, "quarter": 0.25, "double": 2, "greek": 0.5}
    sources = {name: listed({}, weight=weights[name]) for name in names or ("mine",)}
    return config(sources, tokenizer={"vocab_size": 400, **tokenizer})


def test_the_stage_gives_a_tokenizer_of_the_size_asked_for_and_finds_it_again(store):
    made = train_tokenizer(store, chosen(), corpus(store, SOURCES))
    assert made.counts["pieces"] == Tokenizer.load(made.path).size == 400
    assert Tokenizer.load(made.path / TOKENIZER_FILE).encode(PROSE) == Tokenizer.load(
        made.path
    ).encode(PROSE)
    assert not train_tokenizer(store, chosen(), corpus(store, SOURCES)).made


def test_nothing_is_learned_from_held_out_text(store):
    secret = {"mine": {**SOURCES["mine"], "held_out": {"secret": "ъъъъъ ыыыыы " * 500}}}
    with_secret = train_tokenizer(store, chosen(), corpus(store, secret))
    without = train_tokenizer(store, chosen(), corpus(store, SOURCES))
    assert (with_secret.path / TOKENIZER_FILE).read_bytes() == (
        without.path / TOKENIZER_FILE
    ).read_bytes()
    assert not any(
        "ъъ" in line for line in sample_lines(corpus(store, secret), {"mine": 1.0}, 10**9)
    )


def test_the_special_pieces_of_the_settings_are_learned(store):
    made = train_tokenizer(store, chosen(special=["▸", "◂"]), corpus(store, SOURCES))
    assert [len(Tokenizer.load(made.path).encode(text)) for text in ("▸", "◂", "▸◂")] == [1, 1, 2]


def test_a_vocabulary_too_large_for_the_corpus_leaves_nothing_behind(store):
    with pytest.raises(UserError, match="vocab_size 60000"):
        train_tokenizer(store, chosen(vocab_size=60_000), corpus(store, SOURCES))
    assert list(store.root.glob("tokenizer/*")) == []


# what it is trained on


def numbered(sign: str, lines: int, blank: bool = False) -> dict[str, str]:
    """Documents of 50 different lines that begin with a sign, perhaps each before a blank one."""
    gap = "\n\n" if blank else "\n"
    return {
        str(start): gap.join(f"{sign} {number:05d}" for number in range(start, start + 50))
        for start in range(0, lines, 50)
    }


def test_a_small_corpus_of_equal_weights_is_learned_from_as_a_whole_and_in_order(store):
    made = corpus(
        store,
        {
            "mine": {"train": numbered("а", 2000, blank=True), "held_out": numbered("б", 100)},
            "half": {"train": numbered("в", 500)},
        },
    )
    lines = list(sample_lines(made, {"mine": 1.0, "half": 1.0}, 10**9))
    assert [line for line in lines if line[:1] == "в"] == [f"в {n:05d}" for n in range(500)]
    assert [line for line in lines if line[:1] == "а"] == [f"а {n:05d}" for n in range(2000)]
    assert "б" not in "".join(lines)


@pytest.mark.parametrize("blank", [False, True], ids=["lines", "blank lines between"])
def test_a_source_of_a_quarter_of_the_weight_gives_a_quarter_of_its_lines(blank, store):
    sources = {
        "mine": {"train": numbered("а", 4000, blank), "held_out": numbered("б", 100)},
        "quarter": {"train": numbered("в", 4000, blank), "held_out": numbered("г", 100)},
    }
    lines = list(sample_lines(corpus(store, sources), {"mine": 1.0, "quarter": 0.25}, 10**9))
    counts = Counter(line[:1] for line in lines if line)
    assert counts["а"] == 4000
    assert 900 < counts["в"] < 1100
    assert set(counts) == {"а", "в"}
    positions = [int(line[2:]) for line in lines if line.startswith("в")]
    assert positions == sorted(set(positions))  # each at most once
    assert all(
        200 < sum(position // 1000 == part for position in positions) < 300 for part in range(4)
    )


@pytest.mark.parametrize("weights", [{"mine": 1.0}, {"mine": 1.0, "quarter": 0.25}])
def test_a_large_corpus_is_learned_from_up_to_so_many_characters(weights, store):
    made = corpus(store, {name: {"train": numbered("а", 8000)} for name in weights})
    total = sum(len(line) + 1 for line in sample_lines(made, weights, 20_000))
    assert 18_000 < total < 22_000
    assert list(sample_lines(made, weights, 20_000)) == list(sample_lines(made, weights, 20_000))


def test_what_a_source_gives_does_not_depend_on_the_others(store):
    sources = {"quarter": {"train": numbered("в", 2000)}, "mine": {"train": numbered("а", 1000)}}
    alone = {"quarter": sources["quarter"]}
    both = sample_lines(corpus(store, sources), {"mine": 1.0, "quarter": 0.25}, 10**9)
    one = sample_lines(corpus(store, alone), {"quarter": 0.25}, 10**9)
    assert [line for line in both if line.startswith("в")] == list(one)


def test_a_heavy_source_gets_more_pieces_of_its_own_than_a_light_one(store):
    greek = str.maketrans("абвгдежзиклмнопрстуфхцчшщыьэюя", "αβγδεζηθικλμνξοπρστυφχψωάέήίόύ")
    stories = SOURCES["mine"]["train"]
    sources = {
        "double": {"train": stories},
        "greek": {"train": {name: text.translate(greek) for name, text in stories.items()}},
    }
    settings = chosen("double", "greek", vocab_size=700)
    made = train_tokenizer(store, settings, corpus(store, sources))
    pieces = [text for text in Tokenizer.load(made.path).pieces if len(text.strip()) > 1]
    greek_pieces = [text for text in pieces if any("α" <= sign <= "ώ" for sign in text)]
    assert 0 < len(greek_pieces) < len(pieces) / 3


def test_a_tokenizer_that_is_there_can_be_taken_as_it_is(tmp_path):
    (tmp_path / TOKENIZER_FILE).write_bytes(MODEL)
    texts = config({"one": listed({"a": PROSE})}, tokenizer={"path": tmp_path})
    made = train_tokenizer(Store(tmp_path / "data"), texts, corpus=None)
    assert (made.path / TOKENIZER_FILE).read_bytes() == MODEL
    assert made.counts["pieces"] == 500
    (tmp_path / TOKENIZER_FILE).write_bytes(MODEL[:100])
    with pytest.raises(UserError, match="is no tokenizer"):
        train_tokenizer(Store(tmp_path / "data"), texts, corpus=None)
