"""The project's exceptions, and hints for their messages."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something outside the program is wrong: a setting, a file, the disk, the network.

    The message is one clear line (two at most) that says what is wrong and what to do. It is
    printed without a traceback.
    """


class Unfit(UserError):
    """A training run is impossible with its settings: it diverges or does not fit into memory."""


class Stopped(Exception):
    """Training stopped on request after writing a checkpoint, which the message names."""


class Pruned(Exception):
    """A trial of a sweep was ended early because most others were better at the same point."""


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint for the end of an error message: the nearest valid name, if one is close."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
