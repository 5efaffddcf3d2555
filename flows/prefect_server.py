"""Prefect's server, for this machine's own pages and programs: ``make up`` starts it.

By itself it does what any web page asks that a person has open (3.8), and whoever may ask can have
its worker run any command.
"""

from __future__ import annotations

import argparse
import os
import sys
from typing import Any

from flows.local_only import HOST, LocalOnly


def main() -> None:
    parser = argparse.ArgumentParser(prog="flows.prefect_server", description=__doc__)
    parser.add_argument("--port", type=int, default=4200)
    port = parser.parse_args().port
    # Its pages ask 127.0.0.1, also where they were opened as localhost.
    origins = f"http://{HOST}:{port},http://localhost:{port}"
    os.environ["PREFECT_SERVER_CORS_ALLOWED_ORIGINS"] = origins
    import uvicorn
    from prefect.cli import app  # now: it reads its settings at import

    run = uvicorn.run

    def run_closed(app: Any, **options: Any) -> None:
        # Around what is served: the server's own parts ask it in memory, under another name.
        run(LocalOnly(app, port), **options)

    uvicorn.run = run_closed
    sys.argv = ["prefect", "server", "start", "--host", HOST, "--port", str(port)]
    app()


if __name__ == "__main__":
    main()
