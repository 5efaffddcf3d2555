"""Room on the disk: told before a stage begins, with the folder, the need and what is free."""

from __future__ import annotations

import errno
import os
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts import room
from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.estimates import bytes_to_write
from femtogpt.artifacts.remote import Remote
from femtogpt.artifacts.store import Store
from femtogpt.errors import UserError
from femtogpt.sources import local
from flows import temporary_folder
from tests.test_training_longer import Trainings, trainings
from tests.tiny import settings

__all__ = ["trainings"]  # the fixture


def artifact(kind: str, **counts: int) -> Artifact:
    return Artifact(Path(kind), kind, "0" * 16, "0" * 64, counts)


BOOKS = artifact("corpus", train_characters=35_617_682, held_out_characters=1_684_265)
TOKENIZER = artifact("tokenizer", pieces=2000)
NEEDS = {  # what each took on the disk, in megabytes
    "raw": (Recipe("raw", {}, {"kind": "sample", "characters": 2_000_000}), 3.6),
    "corpus": (Recipe("corpus", {}, {}, {"raw": artifact("raw", bytes=71_000_000)}), 19.2),
    "tokens": (
        Recipe(
            "tokens", {}, {}, {"corpus": BOOKS, "tokenizer": artifact("tokenizer", pieces=2000)}
        ),
        28.2,
    ),
    "text_index": (Recipe("text_index", {}, {}, {"corpus": BOOKS}), 190.0),
}


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes are free on the disk."""

    def set_to(size: int, total: int = 10**12) -> None:
        usage = SimpleNamespace(total=total, used=0, free=size)
        monkeypatch.setattr(room.shutil, "disk_usage", lambda path: usage)

    return set_to


@pytest.mark.parametrize("kind", NEEDS)
def test_a_stage_does_not_begin_without_the_room_that_it_needs(kind, tmp_path, free):
    recipe, megabytes = NEEDS[kind]
    free(int(0.6 * megabytes * 1e6))
    begun = []
    with pytest.raises(UserError) as refused:
        Store(tmp_path).make(recipe, lambda folder: begun.append(folder) or {}, name=f"my {kind}")
    assert not begun and not [path for path in (tmp_path / kind).rglob("*") if path.is_file()]
    (line,) = str(refused.value).splitlines()
    assert line.startswith(f"{tmp_path}: the disk is full: my {kind} needs at least ")
    assert f"and {int(6 * megabytes) / 10} MB are free: free some space, or choose" in line

    free(int(megabytes * 1e6))
    assert Store(tmp_path).make(recipe, lambda folder: {"done": 1}).counts == {"done": 1}


@pytest.mark.parametrize("kind", NEEDS)
def test_no_more_is_asked_for_than_was_measured(kind):
    recipe, megabytes = NEEDS[kind]
    assert 0.6 < bytes_to_write(recipe) / 1e6 / megabytes <= 1


def test_nothing_is_refused_where_the_disk_does_not_say_what_is_free(tmp_path, free):
    free(0, total=0)
    recipe, _ = NEEDS["corpus"]
    assert Store(tmp_path).make(recipe, lambda folder: {"done": 1}).made
    temporary_folder.check_room()


def test_a_training_does_not_begin_without_room_for_its_checkpoints(trainings: Trainings, free):
    steps = settings(max_steps=20, keep_checkpoints=2)
    free(1_000)
    with pytest.raises(
        UserError, match=r"run needs at least [\d.]+ kB, and 1\.0 kB are free"
    ) as told:
        trainings.run(steps)
    assert not [path for path in (trainings.store.root / "run").rglob("*") if path.is_file()]
    free(10**9)
    run = trainings.run(steps).path
    need = float(re.search(r"least ([\d.]+) kB", str(told.value))[1]) * 1e3
    assert 0.6 < need / room.size_of(run) <= 1


def test_files_are_not_copied_to_a_disk_that_is_too_small_for_them(tmp_path, free):
    texts, into = tmp_path / "texts", tmp_path / "into"
    texts.mkdir()
    into.mkdir()
    for name in ("a.txt", "b.txt"):
        (texts / name).write_bytes(b"x" * 1_000_000)
    free(1_500_000)
    with pytest.raises(UserError, match=r"needs at least 2\.0 MB, and 1\.5 MB are free") as refused:
        local.fetch(texts, {".txt"}, into)
    assert str(into) in str(refused.value) and str(texts) in str(refused.value)
    assert not any(into.iterdir())


def test_what_another_machine_made_is_not_taken_without_room_for_it(tmp_path, free):
    recipe = Recipe("corpus", {}, {})
    shared = tmp_path / "shared"
    shared.mkdir()
    Remote.at.cache_clear()
    Store(tmp_path / "one", str(shared)).make(
        recipe, lambda folder: {"bytes": (folder / "a").write_bytes(bytes(2_000_000))}
    )
    free(1_000_000)
    with pytest.raises(UserError, match=r"needs at least 2\.0 MB, and 1\.0 MB are free") as refused:
        Store(tmp_path / "other", str(shared)).make(recipe, lambda folder: {})
    assert str(tmp_path / "other") in str(refused.value) and str(shared) in str(refused.value)
    assert not [*(tmp_path / "other/corpus").iterdir()]


def test_a_disk_that_fills_meanwhile_is_told_with_what_was_written_and_did_not_do(tmp_path, free):
    def build(folder: Path) -> dict:
        (folder / "part").write_bytes(bytes(3_000_000))
        free(1_000)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"memory needs at least 3\.1 MB, and 1\.0 kB are free"):
        Store(tmp_path).make(Recipe("memory", {}, {}), build)


@pytest.mark.parametrize("kind", NEEDS)
@pytest.mark.parametrize("written", [0, 1_000_000, 300_000_000])
def test_a_disk_that_fills_meanwhile_is_told_with_what_the_stage_still_needs(
    kind, written, tmp_path, free
):
    recipe, _ = NEEDS[kind]

    def build(folder: Path) -> dict:
        with (folder / "part").open("wb") as part:
            part.truncate(written)
        free(50_000)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(UserError, match=r"and 50\.0 kB are free") as told:
        Store(tmp_path).make(recipe, build)
    (number,) = re.findall(r"needs at least ([\d,.]+) MB", str(told.value))
    rest = bytes_to_write(recipe) - written
    least = rest if rest > 0 else written + 50_000  # more than was expected: that alone is known
    assert least / 1e6 - 0.1 <= float(number.replace(",", "")) <= least / 1e6 + 0.2
    assert f"{'the rest of ' * (rest > 0)}{kind} needs" in str(told.value)


def test_copies_for_which_the_disk_filled_meanwhile_are_told_with_what_is_left_of_them(
    tmp_path, free, monkeypatch
):
    texts, into = tmp_path / "texts", tmp_path / "into"
    texts.mkdir()
    into.mkdir()
    for name in ("a.txt", "b.txt", "c.txt"):
        (texts / name).write_bytes(b"x" * 1_000_000)
    copy = shutil.copyfile

    def filled(file: Path, to: Path) -> None:
        if file.name == "b.txt":
            free(2_000)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file), None, str(to))
        copy(file, to)

    monkeypatch.setattr(local.shutil, "copyfile", filled)
    with pytest.raises(UserError, match=r"the rest of .* needs at least 2\.0 MB, and 2\.0 kB"):
        local.fetch(texts, {".txt"}, into)


@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_the_need_in_words_is_no_less_and_what_is_free_no_more_than_it_is(needed, free):
    words = re.findall(r"([\d,.]+) ([kM])B", room.lack_of_room(needed, free))
    need, rest = (float(n.replace(",", "")) * {"k": 1e3, "M": 1e6}[unit] for n, unit in words)
    assert needed - 1 <= need <= needed + 1e5
    assert free - 1e5 <= rest <= free + 1
