"""JSON: the values in a file, or on its lines."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.line_stream import decoded_apart, has_undecoded_bytes

BLANK = ("", "\ufeff", b"")
_BRACKETS = ("[", "]", b"[", b"]")  # lines of a list with a record on each other line
CONTROLS = "control characters in a text of JSON"
COMMAS = "commas at the ends of lines"
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*("?)|[\[\]{}]', re.DOTALL)  # a string, or a bracket
_CLOSING = {"[": "]", "{": "}"}


def parsed_lines(
    lines: Iterable[str | bytes], first: int = 1, mended: list[str] | None = None
) -> Iterator[tuple[int, Any]]:
    """Yield the value on each line with the line's number; ``first`` is the number of the first.

    The value is an exception if a line is not JSON. Blank lines are skipped, and lines with nothing
    but a bracket. ``mended`` gets the kind of what was put right.
    """
    encoding = getattr(lines, "encoding", None)
    mended = [] if mended is None else mended
    for number, line in enumerate(lines, first):
        line = line.strip()
        if line in BLANK or line in _BRACKETS:
            continue
        try:
            if isinstance(line, str) and has_undecoded_bytes(line):
                apart = decoded_apart(line, encoding, mended)
                if apart is None:
                    raise ValueError("there are bytes of another encoding")
                line = apart
                mended.append("lines in another encoding, decoded by themselves")
            value = _value(line, mended)
        except (ValueError, RecursionError) as error:
            value = error
        yield number, value


def _value(line: str | bytes, mended: list[str]) -> Any:
    """Parse a line; a comma may follow, as between the records of a list."""
    try:
        return _loaded(line, mended)
    except json.JSONDecodeError as error:
        comma = b"," if isinstance(line, bytes) else ","
        if error.msg != "Extra data" or not line.endswith(comma):  # type: ignore[arg-type]
            raise
    value = _loaded(line[:-1], mended)
    mended.append(COMMAS)
    return value


def _loaded(text: str | bytes, mended: list[str]) -> Any:
    """Parse JSON; line ends and other control characters may stand in its texts as they are."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        if not error.msg.startswith("Invalid control character"):
            raise
    value = json.loads(text, strict=False)
    mended.append(CONTROLS)
    return value


def parsed(text: str, mended: list[str]) -> tuple[Any, str | None]:
    """Parse a whole file; if it is damaged, as far as its records go, and say why it ends there.

    JSON Lines under the name of JSON are a list. ``mended`` gets the kind of what was put right.
    Raises Unreadable if there is no whole record.
    """
    try:
        return _loaded(text, mended), None
    except RecursionError as error:
        raise Unreadable(f"the JSON is damaged: {error}") from error
    except ValueError as error:
        fault = f"the JSON is damaged: {error}"
        if "Extra data" in fault and (values := _lines(text, mended)) is not None:
            return values, None
        part = _whole_records(text[: getattr(error, "pos", 0)])
        if part is None:
            raise Unreadable(fault) from error
    try:
        return _loaded(part, mended), fault
    except (ValueError, RecursionError) as error:
        raise Unreadable(fault) from error


def _lines(text: str, mended: list[str]) -> list[Any] | None:
    """Return the values of JSON Lines; None if it is something else."""
    of_lines: list[str] = []
    values = [value for _, value in parsed_lines(text.split("\n"), mended=of_lines)]
    if any(isinstance(value, Exception) for value in values):
        return None
    mended += of_lines
    return values


def _whole_records(text: str) -> str | None:
    """Cut a text after the last object that ends in a list, and close what is open there."""
    open_brackets: list[str] = []
    end, closing = 0, ""
    for token in _TOKEN.finditer(text):
        character = token[0][0]
        if character == '"':
            if not token[1]:  # the text ends within a string
                break
        elif character in _CLOSING:
            open_brackets.append(character)
        elif not open_brackets or _CLOSING[open_brackets.pop()] != character:
            break
        elif character == "}" and open_brackets and open_brackets[-1] == "[":
            end = token.end()
            closing = "".join(_CLOSING[bracket] for bracket in reversed(open_brackets))
    return text[:end] + closing if end else None
