"""Serving the playground on this machine, until Ctrl-C."""

from __future__ import annotations

import errno
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from femtogpt.errors import UserError
from femtogpt.playground.choices import Choice
from femtogpt.playground.votes import Vote

HOST = "127.0.0.1"
PORT = 8765
END_SECONDS = 10  # for what is being done when it is ended
TRIES = 20  # ports, where none was asked for
Record = Callable[[list[Vote]], None]  # takes all votes so far to somewhere else


def play(
    data: Path,
    choices: Callable[[], list[Choice]],
    port: int | None = None,
    browser: bool = True,
    record: Record | None = None,
) -> None:
    """Serve the page, say where, and open it in the person's browser.

    ``port``: the usual one or, if another program has it, one of those after it. Raises UserError
    if the port that was asked for is taken, or if there is no run that could write.
    """
    if not any(choice.state == "finished" for choice in choices()):
        raise UserError(f"{data} holds no trained model yet: make pipeline trains one")
    listening = _listening(port)
    import uvicorn  # here, so that what is wrong above is said at once

    from femtogpt.playground.playground_app import playground_app
    from femtogpt.playground.reading_room import ReadingRoom
    from femtogpt.playground.vote_sender import VoteSender

    number = listening.getsockname()[1]
    room = ReadingRoom(data, choices)
    sender = VoteSender(room.votes, record)
    app = playground_app(room, number, sender.send)
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        ws="none",
        timeout_graceful_shutdown=END_SECONDS,
    )

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            room.closing = True
            super().handle_exit(sig, frame)

    address = f"http://{HOST}:{number}"
    print(f"Playground  {address}  (Ctrl-C ends it)", flush=True)
    if browser and _has_screen():
        threading.Thread(target=webbrowser.open, args=[address], daemon=True).start()
    sender.send()
    with suppress(KeyboardInterrupt):  # the way to end it
        Server(config).run(sockets=[listening])
    sender.finish()


def _listening(port: int | None) -> socket.socket:
    for number in range(PORT, PORT + TRIES) if port is None else [port]:
        listening = socket.socket()
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, number))
            listening.listen()
            return listening
        except OverflowError as error:
            listening.close()
            raise UserError(f"--port {number} is no port: choose one below 65536") from error
        except OSError as error:
            listening.close()
            if error.errno == errno.EACCES:
                raise UserError(
                    f"--port {number} is the system's: choose one above 1023"
                ) from error
            if error.errno != errno.EADDRINUSE:
                raise
    taken = f"--port {port} is" if port is not None else f"the ports {PORT} to {number} are"
    raise UserError(f"{taken} taken by other programs: end one, or choose another with --port")


def _has_screen() -> bool:
    """Whether a browser would open in a window of its own, and not in this terminal."""
    return sys.platform == "darwin" or any(map(os.environ.get, ("DISPLAY", "WAYLAND_DISPLAY")))
