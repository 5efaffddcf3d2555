"""The installed kinds of source."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from femtogpt.errors import nearest

SOURCE_KINDS = "femtogpt.sources"  # the entry-point group of the kinds of source


@cache
def source_kinds() -> dict[str, EntryPoint]:
    """The installed kinds of source, ours and other packages': name to entry point."""
    return {point.name: point for point in entry_points(group=SOURCE_KINDS)}


def validate_source(value: Any) -> Any:
    """Validate a source with the class of its ``kind``. ValueError if that is not installed."""
    if not isinstance(value, dict):
        return value
    kinds = source_kinds()
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"kind {kind!r} is unknown{nearest(str(kind), kinds)}")
    return kinds[kind].load().model_validate(value)
