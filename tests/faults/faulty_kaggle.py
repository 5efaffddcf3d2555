"""Kaggle's stand-in with one fault after another, and another host to which it sends people.

The stand-in is the client's proxy, so that it also sees what is sent to the other host.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from tests.kaggle_home import NAME
from tests.kaggle_stand_in import FILES, KaggleStandIn

PLACES = {"GetDataset": "question", "DownloadDataset": "download", "IntrospectToken": "token"}
STATUSES = (401, 403, 404, 429, 500, 503)
FOR_GOOD = (401, 403, 404)  # no retry helps
REDIRECTS = (301, 302, 303, 307, 308)
ELSEWHERE = "http://elsewhere.test/"
JSON = "application/json"
ETAG = '"changed"'


@dataclass(frozen=True)
class Fault:
    """What happens instead of an answer, once."""

    place: str  # question, download or file
    kind: str
    number: int = 0  # the status, or a share in thousandths
    wait: int = 0  # seconds that Retry-After asks for

    def __str__(self) -> str:
        number = f" {self.number}" if self.number else ""
        return (
            f"{self.kind}{number} at the {self.place}{f' (wait {self.wait} s)' * bool(self.wait)}"
        )

    @property
    def is_for_good(self) -> bool:
        return self.kind == "status" and self.number in FOR_GOOD and self.place != "question"


class FaultyKaggle:
    """The stand-in, which meets each request with the next fault of its place, if there is one."""

    def __init__(self, kaggle: KaggleStandIn, secrets: tuple[str, ...]):
        self.kaggle, self.secrets = kaggle, secrets
        self.elsewhere: list[str] = []  # all that the other host was sent
        self.faults: list[Fault] = []
        self.again: Fault | None = None  # every time, when the others are over
        self.change: Callable[[], None] = lambda: None  # publishes another file
        self.met: list[Fault] = []
        kaggle.instead = self.instead

    def instead(self, handler: Any) -> bool:
        """Answer with a fault, or as the other host; whether it did."""
        if handler.path.startswith(ELSEWHERE):
            self.elsewhere.append(f"{handler.requestline}\n{handler.headers}\n{handler.body!r}")
            _send(handler, 200, self.kaggle.data(NAME) or b"")
            return True
        name = handler.path.rpartition("/")[2].partition("?")[0]
        place = "file" if handler.path.startswith(FILES) else PLACES.get(name, "")
        fault = next((fault for fault in self.faults if fault.place == place), None)
        if fault is not None:
            self.faults.remove(fault)
        elif self.again is not None and self.again.place == place:
            fault = self.again
        if fault is None:
            return False
        self.met.append(fault)
        with suppress(ConnectionError):
            return self._answer(handler, fault)
        return True

    def _answer(self, handler: Any, fault: Fault) -> bool:
        data = self.kaggle.data(NAME) or b""
        share = len(data) * fault.number // 1000
        match fault.kind:
            case "status":
                _status(handler, fault)
            case "echo":  # it says back what it was sent
                message = f"no: {handler.headers.get('Authorization')}, {', '.join(self.secrets)}"
                _send(handler, 403, json.dumps({"code": 403, "message": message}).encode(), JSON)
            case "page":
                _send(handler, 200, b"<html>Sign in to the Wi-Fi</html>", "text/html")
            case "redirect":
                _send(handler, fault.number, b"", location=f"{ELSEWHERE}{NAME}.zip")
            case "circle":
                _send(handler, 302, b"", location=handler.path)
            case "hung up":
                handler.close_connection = True
            case "cut":
                _send(handler, 200, data[:share], length=len(data))
            case "stall":
                _send(handler, 200, data[:share], length=len(data), close=False)
                handler.wfile.flush()
                handler._wait()
            case "too short a length":
                _send(handler, 200, data[:share])
            case "too long a length":
                _send(handler, 200, data, length=len(data) + 1 + fault.number)
            case "no length":
                _send(handler, 200, data[:share], length=None)
            case "garbled":
                _send(handler, 200, data[:share] + b"!" * 64 + data[share + 64 :])
            case "changed":  # the connection is cut, and another file is there afterwards
                _send(handler, 200, data[:share], length=len(data))
                self.change()
        return True


def _status(handler: Any, fault: Fault) -> None:
    message = json.dumps({"code": fault.number, "message": "not now"}).encode()
    _send(handler, fault.number, message, JSON, wait=fault.wait)


def _send(
    handler: Any,
    status: int,
    body: bytes,
    kind: str = "application/zip",
    *,
    length: int | None = -1,
    location: str = "",
    wait: int = 0,
    close: bool = True,
) -> None:
    """An answer with the length of its body, with another length, or with none."""
    length = len(body) if length == -1 else length
    handler.send_response(status)
    named = {"Content-Type": kind, "Location": location, "Retry-After": wait, "ETag": ETAG}
    for name, value in named.items():
        if value:
            handler.send_header(name, str(value))
    if length is not None:
        handler.send_header("Content-Length", str(length))
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.wfile.write(body)
    handler.close_connection = close


def drawn(draw: random.Random, kind: str) -> Fault:
    """A fault of a kind, at a place where it can be."""
    share = draw.randrange(1, 999)
    if kind.isdecimal():
        place = draw.choice(("question", "download", "file"))
        wait = draw.choice((0, 1, 7, 90, 400)) if kind in ("429", "503") else 0
        return Fault(place, "status", int(kind), wait)
    if kind == "redirect":
        return Fault(draw.choice((*PLACES.values(), "file")), kind, draw.choice(REDIRECTS))
    if kind in ("page", "circle", "hung up"):
        return Fault(draw.choice((*PLACES.values(), "file")), kind)
    if kind == "echo":
        return Fault(draw.choice(("question", "download")), kind)
    return Fault("file", kind, share)
