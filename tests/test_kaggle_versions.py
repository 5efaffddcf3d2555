"""Which version of a dataset a run uses, even if Kaggle cannot be reached."""

from __future__ import annotations

import logging
import socket
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from femtogpt.artifacts.store import Store
from femtogpt.errors import UserError
from femtogpt.sources import kaggle_process
from femtogpt.sources.fetch import fetch
from femtogpt.sources.kaggle import KaggleUnreachable
from femtogpt.sources.kaggle_process import ADVICE
from femtogpt.sources.texts import Kaggle
from tests.helpers import config, listed
from tests.kaggle_home import ARCHIVE, FILE, NAME, archive, kaggle_at_home, unreachable

NEWER = archive(seed=1)


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    with kaggle_at_home(tmp_path, monkeypatch) as server:
        yield server


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path / "data")


def fetched(store: Store, dataset: str = NAME, **settings):
    return fetch(store, "books", Kaggle(dataset=dataset, **settings))


def the_bytes(artifact) -> bytes:
    return (artifact.path / "bytes" / FILE).read_bytes()


def test_an_unchanged_dataset_is_fetched_once_and_a_new_version_at_the_next_run(stand_in, store):
    first = fetched(store)
    assert fetched(store) == first
    assert len(stand_in.downloads) == 1
    stand_in.publish(NAME, NEWER)
    second = fetched(store)
    assert (the_bytes(first), the_bytes(second)) == (ARCHIVE, NEWER)
    assert first.content != second.content
    assert second.counts["provenance"]["version"] == 2
    assert fetched(store) == second
    assert len(stand_in.downloads) == 2


def test_a_version_that_is_given_is_asked_for_once_and_is_that_of_an_earlier_run(stand_in, store):
    current = fetched(store)
    stand_in.publish(NAME, NEWER)
    stand_in.requests.clear()
    assert fetched(store, f"{NAME}/1") == current
    assert stand_in.requests == []


def test_the_version_asked_for_is_the_one_that_comes(stand_in, store):
    """Even if another version appears in between."""
    source = Kaggle(dataset=NAME).pinned()
    stand_in.publish(NAME, NEWER)
    assert the_bytes(fetch(store, "books", source)) == ARCHIVE


SAYS = {
    "a page": ("text/html", b"<html>Sign in to the Wi-Fi</html>"),
    "half of it": ("application/json", b'{"title": "'),
    "null": ("application/json", b"null"),
    "no version": ("application/json", b'{"title": "books"}'),
    "a list": ("application/json", b"[1, 2]"),
    "words": ("application/json", b'{"currentVersionNumber": "x", "lastUpdated": 7}'),
}
RARE = {"half of it", "null", "a list", "words", "403", "500"}


@pytest.fixture(scope="module")
def at_hand(tmp_path_factory):
    """A stand-in, and a store with the artifact fetched from it."""
    folder = tmp_path_factory.mktemp("at_hand")
    with pytest.MonkeyPatch.context() as patch, kaggle_at_home(folder, patch) as stand_in:
        store = Store(folder / "data")
        yield stand_in, store, fetched(store)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(kind, marks=[pytest.mark.slow] if kind in RARE else [])
        for kind in ["silence", "403", "404", "500", *SAYS]
    ],
)
def test_what_is_at_hand_is_used_where_kaggle_does_not_tell_the_version(
    kind, at_hand, monkeypatch, caplog
):
    stand_in, store, earlier = at_hand
    monkeypatch.setattr(stand_in, "silent", kind == "silence")
    monkeypatch.setattr(stand_in, "refuse", int(kind) if kind.isdigit() else None)
    monkeypatch.setattr(stand_in, "say", (200, *SAYS[kind]) if kind in SAYS else None)
    monkeypatch.setattr(kaggle_process, "ANSWER_SECONDS", 1.5 if kind == "silence" else 15)
    start = time.monotonic()

    with caplog.at_level(logging.WARNING):
        assert fetched(store) == earlier

    assert time.monotonic() - start < 10
    assert len(stand_in.downloads) == 1
    (line,) = caplog.messages
    assert "Kaggle" in line and "\n" not in line
    moment = earlier.manifest["made"][:16].replace("T", " ")
    assert line.endswith(
        "; used instead: https://www.kaggle.com/datasets/d0rj/books/versions/1,"
        f" fetched {moment} UTC"
    )


def test_without_a_network_the_highest_version_that_is_whole_is_used(
    stand_in, store, monkeypatch, caplog
):
    stand_in.publish(NAME, NEWER)
    latest, first = fetched(store, f"{NAME}/2"), fetched(store, f"{NAME}/1")
    with no_network(monkeypatch):
        assert fetched(store) == latest
        damage(latest)
        assert fetched(store) == first
        damage(first)
        with pytest.raises(KaggleUnreachable) as caught:
            fetched(store)
    message = f"Kaggle cannot be reached for {NAME}: Connection refused"
    assert str(caught.value) == f"{message}\n{ADVICE}"
    assert [line.split(": ", 1)[1].split(";")[0] for line in caplog.messages] == [message, message]


@contextmanager
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with socket.socket() as taken:  # bound and not listening: connections are refused
        taken.bind(("127.0.0.1", 0))
        unreachable(monkeypatch, taken.getsockname()[1])
        yield


def damage(artifact) -> None:
    """Make it a valid zip that is not what was downloaded."""
    with zipfile.ZipFile(artifact.path / "bytes" / FILE, "a") as zipped:
        zipped.writestr("more.txt", "more")


def test_a_copy_is_not_taken_for_what_kaggle_has(stand_in, store, tmp_path):
    (tmp_path / "copy.zip").write_bytes(NEWER)
    fetched(store, archive=tmp_path / "copy.zip")
    stand_in.refuse = 403
    with pytest.raises(UserError, match="refused"):
        fetched(store)


def test_what_came_without_its_version_is_kept_until_that_is_told(stand_in, store, caplog):
    stand_in.say = (404, "application/json", b'{"code": 404, "message": "no such method"}')
    unknown = fetched(store)
    assert caplog.messages == []
    assert fetched(store) == unknown
    assert len(caplog.messages) == 1
    assert "used instead: https://www.kaggle.com/datasets/d0rj/books, fetched" in caplog.messages[0]
    stand_in.say = None
    assert fetched(store).digest != unknown.digest
    assert len(stand_in.downloads) == 2


def test_a_configuration_is_fixed_to_the_versions_of_its_datasets(stand_in, store):
    from tasks.stages import pin

    own = listed({"one": "Жил-был кот."})
    settings = config({"books": Kaggle(dataset=NAME), "own": own}, paths={"data": store.root})
    fixed = pin.fn(settings)
    stand_in.publish(NAME, NEWER)
    assert fixed.sources == {"books": Kaggle(dataset=f"{NAME}/1"), "own": own}
    assert pin.fn(fixed) == fixed
    assert len(stand_in.requests) == 1
    assert fixed.model_copy(update={"sources": settings.sources}) == settings
