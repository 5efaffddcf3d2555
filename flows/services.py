"""The services in the background: ``make up`` starts them, ``make down`` ends them.

Prefect's server, a worker of the process pool ``femtogpt``, and MLflow's pages, all on 127.0.0.1
and with their data in the project. Each has a note with its process id and command, so that nothing
else is ever ended.
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
from typing import Any

import psutil

from femtogpt.artifacts.disk import write_atomic
from femtogpt.errors import UserError
from femtogpt.terminal import speak_plainly
from flows.service_notes import HOME, ROOT, note_path, read_note, running_process

POOL = "femtogpt"
START_SECONDS = 180.0  # for a service to answer
END_SECONDS = 180.0  # for it to end: the worker's flows finish a step and write a checkpoint
LOGS = HOME / "logs"
# The job runner of MLflow's server is of no use here and takes seven processes.
MLFLOW_SETTINGS = {
    "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}


@dataclass(frozen=True)
class Service:
    """A process in the background."""

    name: str
    command: list[str]
    answers: Callable[[], bool]  # whether it does its work
    where: str  # to look


def services(prefect_port: int, mlflow_port: int, mlruns: Path) -> list[Service]:
    """The services, in the order in which they start."""
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
            lambda: _request(f"{api}/health") is not None,
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
            lambda: _request(f"{pages}/health") is not None,
            pages,
        ),
    ]


def up(prefect_port: int, mlflow_port: int, mlruns: Path) -> None:
    """Start the services that do not run, and print where to look. UserError if one ends."""
    mlruns.mkdir(parents=True, exist_ok=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    if running_process("prefect"):
        prefect_port = read_note("prefect")["port"]
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{prefect_port}/api"
    from flows.automations import crash_silent_runs  # Prefect reads the address at import

    for service in services(prefect_port, mlflow_port, mlruns):
        if running_process(service.name) is None:
            if service.name == "worker":
                _create_pool()
                crash_silent_runs()
            elif service.answers():
                raise UserError(
                    f"{service.where} is taken by another program: end it, or choose another port"
                    " with PREFECT_PORT=… or PORT=…"
                )
            _start(service, prefect_port)
        print(f"{service.name:10}{read_note(service.name)['where']}", flush=True)
    print(f"{'logs':10}{LOGS}")
    programs, api = Path(sys.executable).parent, os.environ["PREFECT_API_URL"]
    print(f"for `prefect` in this shell: . {programs}/activate; export PREFECT_API_URL={api}")


def down() -> None:
    """End the services that run, the last first. Flows that run stop with a checkpoint."""
    for name in ("mlflow", "worker", "prefect"):
        if process := running_process(name):
            _end(process)
            print(f"{name:10}ended")
        note_path(name).unlink(missing_ok=True)


def _start(service: Service, port: int) -> None:
    start = time.monotonic()
    with (LOGS / f"{service.name}.log").open("ab") as log:
        process = subprocess.Popen(
            service.command,
            cwd=ROOT,
            env={**os.environ, **MLFLOW_SETTINGS},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    note = {
        "pid": process.pid,
        "command": _command_of(process.pid),
        "port": port,
        "where": service.where,
    }
    note_path(service.name).parent.mkdir(parents=True, exist_ok=True)
    write_atomic(note_path(service.name), json.dumps(note).encode())
    while not service.answers():
        waited = time.monotonic() - start
        if process.poll() is not None or waited > START_SECONDS:
            slow = f"did not answer within {START_SECONDS:.0f} s"
            what = slow if process.poll() is None else "ended at once"
            raise UserError(f"{service.name} {what}: see {LOGS / service.name}.log")
        if sys.stderr.isatty():
            print(f"\r{service.name:10}starting, {waited:.0f} s", end="\r", file=sys.stderr)
        time.sleep(0.5)


def _command_of(pid: int) -> list[str]:
    """The command line of a process that has just started: for a moment it has none."""
    end = time.monotonic() + 5
    while not (command := psutil.Process(pid).cmdline()) and time.monotonic() < end:
        time.sleep(0.01)
    return command


def _end(process: psutil.Process) -> None:
    """Terminate a process and its children, and kill those that do not end in time."""
    family = [process, *process.children(recursive=True)]
    process.terminate()
    _, alive = psutil.wait_procs(family, END_SECONDS)
    for survivor in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            survivor.kill()
    psutil.wait_procs(alive, 5)


def _create_pool() -> None:
    """Create the work pool if it is missing."""
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectAlreadyExists

    with get_client(sync_client=True) as client, contextlib.suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=POOL, type="process"))


def _is_online(api: str, name: str) -> bool:
    """Whether Prefect's server sees the worker of that name."""
    answer = _request(f"{api}/work_pools/{POOL}/workers/filter", {})
    workers = json.loads(answer) if answer else []
    return any(worker["name"] == name and worker["status"] == "ONLINE" for worker in workers)


def _request(url: str, body: dict[str, Any] | None = None) -> bytes | None:
    """The answer of an address; None if it does not answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read()
    except OSError:
        return None


def main() -> int:
    speak_plainly()
    parser = argparse.ArgumentParser(prog="flows.services", description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("up", "down"))
    parser.add_argument("--prefect-port", type=int, default=4200)
    parser.add_argument("--mlflow-port", type=int, default=5000)
    parser.add_argument("--mlruns", type=Path, default=ROOT / "mlruns")
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
