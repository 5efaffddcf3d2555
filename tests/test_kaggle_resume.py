"""A Kaggle download that was cut off, killed or damaged resumes or starts over, and completes."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from femtogpt.artifacts.store import Store
from femtogpt.sources import kaggle, kaggle_process
from femtogpt.sources.fetch import fetch
from femtogpt.sources.kaggle import UNFINISHED, KaggleUnreachable
from femtogpt.sources.texts import Kaggle
from tests.kaggle_home import ARCHIVE, FILE, NAME, archive, kaggle_at_home

HALF = 200_000
USAGE = "shutil.disk_usage = lambda path: types.SimpleNamespace(total={total}, free={free})"
ROOT = Path(kaggle.__file__).parents[2]


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    with kaggle_at_home(tmp_path, monkeypatch) as server:
        yield server


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def client_with(change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the client with Python's own modules changed first."""
    real = subprocess.Popen
    code = f"import runpy, shutil, sys, time, types\n{change}\n"
    code += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"

    def popen(command, **options):
        return real([*command[:2], "-c", code, *command[2:]], **options)

    monkeypatch.setattr(kaggle_process.subprocess, "Popen", popen)


@pytest.fixture(scope="module")
def given_up(tmp_path_factory) -> Path:
    """The partial file of a download whose network failed halfway for good."""
    folder = tmp_path_factory.mktemp("given_up")
    with pytest.MonkeyPatch.context() as patch, kaggle_at_home(folder, patch) as stand_in:
        stand_in.cut_after, stand_in.refuse_after_cut = HALF, 503
        client_with(
            "time.sleep = lambda seconds: None", patch
        )  # else it waits for a minute in total
        (folder / "into").mkdir()
        with pytest.raises(KaggleUnreachable, match="cannot serve d0rj/books"):
            kaggle.fetch(NAME, None, folder / "into")
        assert len(stand_in.downloads) > 3
    return folder / "into"


@pytest.fixture
def cut(given_up, into) -> Path:
    """The partial file in ``into``."""
    shutil.copytree(given_up, into, dirs_exist_ok=True)
    return into / UNFINISHED / FILE


def ranges(stand_in) -> list[int | None]:
    """The first byte of each requested range, in order."""
    asked = [request.range for request in stand_in.downloads]
    return [start and int(start.removeprefix("bytes=").removesuffix("-")) for start in asked]


def assert_whole(into: Path, data: bytes = ARCHIVE) -> None:
    assert [path.name for path in into.iterdir()] == [FILE]
    assert (into / FILE).read_bytes() == data


def test_a_cut_download_goes_on_and_ends_whole(stand_in, into):
    stand_in.cut_after = HALF
    kaggle.fetch(NAME, None, into)
    assert_whole(into)
    first, second = ranges(stand_in)
    assert first is None and 0 < second <= HALF


def test_a_rest_that_is_refused_for_a_time_is_asked_for_after_that_time(stand_in, into):
    def busy_with_the_rest(handler) -> bool:
        if handler.headers["Range"] is None:
            return False
        stand_in.instead = None
        handler.answer_empty(503, "Retry-After", "7")
        return True

    stand_in.cut_after, stand_in.instead = HALF, busy_with_the_rest
    with pytest.raises(KaggleUnreachable, match="it asks to wait for 7 s") as refused:
        kaggle.fetch(NAME, None, into)
    assert refused.value.retry_after == 7
    refused_at = ranges(stand_in)[-1]
    kaggle.fetch(NAME, None, into)
    assert_whole(into)
    assert refused_at and ranges(stand_in)[-1] == refused_at


def test_a_download_given_up_goes_on_at_the_next_run(stand_in, into, cut):
    came = cut.read_bytes()
    assert came and ARCHIVE.startswith(came)  # no error page has overwritten it
    kaggle.fetch(NAME, None, into)
    assert_whole(into)
    assert ranges(stand_in) == [None, len(came)]  # the first request only reads the headers


def test_what_changed_meanwhile_is_downloaded_from_its_start(stand_in, into, cut):
    stand_in.datasets[NAME] = other = archive(seed=2)
    kaggle.fetch(NAME, None, into)
    assert_whole(into, other)
    assert ranges(stand_in) == [None]


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 1000, len(ARCHIVE), 2 * len(ARCHIVE)])
def test_another_file_in_its_place_does_no_harm(size, stand_in, into, cut):
    cut.write_bytes(b"\0" * size)
    kaggle.fetch(NAME, None, into)
    assert_whole(into)


def test_damage_to_what_had_come_is_found_and_it_is_downloaded_again_once(
    stand_in, into, cut, caplog
):
    came = bytearray(cut.read_bytes())
    came[100_000] ^= 1
    cut.write_bytes(came)
    kaggle.fetch(NAME, None, into)
    assert_whole(into)
    (line,) = caplog.messages
    assert "d0rj/books is damaged (Bad CRC-32 for file 'noise.bin'): starting over" in line
    assert ranges(stand_in) == [None, len(came), None]


def test_what_had_come_whole_is_not_downloaded_again(stand_in, into, monkeypatch):
    monkeypatch.setattr(kaggle_process, "STALL_SECONDS", 5.0)
    stand_in.stall_after = 0  # the server sends no byte of it
    (into / FILE).write_bytes(ARCHIVE)  # the process was killed before the manifest was written
    kaggle.fetch(NAME, None, into)
    assert_whole(into)


def test_a_disk_with_room_for_the_rest_is_large_enough(stand_in, into, cut, monkeypatch):
    client_with(USAGE.format(total=len(ARCHIVE), free=len(ARCHIVE) // 2), monkeypatch)
    kaggle.fetch(NAME, None, into)
    assert_whole(into)


def test_nothing_is_refused_where_the_disk_does_not_say_what_is_free(stand_in, into, monkeypatch):
    client_with(USAGE.format(total=0, free=0), monkeypatch)
    kaggle.fetch(NAME, None, into)
    assert_whole(into)


def test_a_damaged_artifact_is_downloaded_from_the_start(stand_in, tmp_path):
    store = Store(tmp_path / "data")
    first = fetch(store, "books", Kaggle(dataset=NAME))
    file = first.path / "bytes" / FILE
    with zipfile.ZipFile(file, "a") as zipped:  # still a valid zip, but not what was downloaded
        zipped.writestr("more.txt", "more")
    again = fetch(store, "books", Kaggle(dataset=NAME))
    assert again.made and again == first
    assert file.read_bytes() == ARCHIVE


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, pytest.param(signal.SIGINT, marks=pytest.mark.slow)]
)
def test_after_a_kill_the_client_ends_and_the_next_run_goes_on(number, stand_in, tmp_path):
    stand_in.stall_after = HALF
    data = tmp_path / "data"
    code = "import signal, sys; from femtogpt.artifacts.store import Store\n"
    code += "from femtogpt.sources.fetch import fetch\n"
    code += "from femtogpt.sources.texts import Kaggle\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # it may be inherited
    code += "fetch(Store(sys.argv[1]), 'books', Kaggle(dataset=sys.argv[2]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(data), NAME],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + 30
            while not (size := _size(data)) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(number)
            assert process.wait(30) == -number
        finally:
            process.kill()
    assert stand_in.hung_up.wait(10)
    assert 0 < size <= HALF
    assert not [*data.glob("raw/*/manifest.json")]

    stand_in.stall_after = None
    stand_in.requests.clear()
    artifact = fetch(Store(data), "books", Kaggle(dataset=NAME))

    assert_whole(artifact.path / "bytes")
    first, second = ranges(stand_in)
    assert first is None and size <= second <= HALF
    assert [path.name for path in (data / "raw").iterdir()] == [artifact.digest]


def _size(data: Path) -> int:
    """The number of bytes received so far."""
    return sum(path.stat().st_size for path in data.rglob(FILE))
