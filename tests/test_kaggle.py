"""The Kaggle source, with the real client, against a stand-in for Kaggle."""

from __future__ import annotations

import logging
import pickle
import re
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from femtogpt import progress
from femtogpt.artifacts.disk import file_digest
from femtogpt.errors import UserError
from femtogpt.sources import kaggle_process
from femtogpt.sources.kaggle import UNFINISHED, KaggleUnreachable
from femtogpt.sources.kaggle_process import ADVICE
from femtogpt.sources.texts import Kaggle
from tests.kaggle_home import ARCHIVE, FILE, NAME, kaggle_at_home, unreachable
from tests.kaggle_stand_in import LICENCE, TITLE


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    with kaggle_at_home(tmp_path, monkeypatch) as server:
        yield server


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def fails(into: Path, error: type[Exception] = UserError, dataset: str = NAME) -> Exception:
    """Fetch and return the error; nothing that could be mistaken for the archive is left."""
    with pytest.raises(error) as caught:
        Kaggle(dataset=dataset).fetch(into)
    assert names(into) in ([], [UNFINISHED])
    return caught.value


def test_the_archive_comes_whole_with_what_kaggle_says_of_it(stand_in, into, capfd):
    provenance = Kaggle(dataset=f"{NAME}/1").fetch(into)

    assert names(into) == [FILE]
    assert (into / FILE).read_bytes() == ARCHIVE
    assert provenance == {
        "dataset": f"{NAME}/1",
        "url": "https://www.kaggle.com/datasets/d0rj/books/versions/1",
        "version": 1,
        "updated": "2026-03-01T12:00:00",
        "title": TITLE,
        "licence": LICENCE,
        "size": len(ARCHIVE),
        "last_modified": "Tue, 03 Mar 2026 12:00:00 GMT",
    }
    assert capfd.readouterr() == ("", "")  # the client's own output is kept away


def test_of_an_older_version_only_what_is_true_of_it_is_told(stand_in, into):
    stand_in.publish(NAME, b"newer, and of another size")
    provenance = Kaggle(dataset=f"{NAME}/1").fetch(into)
    assert (into / FILE).read_bytes() == ARCHIVE
    assert (provenance["version"], provenance["updated"]) == (1, "2026-03-01T12:00:00")
    assert "size" not in provenance


def test_a_dataset_of_which_kaggle_says_nothing_still_comes(stand_in, into):
    stand_in.say = (403, "application/json", b'{"code": 403, "message": "no"}')
    provenance = Kaggle(dataset=NAME).fetch(into)
    assert (into / FILE).read_bytes() == ARCHIVE
    assert provenance["url"] == "https://www.kaggle.com/datasets/d0rj/books"
    assert "licence" not in provenance


def test_a_copy_on_disk_gives_the_same_artifact_and_asks_nobody(stand_in, into, tmp_path):
    copy = tmp_path / "downloaded by hand.ZIP"
    copy.write_bytes(ARCHIVE)
    source = Kaggle(dataset=NAME, archive=copy)

    source.pinned().fetch(into)

    assert names(into) == [FILE]
    assert (into / FILE).read_bytes() == ARCHIVE
    assert [document.title for document in source.documents(into)] == ["Дуэль"]
    moved = copy.rename(tmp_path / "moved.zip")
    assert Kaggle(dataset=NAME, archive=moved).identity() == {
        **Kaggle(dataset=NAME).identity(),
        "sha256": file_digest(moved),
    }
    assert source.reading() == Kaggle(dataset=NAME).reading()
    assert stand_in.requests == []


@pytest.mark.parametrize("name", ["missing.zip", "text.zip", "books.tar", "garbled.zip"])
def test_a_copy_that_is_no_whole_zip_is_refused(name, into, tmp_path):
    path = tmp_path / name
    if name != "missing.zip":
        path.write_bytes(b"text" if name == "text.zip" else b"")
    if name == "garbled.zip":
        path.write_bytes(ARCHIVE[:100_000] + b"!" * 64 + ARCHIVE[100_064:])

    with pytest.raises(UserError, match=name) as caught:
        Kaggle(dataset=NAME, archive=path).fetch(into)

    assert not isinstance(caught.value, ConnectionError)
    assert names(into) == []


@pytest.mark.parametrize(("status", "phrase"), [(403, "Forb"), (404, "Not F")])
def test_a_refusal_is_told_in_two_lines_and_needs_no_retry(status, phrase, stand_in, into):
    stand_in.refuse = status

    error = fails(into)

    first, second = str(error).split("\n")
    assert first.startswith(f"Kaggle refused {NAME} ({status} {phrase}")
    assert first.endswith("no valid credentials were found): Permission 'datasets.get' was denied")
    assert second == ADVICE
    assert "https://www.kaggle.com/settings" in second and "ARCHIVE=" in second
    assert not isinstance(error, ConnectionError)


def test_a_refused_file_is_told_without_its_signed_address(stand_in, into, monkeypatch):
    monkeypatch.setenv("KAGGLE_USERNAME", "me")
    monkeypatch.setenv("KAGGLE_KEY", "secret")
    stand_in.refuse_file = 403
    assert str(fails(into)) == f"Kaggle refused {NAME} (403 Forbidden)\n{ADVICE}"


def test_no_answer_is_told_in_two_lines_and_may_be_retried(stand_in, into, monkeypatch):
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        unreachable(monkeypatch, taken.getsockname()[1])
        error = fails(into, KaggleUnreachable)
    assert isinstance(error, ConnectionError) and isinstance(error, UserError)
    message = f"Kaggle cannot be reached for {NAME}: Connection refused\n{ADVICE}"
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == message


def test_after_a_failing_server_the_next_fetch_succeeds(stand_in, into):
    stand_in.fail_first = 1
    error = fails(into, KaggleUnreachable)
    assert str(error).startswith("Kaggle cannot serve d0rj/books (500 Internal")
    Kaggle(dataset=NAME).fetch(into)
    assert (into / FILE).read_bytes() == ARCHIVE


@pytest.mark.parametrize(("asked", "seconds"), [("7", 7), ("soon", 0), ("700", 700)])
def test_kaggle_is_asked_again_after_the_time_that_it_asks_for(
    asked, seconds, stand_in, into, monkeypatch
):
    from tasks import stages

    def later(handler) -> bool:
        handler.answer_empty(429, "Retry-After", asked)
        return True

    stand_in.instead = later
    error = fails(into, KaggleUnreachable)
    assert error.retry_after == pickle.loads(pickle.dumps(error)).retry_after == seconds
    assert (f"; it asks to wait for {asked} s\n" in str(error)) == (seconds > 0)
    slept: list[float] = []
    monkeypatch.setattr(stages, "time", SimpleNamespace(sleep=slept.append))
    state = SimpleNamespace(result=lambda raise_on_failure: error)
    again = stages.fetch_source.retry_condition_fn(None, None, state)
    assert (again, slept) == ((False, []) if seconds > 600 else (True, [seconds]))


def test_a_moment_that_kaggle_names_is_waited_for():
    moment = datetime.now(UTC) + timedelta(seconds=100)
    wait = kaggle_process._seconds(format_datetime(moment))
    assert 97 < wait <= 100
    assert kaggle_process._seconds("Tue, 03 Mar 2020 12:00:00 GMT") == 0


def test_bytes_of_the_right_number_and_the_wrong_kind_are_not_kept(stand_in, into):
    stand_in.garble = True
    error = fails(into, KaggleUnreachable)
    assert "broken archive of d0rj/books: Bad CRC-32 for file 'noise.bin'" in str(error)
    assert not any(into.rglob(FILE))
    assert len(stand_in.downloads) == 1  # retrying is up to the caller


def test_a_download_shows_how_far_it_is_and_is_given_up_when_it_stalls(
    stand_in, into, monkeypatch, caplog
):
    monkeypatch.setattr(kaggle_process, "STALL_SECONDS", 2.0)
    monkeypatch.setattr(progress, "LOG_SECONDS", 0.0)
    caplog.set_level(logging.INFO)
    stand_in.datasets[NAME] += b"\0" * 5_000_000
    stand_in.stall_after = 3_000_000
    start = time.monotonic()
    error = fails(into, KaggleUnreachable)
    assert time.monotonic() - start < 30
    assert str(error) == f"Kaggle sent nothing of d0rj/books for 2 s\n{ADVICE}"
    assert stand_in.hung_up.wait(10)  # the client was ended
    assert re.fullmatch(r"download books: [23] of 5 MB ", caplog.messages[-1])


def test_a_full_disk_is_the_operating_systems_error(stand_in, into, monkeypatch):
    """It is reported like any other full disk, and at once."""
    real = subprocess.Popen
    code = "import runpy, shutil, sys, types\n"
    code += "shutil.disk_usage = lambda path: types.SimpleNamespace(total=10**9, free=1000)\n"
    code += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"

    def popen(command, **options):
        return real([*command[:2], "-c", code, *command[2:]], **options)

    monkeypatch.setattr(kaggle_process.subprocess, "Popen", popen)
    error = fails(into, OSError)
    assert not isinstance(error, UserError)
    assert "No space left" in str(error) and error.filename == str(into)


@pytest.mark.parametrize("name", ["books", "d0rj/books/x", "../../etc", "d0rj/books\n", "a/b/3/4"])
def test_a_name_that_is_none_is_refused_at_once(name):
    with pytest.raises(ValueError, match="dataset"):
        Kaggle(dataset=name)
