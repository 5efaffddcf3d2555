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
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

API = "http://localhost/api/v1/"
FILES = "http://storage.test/"  # another host than the API's, as with Kaggle
TOKEN = "good-token"
LAST_MODIFIED = "Tue, 03 Mar 2026 12:00:00 GMT"
LICENCE = "CC0-1.0"
LONGEST = 60.0  # seconds that a stalled answer waits for the client to give up


@dataclass(frozen=True)
class Request:
    method: str
    url: str
    authorization: str | None
    range: str | None

    @property
    def name(self) -> str:
        """The last part of the address: the API's method, or the file."""
        return urlsplit(self.url).path.rpartition("/")[2]


class KaggleStandIn:
    """The server, its datasets ("owner/slug" or "owner/slug/version" to bytes) and its faults.

    Faults are set as attributes and can be changed while it runs.
    """

    def __init__(self, datasets: dict[str, bytes]):
        self.datasets = datasets
        self.refuse: int | None = None  # this status to every request for a dataset
        self.refuse_file: int | None = None  # this status, in XML, to every request for a file
        self.fail_first = 0  # 500 to so many requests for a dataset
        self.cut_after: int | None = None  # close the connection after so many bytes, once
        self.stall_after: int | None = None  # send nothing after so many bytes, each time
        self.garble = False  # some bytes in the middle are others; the size stays
        self.requests: list[Request] = []
        self.hung_up = threading.Event()  # the client closed the connection of a stalled answer

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
        """The variables with which a process finds the stand-in instead of Kaggle."""
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


class _Handler(BaseHTTPRequestHandler):
    stand_in: KaggleStandIn
    protocol_version = "HTTP/1.1"

    def log_message(self, *_: object) -> None:
        pass

    def do_POST(self) -> None:
        self._record()
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        match self.path.removeprefix(API):
            case "security.OAuthService/IntrospectToken":
                self._json(200, {"active": body["token"] == TOKEN, "username": "tester"})
            case "datasets.DatasetApiService/GetDatasetMetadata":
                if self._allowed(self._name(body)):
                    self._json(200, {"info": {"licenses": [{"name": LICENCE}]}})
            case "datasets.DatasetApiService/DownloadDataset":
                self._redirect(self._name(body))
            case _:
                self._error(502, "this is only a stand-in for Kaggle")

    def do_GET(self) -> None:
        self._record()
        name = urlsplit(self.path).path.strip("/").removesuffix(".zip")
        if not self.path.startswith(FILES) or name not in self.stand_in.datasets:
            self._error(502, "this is only a stand-in for Kaggle")
            return
        if status := self.stand_in.refuse_file:
            self._answer(status, "application/xml", b"<Error><Code>ExpiredToken</Code></Error>")
            return
        data = self.stand_in.datasets[name]
        etag = f'"{hashlib.sha256(data).hexdigest()[:16]}"'
        if self.stand_in.garble:
            start = len(data) // 3
            data = data[:start] + bytes(~byte & 255 for byte in data[start : start + 64])
            data += self.stand_in.datasets[name][start + 64 :]
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
            if select.select([self.connection], [], [], LONGEST)[0]:  # only its end can come
                stand_in.hung_up.set()
            self.close_connection = True
        elif stand_in.cut_after is not None:
            data, stand_in.cut_after = data[: stand_in.cut_after], None
            self.wfile.write(data)
            self.close_connection = True
        else:
            self.wfile.write(data)

    def _record(self) -> None:
        headers = self.headers
        request = Request(self.command, self.path, headers["Authorization"], headers["Range"])
        self.stand_in.requests.append(request)

    def _name(self, body: dict) -> str:
        parts = [body["ownerSlug"], body["datasetSlug"], body.get("datasetVersionNumber")]
        return "/".join(str(part) for part in parts if part)

    def _redirect(self, name: str) -> None:
        if self.stand_in.fail_first > 0:
            self.stand_in.fail_first -= 1
            self._error(500, "Internal error")
        elif self._allowed(name):
            self.send_response(302)
            self.send_header("Location", f"{FILES}{name}.zip?signature=secret")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def _allowed(self, name: str) -> bool:
        """Whether the dataset may be had; otherwise it has been refused."""
        status = self.stand_in.refuse or (None if name in self.stand_in.datasets else 404)
        if status is not None:
            self._error(status, "Permission 'datasets.get' was denied")
        return status is None

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
