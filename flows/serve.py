"""``make serve``: the best run of a configuration writes for other programs on this machine.

The requests and answers are those of ``mlflow models serve``, which asks nobody where from.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from femtogpt.artifacts.artifact import refuse_damaged
from femtogpt.errors import UserError
from femtogpt.terminal import speak_plainly
from flows.local_only import HOST, LocalOnly
from flows.service_notes import ROOT
from tasks.mlflow_registry import BEST, registered_name
from tasks.mlflow_store import quieten, store_uri

PORT = 5055
MOST_BYTES = 1 << 20  # of a request


def serve(model: str, port: int, mlruns: Path) -> None:
    """Answer until Ctrl-C. Raises UserError if there is no such model."""
    quieten()
    import mlflow
    import uvicorn
    from mlflow.pyfunc import scoring_server

    mlflow.set_tracking_uri(store_uri(mlruns))
    app = scoring_server.init(load(model))
    app.add_middleware(LocalOnly, port=port, most_bytes=MOST_BYTES)
    print(f"{model} answers at http://{HOST}:{port}/invocations  (Ctrl-C ends it)", flush=True)
    uvicorn.run(app, host=HOST, port=port, log_level="warning", ws="none")


def load(model: str) -> Any:
    """The model at an address of MLflow's.

    Raises UserError if there is none, or if a file of it is damaged: it is looked for before the
    model's own code runs, and by that code again.
    """
    from mlflow.artifacts import download_artifacts
    from mlflow.pyfunc import load_model

    try:
        folder = Path(download_artifacts(model)).absolute()  # where it is, unless that is elsewhere
        refuse_damaged(folder)
        return load_model(os.fspath(folder))
    except UserError:
        raise
    except Exception as error:  # its code may raise any
        reason = (str(error) or type(error).__name__).splitlines()[0]
        raise UserError(
            f"{model} cannot be served ({reason}): make pipeline makes a best one, make ui shows"
            " those that there are"
        ) from error


def main() -> int:
    speak_plainly()
    parser = argparse.ArgumentParser(prog="flows.serve", description=__doc__.splitlines()[0])
    parser.add_argument("config", nargs="?", default="sample", help="a configuration: sample")
    parser.add_argument("--model", help="another than its best: an address of MLflow's")
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--mlruns", type=Path, default=ROOT / "mlruns")
    options = parser.parse_args()
    model = options.model or f"models:/{registered_name(options.config)}@{BEST}"
    try:
        serve(model, options.port, options.mlruns)
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
