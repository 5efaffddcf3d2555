"""MLflow's database, made whole or not at all.

MLflow makes its tables in many steps, and a database whose making was broken off it can neither use
nor mend. So may be one that two processes make at once.
"""

from __future__ import annotations

import os
from pathlib import Path

from filelock import FileLock

from femtogpt.artifacts.disk import partial_name, sync
from femtogpt.sqlite_url import sqlite_url
from tasks.moved_store import DATABASE


def create_database(folder: Path) -> None:
    """Make MLflow's database in ``folder``, unless it is there.

    Several processes may do so at once. Raises what MLflow and SQLAlchemy do, and OSError.
    """
    database = (folder / DATABASE).absolute()
    if database.exists():
        return
    with FileLock(database.with_name(f".{DATABASE}.lock")):
        if database.exists():
            return
        from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore

        partial = partial_name(database)
        _remove(partial)  # a process that was killed may have left it
        try:
            store = SqlAlchemyStore(sqlite_url(partial), database.parent.as_uri())
            store.engine.dispose()
            sync(partial)
            os.replace(partial, database)
        finally:
            _remove(partial)
        sync(database.parent)


def _remove(partial: Path) -> None:
    """Remove a database that was begun, and SQLite's journals of it."""
    for path in partial.parent.glob(f"{partial.name}*"):
        path.unlink(missing_ok=True)
