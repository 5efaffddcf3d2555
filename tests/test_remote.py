"""A store that machines share: what one has made, another takes; and it may be away or damaged."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from femtogpt.artifacts import remote
from femtogpt.artifacts.artifact import MANIFEST, Recipe
from femtogpt.artifacts.remote import Remote
from femtogpt.artifacts.store import Store
from femtogpt.errors import UserError

RECIPE = Recipe("corpus", {"stage": "1"}, {"held_out": 0.05})


@pytest.fixture(autouse=True)
def fresh():
    """Each test is a process of its own, as to who is asked."""
    Remote.at.cache_clear()


@pytest.fixture
def shared(tmp_path) -> Path:
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


def machine(tmp_path: Path, name: str, shared: Path | str) -> Store:
    return Store(tmp_path / name, str(shared))


def build(folder: Path, text: str = "тихая река") -> dict:
    (folder / "part").mkdir(exist_ok=True)
    (folder / "part/a.txt").write_text(text, encoding="utf-8")
    (folder / "b.bin").write_bytes(bytes(range(100)))
    return {"documents": 3}


def fail(folder: Path) -> dict:
    raise AssertionError("made again, though another machine has it")


def test_what_one_machine_made_another_takes(tmp_path, shared):
    made = machine(tmp_path, "one", shared).make(RECIPE, build)
    taken = machine(tmp_path, "other", shared).make(RECIPE, fail)
    assert taken == machine(tmp_path, "other", shared).find(RECIPE)
    assert taken.path != made.path
    assert (taken.digest, taken.content, taken.counts) == (made.digest, made.content, made.counts)
    for name in ("part/a.txt", "b.bin"):
        assert (taken.path / name).read_bytes() == (made.path / name).read_bytes()
    assert taken.manifest == made.manifest
    assert [path.name for path in taken.path.parent.iterdir()] == [taken.digest]


def test_what_was_made_before_is_added_by_the_next_run(tmp_path, shared):
    Store(tmp_path / "one").make(RECIPE, build)
    machine(tmp_path, "one", shared).make(RECIPE, fail)
    assert machine(tmp_path, "other", shared).make(RECIPE, fail).counts == {"documents": 3}


def test_what_is_there_is_not_sent_again(tmp_path, shared):
    machine(tmp_path, "one", shared).make(RECIPE, build)
    times = {path: path.stat().st_mtime_ns for path in shared.rglob("*")}
    machine(tmp_path, "one", shared).make(RECIPE, fail)
    assert {path: path.stat().st_mtime_ns for path in shared.rglob("*")} == times


def test_two_makings_of_one_artifact_are_never_mixed(tmp_path, shared):
    """Two machines made it at once, with other bytes: who takes it gets one of them, whole."""
    one = Store(tmp_path / "one").make(RECIPE, build)
    two = Store(tmp_path / "two").make(RECIPE, lambda folder: build(folder, "быстрая река"))
    assert one.content != two.content
    first, second = Remote(str(shared)), Remote(str(shared))
    assert first.give("corpus", one.digest, one.path)
    (shared / "corpus" / one.digest / MANIFEST).unlink()  # as the second saw it when it began
    assert second.give("corpus", two.digest, two.path)
    assert machine(tmp_path, "three", shared).make(RECIPE, fail).content == two.content


@pytest.mark.parametrize("harm", ["cut", "changed", "missing"])
def test_what_is_damaged_there_is_made_here_and_mended_there(tmp_path, shared, harm, caplog):
    made = machine(tmp_path, "one", shared).make(RECIPE, build)
    file = shared / "corpus" / made.digest / made.content / "b.bin"
    if harm == "missing":
        file.unlink()
    else:
        file.write_bytes(b"" if harm == "cut" else bytes(100))
    other = machine(tmp_path, "other", shared).make(RECIPE, build)
    assert other.content == made.content
    assert [record for record in caplog.records if record.levelno == logging.WARNING]
    Remote.at.cache_clear()
    machine(tmp_path, "other", shared).make(RECIPE, fail)  # adds it, where it could not before
    Remote.at.cache_clear()
    assert machine(tmp_path, "third", shared).make(RECIPE, fail).content == made.content


def test_an_upload_that_was_cut_counts_for_nothing(tmp_path, shared):
    made = machine(tmp_path, "one", shared).make(RECIPE, build)
    (shared / "corpus" / made.digest / MANIFEST).unlink()  # it is written last
    other = machine(tmp_path, "other", shared).make(RECIPE, build)
    assert other.made
    assert machine(tmp_path, "third", shared).make(RECIPE, fail).content == other.content


def test_a_store_that_is_away_is_told_once_and_gone_on_without(tmp_path, caplog):
    away = Path("/proc/nowhere")  # nobody can write there
    store = machine(tmp_path, "one", away)
    assert store.make(RECIPE, build).made
    store.make(Recipe("tokens", {"stage": "1"}, {}), build)
    warnings = [
        record.getMessage() for record in caplog.records if "cannot be used" in record.message
    ]
    assert len(warnings) == 1
    assert str(away) in warnings[0] and "a later run adds it" in warnings[0]


def test_a_store_that_was_away_is_asked_again_after_a_while(tmp_path, shared, monkeypatch):
    store = machine(tmp_path, "one", shared)
    monkeypatch.setattr(remote, "json", None)  # any fault at all
    store.make(RECIPE, build)
    assert not list(shared.rglob(MANIFEST))
    monkeypatch.undo()
    store.make(RECIPE, fail)
    assert not list(shared.rglob(MANIFEST))
    monkeypatch.setattr(remote.time, "monotonic", lambda: 1e12)
    store.make(RECIPE, fail)
    assert list(shared.rglob(MANIFEST))


def test_a_url_of_an_unknown_kind_is_told(tmp_path):
    pytest.importorskip("upath", reason="make cluster installs what URLs need")
    with pytest.raises(UserError, match=r"ss3://x/y: .*give a folder, or a URL such as s3://"):
        machine(tmp_path, "one", "ss3://x/y").make(RECIPE, build)


def test_an_interrupted_stage_goes_on_here_unless_it_is_whole_there(tmp_path, shared):
    def stop(folder: Path) -> dict:
        (folder / "half").write_text("half")
        raise KeyboardInterrupt

    other = machine(tmp_path, "other", shared)
    with pytest.raises(KeyboardInterrupt):
        other.make(RECIPE, stop, resumable=True)
    assert (other.partial(RECIPE) / "half").exists()
    machine(tmp_path, "one", shared).make(RECIPE, build)
    taken = other.make(RECIPE, fail, resumable=True)
    assert sorted(path.name for path in taken.path.iterdir()) == ["b.bin", MANIFEST, "part"]
    assert not other.partial(RECIPE).exists()
