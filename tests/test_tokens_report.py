"""`femtogpt tokens report`: how well a tokenizer suits its corpus, and other sizes of it."""

from __future__ import annotations

import json
import re
import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.errors import UserError
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import SPACE, Tokenizer, sample_lines, train, train_tokenizer
from femtogpt.tokens.tokenizer_report import report
from femtogpt.tokens.tokenizer_stats import RARE, compute_stats
from femtogpt.tokens.vocabulary_sizes import truncate_vocabulary
from femtogpt.tokens.word_pieces import WordSplitter
from tests.helpers import PROSE, VERSE, config, listed, quick, story
from tests.parquet import corpus

ODD = f"Ѣхалъ 😀 царь{SPACE}  и €  по-русски за́мок ѣѣ\n\n 1905 года-то ёлка abcжзи\n"
SOURCES = {
    "stories": {
        "train": {f"{seed:02d}": story(seed) for seed in range(30)},
        "held_out": {f"{seed:02d}": story(seed) for seed in range(30, 34)},
    },
    "works": {"train": {"prose": PROSE}, "held_out": {"verse": VERSE, "odd": ODD}},
    "lines": {"train": {"1": "  отступ\nстрока  \n\n конец " * 20}},
}
SETTINGS = config({name: listed({}) for name in SOURCES}, tokenizer={"vocab_size": 500})
LINES = [line for seed in range(40) for line in story(seed).split("\n")]


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """A corpus, its tokenizer and its tokens."""
    store = Store(tmp_path_factory.mktemp("data"))
    made = corpus(store, SOURCES)
    tokenizer = train_tokenizer(store, SETTINGS, made)
    return made, tokenizer, write_tokens(store, SETTINGS, made, tokenizer)


@pytest.fixture(scope="module")
def found(stages):
    made, _, tokens = stages
    return compute_stats(tokens, made, [400, 600, 60_000, 300], width=64)


def texts(split: str, *names: str) -> list[str]:
    return [text for name in names or SOURCES for text in SOURCES[name].get(split, {}).values()]


# words, as one would count them by hand


def by_hand(tokenizer: Tokenizer, text: str) -> list[tuple[str, int]]:
    """The words of a text and in how many pieces each is."""
    owner: list[int] = []  # of each byte, the token that holds it
    for number, id in enumerate(tokenizer.encode(text)):
        size = 1 if tokenizer.bytes[id] >= 0 else len(tokenizer.pieces[id].encode())
        owner += [number] * size
    words = []
    for word in re.finditer(r"(?:[^\W\d_]|[\u0300-\u036f])+", text):
        start, end = (len(text[:position].encode()) for position in word.span())
        words.append((word[0], len(set(owner[start:end]))))
    return words


russian = st.lists(
    st.sampled_from([*"аеикЁёѣ ,.—\n\t7😀-", "  ", SPACE, " мельник", " он", "за́", "abc", "жил"])
).map("".join)


@pytest.fixture(scope="module")
def tokenizer(stages):
    return Tokenizer.load(stages[1].path)


@quick
@given(text=russian)
def test_words_and_their_pieces_are_counted_as_by_hand(text, tokenizer):
    ids = np.array(tokenizer.encode(text), dtype=np.int32)
    first, pieces = WordSplitter(tokenizer).split(ids)
    assert pieces.tolist() == [count for _, count in by_hand(tokenizer, text)]
    assert len(first) == len(pieces)


def test_a_word_is_a_run_of_letters_with_their_accents(tokenizer):
    assert [word for word, _ in by_hand(tokenizer, "по-русски за́мок, 1905год")] == [
        "по",
        "русски",
        "за́мок",
        "год",
    ]


def test_a_broken_character_is_no_word(tokenizer):
    ids = np.array(tokenizer.encode("ѣ"), dtype=np.int32)
    assert len(ids) == 2
    for broken in (ids[:1], ids[1:], ids[::-1], np.concatenate([ids, ids[:1]])):
        first, _ = WordSplitter(tokenizer).split(broken)
        assert len(first) <= 1


# a smaller vocabulary cut from a larger one


@pytest.mark.parametrize("special", [(), ("▸", "[вопрос]")])
def test_what_is_cut_is_what_training_at_that_size_gives(special):
    large = train(iter(LINES), 1200, special=special)
    for size in (350, 500, 777, 1199, 1200):
        smaller, trained = (
            Tokenizer(truncate_vocabulary(large, size)),
            Tokenizer(train(LINES, size, 0.9999, special)),
        )
        assert smaller.pieces == trained.pieces
        assert smaller.size == trained.size == size
        for text in (PROSE, VERSE, ODD, story(1000), "▸ да\n▸"):
            assert smaller.encode(text) == trained.encode(text)
            assert smaller.decode(smaller.encode(text)) == text


def test_sizes_that_cannot_be_cut_are_refused():
    large = train(iter(LINES), 600)
    for size in (-1, 0, 256, 300, 601, 10**6):
        with pytest.raises(ValueError, match=rf"^{size} pieces: from \d+ to 600 are possible"):
            truncate_vocabulary(large, size)


# the statistics


def test_the_sources_are_counted_as_they_are(found):
    assert set(found["sources"]) == set(SOURCES)
    assert "held_out" not in found["sources"]["lines"]
    for name, splits in found["sources"].items():
        for split, part in splits.items():
            assert part["documents"] == len(texts(split, name))
            assert part["characters"] == sum(map(len, texts(split, name)))
            assert part["characters_per_token"] == part["characters"] / part["tokens"]


def test_held_out_coverage_and_words_are_as_counted_by_hand(found, tokenizer):
    for name in ("stories", "works"):
        part, spelled, spelled_tokens, tokens, words = (
            found["sources"][name]["held_out"],
            0,
            0,
            0,
            [],
        )
        for text in texts("held_out", name):
            words += [count for _, count in by_hand(tokenizer, text)]
            for sign in text:
                if sign == SPACE or tokenizer.bytes[tokenizer.encode(sign)[0]] >= 0:
                    spelled += 1
                    spelled_tokens += len(sign.encode())
            tokens += len(tokenizer.encode(text))
        assert part["covered_characters"] == 1 - spelled / part["characters"]
        assert part["byte_tokens"] == spelled_tokens / tokens
        assert part["words"] == len(words)
        assert part["whole_words"] == words.count(1) / len(words)
        assert part["pieces_per_word"] == sum(words) / len(words)
    assert found["sources"]["works"]["held_out"]["covered_characters"] < 1


def test_pieces_that_are_never_or_rarely_met_in_train_are_named(found, tokenizer):
    ids = [id for text in texts("train") for id in tokenizer.encode(text)]
    counts = dict.fromkeys((piece for piece in tokenizer.pieces if piece), 0)
    for id in ids:
        if tokenizer.pieces[id]:
            counts[tokenizer.pieces[id]] += 1
    vocabulary = found["vocabulary"]
    assert sorted(vocabulary["never"]) == sorted(p for p, count in counts.items() if not count)
    assert "▸" in vocabulary["never"]
    rare = {piece: count for piece, count in counts.items() if 0 < count < RARE}
    assert dict(vocabulary["rare"]) == rare
    assert [count for _, count in vocabulary["rare"]] == sorted(rare.values())
    longest = [piece for piece, _ in vocabulary["longest"]]
    lengths = sorted((len(piece.strip(" ")) for piece in counts), reverse=True)
    assert [len(piece.strip(" ")) for piece in longest] == lengths[: len(longest)]
    assert all(counts[piece] == count for piece, count in vocabulary["longest"])


def test_the_size_at_hand_costs_what_the_shards_say(found, stages):
    [now] = (cost for cost in found["sizes"] if cost["pieces"] == 500)
    data = Tokens(stages[2].path)
    assert now["train_tokens"] == data.total("train")
    assert now["held_out_tokens"] == data.total("held_out")
    held_out = [splits["held_out"] for splits in found["sources"].values() if "held_out" in splits]
    words = sum(part["words"] for part in held_out)
    complete = sum(part["words"] * part["whole_words"] for part in held_out)
    pieces = sum(part["words"] * part["pieces_per_word"] for part in held_out)
    assert now["whole_words"] == pytest.approx(complete / words)
    assert now["pieces_per_word"] == pytest.approx(pieces / words)


def test_other_sizes_cost_what_training_and_encoding_with_them_would_give(found, stages):
    lines = list(sample_lines(stages[0], dict.fromkeys(SOURCES, 1.0), 10**9))
    assert [cost["pieces"] for cost in found["sizes"]] == [400, 500, 600]
    for cost in found["sizes"]:
        other = Tokenizer(train(lines, cost["pieces"], special=("▸",)))
        encoded = {
            split: sum(len(other.encode(text)) + 1 for text in texts(split))
            for split in ("train", "held_out")
        }
        words = [count for text in texts("held_out") for _, count in by_hand(other, text)]
        assert cost == {
            "pieces": other.size,
            "characters_per_token": sum(map(len, texts("held_out"))) / encoded["held_out"],
            "whole_words": words.count(1) / len(words),
            "pieces_per_word": sum(words) / len(words),
            "train_tokens": encoded["train"],
            "held_out_tokens": encoded["held_out"],
            "embedding_parameters": 64 * other.size,
        }


def test_sizes_that_the_text_does_not_give_are_named(found, stages):
    assert found["impossible"] == [300, 60_000]
    largest = found["largest"]
    lines = list(sample_lines(stages[0], dict.fromkeys(SOURCES, 1.0), 10**9))
    assert Tokenizer(train(lines, largest, special=("▸",))).size == largest
    with pytest.raises(UserError, match="vocab_size"):
        train(lines, largest + 1, special=("▸",))


def test_the_figures_can_be_saved_as_json(found):
    assert json.loads(json.dumps(found)) == found


def test_weights_and_the_size_of_the_sample_are_those_of_the_tokenizer(tmp_path):
    store = Store(tmp_path)
    made = corpus(store, SOURCES)
    settings = config(
        {name: listed({}, weight=4 if name == "works" else 1) for name in SOURCES},
        tokenizer={"vocab_size": 400, "sample_characters": 5000, "special": ["◂", "▸"]},
    )
    tokens = write_tokens(store, settings, made, train_tokenizer(store, settings, made))
    [now, *_] = compute_stats(tokens, made, [450])["sizes"]
    assert now["pieces"] == 400
    assert now["train_tokens"] == Tokens(tokens.path).total("train")


# the text


def test_the_report_says_all_figures_in_lines_that_fit_a_terminal(stages, found):
    made, _, tokens = stages
    text = report(tokens, made, [400, 600, 60_000, 90_000, 300, 299], width=64)
    assert max(map(len, text.split("\n"))) <= 100
    part = found["sources"]["stories"]["train"]
    assert re.search(
        rf"stories +train +30 +{part['characters']:,} +{part['tokens']:,}"
        rf" +{part['characters_per_token']:.2f}\n",
        text,
    )
    assert re.search(r"stories +held out +4 ", text)
    for cost in found["sizes"]:
        assert re.search(
            rf"\n +{cost['pieces']} +{cost['characters_per_token']:.2f} +{cost['whole_words']:.1%}"
            rf" +{cost['pieces_per_word']:.2f} +{cost['train_tokens']:,}"
            rf" +{cost['embedding_parameters']:,}(  ← now)?\n",
            text,
        )
    [now] = re.findall(r"\n +(\d+) .*← now", text)
    assert now == "500"
    assert f"60,000 and 90,000: this text gives {found['largest']:,} at most" in text
    assert "299 and 300: too few for bytes and letters" in text
    assert "«▸»" in text


def test_the_command_reports_on_the_corpus_that_the_tokens_were_made_from(stages, capsys):
    made, _, tokens = stages
    other = corpus(Store(tokens.path.parents[1]), {"other": {"train": {"1": PROSE}}})
    assert other.path != made.path
    arguments = ["--data", str(tokens.path.parents[1]), "--sizes", "400", "500"]
    assert main(["tokens", "report", *arguments]) == 0
    assert capsys.readouterr().out == report(tokens, made, [400, 500]) + "\n"
    assert main(["tokens", "report", "--from", str(tokens.path), "--sizes", "400"]) == 0
    assert capsys.readouterr().out == report(tokens, made, [400]) + "\n"


@pytest.mark.parametrize("kind", ["corpus", "tokenizer"])
def test_a_report_whose_inputs_are_gone_says_what_to_do(kind, stages, tmp_path, capsys):
    data = tmp_path / "data"
    shutil.copytree(stages[2].path.parents[1], data)
    shutil.rmtree(data / kind)
    assert main(["tokens", "report", "--data", str(data)]) == 1
    assert re.search(rf"made from {kind} '{kind}'.*run make pipeline", capsys.readouterr().err)
