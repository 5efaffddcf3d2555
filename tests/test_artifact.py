"""Artifacts: whole or not there, found again, made again when damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.artifact import MANIFEST, Artifact, Recipe
from femtogpt.artifacts.disk import json_digest, write_atomic
from femtogpt.artifacts.store import Store
from femtogpt.errors import UserError
from tests.helpers import quick

RECIPE = Recipe("corpus", {"stage": "1"}, {"held_out": 0.05, "rules": ["spaces"]})
FLAT = st.dictionaries(st.text(max_size=3), st.integers(0, 3) | st.text(max_size=3), max_size=3)


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data")


def build(folder: Path, text: str = "тихая река") -> dict:
    (folder / "part").mkdir(exist_ok=True)
    (folder / "part/a.txt").write_text(text, encoding="utf-8")
    (folder / "b.bin").write_bytes(bytes(range(100)))
    return {"documents": 3, "characters": 1200}


def fail(folder: Path) -> dict:
    raise AssertionError("made again, though it was there")


def everything(root: Path) -> dict[str, bytes]:
    """All files of the artifacts (locks aside) by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and ".locks" not in path.parts
    }


# found again


def test_what_was_made_is_found_and_not_made_again(store):
    made = store.make(RECIPE, build)
    found = store.make(RECIPE, fail)
    assert (made.made, found.made) == (True, False)
    assert found == made == store.find(RECIPE)
    assert found.counts == {"documents": 3, "characters": 1200}
    assert (found.path / "part/a.txt").read_text(encoding="utf-8") == "тихая река"


def test_the_manifest_says_what_the_artifact_was_made_from_and_holds(store):
    raw = store.make(Recipe("raw", {"stage": "1"}, {}), build)
    manifest = store.make(replace(RECIPE, inputs={"mine": raw}), build).manifest
    assert manifest["config"] == RECIPE.config
    assert manifest["inputs"] == {"mine": raw.content}
    assert set(manifest["files"]) == {"part/a.txt", "b.bin"}
    assert manifest["files"]["b.bin"]["size"] == 100


def test_another_setting_version_kind_or_input_is_another_artifact(store):
    raw = store.make(Recipe("raw", {"stage": "1"}, {}), build)
    edited = store.make(
        Recipe("raw", {"stage": "2"}, {}), lambda folder: build(folder, "тихая заводь")
    )
    recipes = [
        RECIPE,
        replace(RECIPE, config={**RECIPE.config, "held_out": 0.06}),
        replace(RECIPE, config={**RECIPE.config, "rules": []}),
        replace(RECIPE, code={"stage": "2"}),
        replace(RECIPE, kind="tokens"),
        replace(RECIPE, inputs={"mine": raw}),
        replace(RECIPE, inputs={"mine": edited}),
        replace(RECIPE, inputs={"theirs": raw}),
    ]
    assert len({recipe.digest for recipe in recipes}) == len(recipes)


def test_inputs_count_by_their_files_however_they_were_made(store):
    one = store.make(Recipe("raw", {"stage": "1"}, {"from": "the network"}), build)
    two = store.make(Recipe("raw", {"stage": "1"}, {"from": "the disk"}), build)
    assert one.path != two.path
    assert (
        replace(RECIPE, inputs={"mine": one}).digest == replace(RECIPE, inputs={"mine": two}).digest
    )


@quick
@given(st.dictionaries(st.text(max_size=3), FLAT, max_size=3))
def test_the_order_of_keys_does_not_matter(value):
    turned = {key: dict(reversed(value[key].items())) for key in reversed(value)}
    assert json_digest(turned) == json_digest(value)


# damage


def truncate(path: Path) -> None:
    os.truncate(path / "b.bin", 99)


def flip(path: Path) -> None:
    file = path / "part/a.txt"
    data = bytearray(file.read_bytes())
    data[3] ^= 1
    file.write_bytes(data)


def replace_in_manifest(old: str, new: str):
    def damage(path: Path) -> None:
        text = (path / MANIFEST).read_text(encoding="utf-8")
        assert old in text
        (path / MANIFEST).write_text(text.replace(old, new, 1), encoding="utf-8")

    return damage


DAMAGE = {
    "truncated file": truncate,
    "flipped bit": flip,
    "missing file": lambda path: (path / "b.bin").unlink(),
    "folder in place of a file": lambda path: ((path / "b.bin").unlink(), (path / "b.bin").mkdir()),
    "missing manifest": lambda path: (path / MANIFEST).unlink(),
    "empty manifest": lambda path: (path / MANIFEST).write_bytes(b""),
    "manifest of zeros": lambda path: (path / MANIFEST).write_bytes(bytes(400)),
    "manifest cut off": lambda path: os.truncate(path / MANIFEST, 150),
    "manifest of another shape": lambda path: (path / MANIFEST).write_text("[]"),
    "manifest without counts": replace_in_manifest('"counts"', '"count_"'),
    "count in the manifest": replace_in_manifest("1200", "1300"),
    "setting in the manifest": replace_in_manifest("0.05", "0.06"),
    "content in the manifest": replace_in_manifest('"content": "', '"content": "0'),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_artifact_is_made_again_and_it_alone(damage, store):
    other = store.make(replace(RECIPE, code={"stage": "2"}), build)
    original = store.make(RECIPE, build)
    before = everything(other.path)
    DAMAGE[damage](original.path)

    assert store.find(RECIPE) is None
    again = store.make(RECIPE, build)

    assert again.made
    assert again == original == store.find(RECIPE)
    assert everything(other.path) == before
    assert not store.make(replace(RECIPE, code={"stage": "2"}), fail).made


# interruption


@pytest.mark.parametrize("interruption", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_exception_leaves_nothing(interruption, store):
    def interrupted(folder: Path) -> dict:
        build(folder)
        raise interruption("in the middle")

    store.make(replace(RECIPE, code={"stage": "2"}), build)
    before = everything(store.root)

    with pytest.raises(interruption, match="in the middle"):
        store.make(RECIPE, interrupted)

    assert store.find(RECIPE) is None
    assert everything(store.root) == before
    assert store.make(RECIPE, build).made


def test_a_resumable_stage_goes_on_from_what_it_left(store):
    def interrupted(folder: Path) -> dict:
        (folder / "step-100").write_text("checkpoint")
        raise KeyboardInterrupt

    def resumed(folder: Path) -> dict:
        assert (folder / "step-100").read_text() == "checkpoint"
        return build(folder)

    with pytest.raises(KeyboardInterrupt):
        store.make(RECIPE, interrupted, resumable=True)
    assert store.find(RECIPE) is None
    assert store.make(RECIPE, resumed, resumable=True) == store.find(RECIPE)


def test_a_kill_while_the_manifest_was_written_costs_a_resumable_stage_nothing(store):
    partial = store.partial(RECIPE)
    partial.mkdir(parents=True)
    (partial / f".{MANIFEST}.partial").write_text('{"kind": "corp')  # as write_atomic leaves it

    store.make(RECIPE, build, resumable=True)

    assert store.find(RECIPE) is not None


CHILD = """
import sys, time
from pathlib import Path
from femtogpt.artifacts.artifact import Recipe
from femtogpt.artifacts.store import Store

def build(folder):
    with Path(sys.argv[2]).open("a") as file:
        file.write("built\\n")
    (folder / "half").write_bytes(bytes(1000))
    print("building", flush=True)
    time.sleep(float(sys.argv[3]))
    return {}

print(Store(sys.argv[1]).make(Recipe("corpus", {"stage": "1"}, {}), build).content, flush=True)
"""


def start(store: Store, calls: Path, seconds: float) -> subprocess.Popen:
    """A process that makes Recipe("corpus", {"stage": "1"}, {}) for some seconds."""
    command = [sys.executable, "-c", CHILD, str(store.root), str(calls), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def test_a_kill_in_the_middle_leaves_nothing_that_is_found(store, tmp_path):
    recipe = Recipe("corpus", {"stage": "1"}, {})
    other = store.make(RECIPE, build)
    with start(store, tmp_path / "calls", 60) as child:
        assert child.stdout.readline() == "building\n"
        child.send_signal(signal.SIGKILL)

    assert store.find(recipe) is None
    assert store.find(RECIPE) == other
    made = store.make(recipe, build)  # at once: the dead process holds no lock
    assert made.made
    assert set(made.manifest["files"]) == {"part/a.txt", "b.bin"}
    assert [path.name for path in (store.root / "corpus").iterdir() if "partial" in path.name] == []


def test_two_processes_that_want_the_same_artifact_make_it_once(store, tmp_path):
    calls = tmp_path / "calls"
    with start(store, calls, 0.5) as one, start(store, calls, 0.5) as two:
        contents = [child.stdout.read().split()[-1] for child in (one, two)]
    assert (one.returncode, two.returncode) == (0, 0)
    assert calls.read_text() == "built\n"
    assert set(contents) == {store.find(Recipe("corpus", {"stage": "1"}, {})).content}


# the disk


@pytest.fixture
def disk(tmp_path):
    """A disk of one megabyte; gives its folder and a function that mounts it again otherwise."""
    folder = tmp_path / "disk"
    folder.mkdir()

    def mount(options: str) -> bool:
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        return (
            shutil.which("mount") and subprocess.run(command, capture_output=True).returncode == 0
        )

    if not mount("size=1m"):
        pytest.skip("mounting a small disk takes root's rights")
    yield folder, mount
    subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_told_with_advice_and_leaves_no_trace(disk):
    store = Store(disk[0] / "data")
    kept = store.make(RECIPE, build)
    before = everything(store.root)

    with pytest.raises(UserError, match=r"disk is full.*paths\.data=") as refused:
        store.make(
            replace(RECIPE, code={"stage": "2"}),
            lambda folder: {"written": (folder / "big").write_bytes(bytes(2_000_000))},
        )

    assert "\n" not in str(refused.value)
    assert everything(store.root) == before
    assert store.find(RECIPE) == kept


@pytest.mark.parametrize("locks", ["with locks", "without locks"])
def test_a_read_only_disk_is_told_with_advice_and_what_it_holds_is_found(locks, disk):
    folder, mount = disk
    store = Store(folder / "data")
    kept = store.make(RECIPE, build)
    if locks == "without locks":
        shutil.rmtree(store.root / ".locks")
    assert mount("remount,ro,size=1m")

    assert store.make(RECIPE, fail) == kept
    with pytest.raises(UserError, match=r"cannot be written.*paths\.data="):
        store.make(replace(RECIPE, code={"stage": "2"}), build)


@pytest.mark.parametrize(
    "path", ["data", "data/corpus", "data/.locks", f"data/corpus/{RECIPE.digest}"]
)
def test_a_file_where_a_folder_should_be_is_told_with_advice_and_stays(path, store, tmp_path):
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("важное")

    with pytest.raises(UserError, match=r"a file is where a folder is needed.*paths\.data="):
        store.make(RECIPE, build)

    assert file.read_text() == "важное"
    assert store.find(RECIPE) is None


# whole files

WRITER = """
import sys
from pathlib import Path
from femtogpt.artifacts.disk import write_atomic

for number in range(10**9):
    write_atomic(Path(sys.argv[1]), bytes([number % 256]) * 1_000_000)
    print(number, flush=True)
"""


def test_a_file_written_whole_is_whole_at_every_moment_and_after_a_kill(tmp_path):
    path = tmp_path / "state"
    for _ in range(2):
        command = [sys.executable, "-c", WRITER, str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            end, seen = time.monotonic() + 0.3, []
            while time.monotonic() < end:
                seen.append(path.read_bytes())
            child.kill()
        for data in (*seen, path.read_bytes()):
            assert data == data[:1] * 1_000_000
        assert len(set(seen)) > 2  # it did write meanwhile


def test_a_file_that_does_not_fit_the_disk_leaves_the_old_one_alone(disk):
    folder, _ = disk
    write_atomic(folder / "state", b"old" * 1000)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(folder / "state", bytes(2_000_000))
    assert everything(folder) == {"state": b"old" * 1000}


def test_a_manifest_of_something_else_is_no_artifact(tmp_path):
    (tmp_path / MANIFEST).write_text(json.dumps({"name": "an app"}))
    with pytest.raises(ValueError, match="not a manifest"):
        Artifact.load(tmp_path)
