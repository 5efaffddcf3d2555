"""The playground's server: the page, and what it asks for."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from typing import Annotated, Any

import anyio.to_thread
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.sse import EventSourceResponse, format_sse_event
from starlette.exceptions import HTTPException

from femtogpt.errors import UserError
from femtogpt.playground.blind_pairs import Pair
from femtogpt.playground.doors import Doors
from femtogpt.playground.lockstep import Parts, evened
from femtogpt.playground.reading_room import ReadingRoom
from femtogpt.playground.refused import Refused
from femtogpt.playground.request_bodies import (
    AboutText,
    CastVote,
    Compare,
    Continue,
    Talk,
    TwoRuns,
)

TOKEN_PLACE = "{{token}}"  # in the page
TYPES = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
PAGE = {  # the whole page; nothing else is ever read for a request
    file.name: file.read_text("utf-8")
    for file in files(__package__).joinpath("page").iterdir()
    if file.name.rpartition(".")[2] in TYPES
}
log = logging.getLogger(__name__)
routes = APIRouter()


def playground_app(
    room: ReadingRoom, port: int, voted: Callable[[], None] = lambda: None
) -> FastAPI:
    """The application for a port of this machine. ``voted`` is called after each vote."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.state.room, app.state.voted, app.state.token = room, voted, secrets.token_urlsafe(24)
    app.include_router(routes)
    app.add_middleware(Doors, port=port, token=app.state.token)
    app.add_exception_handler(RequestValidationError, _not_understood)
    app.add_exception_handler(HTTPException, _not_understood)
    app.add_exception_handler(Refused, _refused)
    return app


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse(error.as_dict(), 409)


async def _not_understood(request: Request, error: Exception) -> Response:
    """Without what was sent: it may hold what is no text."""
    status = error.status_code if isinstance(error, HTTPException) else 422
    return JSONResponse(Refused("bad request").as_dict(), status)


def _room(request: Request) -> ReadingRoom:
    room: ReadingRoom = request.app.state.room
    return room


Room = Annotated[ReadingRoom, Depends(_room)]


@routes.get("/")
async def page(request: Request) -> Response:
    text = PAGE["index.html"].replace(TOKEN_PLACE, request.app.state.token)
    return Response(text, media_type=TYPES["html"])


@routes.get("/page/{name}")
async def part_of_page(name: str) -> Response:
    if name not in PAGE:
        raise HTTPException(404)
    return Response(PAGE[name], media_type=TYPES[name.rpartition(".")[2]])


@routes.get("/api/runs")
async def runs(room: Room) -> Response:
    return JSONResponse(await anyio.to_thread.run_sync(room.listing))


@routes.post("/api/write")
async def write(body: Continue, room: Room) -> Response:
    first = body.seed_or_any()
    seeds = [first] * len(body.runs)
    begun = {"seed": first}
    return _streamed(room, begun, lambda: room.write(body.runs, body.prompt, body, seeds))


@routes.post("/api/talk")
async def talk(body: Talk, room: Room) -> Response:
    seed = body.seed_or_any()
    return _streamed(room, {"seed": seed}, lambda: room.answer(body, seed))


@routes.post("/api/blind")
async def compare(body: Compare, room: Room) -> Response:
    first, second = body.runs
    if first == second:
        raise Refused("bad request")
    name, pair = room.pairs.begin((first, second), body.prompt, body.settings(), body.characters)
    return _streamed(
        room,
        {"pair": name},
        lambda: evened(room.write(pair.runs, pair.prompt, body, pair.seeds)),
        pair,
    )


def _streamed(
    room: ReadingRoom,
    begun: dict[str, Any],
    begin: Callable[[], Parts],
    pair: Pair | None = None,
) -> Response:
    """Texts as server-sent events: ``begin``, many ``text``, then ``end`` or ``refused``.

    If the page closes the connection, the next part is not written.
    """

    async def events() -> AsyncIterator[bytes]:
        yield _event("begin", begun)
        try:
            parts = await room.in_turn(begin)
            while part := await room.in_turn(next, parts, None):
                if room.closing:
                    return
                side, text = part
                if pair:
                    pair.texts[side] += text
                if text:
                    yield _event("text", {"side": side, "text": text})
        except (Refused, UserError) as error:
            yield _event("refused", _reason(error))
        except Exception as error:  # of torch, say, where memory is short
            reason = f"{type(error).__name__}: {error}"
            log.warning("a text could not be written (%s)", reason)
            yield _event("refused", Refused("failed", reason).as_dict())
        else:
            if pair:
                pair.finished = True
            yield _event("end", {})

    return EventSourceResponse(events())


def _reason(error: Refused | UserError) -> dict[str, str]:
    if isinstance(error, Refused):
        return error.as_dict()
    return Refused("bad request", str(error)).as_dict()


def _event(name: str, data: dict[str, Any]) -> bytes:
    return format_sse_event(event=name, data_str=json.dumps(data, ensure_ascii=False))


@routes.get("/api/blind/{name}")
async def pair(name: str, room: Room) -> Response:
    return JSONResponse(room.pairs.find(name).seen())


@routes.post("/api/blind/{name}/vote")
async def vote(name: str, body: CastVote, room: Room, request: Request) -> Response:
    try:
        pair = await room.in_turn(room.pairs.vote, name, body.better)
    except UserError as error:
        raise Refused("not kept", str(error)) from error
    request.app.state.voted()
    return JSONResponse(pair.seen())


@routes.post("/api/score")
async def score(body: TwoRuns, room: Room) -> Response:
    return JSONResponse(await anyio.to_thread.run_sync(room.score, body.runs))


@routes.post("/api/pieces")
async def pieces(body: AboutText, room: Room) -> Response:
    return JSONResponse(await room.in_turn(room.pieces, body))


@routes.post("/api/marks")
async def marks(body: AboutText, room: Room) -> Response:
    return JSONResponse(await room.in_turn(room.marks, body))
