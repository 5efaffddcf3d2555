"""The services that stand by: ``make up`` starts them, ``make down`` ends them.

Prefect's server with a worker of the process pool ``femtogpt``, and MLflow's pages, all on
127.0.0.1 and with their data under the project. What runs is noted by process id and command, so
that nothing else is ever ended.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psutil

import flows
from femtogpt.artifacts.disk import write_atomic
from femtogpt.errors import UserError

POOL = "femtogpt"
START = 180.0  # seconds that a service has to answer
END = 180.0  # seconds that it has to end; the worker's flows finish a step and write in this time
LOGS = flows.HOME / "logs"
# The job runner of MLflow's server is of no use here and takes seven processes.
QUIET = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}


@dataclass(frozen=True)
class Service:
    """A process that stands by."""

    name: str
    command: list[str]
    answers: Callable[[], bool]  # whether it does its work
    where: str  # to look


def services(prefect_port: int, mlflow_port: int, mlruns: Path) -> list[Service]:
    """In the order in which they start."""
    programs = Path(sys.executable).parent
    api = f"http://127.0.0.1:{prefect_port}/api"
    pages = f"http://127.0.0.1:{mlflow_port}"
    store = os.environ.get("MLFLOW_BACKEND_STORE_URI")  # PostgreSQL, say: docs/cluster.md
    store = store or f"sqlite:///{mlruns.absolute() / 'mlflow.db'}"
    worker = f"this-machine-{prefect_port}"
    server = [str(programs / "prefect"), "server", "start", "--host", "127.0.0.1"]
    return [
        Service(
            "prefect",
            [*server, "--port", str(prefect_port)],
            lambda: _get(f"{api}/health") is not None,
            api.removesuffix("/api"),
        ),
        Service(
            "worker",
            [str(programs / "prefect"), "worker", "start", "--pool", POOL, "--name", worker],
            lambda: _is_online(api, worker),
            f"pool «{POOL}»: it runs what is deployed (make deploy)",
        ),
        Service(
            "mlflow",
            [
                *(str(programs / "mlflow"), "server", "--backend-store-uri", store),
                *("--host", "127.0.0.1", "--port", str(mlflow_port), "--workers", "1"),
            ],
            lambda: _get(f"{pages}/health") is not None,
            pages,
        ),
    ]


def up(prefect_port: int, mlflow_port: int, mlruns: Path) -> None:
    """Start what does not run yet, and say where to look. Raises UserError where one ends."""
    mlruns.mkdir(parents=True, exist_ok=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    if flows.lifecycle("prefect"):
        prefect_port = json.loads(flows.noted("prefect").read_text())["port"]
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{prefect_port}/api"
    from flows.automations import end_the_dead  # Prefect reads the address at import

    for service in services(prefect_port, mlflow_port, mlruns):
        if flows.lifecycle(service.name) is None:
            if service.name == "worker":
                _make_pool()
                end_the_dead()
            elif service.answers():
                raise UserError(
                    f"{service.where} is taken by another program: end that, or choose another port"
                    " with PREFECT_PORT=… or PORT=…"
                )
            _start(service, prefect_port)
        where = json.loads(flows.noted(service.name).read_text())["where"]
        print(f"{service.name:10}{where}", flush=True)
    print(f"{'logs':10}{LOGS}")
    programs, api = Path(sys.executable).parent, os.environ["PREFECT_API_URL"]
    print(f"for `prefect` in this shell: . {programs}/activate; export PREFECT_API_URL={api}")


def down() -> None:
    """End what runs, the last first; flows that run stop with a checkpoint."""
    for name in ("mlflow", "worker", "prefect"):
        if process := flows.lifecycle(name):
            _end(process)
            print(f"{name:10}ended")
        flows.noted(name).unlink(missing_ok=True)


def _start(service: Service, port: int) -> None:
    start = time.monotonic()
    with (LOGS / f"{service.name}.log").open("ab") as log:
        process = subprocess.Popen(
            service.command,
            cwd=flows.ROOT,
            env={**os.environ, **QUIET},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    about = {
        "pid": process.pid,
        "command": _command(process.pid),
        "port": port,
        "where": service.where,
    }
    flows.noted(service.name).parent.mkdir(parents=True, exist_ok=True)
    write_atomic(flows.noted(service.name), json.dumps(about).encode())
    while not service.answers():
        waited = time.monotonic() - start
        if process.poll() is not None or waited > START:
            why = f"did not answer in {START:.0f} s" if process.poll() is None else "ended at once"
            raise UserError(f"{service.name} {why}: see {LOGS / service.name}.log")
        if sys.stderr.isatty():
            print(f"\r{service.name:10}starting, {waited:.0f} s", end="\r", file=sys.stderr)
        time.sleep(0.5)


def _command(pid: int) -> list[str]:
    """The command line of a process that has just begun: for a moment it has none."""
    end = time.monotonic() + 5
    while not (command := psutil.Process(pid).cmdline()) and time.monotonic() < end:
        time.sleep(0.01)
    return command


def _end(process: psutil.Process) -> None:
    """Ask it to end, and its children with it, then make it."""
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, left = psutil.wait_procs(family, END)
    for each in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            each.kill()
    psutil.wait_procs(left, 5)


def _make_pool() -> None:
    """The work pool, if it is not there."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client, contextlib.suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))


def _is_online(api: str, worker: str) -> bool:
    found = _get(f"{api}/work_pools/{POOL}/workers/filter", {})
    known = json.loads(found) if found else []
    return any(each["name"] == worker and each["status"] == "ONLINE" for each in known)


def _get(url: str, body: dict | None = None) -> bytes | None:
    """What an address answers; None where it does not."""
    data = None if body is None else json.dumps(body).encode()
    asked = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(asked, timeout=5) as answer:
            return answer.read()
    except OSError:
        return None


def main() -> int:
    parser = argparse.ArgumentParser(prog="flows.services", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--prefect-port", type=int, default=4200)
    parser.add_argument("--mlflow-port", type=int, default=5000)
    parser.add_argument("--mlruns", type=Path, default=flows.ROOT / "mlruns")
    options = parser.parse_args()
    try:
        if options.what == "up":
            up(options.prefect_port, options.mlflow_port, options.mlruns)
        else:
            down()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
