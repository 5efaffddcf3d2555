"""Servers of other projects, for this machine's own pages and programs only."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocketClose

HOST = "127.0.0.1"
POLICY_VIOLATION = 1008  # of websockets


class LocalOnly:
    """Refuses what is addressed to another host, and what a page of another origin sends.

    A page whose host name leads here (DNS rebinding) has another Host. One that sends something
    has its Origin, which a program has not; without a Content-Type, no browser asks beforehand.
    """

    def __init__(self, app: ASGIApp, port: int, most_bytes: int | None = None):
        """``most_bytes``: of a request that says how long it is; others are then refused."""
        self.app, self.most_bytes = app, most_bytes
        self.hosts = {f"{HOST}:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refusal = None
        if scope["type"] in ("http", "websocket"):
            refusal = self._refusal(Headers(scope=scope), scope.get("method"))
        if refusal is None:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(POLICY_VIOLATION)(scope, receive, send)
        else:
            await PlainTextResponse(f"{refusal[1]}\n", refusal[0])(scope, receive, send)

    def _refusal(self, headers: Headers, method: str | None) -> tuple[int, str] | None:
        if headers.getlist("host") not in [[host] for host in self.hosts]:
            return 403, "this server answers under its own address only"
        if not self.origins.issuperset(headers.getlist("origin")):
            return 403, "this server answers no page of another origin"
        if self.most_bytes is not None and method not in (None, "GET", "HEAD"):
            size = headers.get("content-length", "")
            if not size.isdecimal() or int(size) > self.most_bytes:
                return 413, f"a request has at most {self.most_bytes:,} bytes, and says how many"
        return None
