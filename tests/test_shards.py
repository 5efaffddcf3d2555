"""Token shards: what any reader of raw ids finds on the disk."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import polars as pl
import pytest

from femtogpt.artifacts.store import Store
from femtogpt.corpus.schema import SPLITS, parts
from femtogpt.errors import UserError
from femtogpt.sources.base import Document
from femtogpt.tokens import shards as module
from femtogpt.tokens.shards import INDEX, Shard, Tokens, write_tokens
from femtogpt.tokens.tokenizer import train_tokenizer
from tests.helpers import PROSE, VERSE, config, listed, story
from tests.parquet import corpus

STORIES = [
    Document(id=f"{seed:03d}", text=story(seed, 60), entropy_bits=seed + 0.5) for seed in range(60)
]
SOURCES = {
    "stories": {"train": STORIES[4:], "held_out": STORIES[:4]},
    "works": {"train": {"prose": PROSE, "last": story(100)}, "held_out": {"verse": VERSE}},
}
SETTINGS = config(
    {"stories": listed({}), "works": listed({}, weight=2)}, tokenizer={"vocab_size": 400}
)


@pytest.fixture(scope="module")
def stages(tmp_path_factory):
    """A store with a corpus and its tokenizer."""
    store = Store(tmp_path_factory.mktemp("data"))
    made = corpus(store, SOURCES)
    return store, made, train_tokenizer(store, SETTINGS, made)


@pytest.fixture(scope="module")
def artifact(stages):
    store, *inputs = stages
    return write_tokens(store, SETTINGS, *inputs)


@pytest.fixture(scope="module")
def several(stages, tmp_path_factory):
    """The same in shards of some thousand tokens, in another place."""
    _, *inputs = stages
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "SHARD_TOKENS", 1000)
        return write_tokens(Store(tmp_path_factory.mktemp("several")), SETTINGS, *inputs)


@pytest.fixture(params=["artifact", "several"])
def tokens(request):
    return Tokens(request.getfixturevalue(request.param).path)


def all_shards(tokens: Tokens):
    for split in SPLITS:
        for source, shards in tokens.shards(split).items():
            for shard in shards:
                yield split, source, shard


def test_a_shard_is_documents_between_boundaries(tokens):
    for _, _, shard in all_shards(tokens):
        entries, end = shard.documents(), 0
        for entry in entries:
            assert entry.start == end
            end = entry.start + 1 + entry.tokens
            assert shard.ids[entry.start] == shard.ids[end] == tokens.eos
            assert tokens.eos not in shard.ids[entry.start + 1 : end]
        assert end + 1 == shard.tokens == len(shard.ids)


def test_every_document_of_the_corpus_is_read_back_by_its_entry(stages, tokens):
    tokenizer, found = tokens.tokenizer(), {}
    for split, source, shard in all_shards(tokens):
        for entry in shard.documents():
            ids = shard.ids[entry.start + 1 : entry.start + 1 + entry.tokens]
            text = tokenizer.decode(ids)
            assert len(text) == entry.characters
            found[split, source, entry.id] = (text, entry.entropy_bits)
    assert found == {
        (split, source, name): (text, bits)
        for split in SPLITS
        for source, file in parts(stages[1], split)
        for name, text, bits in pl.read_parquet(file)
        .select("id", "text", "entropy_bits")
        .iter_rows()
    }
    assert found["train", "stories", "007"][1] == 7.5


def test_the_index_counts_what_the_shards_hold(stages, tokens):
    for split in SPLITS:
        for source, shards in tokens.shards(split).items():
            part = tokens.index["splits"][split][source]
            entries = [entry for shard in shards for entry in shard.documents()]
            assert part["tokens"] == sum(entry.tokens + 1 for entry in entries)
            assert part["documents"] == len(entries)
            assert part["characters"] == sum(entry.characters for entry in entries)
        assert tokens.total(split, "documents") == stages[1].counts[f"{split}_documents"]
        assert tokens.total(split, "characters") == stages[1].counts[f"{split}_characters"]


def test_the_manifest_counts_what_the_index_counts(artifact):
    tokens, counts = Tokens(artifact.path), artifact.counts
    for split in SPLITS:
        for what in ("tokens", "documents", "characters"):
            assert counts[f"{split}_{what}"] == tokens.total(split, what)
    assert 1.5 < counts["characters_per_token"] < 6


def test_raw_files_are_what_numpy_alone_reads(tokens):
    for split, source, shard in all_shards(tokens):
        number = tokens.shards(split)[source].index(shard)
        file = tokens.folder / split / source / f"{number:05d}.bin"
        ids = np.memmap(file, dtype="<u2", mode="r")
        assert np.array_equal(ids, shard.ids)
        assert ids.max() < tokens.vocab_size == 400
    assert tokens.index["dtype"] == "<u2"


def test_a_long_source_comes_in_several_shards_that_end_with_a_document(several):
    shards = Tokens(several.path).shards("train")["stories"]
    assert len(shards) > 2
    assert all(shard.tokens >= 1000 for shard in shards[:-1])
    assert all(shard.tokens < 1000 + 500 for shard in shards)
    assert all(shard.ids[0] == shard.ids[-1] == 1 for shard in shards)


def test_shards_cannot_be_written_to_by_mistake(artifact):
    shard = Tokens(artifact.path).shards("train")["works"][0]
    with pytest.raises(ValueError, match="read-only"):
        shard.ids[0] = 5


@pytest.mark.parametrize("change", [lambda data: data[:-1], lambda data: data + b"\0", None])
def test_a_shard_of_a_wrong_size_is_told_with_what_to_do(change, artifact, tmp_path):
    shard = Tokens(artifact.path).shards("train")["works"][0]
    path = tmp_path / "00000.bin"
    if change:
        path.write_bytes(change(shard.path.read_bytes()))
    with pytest.raises(UserError, match=r"00000\.bin should have \d+ bytes: delete"):
        Shard(path, shard.tokens, shard.dtype).ids  # noqa: B018


@pytest.mark.parametrize("content", [None, "", "{", "{}", "[]", '{"vocab_size": 400}'])
def test_a_folder_without_a_right_index_is_told(content, tmp_path):
    if content is not None:
        (tmp_path / INDEX).write_text(content)
    with pytest.raises(UserError, match="holds no token shards"):
        Tokens(tmp_path)


def test_tokens_are_found_again(stages, artifact):
    store, *inputs = stages
    assert not write_tokens(store, SETTINGS, *inputs).made


@pytest.mark.parametrize("workers", ["1", "2", "5"])
def test_the_number_of_workers_changes_no_byte(workers, stages, artifact, tmp_path, monkeypatch):
    monkeypatch.setenv("FEMTOGPT_WORKERS", workers)
    _, *inputs = stages
    assert write_tokens(Store(tmp_path), SETTINGS, *inputs).content == artifact.content


def test_a_tokenizer_of_more_than_65536_pieces_gets_wider_tokens(stages, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "UINT16_PIECES", 399)
    _, *inputs = stages
    tokens = Tokens(write_tokens(Store(tmp_path), SETTINGS, *inputs).path)
    assert tokens.index["dtype"] == "<u4"
    [shard] = tokens.shards("held_out")["works"]
    assert tokens.tokenizer().decode(shard.ids) == VERSE
    assert shard.path.stat().st_size == 4 * shard.tokens


@pytest.mark.parametrize("damage", [None, b"", b"[{", b'[{"id": "a"}]', b"\xff"])
def test_a_damaged_list_of_documents_is_told_with_what_to_do(damage, artifact, tmp_path):
    shard = Tokens(artifact.path).shards("train")["works"][0]
    if damage is not None:
        (tmp_path / "00000.json").write_bytes(damage)
    with pytest.raises(UserError, match=r"00000\.json is no list of documents: delete"):
        Shard(tmp_path / "00000.bin", shard.tokens, shard.dtype).documents()


def test_the_entries_are_plain_json(artifact):
    shard = Tokens(artifact.path).shards("train")["works"][0]
    entries = json.loads(shard.path.with_suffix(".json").read_text(encoding="utf-8"))
    assert entries == [asdict(entry) for entry in shard.documents()]
    assert [entry["id"] for entry in entries] == ["prose", "last"]
