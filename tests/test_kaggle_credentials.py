"""Every form of Kaggle's credentials, and the header that the server receives."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from femtogpt.sources import kaggle
from femtogpt.sources.kaggle import KaggleError, KaggleUnreachable
from tests.kaggle_home import NAME, kaggle_at_home
from tests.secret_search import KEY as SECRET
from tests.secret_search import REFRESH, TOKEN

ELSEWHERE = "http://elsewhere.test/"
BASIC = "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
BEARER = f"Bearer {TOKEN}"
KEY = json.dumps({"username": "me", "key": SECRET})


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    with kaggle_at_home(tmp_path, monkeypatch) as server:
        yield server


def give(kind: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> str | None:
    """Set up credentials of a kind; the Authorization header that they must lead to."""
    match kind:
        case "KAGGLE_API_TOKEN":
            monkeypatch.setenv("KAGGLE_API_TOKEN", TOKEN)
            return BEARER
        case "KAGGLE_API_TOKEN, a path":
            write(home / "token", TOKEN + "\n")
            monkeypatch.setenv("KAGGLE_API_TOKEN", str(home / "token"))
            return BEARER
        case "~/.kaggle/access_token" | "~/.kaggle/access_token.txt":
            write(home / kind.removeprefix("~/"), TOKEN)
            return BEARER
        case "KAGGLE_USERNAME and KAGGLE_KEY":
            monkeypatch.setenv("KAGGLE_USERNAME", "me")
            monkeypatch.setenv("KAGGLE_KEY", SECRET)
            return BASIC
        case "~/.kaggle/kaggle.json" | "~/.config/kaggle/kaggle.json":
            write(home / kind.removeprefix("~/"), KEY)
            return BASIC
        case "$KAGGLE_CONFIG_DIR/kaggle.json":
            write(home / "elsewhere/kaggle.json", KEY)
            monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(home / "elsewhere"))
            return BASIC
        case "$XDG_CONFIG_HOME/kaggle/kaggle.json":
            write(home / "settings/kaggle/kaggle.json", KEY)
            monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "settings"))
            return BASIC
        case "OAuth":
            log_in(home, timedelta(hours=5))
            return BEARER
        case "OAuth, to be renewed":
            log_in(home, timedelta(hours=-5), "old")
            return BEARER
        case "a home that cannot be written":
            monkeypatch.setenv("HOME", "/dev/null/x")
        case "a token and a key":  # the client prefers the token
            write(home / ".kaggle/kaggle.json", KEY)
            return give("KAGGLE_API_TOKEN", home, monkeypatch)
    return None


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o600)


def log_in(home: Path, left: timedelta, token: str = TOKEN) -> None:
    """The file that `kaggle auth login` writes."""
    credentials = {
        "refresh_token": REFRESH,
        "access_token": token,
        "access_token_expiration": (datetime.now(UTC) + left).isoformat(),
        "username": "tester",
        "scopes": ["resources.admin:*"],
    }
    write(home / ".kaggle/credentials.json", json.dumps(credentials))


FORMS = [
    "none",
    "a home that cannot be written",
    "KAGGLE_API_TOKEN",
    "KAGGLE_USERNAME and KAGGLE_KEY",
    "~/.kaggle/kaggle.json",
    "OAuth, to be renewed",
]
RARE = [
    "KAGGLE_API_TOKEN, a path",
    "~/.kaggle/access_token",
    "~/.kaggle/access_token.txt",
    "~/.config/kaggle/kaggle.json",
    "$KAGGLE_CONFIG_DIR/kaggle.json",
    "$XDG_CONFIG_HOME/kaggle/kaggle.json",
    "OAuth",
    "a token and a key",
]


@pytest.mark.parametrize(
    "kind", [*FORMS, *(pytest.param(kind, marks=pytest.mark.slow) for kind in RARE)]
)
def test_kaggle_is_asked_with_the_credentials_that_are_there(kind, stand_in, tmp_path, monkeypatch):
    expected = give(kind, tmp_path / "home", monkeypatch)

    assert kaggle.pinned(NAME) == f"{NAME}/1"

    asked = [request.authorization for request in stand_in.asked("GetDataset")]
    assert asked == [expected]


def test_a_download_gives_the_credentials_to_kaggle_and_not_to_the_storage(
    stand_in, tmp_path, monkeypatch
):
    give("KAGGLE_USERNAME and KAGGLE_KEY", tmp_path, monkeypatch)
    kaggle.fetch(NAME, None, tmp_path)
    (asked,) = stand_in.asked("DownloadDataset")
    (file,) = stand_in.downloads
    assert (asked.authorization, file.authorization) == (BASIC, None)


@pytest.mark.parametrize(
    "kind",
    ["a token that has ended", pytest.param("OAuth that has ended", marks=pytest.mark.slow)],
)
def test_credentials_that_kaggle_does_not_know_are_told_of(kind, stand_in, tmp_path, monkeypatch):
    if kind == "a token that has ended":
        monkeypatch.setenv("KAGGLE_API_TOKEN", "old")
    if kind == "OAuth that has ended":
        log_in(tmp_path / "home", timedelta(hours=-5), "old")
        monkeypatch.setattr("tests.kaggle_stand_in.REFRESH", "another")
    stand_in.refuse = 401

    with pytest.raises(KaggleError) as caught:
        kaggle.fetch(NAME, None, tmp_path)

    first, second = str(caught.value).split("\n")
    assert first.startswith(
        "Kaggle refused d0rj/books (401 Unauthorized; no valid credentials were found)"
    )
    assert "KAGGLE_API_TOKEN" in second and "kaggle.json" in second
    assert not isinstance(caught.value, ConnectionError)


@pytest.mark.parametrize(
    "kind",
    ["KAGGLE_API_TOKEN", pytest.param("OAuth, to be renewed", marks=pytest.mark.slow)],
)
def test_a_question_with_a_token_in_it_is_not_sent_on_to_another_host(
    kind, stand_in, tmp_path, monkeypatch
):
    give(kind, tmp_path / "home", monkeypatch)
    elsewhere = []

    def redirected(handler) -> bool:
        if handler.path.startswith(ELSEWHERE):
            elsewhere.append(handler.body)
        handler.answer_empty(307, "Location", ELSEWHERE)
        return True

    stand_in.instead = redirected
    with pytest.raises(KaggleError, match="it sends questions on to another host"):
        kaggle.fetch(NAME, None, tmp_path)
    assert stand_in.requests and not elsewhere


@pytest.mark.parametrize("kind", ["KAGGLE_API_TOKEN", "KAGGLE_USERNAME and KAGGLE_KEY"])
def test_credentials_that_a_server_says_back_are_not_shown(kind, stand_in, tmp_path, monkeypatch):
    sent = give(kind, tmp_path / "home", monkeypatch)
    key = TOKEN if sent == BEARER else SECRET

    def said_back(handler) -> bool:
        name = handler.path.rpartition("/")[2]
        if name != "DownloadDataset":
            return False
        handler._error(403, f"who is {handler.headers['Authorization']} with {key}?")
        return True

    stand_in.instead = said_back
    with pytest.raises(KaggleError) as caught:
        kaggle.fetch(NAME, None, tmp_path)
    assert f"who is {sent.split()[0]} … with …?" in str(caught.value)


def test_a_page_in_place_of_an_answer_about_the_token_may_be_retried(
    stand_in, tmp_path, monkeypatch
):
    give("KAGGLE_API_TOKEN", tmp_path / "home", monkeypatch)

    def sign_in(handler) -> bool:
        handler._answer(200, "text/html", b"<html>Sign in to the Wi-Fi</html>")
        return True

    stand_in.instead = sign_in
    with pytest.raises(KaggleUnreachable, match="something else came in place of its answer"):
        kaggle.fetch(NAME, None, tmp_path)
