"""The corpus stage: what is kept, what is rejected and why, and what the counts say."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import polars as pl
import pytest

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.corpus import build, clean, source_corpus
from femtogpt.corpus.rules import RULES, Rule
from femtogpt.corpus.schema import REJECTED, SCHEMA, SPLITS, parts
from femtogpt.errors import UserError
from femtogpt.sources.base import Document
from femtogpt.sources.fetch import fetch
from tests.helpers import PROSE, VERSE, Listed, config, corpus_of, listed, story

CLEANING = ("line_ends", "invisible", "spaces", "dashes", "line_edges", "blank_lines")
DIRTY = PROSE.replace("Пойдём", "в  туман. Пойдём")
LATIN = "The old miller came out of his house and looked at the sky for a long time. " * 4


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data")


def kept(corpus: Artifact) -> pl.DataFrame:
    """All documents, with their source and split."""
    return pl.concat(
        pl.read_parquet(file).with_columns(source=pl.lit(source), split=pl.lit(split))
        for split in SPLITS
        for source, file in parts(corpus, split)
    )


def rejected(corpus: Artifact) -> pl.DataFrame:
    return pl.read_parquet(sorted((corpus.path / "rejected").rglob("*.parquet")))


def report(corpus: Artifact) -> dict:
    return json.loads((corpus.path / "report.json").read_text(encoding="utf-8"))


def stories(start: int, count: int, words: int = 60) -> dict[str, str]:
    return {f"story {seed}": story(seed, words) for seed in range(start, start + count)}


def mixed() -> Listed:
    """Stories, and one document of each kind that is rejected."""
    return listed(
        {
            **stories(0, 60),
            "empty": "",
            "blank": " \n\u00a0\n",
            "short": "Тихо.",
            "English": LATIN,
            "figures": "1941 - 1945, " * 30,
            "again": story(7, 60).replace(" ", "  ") + "!",
        },
        rules=CLEANING,
    )


def test_every_document_is_kept_or_rejected_with_its_text_its_rule_and_the_figure(store):
    corpus = corpus_of(store, config({"mine": mixed()}))
    out = {row["id"]: row for row in rejected(corpus).iter_rows(named=True)}

    assert {name: row["rule"] for name, row in out.items()} == {
        "empty": "empty",
        "blank": "empty",
        "short": "min_characters",
        "English": "min_cyrillic",
        "figures": "min_cyrillic",
        "again": "duplicate",
    }
    assert out["short"]["figure"] == "5 < 200"
    assert out["English"]["figure"] == "0 < 0.6"
    assert out["again"]["figure"] == "mine/story 7"
    assert out["English"]["text"] == LATIN.strip()
    assert sorted([*out, *kept(corpus)["id"]]) == sorted(item.id for item in mixed().items)


def test_the_counts_add_up(store):
    source, other = mixed(), listed(stories(200, 40), rules=("spaces",))
    corpus = corpus_of(store, config({"mine": source, "theirs": other}))
    frame, out, counts = kept(corpus), rejected(corpus), corpus.counts

    assert counts["documents_read"] == len(source.items) + len(other.items)
    assert counts["documents_read"] == frame.height + out.height
    assert counts["documents_rejected"] == out.height
    for split in SPLITS:
        part = frame.filter(split=split)
        assert counts[f"{split}_documents"] == part.height
        assert counts[f"{split}_characters"] == part["text"].str.len_chars().sum()
    assert (frame["characters"] == frame["text"].str.len_chars()).all()

    cleaning = sum(
        rule["characters"] for part in report(corpus).values() for rule in part["rules"].values()
    )
    left = sum(frame["characters"]) + sum(out["characters"])
    assert counts["characters_read"] + cleaning == left
    assert report(corpus)["mine"]["rules"]["spaces"]["documents"] == 2  # "again" and "blank"
    assert report(corpus)["mine"]["rules"]["invisible"]["documents"] == 0


def test_the_schema_is_the_documented_one(store):
    corpus = corpus_of(store, config({"mine": mixed()}))
    for split in SPLITS:
        for _, file in parts(corpus, split):
            assert pl.read_parquet_schema(file) == SCHEMA
    for file in (corpus.path / "rejected").rglob("*.parquet"):
        assert pl.read_parquet_schema(file) == REJECTED


def test_what_a_source_knows_of_a_document_stays_with_it(store):
    known = Document(
        *("1", PROSE, "Мельник", "Неизвестный", 1861, "рассказчик", "https://example.org/1"),
        licence="CC0",
    )
    source = Listed(items=(known, *listed(stories(0, 3)).items))
    frame = kept(corpus_of(store, config({"mine": source}))).filter(id="1")
    row = frame.drop("source", "split", "characters").row(0, named=True)
    assert Document(**row) == known


def test_a_known_entropy_is_kept_with_its_text_alone(store):
    clean, dirty = story(1), story(2).replace(" ", "  ", 1)
    items = (
        Document(id="clean", text=clean, entropy_bits=640.5),
        Document(id="dirty", text=dirty, entropy_bits=650.5),
        Document(id="unknown", text=story(3)),
    )
    frame = kept(corpus_of(store, config({"mine": Listed(items=items, rules=("spaces",))})))
    assert dict(frame.select("id", "entropy_bits").iter_rows()) == {
        "clean": 640.5,
        "dirty": None,
        "unknown": None,
    }


def test_a_text_that_another_source_has_too_is_kept_once(store):
    own = stories(0, 20)
    theirs = stories(100, 20) | {"copy": own["story 4"]}
    corpus = corpus_of(store, config({"mine": listed(own), "theirs": listed(theirs)}))
    assert rejected(corpus).select("id", "rule", "figure").rows() == [
        ("copy", "duplicate", "mine/story 4")
    ]


def test_as_many_characters_as_are_asked_for_are_enough(store):
    texts = {"enough": story(1, 100)[:200].strip().ljust(200, "!"), **stories(2, 3)}
    corpus = corpus_of(store, config({"mine": listed(texts)}, corpus={"min_characters": 200}))
    assert "enough" in kept(corpus)["id"]


def test_a_rejected_document_does_not_keep_out_a_good_one(store):
    text = story(1, 100)[:190]  # as the same letters, a duplicate
    texts = {"too short": text, "long enough": text + "." * 20, **stories(2, 3)}
    corpus = corpus_of(store, config({"mine": listed(texts)}, corpus={"min_characters": 200}))
    assert rejected(corpus).select("id", "rule").rows() == [("too short", "min_characters")]


def test_no_document_is_in_both_splits_and_each_source_is_in_both(store):
    sources = {"mine": listed(stories(0, 50)), "theirs": listed(stories(100, 50))}
    frame = kept(corpus_of(store, config(sources)))
    assert not frame.select("source", "id").is_duplicated().any()
    for source in sources:
        assert set(frame.filter(source=source)["split"]) == set(SPLITS)


def test_a_new_source_moves_no_document_of_another(store):
    mine = listed(stories(0, 100))
    alone = kept(corpus_of(store, config({"mine": mine})))
    both = kept(corpus_of(store, config({"mine": mine, "theirs": listed(stories(100, 30))})))
    assert both.filter(source="mine").equals(alone)


def test_cleaning_in_small_batches_gives_the_same_documents(tmp_path, monkeypatch):
    settings = config({"mine": mixed()})
    at_once = corpus_of(Store(tmp_path / "whole"), settings)
    monkeypatch.setattr(clean, "BATCH_CHARACTERS", 1000)
    monkeypatch.setattr(source_corpus, "SHARD_CHARACTERS", 1000)
    pieces = corpus_of(Store(tmp_path / "pieces"), settings)

    assert len(list(parts(pieces, "train"))) > 5
    assert kept(pieces).equals(kept(at_once))
    assert rejected(pieces).equals(rejected(at_once))
    assert report(pieces) == report(at_once)
    assert not (pieces.path / "cleaned").exists()


def test_the_same_texts_give_the_same_bytes(tmp_path):
    settings = config({"mine": mixed(), "theirs": listed(stories(100, 30))})
    one, two = (corpus_of(Store(tmp_path / name), settings) for name in ("one", "two"))
    assert one.content == two.content
    assert one.digest == two.digest


def test_the_order_of_sources_changes_nothing_or_makes_another_corpus(tmp_path):
    sources = {"mine": listed(stories(0, 20)), "theirs": listed(stories(10, 20))}  # ten shared
    one = corpus_of(Store(tmp_path / "one"), config(sources))
    two = corpus_of(Store(tmp_path / "two"), config(dict(reversed(sources.items()))))
    assert (one.digest == two.digest) == (one.content == two.content)


def test_weight_makes_no_other_corpus_and_rules_and_settings_do(store):
    texts = stories(0, 20)
    first = corpus_of(store, config({"mine": listed(texts)}))
    assert corpus_of(store, config({"mine": listed(texts, weight=3)})).digest == first.digest
    others = [
        corpus_of(store, config({"mine": listed(texts, rules=("spaces",))})),
        corpus_of(store, config({"mine": listed(texts)}, corpus={"held_out": 0.2})),
        corpus_of(store, config({"ours": listed(texts)})),
    ]
    assert len({corpus.digest for corpus in (first, *others)}) == 4


WRONG = {
    "one document": ({"mine": listed({"a": PROSE})}, {}, "cut it into several files"),
    "all too short": (
        {"mine": listed({"a": PROSE, "b": VERSE})},
        {"min_characters": 10_000},
        r"'mine' is empty: none of its 2 documents.*min_characters 2",
    ),
    "not Russian": ({"mine": listed({"a": LATIN, "b": LATIN + "!"})}, {}, "min_cyrillic 2"),
    "an empty source among good ones": (
        {"mine": listed(stories(0, 5)), "theirs": listed({"a": "Тихо."})},
        {},
        "'theirs' is empty",
    ),
    "unknown rule": (
        {"mine": listed(stories(0, 5), rules=("dashs",))},
        {},
        "did you mean 'dashes'",
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_corpus_that_cannot_be_is_told_in_one_line_and_leaves_nothing(case, store):
    sources, settings, named = WRONG[case]
    with pytest.raises(UserError, match=named) as refused:
        corpus_of(store, config(sources, corpus=settings))
    assert "\n" not in str(refused.value)
    assert list(store.root.glob("corpus/*")) == []


def test_a_source_of_one_work_trains_beside_others(store):
    sources = {"mine": listed(stories(0, 5)), "novel": listed({"novel": story(99, 400)})}
    frame = kept(corpus_of(store, config(sources)))
    assert frame.filter(source="novel")["split"].to_list() == ["train"]


def test_a_full_disk_is_told_with_advice(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("mounting a small disk takes root's rights")
    try:
        store = Store(disk)
        settings = config({"mine": listed(stories(0, 20, 300))})
        raws = {"mine": fetch(Store(tmp_path / "data"), "mine", settings.sources["mine"])}
        (disk / "filler").write_bytes(bytes(250_000))
        with pytest.raises(UserError, match=r"disk is full.*paths\.data="):
            build.build_corpus(store, settings, raws)
        assert not list(disk.rglob("*.parquet"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.parametrize("split", SPLITS)
def test_other_tools_read_the_parts_as_one_dataset(split, store):
    corpus = corpus_of(store, config({"mine": mixed()}))
    pattern = Path(corpus.path / "documents").as_posix() + "/**/*.parquet"
    frame = pl.read_parquet(pattern, hive_partitioning=True).filter(split=split)
    assert frame.height == corpus.counts[f"{split}_documents"]
    assert set(frame["source"]) == {"mine"}


def test_what_held_out_documents_share_with_others_is_cut_from_those(store):
    texts = stories(0, 60)
    alone = kept(corpus_of(store, config({"mine": listed(texts)})))
    held = alone.filter(split="held_out").row(0, named=True)
    quoting = f"{story(901, 90)}\n\n{held['text']}\n\n{story(902, 90)}"
    corpus = corpus_of(
        store, config({"mine": listed(texts), "theirs": listed({"q": quoting, **stories(300, 30)})})
    )
    frame = kept(corpus)
    assert frame.filter(source="mine").equals(alone)
    train = "\n".join(frame.filter(split="train")["text"])
    assert not any(held["text"][at : at + 200] in train for at in range(len(held["text"]) - 199))
    [left] = frame.filter(id="q", split="train")["text"]
    assert left.startswith(story(901, 90)[:150])
    assert left.endswith(story(902, 90)[-150:])
    assert report(corpus)["theirs"]["cut_characters"] == len(quoting) - len(left)


def test_near_duplicates_are_kept_once_with_the_pair_and_its_similarity_named(store):
    own = stories(0, 20, 120)
    words = own["story 4"].split(" ")
    words[40] = "исправник"
    theirs = stories(100, 20) | {"edition": " ".join(words)}
    corpus = corpus_of(store, config({"mine": listed(own), "theirs": listed(theirs)}))
    [(name, rule, figure)] = rejected(corpus).select("id", "rule", "figure").rows()
    assert (name, rule) == ("edition", "near_duplicate")
    similarity, pair = figure.split(" ", 1)
    assert 0.7 <= float(similarity) < 1
    assert pair == "mine/story 4"


def test_the_proof_is_in_the_artifact_and_says_what_was_examined(store):
    corpus = corpus_of(store, config({"mine": mixed()}))
    proof = json.loads((corpus.path / "proof.json").read_text(encoding="utf-8"))
    assert proof["proved"] is True
    assert proof["length"] == 200
    for split in SPLITS:
        assert proof[split]["documents"] == corpus.counts[f"{split}_documents"]
        assert proof[split]["characters"] == corpus.counts[f"{split}_characters"]


def test_the_number_of_processes_changes_no_byte(tmp_path, monkeypatch):
    monkeypatch.setattr(clean, "BATCH_CHARACTERS", 3000)
    monkeypatch.setattr(source_corpus, "SHARD_CHARACTERS", 6000)
    made = []
    for workers in ("1", "2", "3"):
        monkeypatch.setenv("FEMTOGPT_WORKERS", workers)
        made.append(corpus_of(Store(tmp_path / workers), config({"mine": mixed()})).content)
    assert len(set(made)) == 1


def test_a_document_that_cannot_be_read_is_rejected_with_the_reason(store):
    items = (Document("bad", "", fault="it is a picture"), *listed(stories(0, 10)).items)
    corpus = corpus_of(store, config({"mine": Listed(items=items)}))
    assert rejected(corpus).select("id", "rule", "figure").rows() == [
        ("bad", "unreadable", "it is a picture")
    ]


def test_documents_of_one_name_are_told_apart(store):
    items = (Document("a", story(1)), Document("a", story(2)), Document("b", story(3)))
    frame = kept(corpus_of(store, config({"mine": Listed(items=items)})))
    assert sorted(frame["id"]) == ["a", "a#2", "b"]


def test_a_rule_that_fails_on_a_document_takes_that_one_alone(store, monkeypatch):
    def fails(text: pl.Expr) -> pl.Expr:
        """Fails."""
        return text.map_elements(lambda one: 1 // ("fatal" not in one) and one, pl.String)

    monkeypatch.setitem(RULES, "fails", Rule("fails", fails, "", ""))
    texts = stories(0, 10) | {"bad": story(99) + " fatal"}
    corpus = corpus_of(store, config({"mine": listed(texts, rules=("fails",))}))
    [(name, rule, figure)] = rejected(corpus).select("id", "rule", "figure").rows()
    assert (name, rule) == ("bad", "unreadable")
    assert figure.startswith("cleaning failed")
    assert kept(corpus).height == 10


def test_losing_most_of_a_source_is_told_loudly(store, caplog):
    texts = stories(0, 4) | {f"short {number}": "Тихо." for number in range(6)}
    corpus_of(store, config({"mine": listed(texts)}))
    assert "only 4 of 10 documents were kept (rejected: min_characters 6)" in caplog.text


def test_the_report_shows_what_a_rule_changed(store):
    corpus = corpus_of(
        store, config({"mine": listed(stories(0, 9) | {"x": DIRTY}, rules=CLEANING)})
    )
    did = report(corpus)["mine"]["rules"]["spaces"]
    assert did["documents"] == 1
    [example] = did["examples"]
    assert example["id"] == "x"
    assert "в  туман" in example["before"]
    assert "в туман" in example["after"]
