"""JSON: the values in a file, or on its lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from femtogpt.sources.compressed import Unreadable
from femtogpt.sources.formats.line_stream import has_undecoded_bytes

BLANK = ("", "\ufeff", b"")


def parsed_lines(lines: Iterable[str | bytes], first: int = 1) -> Iterator[tuple[int, Any]]:
    """Yield the value on each line with the line's number; ``first`` is the number of the first.

    The value is an exception if a line is not JSON. Blank lines are skipped.
    """
    for number, line in enumerate(lines, first):
        if line.strip() in BLANK:
            continue
        try:
            if isinstance(line, str) and has_undecoded_bytes(line):
                raise ValueError("there are bytes of another encoding")
            value = json.loads(line)
        except (ValueError, RecursionError) as error:
            value = error
        yield number, value


def parsed(text: str) -> Any:
    """Parse a whole file. Raises Unreadable if it is not JSON."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"the JSON is damaged: {error}") from error
