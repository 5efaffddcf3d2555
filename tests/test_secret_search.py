"""A secret that a test leaves behind fails the session, wherever it stands."""

from __future__ import annotations

import base64
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import secret_search
from tests.files import COMPRESS
from tests.secret_search import KEY, TOKEN, found_in_files, found_in_text

ROOT = Path(__file__).resolve().parent.parent
PLANTED = """
import logging, pytest
from tests.secret_search import TOKEN

def test_file(tmp_path):
    (tmp_path / "notes.log").write_text("so it begins: " + TOKEN)

def test_said():
    print("the token is", TOKEN)

def test_logged():
    logging.getLogger("femtogpt").warning("token %s", TOKEN)

def test_credentials(tmp_path):
    (tmp_path / "kaggle.json").write_text(TOKEN)
"""


@pytest.mark.parametrize(
    "workers",
    [pytest.param((), marks=pytest.mark.slow), ("-n", "2")],
    ids=["alone", "workers"],
)
def test_a_session_fails_with_each_place_of_a_secret(tmp_path, workers):
    (tmp_path / "test_planted.py").write_text(PLANTED)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", *workers]
    options = ["--rootdir", str(tmp_path), "--basetemp", str(tmp_path / "left"), str(tmp_path)]
    done = subprocess.run(
        [*command, *options],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    shutil.rmtree(tmp_path / "left")  # it would fail this session, too
    assert done.returncode == 1 and "4 passed" in done.stdout, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if "a secret of Kaggle's" in line]
    assert len(lines) == 3
    assert any(line.endswith("notes.log: byte 22") for line in lines)
    assert any("test_said: Captured stdout call" in line for line in lines)
    assert any("test_logged: Captured log call" in line for line in lines)


@given(st.binary(max_size=9), st.binary(max_size=9), st.booleans())
def test_a_secret_is_found_in_any_text_and_in_base64(before, after, in_base64):
    text = before + KEY.encode() + after
    text = base64.b64encode(text) if in_base64 else text
    assert found_in_text(text.decode("latin-1"))


def test_a_secret_is_found_in_a_database_and_no_old_file_is_looked_at(tmp_path):
    assert not found_in_files([tmp_path])
    file = tmp_path / "prefect.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE run (parameters TEXT)")
        database.execute("INSERT INTO run VALUES (?)", [f'{{"token": "{TOKEN}"}}'])
    database.close()
    (place,) = found_in_files([tmp_path])
    later = found_in_files([tmp_path], time.time() + 1)
    file.unlink()  # it would fail this session
    assert place.startswith(f"{file}: byte ") and not later


@pytest.mark.parametrize("at", [5, 6 << 10, (64 << 10) - 3, (64 << 10) - len(TOKEN) + 1])
@pytest.mark.parametrize("kind", ["", *COMPRESS])
def test_a_secret_is_found_wherever_it_stands_in_a_large_or_a_compressed_file(
    tmp_path, monkeypatch, kind, at
):
    monkeypatch.setattr(secret_search, "PART", 1 << 12)
    other = random.Random(at).randbytes(at + 5000).hex().encode()  # so that all is coded
    text = other[:at] + TOKEN.encode() + other[at:]
    file = tmp_path / f"a.log{kind}"
    file.write_bytes(COMPRESS[kind](text) if kind else text)
    found = found_in_files([tmp_path])
    file.unlink()  # it would fail this session
    assert found == [f"{file}: byte {at + TOKEN.index(secret_search.MARK)}"]


def test_the_holes_of_a_sparse_file_take_no_time(tmp_path):
    file = tmp_path / "a.bin"
    with file.open("wb") as sparse:
        sparse.truncate(1 << 34)
        sparse.seek(1 << 33)
        sparse.write(TOKEN.encode())
    found = found_in_files([tmp_path])
    file.unlink()  # it would fail this session
    assert found == [f"{file}: byte {(1 << 33) + TOKEN.index(secret_search.MARK)}"]
