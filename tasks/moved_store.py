"""MLflow's store in a folder that was moved, renamed or copied.

MLflow keeps the address of every run's files in full, so that after a move it would write into the
old folder. Its files lie beside its database, so what they are can be told from there.
"""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

DATABASE, ARTIFACTS = "mlflow.db", "artifacts"  # in the store's folder
# The columns with addresses of files. MLflow's client has no call that changes one, and
# experiments, runs, logged models and registered versions each have their own.
ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
WAIT_SECONDS = 60.0  # for another process that writes to the database
log = logging.getLogger("femtogpt.tracking")


def mend_addresses(folder: Path) -> None:
    """Have the store in ``folder`` find its files there, if it was made in another place.

    Several processes may do so at once. Raises sqlite3.Error if the database cannot be used.
    """
    database = folder / DATABASE
    if not database.is_file():
        return
    with closing(_connect(database)) as connection:
        if not _old_folders(connection, folder):
            return
        connection.execute("begin immediate")  # another process may have mended it since
        with connection:
            old = _old_folders(connection, folder)
            changed = sum(_replace(connection, place, folder) for place in old)
    if changed:
        names = ", ".join(map(str, old))
        log.info("MLflow: the store was in %s; its %d addresses now say %s", names, changed, folder)


def _connect(database: Path) -> sqlite3.Connection:
    address = f"{database.absolute().as_uri()}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=WAIT_SECONDS, isolation_level=None)


def _old_folders(connection: sqlite3.Connection, folder: Path) -> list[Path]:
    """Where the store was: what its experiments say of their files, unless it is true.

    Files may be kept elsewhere on purpose. What counts is a folder that is gone, or one with a
    store of its own, of which this is a copy.
    """
    has_table = "select 1 from sqlite_master where type = 'table' and name = 'experiments'"
    if connection.execute(has_table).fetchone() is None:
        return []
    rows = connection.execute("select distinct artifact_location from experiments")
    found = []
    for (address,) in rows:
        path = local_path(address or "")
        if path is None or path.name != ARTIFACTS or _is_same(path.parent, folder):
            continue
        if not path.exists() or (path.parent / DATABASE).exists():
            found.append(path.parent)
    return found


def _is_same(one: Path, other: Path) -> bool:
    """Whether two paths lead to one folder, perhaps by a link."""
    return one.resolve() == other.resolve()


def local_path(address: str) -> Path | None:
    """The path of an address of files on this machine; None for other addresses."""
    parts = urlsplit(address)
    if parts.scheme == "file" and parts.netloc in ("", "localhost"):
        return Path(unquote(parts.path))
    return Path(address) if address.startswith("/") else None


def _replace(connection: sqlite3.Connection, old: Path, folder: Path) -> int:
    """Replace a folder at the beginning of every address. Returns how many there were."""
    tables = {name for (name,) in connection.execute("select name from sqlite_master")}
    changed = 0
    for table, column in ADDRESSES:
        if table not in tables:  # of an older MLflow
            continue
        for before, after in _forms(old, folder):
            changed += connection.execute(
                f"update {table} set {column} = ? || substr({column}, ?)"
                f" where substr({column}, 1, ?) = ?",
                (after, len(before) + 1, len(before), before),
            ).rowcount
    return changed


def _forms(old: Path, folder: Path) -> list[tuple[str, str]]:
    """A folder's addresses, before and after: as a URL, which MLflow quotes in part, or a path."""
    new = folder.absolute()
    urls = dict.fromkeys([f"{old.as_uri()}/", f"file://{old}/"])
    return [*((url, f"{new.as_uri()}/") for url in urls), (f"{old}/", f"{new}/")]
