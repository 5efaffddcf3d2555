"""Text that a person gives to a command, in its words or on standard input."""

from __future__ import annotations

import sys
from collections.abc import Callable

from femtogpt.errors import UserError


def read_prompt(prompt: str) -> str:
    """The beginning itself, or what standard input has for ``-``, without its last line end."""
    if prompt == "-":
        return standard_input().removesuffix("\n")
    return checked(prompt, "the beginning")


def standard_input(read: Callable[[], str] | None = None) -> str:
    """All that standard input has, or what ``read`` takes of it. Raises UserError for no UTF-8."""
    try:
        return checked((read or sys.stdin.read)(), "standard input")
    except UnicodeDecodeError as error:
        raise _not_utf8("standard input") from error


def checked(text: str, where: str) -> str:
    """The text, or a UserError if bytes that are no UTF-8 came in as lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise _not_utf8(where) from error
    return text


def _not_utf8(where: str) -> UserError:
    return UserError(f"{where} is not UTF-8: give text in UTF-8")
