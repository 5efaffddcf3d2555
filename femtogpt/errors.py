"""The exceptions for what a person can mend, and how their lines end."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """Something outside the program is wrong: a setting, a file, the disk, the network.

    Its text is one clear line (two at most) which says what is wrong and what to do. Whoever
    reports it prints that text and no traceback.
    """


class Unfit(UserError):
    """A training cannot be done with these settings: it diverges, or does not fit into memory."""


class Stopped(Exception):
    """Training was asked to stop and did, after writing a checkpoint; its text says where."""


class Pruned(Exception):
    """A training of a sweep was ended, as most others were better at the same point."""


def nearest(name: str, names: Iterable[str]) -> str:
    """The end of an error line: what was meant, if that is close to a right name."""
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
