"""The services in the background: ``make up`` starts them, ``make down`` ends them.

Prefect's server, a worker of the process pool ``femtogpt``, and MLflow's pages, all on 127.0.0.1
and with their data in the project. Each has a note with its process id and command, so that nothing
else is ever ended.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import shlex
import sqlite3
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import psutil

from femtogpt.artifacts.disk import write_atomic
from femtogpt.errors import UserError
from femtogpt.sqlite_url import sqlite_url
from femtogpt.terminal import speak_plainly
from flows.service_notes import HOME, ROOT, left_behind, note_path, read_note, running_process
from tasks.mlflow_store import explain_store_errors, quieten
from tasks.moved_store import DATABASE, mend_addresses
from tasks.new_store import create_database

POOL = "femtogpt"
NAMES = ("mlflow", "worker", "prefect")  # in the order in which they end
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
    api = f"http://127.0.0.1:{prefect_port}/api"
    pages = f"http://127.0.0.1:{mlflow_port}"
    worker = f"this-machine-{prefect_port}"
    prefect = [sys.executable, "-m", "prefect"]
    return [
        Service(
            "prefect",
            [sys.executable, "-m", "flows.prefect_server", "--port", str(prefect_port)],
            lambda: _request(f"{api}/health") is not None,
            api.removesuffix("/api"),
        ),
        Service(
            "worker",
            [*prefect, "worker", "start", "--pool", POOL, "--name", worker],
            lambda: _is_online(api, worker),
            f"pool «{POOL}»: it runs what is deployed (make deploy)",
        ),
        Service(
            "mlflow",
            mlflow("server", mlflow_port, mlruns),
            lambda: _request(f"{pages}/health") is not None,
            pages,
        ),
    ]


def mlflow(command: str, port: int, mlruns: Path) -> list[str]:
    """The command line of MLflow's server or pages."""
    store = _backend_store(mlruns)
    address = ("--host", "127.0.0.1", "--port", str(port), "--workers", "1")
    return [sys.executable, "-m", "mlflow", command, "--backend-store-uri", store, *address]


def _backend_store(mlruns: Path) -> str:
    """The address of what is served: the environment may name PostgreSQL (docs/cluster.md)."""
    return os.environ.get("MLFLOW_BACKEND_STORE_URI") or sqlite_url(mlruns.absolute() / DATABASE)


def ui(mlflow_port: int, mlruns: Path) -> NoReturn:
    """Show MLflow's pages, in place of this process."""
    _prepare(mlruns)
    command = mlflow("ui", mlflow_port, mlruns)
    os.execve(command[0], command, {**os.environ, **MLFLOW_SETTINGS})


def _prepare(mlruns: Path) -> None:
    """Make MLflow's store fit to be served."""
    mlruns.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    own = mlruns.absolute() / DATABASE
    if _backend_store(mlruns) == sqlite_url(own) and not own.exists():
        quieten()
        with explain_store_errors(sqlite_url(own)):
            create_database(mlruns)
    try:
        mend_addresses(mlruns)
    except sqlite3.Error as error:
        raise UserError(f"MLflow's store in {mlruns} cannot be used: {error}") from error


def up(prefect_port: int, mlflow_port: int, mlruns: Path) -> None:
    """Start the services that do not run, and print where to look. UserError if one ends."""
    _prepare(mlruns)
    _end_left_behind()
    LOGS.mkdir(parents=True, exist_ok=True)
    if running_process("prefect"):
        prefect_port = read_note("prefect")["port"]
    os.environ["PREFECT_API_URL"] = f"http://127.0.0.1:{prefect_port}/api"
    # Prefect reads the address at import.
    from flows.automations import crash_silent_runs
    from flows.deployments import free_of_places

    for service in services(prefect_port, mlflow_port, mlruns):
        if running_process(service.name) is None:
            if service.name == "worker":
                _create_pool()
                crash_silent_runs()
                if moved := free_of_places():
                    print(f"{'moved':10}{moved} deployments that named a folder now run in {ROOT}")
            elif service.answers():
                raise UserError(
                    f"{service.where} is taken by another program: end it, or choose another port"
                    " with PREFECT_PORT=… or PORT=…"
                )
            _start(service, prefect_port)
        print(f"{service.name:10}{read_note(service.name)['where']}", flush=True)
    print(f"{'logs':10}{LOGS}")
    activate, api = Path(sys.executable).parent / "activate", os.environ["PREFECT_API_URL"]
    in_shell = f". {shlex.quote(str(activate))}; export PREFECT_API_URL={api}"
    print(f"for `prefect` in this shell: {in_shell}")


def down() -> None:
    """End the services that run, the last first. Flows that run stop with a checkpoint."""
    _end_left_behind()
    for name in NAMES:
        if process := running_process(name):
            _end(process)
            print(f"{name:10}ended")
        note_path(name).unlink(missing_ok=True)


def _end_left_behind() -> None:
    """End the services that were started before the project's folder was moved."""
    for name in NAMES:
        if process := left_behind(name):
            place = read_note(name)["home"]
            _end(process)
            note_path(name).unlink(missing_ok=True)
            print(f"{name:10}ended: it was started in {place}, from where the project was moved")


def _start(service: Service, port: int) -> None:
    start = time.monotonic()
    programs, path = Path(sys.executable).parent, os.environ.get("PATH", os.defpath)
    with (LOGS / f"{service.name}.log").open("ab") as log:
        process = subprocess.Popen(
            service.command,
            cwd=ROOT,
            # A worker's runs take the python of its PATH.
            env={**os.environ, **MLFLOW_SETTINGS, "PATH": f"{programs}{os.pathsep}{path}"},
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
        "home": str(HOME.resolve()),
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
    parser.add_argument("what", choices=("up", "down", "ui"))
    parser.add_argument("--prefect-port", type=int, default=4200)
    parser.add_argument("--mlflow-port", type=int, default=5000)
    parser.add_argument("--mlruns", type=Path, default=ROOT / "mlruns")
    options = parser.parse_args()
    try:
        if options.what == "up":
            up(options.prefect_port, options.mlflow_port, options.mlruns)
        elif options.what == "ui":
            ui(options.mlflow_port, options.mlruns)
        else:
            down()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
