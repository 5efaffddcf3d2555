"""Finding what was made, for commands that are given no settings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from femtogpt.artifacts.artifact import MANIFEST, Artifact, Recipe
from femtogpt.artifacts.disk import json_digest
from femtogpt.artifacts.lookup import find, made_from
from femtogpt.artifacts.store import Store
from femtogpt.errors import UserError


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data")


def make(store: Store, kind: str, day: int, config: dict | None = None, **inputs) -> Artifact:
    """An artifact of its own content, made on a day of the month."""

    def build(folder: Path) -> dict:
        (folder / "content").write_text(f"{kind} {day}")
        return {}

    made = store.make(Recipe(kind, {"stage": "1"}, {"day": day, **(config or {})}, inputs), build)
    manifest = {**made.manifest, "made": f"2026-01-{day:02d}T12:00:00+00:00"}
    del manifest["self"]
    manifest["self"] = json_digest(manifest)
    (made.path / MANIFEST).write_text(json.dumps(manifest))
    return made


def corpus(store: Store, day: int, *sources: str) -> Artifact:
    return make(store, "corpus", day, {"sources": {name: {} for name in sources}})


def configuration(tmp_path: Path, *sources: str) -> str:
    """The path of a configuration with these sources."""
    path = tmp_path / "some.yaml"
    chosen = {name: {"kind": "sample"} for name in sources}
    path.write_text(json.dumps({"sources": chosen}))
    return str(path)


def test_the_newest_is_found(store):
    days = {day: corpus(store, day, "books") for day in (5, 20, 11)}
    assert find("corpus", None, store.root) == days[20]


def test_what_is_being_made_is_not_found(store):
    complete = corpus(store, 5, "books")
    later = corpus(store, 20, "books")
    later.path.rename(later.path.with_name(f".{later.path.name}.partial"))
    assert find("corpus", None, store.root) == complete


def test_a_folder_is_taken_as_it_is(store):
    older, _ = corpus(store, 5, "books"), corpus(store, 20, "books")
    assert find("corpus", str(older.path), store.root) == older
    assert find("corpus", str(older.path), store.root / "elsewhere") == older


def test_a_folder_of_another_kind_is_refused(store):
    made = corpus(store, 5, "books")
    with pytest.raises(UserError, match=r"is of the kind corpus; give a folder of tokens"):
        find("tokens", str(made.path), store.root)


def test_a_configuration_finds_the_newest_of_its_sources(store, tmp_path):
    books, both = corpus(store, 5, "books"), corpus(store, 6, "talks", "books")
    newer = corpus(store, 7, "books")
    corpus(store, 8, "talks")
    assert find("corpus", configuration(tmp_path, "books"), store.root) == newer
    assert find("corpus", configuration(tmp_path, "books", "talks"), store.root) == both
    assert books != newer


def test_a_configuration_finds_tokens_by_the_corpus_they_were_made_from(store, tmp_path):
    books, talks = corpus(store, 5, "books"), corpus(store, 6, "talks")
    tokens = make(store, "tokens", 7, corpus=books)
    make(store, "tokens", 8, corpus=talks)
    assert find("tokens", configuration(tmp_path, "books"), store.root) == tokens


def test_tokens_whose_corpus_is_gone_are_of_no_configuration(store, tmp_path):
    books = corpus(store, 5, "books")
    make(store, "tokens", 7, corpus=books)
    (books.path / MANIFEST).unlink()
    with pytest.raises(UserError, match="there is no tokens of"):
        find("tokens", configuration(tmp_path, "books"), store.root)


def test_where_there_is_none_the_command_that_makes_it_is_named(store, tmp_path):
    with pytest.raises(UserError, match=r"data: there is no corpus yet; make pipeline CONF="):
        find("corpus", None, store.root)
    where = configuration(tmp_path, "books")
    corpus(store, 5, "talks")
    with pytest.raises(UserError, match=r"no corpus of .*some\.yaml yet; make pipeline CONF=.*"):
        find("corpus", where, store.root)


def test_a_configuration_that_is_not_there_is_told(store):
    corpus(store, 5, "books")
    with pytest.raises(UserError, match="nowhere"):
        find("corpus", "nowhere", store.root)


def test_a_damaged_manifest_is_told_with_its_folder(store):
    made = corpus(store, 5, "books")
    (made.path / MANIFEST).write_text("{")
    with pytest.raises(UserError, match=f"{made.path.name} is not an artifact .*: delete it"):
        find("corpus", None, store.root)


def test_an_input_is_found_by_its_content(store):
    books, talks = corpus(store, 5, "books"), corpus(store, 6, "talks")
    tokenizer = make(store, "tokenizer", 7, corpus=books)
    tokens = make(store, "tokens", 8, corpus=books, tokenizer=tokenizer)
    assert made_from(tokens, "corpus", store.root) == books != talks
    assert made_from(tokens, "tokenizer", store.root) == tokenizer


def test_an_input_of_another_name_is_found_by_its_kind(store):
    raw = make(store, "raw", 5)
    made = make(store, "corpus", 6, {"sources": {"books": {}}}, books=raw)
    assert made_from(made, "books", store.root, "raw") == raw


def test_an_input_that_is_gone_is_told(store):
    books = corpus(store, 5, "books")
    tokens = make(store, "tokens", 8, corpus=books)
    (books.path / MANIFEST).unlink()
    with pytest.raises(UserError, match=r"made from corpus 'corpus', .*: run make pipeline again"):
        made_from(tokens, "corpus", store.root)
