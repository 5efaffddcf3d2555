"""A stand-in for Kaggle's API on 127.0.0.1, for the real client in this or another process.

::

    with KaggleStandIn({"owner/slug": zip_bytes}) as kaggle:
        subprocess.run(command, env={**os.environ, **kaggle.env()})
    assert kaggle.downloads

The client finds it as the HTTP proxy through which it asks ``http://localhost`` (Kaggle's own
name for a server under development). 127.0.0.1 is exempt, so that other programs which the
process starts on this machine (Prefect, MLflow) are still reached.
"""

from __future__ import annotations

import hashlib
import json
import re
import select
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.secret_search import REFRESH, TOKEN  # it accepts the first, gives it for the other

API = "http://localhost/api/v1/"
FILES = "http://storage.test/"  # another host than the API's, as with Kaggle
LAST_MODIFIED = "Tue, 03 Mar 2026 12:00:00 GMT"
LICENCE = "CC0: Public Domain"
TITLE = "Русская классика"
MAX_STALL_SECONDS = 60.0  # how long a stalled answer waits for the client to give up


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    authorization: str | None
    range: str | None

    @property
    def name(self) -> str:
        """The last part of the URL: the API's method or the file."""
        return urlsplit(self.url).path.rpartition("/")[2]


class KaggleStandIn:
    """The server, its datasets ("owner/slug" or "owner/slug/version" to bytes) and its faults.

    "owner/slug" stands for the current version, which is 1 until another is published. Faults
    are set as attributes and can be changed while it runs.
    """

    def __init__(self, datasets: dict[str, bytes]):
        self.datasets = datasets
        self.current: dict[str, int] = {}  # dataset to the number of its version, if not 1
        self.refuse: int | None = None  # answer every request for a dataset with this status
        self.refuse_file: int | None = None  # answer every request for a file with it, in XML
        self.fail_first = 0  # answer this many requests for a download with 500
        self.say: tuple[int, str, bytes] | None = None  # status, type and body about any dataset
        self.silent = False  # never answer a request about a dataset
        self.cut_after: int | None = None  # close the connection after this many bytes, once
        self.refuse_after_cut: int | None = None  # status for files after the cut
        self.stall_after: int | None = None  # send nothing after this many bytes, every time
        self.garble = False  # corrupt some bytes in the middle
        self.instead: Callable[[BaseHTTPRequestHandler], bool] | None = None  # whether it answered
        self.requests: list[Request] = []
        self.hung_up = threading.Event()  # the client closed the connection of a stalled answer

    def publish(self, name: str, data: bytes) -> None:
        """Publish a new version of a dataset; the older ones stay available."""
        version = self.current.get(name, 1)
        self.datasets[f"{name}/{version}"] = self.datasets[name]
        self.datasets[name], self.current[name] = data, version + 1

    def data(self, name: str) -> bytes | None:
        """The bytes of a dataset, by its name with or without a version."""
        dataset, _, version = name.rpartition("/")
        if name not in self.datasets and version == str(self.current.get(dataset, 1)):
            name = dataset
        return self.datasets.get(name)

    def __enter__(self) -> KaggleStandIn:
        handler = type("Handler", (_Handler,), {"stand_in": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def env(self) -> dict[str, str]:
        """The environment variables that point a process to the stand-in instead of Kaggle."""
        proxy = f"http://127.0.0.1:{self._server.server_port}"
        exempt = "127.0.0.1"
        return {
            "KAGGLE_API_ENVIRONMENT": "LOCALHOST",
            **{"HTTP_PROXY": proxy, "http_proxy": proxy, "NO_PROXY": exempt, "no_proxy": exempt},
        }

    @property
    def downloads(self) -> list[Request]:
        """The requests for files, ranges included."""
        return [request for request in self.requests if request.url.startswith(FILES)]

    def asked(self, method: str) -> list[Request]:
        """The requests for a method of the API."""
        return [request for request in self.requests if request.name == method]


class _Handler(BaseHTTPRequestHandler):
    stand_in: KaggleStandIn
    protocol_version = "HTTP/1.1"
    body = b""

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self._record()
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.loads(self.body or b"{}")
        if self.stand_in.instead and self.stand_in.instead(self):
            return
        match self.path.removeprefix(API):
            case "security.OAuthService/IntrospectToken":
                self._json(200, {"active": body["token"] == TOKEN, "username": "tester"})
            case "users.AccountService/GenerateAccessToken":
                if body["refreshToken"] == REFRESH:
                    self._json(200, {"token": TOKEN, "expiresIn": 43200, "userName": "tester"})
                else:
                    self._error(401, "Unauthenticated")
            case "datasets.DatasetApiService/GetDataset":
                self._describe(f"{body['ownerSlug']}/{body['datasetSlug']}")
            case "datasets.DatasetApiService/DownloadDataset":
                parts = [body["ownerSlug"], body["datasetSlug"], body.get("datasetVersionNumber")]
                self._redirect("/".join(str(part) for part in parts if part))
            case _:
                self._error(502, "this is only a stand-in for Kaggle")

    def do_GET(self) -> None:
        self._record()
        if self.stand_in.instead and self.stand_in.instead(self):
            return
        name = urlsplit(self.path).path.strip("/").removesuffix(".zip")
        content = self.stand_in.data(name)
        if not self.path.startswith(FILES) or content is None:
            self._error(502, "this is only a stand-in for Kaggle")
            return
        if status := self.stand_in.refuse_file:
            self._answer(status, "application/xml", b"<Error><Code>ExpiredToken</Code></Error>")
            return
        data = content
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        if self.stand_in.garble:
            start = len(data) // 3
            data = data[:start] + bytes(~byte & 255 for byte in data[start : start + 64])
            data += content[start + 64 :]
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(found[1]) if found and self.headers.get("If-Range", etag) == etag else 0
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Type", "application/zip")
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("ETag", etag)
        self.send_header("Last-Modified", LAST_MODIFIED)
        self.end_headers()
        with suppress(ConnectionError):
            self._send(data[start:])

    def _send(self, data: bytes) -> None:
        stand_in = self.stand_in
        if stand_in.stall_after is not None:
            self.wfile.write(data[: stand_in.stall_after])
            self._wait()
        elif stand_in.cut_after is not None:
            data, stand_in.cut_after = data[: stand_in.cut_after], None
            stand_in.refuse_file = stand_in.refuse_after_cut
            self.wfile.write(data)
            self.close_connection = True
        else:
            self.wfile.write(data)

    def _wait(self) -> None:
        """Send nothing until the client hangs up."""
        is_closed, _, _ = select.select([self.connection], [], [], MAX_STALL_SECONDS)
        if is_closed:
            self.stand_in.hung_up.set()
        self.close_connection = True

    def _record(self) -> None:
        headers = self.headers
        request = Request(self.command, self.path, headers["Authorization"], headers["Range"])
        self.stand_in.requests.append(request)

    def _describe(self, name: str) -> None:
        if self.stand_in.silent:
            self._wait()
        elif self.stand_in.say:
            self._answer(*self.stand_in.say)
        elif self._allowed(name):
            current = self.stand_in.current.get(name, 1)
            versions = [
                {
                    "versionNumber": number,
                    "creationDate": f"2026-03-{number:02}T12:00:00.347Z",
                    "status": "Ready",
                }
                for number in range(current, 0, -1)
            ]
            about = {
                "id": 2041,
                "ref": name,
                "title": TITLE,
                "url": f"https://www.kaggle.com/datasets/{name}",
                "totalBytes": len(self.stand_in.data(name)),
                "lastUpdated": versions[0]["creationDate"],
                "licenseName": LICENCE,
                "currentVersionNumber": current,
                "usabilityRating": 0.8125,
                "tags": [{"ref": "literature", "name": "literature"}],
                "versions": versions,
            }
            self._json(200, about)

    def _redirect(self, name: str) -> None:
        if self.stand_in.fail_first > 0:
            self.stand_in.fail_first -= 1
            self._error(500, "Internal error")
        elif self._allowed(name):
            self.answer_empty(302, "Location", f"{FILES}{name}.zip?signature=secret")

    def _allowed(self, name: str) -> bool:
        """Whether the dataset is available; if not, the request has been refused."""
        known = self.stand_in.data(name) is not None
        status = self.stand_in.refuse or (None if known else 404)
        if status is not None:
            self._error(status, "Permission 'datasets.get' was denied")
        return status is None

    def answer_empty(self, status: int, header: str, value: str) -> None:
        """Answer with a header and no body."""
        self.send_response(status)
        self.send_header(header, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _error(self, status: int, message: str) -> None:
        self._json(status, {"code": status, "message": message})

    def _json(self, status: int, value: dict) -> None:
        self._answer(status, "application/json", json.dumps(value).encode())

    def _answer(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)
