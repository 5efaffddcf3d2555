"""A home folder without credentials, where the Kaggle client finds the stand-in for Kaggle."""

from __future__ import annotations

import io
import os
import random
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.kaggle_stand_in import KaggleStandIn

NAME = "d0rj/books"
FILE = "books.zip"


def archive(seed: int = 0) -> bytes:
    """A zip with a text and 300 kB that do not compress, different for each seed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as zipped:
        zipped.writestr("prose/Чехов/Дуэль.txt", "Было восемь часов утра. " * 20)
        zipped.writestr("noise.bin", random.Random(seed).randbytes(300_000))
    return buffer.getvalue()


ARCHIVE = archive()


@contextmanager
def kaggle_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[KaggleStandIn]:
    """The stand-in with one dataset; its address in the environment, ``tmp_path/home`` as home."""
    for name in [name for name in os.environ if name.startswith("KAGGLE_")]:
        monkeypatch.delenv(name)
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    with KaggleStandIn({NAME: ARCHIVE}) as server:
        for name, value in server.env().items():
            monkeypatch.setenv(name, value)
        yield server


def unreachable(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    """Point the client to a port of this machine instead of Kaggle."""
    for name in ("HTTP_PROXY", "http_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{port}")
