"""PPMd as a measure of text: how many bytes it takes after what was read before.

PPMd is the strongest of the common compressors on text: prediction by partial matching of the last
characters (Shkarin 2002, "PPM: one step to practicality"; variant H, as in 7-Zip). It works on
bytes, so that text is first written with one byte for a character.
"""

from __future__ import annotations

import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

from pyppmd import Ppmd7Encoder

from femtogpt.errors import UserError

END, ESCAPE = "\x00", "\x01"
FREQUENT = 254  # characters that have a byte of their own
# Bytes given to the encoder at once. With more than 96 KiB of output in one call, pyppmd 1.3.1
# loses a byte of it.
PIECE = 1 << 15


class Alphabet(dict[int, str]):
    """Text as bytes: one for each of the most frequent characters, and one for a document's end.

    Any other character is an escape and its UTF-8. What stands in the table is known from the
    train split, so that only the escapes cost anything.
    """

    def __init__(self, counts: Counter[str]):
        ranked = sorted(counts, key=lambda character: (-counts[character], character))
        super().__init__({ord(c): chr(byte) for byte, c in enumerate(ranked[:FREQUENT], 2)})

    def __missing__(self, code: int) -> str:
        return ESCAPE + chr(code).encode().decode("latin-1")

    def encode(self, text: str) -> bytes:
        """A document with its end."""
        return (text.translate(self) + END).encode("latin-1")


class Reader:
    """A process with a PPMd encoder, which reads texts and says what others would cost."""

    def __init__(self, connection: Connection):
        self._connection = connection

    def read(self, text: bytes) -> None:
        """Read a text, to know it from then on."""
        with _explained():
            self._connection.send((text, False))

    def code_length(self, text: bytes) -> int:
        """The bits that a text would add to the code of all that was read; it is not kept."""
        with _explained():
            self._connection.send((text, True))
            length: int = self._connection.recv()
            return 8 * length


@contextmanager
def reader(order: int, memory: int) -> Iterator[Reader]:
    """A reader with contexts of up to ``order`` characters.

    Its process may use ``memory`` bytes; when they are full, it forgets all that it has read.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_answer, args=(theirs, order, memory), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Reader(ours)
    finally:
        ours.close()
        process.kill()
        process.join()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (EOFError, ConnectionError) as error:
        raise UserError(
            "PPMd's process was killed, perhaps because memory ran out: close other programs, or"
            " do without this baseline (baselines.ppmd=0)"
        ) from error


def _answer(connection: Connection, order: int, memory: int) -> None:
    """The reader's process: read and answer until the other end closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # that is for the process which asks
    encoder, pending = Ppmd7Encoder(order, memory), None
    with suppress(EOFError, ConnectionError):
        while True:
            text, is_aside = connection.recv()
            if not is_aside:
                _encode(encoder, text)
                pending = None
                continue
            if pending is None:
                pending = _length_aside(encoder, b"")
            connection.send(_length_aside(encoder, text) - pending)


def _encode(encoder: Ppmd7Encoder, text: bytes) -> int:
    """Go on with a text. Returns the bytes that come out, some of which are of earlier texts."""
    pieces = (text[start : start + PIECE] for start in range(0, len(text), PIECE))
    return sum(len(encoder.encode(piece)) for piece in pieces)


def _length_aside(encoder: Ppmd7Encoder, text: bytes) -> int:
    """The bytes to come if the code went on with a text and ended, found in a copy of this process.

    An encoder cannot be copied, and reading the train split again for each document would take
    hours. Where the copy is killed, this process ends too.
    """
    answer, into = os.pipe()
    child = os.fork()  # of a process without threads
    if child == 0:
        os.write(into, str(_encode(encoder, text) + len(encoder.flush())).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(answer) as file:
        length = file.read()
    os.waitpid(child, 0)
    if not length:
        raise SystemExit(1)
    return int(length)
