"""URLs of SQLite databases, for every name that a folder may have."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote, unquote

_PLAIN, _QUOTED, _OPTION = "sqlite:///", "sqlite+pysqlite:///file:", "?uri=true"


def sqlite_url(path: Path, driver: str = "") -> str:
    """SQLAlchemy's URL of a database. ``driver``: another than Python's own.

    In a URL «?» begins the options, and only SQLite's own form can quote one in a path. That form
    always names a driver: from «sqlite:///…», MLflow makes the folders of what follows by itself.
    """
    if "?" in str(path):
        return f"sqlite+{driver or 'pysqlite'}:///file:{quote(str(path))}{_OPTION}"
    return f"sqlite{driver and f'+{driver}'}:///{path}"


def sqlite_path(url: str) -> Path | None:
    """The database of a URL that ``sqlite_url`` made without a driver; None for other URLs."""
    if url.startswith(_QUOTED):
        return Path(unquote(url.removeprefix(_QUOTED).removesuffix(_OPTION)))
    return Path(url.removeprefix(_PLAIN)) if url.startswith(_PLAIN) else None
