"""Who may ask: this page, on this machine. A web page elsewhere may not, whatever it tries."""

from __future__ import annotations

import hmac

from fastapi.responses import JSONResponse
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from femtogpt.playground.refused import Refused

TOKEN_HEADER = "X-Playground-Token"
MOST_BYTES = 1 << 20  # of a request
ADDED = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self';"
    " img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


class Doors:
    """Refuses what is not addressed to this machine, and orders that are not this page's own.

    A foreign page whose host name leads here (DNS rebinding) has another Host; one that sends a
    form or a script's request has another Origin, and does not know the token of this start.
    """

    def __init__(self, app: ASGIApp, port: int, token: str):
        self.app, self.token = app, token
        self.hosts = {f"127.0.0.1:{port}", f"localhost:{port}"}
        self.origins = {f"http://{host}" for host in self.hosts}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":  # lifespan; the server takes no websockets
            await self.app(scope, receive, send)
            return

        async def send_closed(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(ADDED)
            await send(message)

        if self._fits(scope):
            await self.app(scope, receive, send_closed)
        else:
            answer = JSONResponse(Refused("bad door").as_dict(), 403)
            await answer(scope, receive, send_closed)

    def _fits(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if headers.getlist("host") not in [[host] for host in self.hosts]:
            return False
        if scope["method"] in ("GET", "HEAD"):
            return True
        sent, size = headers.get(TOKEN_HEADER, ""), headers.get("content-length", "")
        return (
            headers.get("origin") in self.origins
            and hmac.compare_digest(sent.encode(), self.token.encode())
            and size.isdecimal()
            and int(size) <= MOST_BYTES
        )
