"""Whatever is sent to the playground or to a closed server: no file is opened, nothing breaks."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

import hypothesis
import pytest
import uvicorn
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route, WebSocketRoute

from flows.local_only import LocalOnly
from tests.playgrounds import Models, serving

OPENED: list[str] = []  # while there is somebody who reads it
WATCHING = threading.Event()
PATHS = ("/api/write", "/api/talk", "/api/blind", "/api/pieces", "/api/marks", "/api/score")
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT")
PARTS = (
    "..",
    "%2e%2e",
    "..%2f",
    "%2e%2e%2f",
    "..%5c",
    "%00",
    "%252e%252e",
    "etc",
    "passwd",
    "page",
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)
FIELDS = ("runs", "run", "prompt", "text", "turns", "speaker", "characters", "seed", "better")


def opened(event: str, arguments: tuple) -> None:
    if event == "open" and WATCHING.is_set() and isinstance(arguments[0], str | bytes):
        OPENED.append(os.path.abspath(os.fsdecode(arguments[0])))


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    models = Models(tmp_path_factory.mktemp("any") / "data")
    models.make(1)
    return models


@pytest.fixture(scope="module")
def page(models) -> Iterator:
    sys.addaudithook(opened)  # for good: there is no taking it away
    with serving(models.data) as (page, _):
        page.events("/api/write", {"runs": ["run/none"]})  # imports
        yield page


@contextmanager
def only_its_folder(models: Models) -> Iterator[None]:
    """Within it nothing is opened but the data folder, Python's own files, and nothing changes."""
    before = {path: path.stat().st_mtime_ns for path in models.data.rglob("*")}
    OPENED.clear()
    WATCHING.set()
    try:
        yield
    finally:
        WATCHING.clear()
    own = (str(models.data), sys.prefix, sys.base_prefix, os.getcwd() + "/femtogpt/")
    assert not [path for path in OPENED if not path.startswith(own)]
    assert {path: path.stat().st_mtime_ns for path in models.data.rglob("*")} == before


@hypothesis.settings(deadline=None)
@given(st.sampled_from(METHODS), st.lists(st.sampled_from(PARTS), min_size=1, max_size=8))
def test_no_path_and_no_method_opens_another_file(models, page, method, parts):
    with only_its_folder(models):
        status, _, text = page.get(f"/page/{'/'.join(parts)}", method=method)
    assert 400 <= status < 500 and b"root:" not in text


@hypothesis.settings(deadline=None)
@given(st.sampled_from(PATHS), ANYTHING | st.dictionaries(st.sampled_from(FIELDS), ANYTHING))
def test_no_json_opens_another_file_or_breaks_it(models, page, path, body):
    with only_its_folder(models), page.post(path, body) as answer:
        text = answer.read()
        assert answer.status in (409, 422) or b'"why":' in text or path == "/api/score", text


@pytest.mark.parametrize(
    "body",
    [
        *(b"[" * 500_000, b'{"a":' * 100_000, b"\xff\xfe", b"", b"nul", b"1" * 100_000),
        *(b'{"run": "\\ud800", "text": ""}', b'{"run": "a", "run": "b"}', b"NaN"),
    ],
    ids=lambda body: repr(body[:8]),
)
@pytest.mark.parametrize("path", PATHS)
def test_what_is_no_request_is_refused(models, page, path, body):
    with only_its_folder(models), page.post(path, body) as answer:
        assert answer.status in (400, 409, 422), answer.read()
        answer.read()
    assert page.get("/")[0] == 200


def test_a_body_in_parts_whose_size_is_not_told_is_refused(page):
    parts = iter([b"x" * 1000] * 3)
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    with closing(connection):
        own = {"Origin": f"http://127.0.0.1:{page.port}", "X-Playground-Token": page.token}
        connection.request("POST", "/api/score", parts, own, encode_chunked=True)
        assert connection.getresponse().status == 403


def test_it_takes_no_websocket(page):
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    with closing(connection):
        connection.request("GET", "/api/runs", headers={**headers, "Sec-WebSocket-Key": "a" * 24})
        assert connection.getresponse().status != 101


@pytest.fixture(scope="module")
def closed() -> Iterator[int]:
    """The port of a server that takes anything, behind LocalOnly."""

    async def taken(request):
        return PlainTextResponse(await request.body())

    async def socket_taken(connection):
        await connection.accept()
        await connection.close()

    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    routes = [Route("/", taken, methods=["GET", "POST"]), WebSocketRoute("/live", socket_taken)]
    app = LocalOnly(Starlette(routes=routes), port, most_bytes=1000)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    until = time.monotonic() + 20
    while not server.started and time.monotonic() < until:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join(20)


def status(port: int, headers: list[tuple[str, str]], path: str = "/", body: bytes = b"") -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.putrequest("POST" if path == "/" else "GET", path, skip_host=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        return connection.getresponse().status


NAMES = st.from_regex(r"[a-z0-9.\-]{1,20}(:[0-9]{1,5})?", fullmatch=True)


@hypothesis.settings(deadline=None)
@given(NAMES, st.sampled_from(["http://", "https://", "", "null", "file://"]), st.booleans())
def test_a_closed_server_refuses_every_other_host_and_origin(closed, name, scheme, is_host):
    own = f"127.0.0.1:{closed}"
    foreign = name if name != own else "evil.test"
    headers = [("Host", own), ("Origin", f"{scheme}{foreign}"), ("Content-Length", "0")]
    if is_host:
        headers = [("Host", foreign), ("Content-Length", "0")]
    assert status(closed, headers) == 403
    assert status(closed, [("Host", own), ("Host", foreign), ("Content-Length", "0")]) in (400, 403)


def test_a_closed_server_answers_its_own(closed):
    for host in ("127.0.0.1", "localhost"):
        own = [("Host", f"{host}:{closed}"), ("Content-Length", "2")]
        assert status(closed, own, body=b"{}") == 200
        assert status(closed, [*own, ("Origin", f"http://{host}:{closed}")], body=b"{}") == 200


def test_a_closed_server_takes_what_is_small_and_says_so(closed):
    own = ("Host", f"127.0.0.1:{closed}")
    assert status(closed, [own, ("Content-Length", "1001")]) == 413
    assert status(closed, [own, ("Transfer-Encoding", "chunked")], body=b"0\r\n\r\n") == 413


@pytest.mark.parametrize(
    ("origin", "expected"), [(None, 101), ("own", 101), ("http://evil.test", 403)]
)
def test_a_closed_servers_websockets_are_closed_to_others(closed, origin, expected):
    own = f"127.0.0.1:{closed}"
    headers = [("Host", own), ("Upgrade", "websocket"), ("Connection", "Upgrade")]
    headers += [("Sec-WebSocket-Version", "13"), ("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")]
    if origin:
        headers.append(("Origin", f"http://{own}" if origin == "own" else origin))
    assert status(closed, headers, "/live") == expected
