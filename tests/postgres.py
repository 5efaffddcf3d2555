"""A PostgreSQL server of a test's own, where the machine has its programs."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.local_services import free_port

NAME = "femto"


class Postgres:
    """A server that trusts whoever asks it on 127.0.0.1."""

    def __init__(self, port: int):
        self.port = port

    def url(self, database: str, kind: str = "postgresql") -> str:
        return f"{kind}://{NAME}@127.0.0.1:{self.port}/{database}"

    def ask(self, database: str, query: str) -> list[tuple]:
        import psycopg

        with psycopg.connect(self.url(database), autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []


@contextmanager
def served(*databases: str) -> Iterator[Postgres]:
    """With these databases, empty. Root may not run it: user postgres does then."""
    pytest.importorskip("psycopg", reason="make cluster installs what PostgreSQL needs")
    programs = shutil.which("initdb"), shutil.which("postgres")
    if None in programs:
        pytest.skip("no PostgreSQL on this machine: initdb and postgres are not in PATH")
    user = None
    if os.getuid() == 0:
        try:
            user = pwd.getpwnam("postgres").pw_name
        except KeyError:
            pytest.skip("no user postgres, and root may not run PostgreSQL")
    initdb, postgres = programs
    with tempfile.TemporaryDirectory(prefix="femtogpt-postgres-") as folder:
        if user:
            shutil.chown(folder, user)
        data, port = Path(folder) / "data", free_port()
        made = [initdb, "-D", data, "-U", NAME, "-A", "trust", "-E", "UTF8", "--no-sync"]
        subprocess.run(made, user=user, cwd=folder, check=True, capture_output=True, timeout=120)
        server = subprocess.Popen(
            [postgres, "-D", data, "-p", str(port), "-h", "127.0.0.1", "-k", folder],
            user=user,
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            found = Postgres(port)
            _await(found, server)
            for database in databases:
                found.ask("postgres", f'CREATE DATABASE "{database}"')
            yield found
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _await(found: Postgres, server: subprocess.Popen) -> None:
    import psycopg

    end = time.monotonic() + 60
    while True:
        try:
            found.ask("postgres", "SELECT 1")
            return
        except psycopg.OperationalError:
            assert server.poll() is None and time.monotonic() < end
            time.sleep(0.2)
