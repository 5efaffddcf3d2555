"""The project's exceptions, and hints for their messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

# By the names of their classes; the second is Prefect's.
INTERRUPTIONS = ("KeyboardInterrupt", "TerminationSignal")


class UserError(Exception):
    """Something outside the program is wrong: a setting, a file, the disk, the network.

    The message is one clear line (two at most) that says what is wrong and what to do. It is
    printed without a traceback.
    """


class Unfit(UserError):
    """A training run is impossible with its settings: it diverges or does not fit into memory."""


class Damaged(UserError):
    """An artifact's files are not those that its manifest lists."""


class Stopped(Exception):
    """Training stopped on request after writing a checkpoint, which the message names."""


class Pruned(Exception):
    """A trial of a sweep was ended early because most others were better at the same point."""


def is_interruption(error: BaseException) -> bool:
    """Whether an error is Ctrl-C, or what is left of a stop by a signal that came inside polars.

    Where polars calls Python and the signal comes there, it raises a ``PanicException`` of its own,
    in whose message alone the interruption is named.
    """
    if type(error).__name__ == "PanicException":
        return any(name in str(error) for name in INTERRUPTIONS)
    return isinstance(error, KeyboardInterrupt)


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint for the end of an error message: the nearest valid name, if one is close."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
