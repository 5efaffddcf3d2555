"""The background services, as `make up` starts them, and runs of what is deployed on them."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.pipelines import ROOT, SMALL, Pipeline

PREFECT = str(Path(sys.executable).with_name("prefect"))


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def await_answer(url: str, server: subprocess.Popen, seconds: float = 180) -> None:
    """Wait until a server answers; it fails if the server ends or needs longer."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "the server ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(0.3)
    pytest.fail(f"no answer from {url}")


class LocalServices:
    """Prefect's server, a worker and MLflow, with their data in a folder and on free ports."""

    def __init__(self, folder: Path, environment: dict[str, str], root: Path = ROOT):
        """``root``: the project's folder."""
        self.root = root
        self.folder, self.port, self.mlflow_port = folder, free_port(), free_port()
        self.api = f"http://127.0.0.1:{self.port}/api"
        self.environment = {
            **environment,
            "PREFECT_HOME": str(folder / "prefect"),
            "PREFECT_API_URL": self.api,
        }

    def make(self, what: str) -> subprocess.CompletedProcess[str]:
        """``make up``, ``make down``."""
        return self._run(
            *(sys.executable, "-m", "flows.services", what),
            *("--prefect-port", str(self.port), "--mlflow-port", str(self.mlflow_port)),
            *("--mlruns", str(self.folder / "mlruns")),
        )

    @contextmanager
    def running(self) -> Iterator[None]:
        """Within this, all services are up and ``pipeline/sample`` is deployed."""
        try:
            started = self.make("up")
            assert started.returncode == 0, started.stderr
            deployed = self.deploy("--name", "pipeline/sample")
            assert deployed.returncode == 0, deployed.stdout + deployed.stderr
            yield
        finally:
            self.make("down")

    def deploy(self, *which: str) -> subprocess.CompletedProcess[str]:
        return self._run(sys.executable, "-m", "flows.deployments", *which)

    def submit(
        self, pipeline: Pipeline, deployment: str = "pipeline/sample", **parameters: Any
    ) -> subprocess.CompletedProcess[str]:
        """Have the pipeline's configuration run by a deployment."""
        own = self.parameters(pipeline, **parameters.pop("settings", {}))
        return self._run(
            PREFECT, "deployment", "run", deployment, "--params", json.dumps({**own, **parameters})
        )

    @staticmethod
    def parameters(pipeline: Pipeline, **settings: object) -> dict:
        """The parameters with which a flow runs the pipeline's configuration in its folder."""
        paths = {"data": str(pipeline.data), "mlruns": str(pipeline.mlruns)}
        return {"config": str(pipeline.config), "settings": {"paths": paths, **settings}}

    def start(self, pipeline: Pipeline, **parameters: object) -> str:
        """Submit such a run. Returns its id."""
        submitted = self.submit(pipeline, **parameters)
        assert submitted.returncode == 0, submitted.stdout + submitted.stderr
        return re.search(r"UUID: ([\w-]{36})", submitted.stdout)[1]

    def request(self, path: str, body: object = None, method: str | None = None) -> Any:
        """The answer of Prefect's server. With a body it is a POST unless ``method`` is given."""
        data = None if body is None else json.dumps(body).encode()
        named = {"headers": {"Content-Type": "application/json"}, "method": method}
        request = urllib.request.Request(f"{self.api}/{path}", data, **named)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text else None

    def runs(self, deployment: str) -> list[dict]:
        """The flow runs of a deployment, the first first."""
        query = {"deployments": {"id": {"any_": [deployment]}}, "sort": "START_TIME_ASC"}
        return self.request("flow_runs/filter", query)

    def cancel(self, run: str) -> None:
        done = self._run(PREFECT, "flow-run", "cancel", run)
        assert done.returncode == 0, done.stdout + done.stderr

    def state(self, run: str) -> dict:
        """The state of a flow run, with ``type`` and ``message``."""
        return self.request(f"flow_runs/{run}")["state"]

    def await_state(self, run: str, *types: str, seconds: float = 120) -> dict:
        end = time.monotonic() + seconds
        while (state := self.state(run))["type"] not in types:
            assert time.monotonic() < end, (
                f"{run} is {state}; the worker's log ends: {self.worker_log()}"
            )
            time.sleep(0.3)
        return state

    def worker_log(self) -> str:
        """The end of the worker's log."""
        return (self.folder / "prefect/logs/worker.log").read_text()[-3000:]

    def process(self, service: str) -> psutil.Process:
        """The process of a service."""
        note = json.loads((self.folder / f"prefect/services/{service}.json").read_text())
        return psutil.Process(note["pid"])

    def flow_process(self) -> psutil.Process:
        """The process of the worker's flow, a child of the one that guards it."""
        (flow,) = (
            process
            for process in self.process("worker").children(recursive=True)
            if process.cmdline()[1:5] == ["-m", "flows", "--guarded", "engine"]
        )
        return flow

    def pipeline(self, name: str) -> Pipeline:
        return Pipeline(self.folder / name, self.environment, SMALL)

    def notify(
        self, environment: dict[str, str], *options: str
    ) -> subprocess.CompletedProcess[str]:
        """Have messages sent when runs end, as `make notify` does."""
        return self._run(sys.executable, "-m", "flows.automations", *options, **environment)

    def _run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.root,
            env={**self.environment, "COLUMNS": "200", **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )
