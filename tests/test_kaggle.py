"""The Kaggle source, with the real client, against a stand-in for Kaggle."""

from __future__ import annotations

import base64
import io
import json
import os
import pickle
import random
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from femtogpt.errors import UserError
from femtogpt.sources import kaggle as module
from femtogpt.sources.kaggle import ADVICE, KaggleUnreachable
from femtogpt.sources.texts import Kaggle
from tests.kaggle_stand_in import LICENCE, TOKEN, KaggleStandIn

NAME = "d0rj/books"
FILE = "books.zip"


def archive() -> bytes:
    """A zip with a text and 300 kB that do not compress."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("prose/Чехов/Дуэль.txt", "Было восемь часов утра. " * 20)
        zipped.writestr("noise.bin", random.Random(0).randbytes(300_000))
    return whole.getvalue()


ARCHIVE = archive()


@pytest.fixture
def stand_in(monkeypatch, tmp_path):
    """The stand-in, found by the client through the environment; no credentials anywhere."""
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    with KaggleStandIn({NAME: ARCHIVE}) as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


def credentials(kind: str, home: Path, monkeypatch) -> str | None:
    """Give the client credentials of a kind; the Authorization header that they must make."""
    basic = "Basic " + base64.b64encode(b"me:secret").decode()
    if kind == "key":
        monkeypatch.setenv("KAGGLE_USERNAME", "me")
        monkeypatch.setenv("KAGGLE_KEY", "secret")
        return basic
    if kind == "file":
        (home / ".kaggle").mkdir()
        (home / ".kaggle/kaggle.json").write_text('{"username": "me", "key": "secret"}')
        return basic
    if kind == "token":
        monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
        return f"Bearer {TOKEN}"
    if kind == "no home":
        monkeypatch.setenv("HOME", "/dev/null/x")
    return None


@pytest.mark.parametrize("kind", ["none", "no home", "key", "file", "token"])
def test_the_archive_comes_whole_with_any_credentials_and_with_none(
    kind, stand_in, into, tmp_path, monkeypatch, capfd
):
    expected = credentials(kind, tmp_path / "home", monkeypatch)

    provenance = Kaggle(dataset=NAME).fetch(into)

    assert names(into) == [FILE]
    assert (into / FILE).read_bytes() == ARCHIVE
    assert provenance["url"] == "https://www.kaggle.com/datasets/d0rj/books"
    assert provenance["licence"] == LICENCE
    asked = [request for request in stand_in.requests if request.name == "DownloadDataset"]
    assert [request.authorization for request in asked] == [expected]
    assert capfd.readouterr() == ("", "")  # the client's own prints are kept away


def test_a_copy_on_disk_gives_the_same_artifact_and_asks_nobody(stand_in, into, tmp_path):
    copy = tmp_path / "downloaded by hand.ZIP"
    copy.write_bytes(ARCHIVE)
    source = Kaggle(dataset=NAME, archive=copy)

    source.fetch(into)

    assert names(into) == [FILE]
    assert (into / FILE).read_bytes() == ARCHIVE
    assert [document.title for document in source.documents(into)] == ["Дуэль"]
    assert stand_in.requests == []
    moved = copy.rename(tmp_path / "moved.zip")
    assert Kaggle(dataset=NAME, archive=moved).identity() == {
        **Kaggle(dataset=NAME).identity(),
        "sha256": module.digest_of_file(moved),
    }
    assert source.reading() == Kaggle(dataset=NAME).reading()


@pytest.mark.parametrize("name", ["missing.zip", "text.zip", "books.tar", "garbled.zip"])
def test_a_copy_that_is_no_whole_zip_is_refused(name, into, tmp_path):
    path = tmp_path / name
    if name != "missing.zip":
        path.write_bytes(b"text" if name == "text.zip" else b"")
    if name == "garbled.zip":
        data = ARCHIVE
        path.write_bytes(data[:100_000] + b"!" * 64 + data[100_064:])

    with pytest.raises(UserError, match=name) as caught:
        Kaggle(dataset=NAME, archive=path).fetch(into)

    assert not isinstance(caught.value, ConnectionError)
    assert names(into) == []


@pytest.mark.parametrize(("status", "phrase"), [(401, "Unauth"), (403, "Forb"), (404, "Not F")])
def test_a_refusal_is_told_in_two_lines_and_needs_no_retry(status, phrase, stand_in, into):
    stand_in.refuse = status

    with pytest.raises(UserError) as caught:
        Kaggle(dataset=NAME).fetch(into)

    first, second = str(caught.value).split("\n")
    assert first.startswith(f"Kaggle refused {NAME} ({status} {phrase}")
    assert first.endswith("Permission 'datasets.get' was denied")
    assert second == ADVICE
    assert "https://www.kaggle.com/settings" in second and "ARCHIVE=" in second
    assert not isinstance(caught.value, ConnectionError)
    assert names(into) == []


def test_a_refused_file_is_told_without_its_signed_address(stand_in, into):
    stand_in.refuse_file = 403
    with pytest.raises(UserError) as caught:
        Kaggle(dataset=NAME).fetch(into)
    assert str(caught.value) == f"Kaggle refused {NAME} (403 Forbidden)\n{ADVICE}"


def test_no_answer_is_told_in_two_lines_and_may_be_retried(stand_in, into, monkeypatch):
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        for name in ("HTTP_PROXY", "http_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(KaggleUnreachable) as caught:
            Kaggle(dataset=NAME).fetch(into)
    assert isinstance(caught.value, ConnectionError) and isinstance(caught.value, UserError)
    told = f"Kaggle cannot be reached for {NAME}: Connection refused\n{ADVICE}"
    assert str(caught.value) == str(pickle.loads(pickle.dumps(caught.value))) == told


def test_after_a_failing_server_the_next_fetch_succeeds(stand_in, into):
    stand_in.fail_first = 1
    with pytest.raises(KaggleUnreachable, match=r"cannot serve d0rj/books \(500 Internal"):
        Kaggle(dataset=NAME).fetch(into)
    assert names(into) == []
    Kaggle(dataset=NAME).fetch(into)
    assert (into / FILE).read_bytes() == ARCHIVE


def test_a_cut_download_goes_on_and_ends_whole(stand_in, into):
    stand_in.cut_after = 200_000
    Kaggle(dataset=NAME).fetch(into)
    assert names(into) == [FILE]
    assert (into / FILE).read_bytes() == ARCHIVE
    first, second = [request.range for request in stand_in.downloads]
    assert first is None and second.startswith("bytes=") and second != "bytes=0-"


def test_bytes_of_the_right_number_and_the_wrong_kind_are_not_kept(stand_in, into):
    stand_in.garble = True
    with pytest.raises(KaggleUnreachable, match=r"broken archive of d0rj/books: noise\.bin"):
        Kaggle(dataset=NAME).fetch(into)
    assert names(into) == []


def test_a_stalled_download_is_given_up(stand_in, into, monkeypatch):
    monkeypatch.setattr(module, "STALL", 3.0)
    stand_in.stall_after = 200_000
    start = time.monotonic()
    with pytest.raises(KaggleUnreachable, match="sent nothing of d0rj/books for 3 s") as caught:
        Kaggle(dataset=NAME).fetch(into)
    assert time.monotonic() - start < 30
    assert str(caught.value).endswith("\n" + ADVICE)
    assert stand_in.hung_up.wait(10)  # the client was ended
    assert names(into) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_the_client_ends_with_the_process_that_started_it(number, stand_in, into):
    stand_in.stall_after = 200_000
    code = "import signal, sys; from pathlib import Path\n"
    code += "from femtogpt.sources.texts import Kaggle\n"
    code += "signal.signal(signal.SIGINT, signal.default_int_handler)\n"  # it may be inherited
    code += "Kaggle(dataset=sys.argv[1]).fetch(Path(sys.argv[2]))"
    with subprocess.Popen(
        [sys.executable, "-c", code, NAME, str(into)],
        env={**os.environ, "PYTHONPATH": str(Path(module.__file__).parents[2])},
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            deadline = time.monotonic() + 30
            while not any(into.rglob(FILE)) and time.monotonic() < deadline:
                time.sleep(0.05)
            process.send_signal(number)
            assert process.wait(30) == -number
        finally:
            process.kill()
    assert stand_in.hung_up.wait(10)
    if number == signal.SIGINT:
        assert names(into) == []


def test_a_full_disk_is_the_operating_systems_error(stand_in, into, monkeypatch):
    """So that it is explained as anywhere else, and at once."""
    real = subprocess.Popen
    code = "import runpy, shutil, sys, types\n"
    code += "shutil.disk_usage = lambda path: types.SimpleNamespace(free=1000)\n"
    code += "sys.argv = sys.argv[1:]; runpy.run_path(sys.argv[0], run_name='__main__')"

    def popen(command, **options):
        return real([*command[:2], "-c", code, *command[2:]], **options)

    monkeypatch.setattr(module.subprocess, "Popen", popen)
    with pytest.raises(OSError, match="No space left") as caught:
        Kaggle(dataset=NAME).fetch(into)
    assert not isinstance(caught.value, UserError)
    assert names(into) == []


@pytest.mark.parametrize("name", ["books", "d0rj/books/x", "../../etc", "d0rj/books\n", "a/b/3/4"])
def test_a_name_that_is_none_is_refused_at_once(name):
    with pytest.raises(ValueError, match="dataset"):
        Kaggle(dataset=name)


def test_a_version_is_asked_for(stand_in, into):
    stand_in.datasets = {f"{NAME}/3": ARCHIVE}
    provenance = Kaggle(dataset=f"{NAME}/3").fetch(into)
    assert names(into) == [FILE]
    assert json.dumps(provenance) and provenance["url"].endswith("/books/versions/3")
