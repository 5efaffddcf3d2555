"""Work counted, not timed: how many lines of the product's code run."""

from __future__ import annotations

import sys
from collections.abc import Callable


def operations(work: Callable[[], object], part: str) -> int:
    """How many lines of the files below ``femtogpt`` whose path contains ``part`` run in a call."""
    count = 0

    def trace(frame, event, _):
        nonlocal count
        name = frame.f_code.co_filename.replace("\\", "/")
        if "femtogpt/" not in name or part not in name:
            return None
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    assert count, f"nothing of {part} ran"
    return count
