"""Prefect's temporary server, closed to all but this machine's own programs.

Prefect starts one where no server is configured. By itself it does what any web page asks that a
person has open (3.8): a page of another name that leads here may read all, and one that sends JSON
without saying so is obeyed. So what Prefect starts is this program in its place.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from femtogpt.errors import UserError
from flows.local_only import HOST, LocalOnly
from flows.prefect_room import FULL, lack

STARTS = 3  # before it counts as one that cannot start
# As Prefect's own: without pages, and with the settings of what starts it.
ENVIRONMENT = {
    "PREFECT_UI_ENABLED": "0",
    "PREFECT__SERVER_EPHEMERAL": "1",
    "PREFECT__SERVER_FINAL": "1",
}


@contextmanager
def closed_server(server_log: Path) -> Iterator[None]:
    """Within this, Prefect starts its temporary server as ours, and not without end.

    Prefect takes each end of a server that starts for that of a port in use, and starts another.
    Raises UserError where there are too many.
    """
    from prefect.server.api.server import SubprocessASGIServer  # here: it takes seconds

    own = SubprocessASGIServer._run_uvicorn_command
    starts = 0

    def start(server: SubprocessASGIServer) -> Any:
        nonlocal starts
        starts += 1
        if starts > STARTS or server.port is None:
            unknown = f"Prefect's temporary server does not start: {server_log} says why"
            raise UserError(lack(FULL) or unknown)
        return start_server(server.port)

    SubprocessASGIServer._run_uvicorn_command = start  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        SubprocessASGIServer._run_uvicorn_command = own  # type: ignore[method-assign]


def start_server(port: int) -> subprocess.Popen[bytes]:
    """Start this program; it answers after seconds."""
    from prefect.settings import get_current_settings

    settings = get_current_settings().to_environment_variables(exclude_unset=True)
    command = [sys.executable, "-m", "flows.temporary_server", "--port", str(port)]
    return subprocess.Popen(command, env={**os.environ, **ENVIRONMENT, **settings})


def main() -> None:
    parser = argparse.ArgumentParser(prog="flows.temporary_server", description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    port = parser.parse_args().port
    import uvicorn
    from prefect.server.api.server import create_app

    app = LocalOnly(create_app(), port)
    uvicorn.run(app, host=HOST, port=port, log_level="error", lifespan="on")


if __name__ == "__main__":
    main()
