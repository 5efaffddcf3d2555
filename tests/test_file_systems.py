"""File systems that cannot do everything: no flush of a folder, no locks, no «?», no room."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from femtogpt.artifacts import file_lock
from femtogpt.artifacts.artifact import Recipe
from femtogpt.artifacts.disk import explain_os_errors, sync, write_atomic
from femtogpt.artifacts.file_lock import FileLock, Timeout
from femtogpt.artifacts.store import Store
from femtogpt.errors import UserError
from tests.pipelines import ROOT

CANNOT = [errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS]
RECIPE = Recipe("corpus", {}, {"seed": 1})


def made(folder: Path) -> Path:
    """An artifact with a file, made in a folder."""

    def build(into: Path) -> dict:
        (into / "text.txt").write_text("были", "utf-8")
        return {"texts": 1}

    return Store(folder).make(RECIPE, build).path


@pytest.fixture
def mounted(tmp_path) -> Iterator:
    """Mounts a file system of a kind and size; skips where that is not allowed."""
    places = []

    def mount(kind: str, size: int) -> Path:
        folder = tmp_path / kind
        folder.mkdir()
        if kind == "tmpfs":
            command = ["mount", "-t", kind, "-o", f"size={size}", kind, str(folder)]
        else:
            image = tmp_path / "image"
            image.write_bytes(bytes(size))
            _run("mkfs.vfat", str(image))
            command = ["mount", "-o", "loop,utf8=1", "-t", kind, str(image), str(folder)]
        _run(*command)
        places.append(folder)
        return folder

    yield mount
    for point in places:
        subprocess.run(["umount", str(point)], timeout=30, check=False)


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    except OSError as error:
        pytest.skip(f"{command[0]} is not there: {error}")
    if done.returncode:
        pytest.skip(f"{command[0]} is not allowed here: {done.stderr.strip()}")


@pytest.mark.parametrize("code", CANNOT)
def test_what_cannot_be_flushed_is_written_all_the_same(monkeypatch, tmp_path, code):
    def fsync(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)
    write_atomic(tmp_path / "a.json", b"1")
    assert (tmp_path / "a.json").read_bytes() == b"1"
    assert (made(tmp_path) / "text.txt").read_text("utf-8") == "были"


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT])
def test_a_disk_that_fails_to_flush_is_an_error(monkeypatch, tmp_path, code):
    def fsync(descriptor: int) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(OSError):
        sync(tmp_path)


@pytest.fixture(params=[errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL])
def without_locks(request, monkeypatch) -> None:
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(request.param, os.strerror(request.param))

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr(file_lock, "_told", set())


def test_without_locks_one_line_says_so_and_work_goes_on(without_locks, tmp_path, caplog):
    for number in range(3):
        with FileLock(tmp_path / str(number)):
            pass
    (line,) = caplog.messages
    assert str(tmp_path) in line and "no locks" in line
    assert made(tmp_path)


def test_without_locks_one_process_at_a_time_still_makes_an_artifact(without_locks, tmp_path):
    with FileLock(tmp_path / "a"):
        with pytest.raises(Timeout):
            FileLock(tmp_path / "a").acquire(blocking=False)
        with pytest.raises(Timeout), FileLock(tmp_path / "a", timeout=0):
            pass
    FileLock(tmp_path / "a").acquire(blocking=False)


def test_without_locks_a_process_that_died_does_not_keep_its_lock(without_locks, tmp_path):
    script = (
        "import sys, os, filelock\n"
        "lock = filelock.SoftFileLock(sys.argv[1]); lock.acquire(); os._exit(9)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "a.held")], timeout=30)
    assert (tmp_path / "a.held").exists()
    FileLock(tmp_path / "a").acquire(blocking=False)


def test_a_lock_that_may_not_be_taken_is_an_error(monkeypatch, tmp_path):
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(OSError, match="Input/output"):
        FileLock(tmp_path / "a").acquire()


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EILSEQ, errno.ENAMETOOLONG])
def test_a_name_that_a_file_system_does_not_take_is_named(tmp_path, code):
    name = str(tmp_path / "Кто виноват?.txt")
    with pytest.raises(UserError) as refused, explain_os_errors(tmp_path):
        raise OSError(code, os.strerror(code), name)
    assert name in str(refused.value) and "name" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_an_invalid_argument_that_is_about_no_name_stays_as_it_is(tmp_path):
    with pytest.raises(OSError), explain_os_errors(tmp_path):
        raise OSError(errno.EINVAL, "Invalid argument")


def test_a_memory_card_holds_artifacts(mounted):
    card = mounted("vfat", 8 << 20)
    assert (made(card) / "text.txt").read_text("utf-8") == "были"
    with pytest.raises(UserError, match="takes no such name"), explain_os_errors(card):
        write_atomic(card / "Кто виноват?.txt", b"1")


def test_a_full_temporary_folder_is_named_and_not_the_data_folder(mounted, monkeypatch, tmp_path):
    full = mounted("tmpfs", 64 << 10)
    monkeypatch.setattr(tempfile, "tempdir", str(full))
    with (
        pytest.raises(UserError) as refused,
        explain_os_errors(tmp_path),
        tempfile.TemporaryFile() as file,
    ):
        file.write(bytes(1 << 20))
        file.flush()
    assert str(full) in str(refused.value) and "TMPDIR" in str(refused.value)


def flows(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "flows", "pipeline", "sample"],
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_run_does_not_begin_without_room_in_the_temporary_folder(mounted):
    full = mounted("tmpfs", 1 << 20)
    ended = flows(TMPDIR=str(full))
    assert ended.returncode == 1 and not ended.stdout
    (line,) = ended.stderr.splitlines()
    assert str(full) in line and "1.0 MB" in line and "64 MB" in line and "TMPDIR" in line


@pytest.mark.parametrize("name", ["missing", "a file"])
def test_a_temporary_folder_that_is_none_is_named(tmp_path, name):
    (tmp_path / "a file").touch()
    ended = flows(TMPDIR=str(tmp_path / name))
    assert ended.returncode == 1
    (line,) = ended.stderr.splitlines()
    assert str(tmp_path / name) in line and "TMPDIR" in line
