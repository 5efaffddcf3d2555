"""Pipelines as a person starts them: a small configuration, the command, and what it leaves."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlflow import MlflowClient

ROOT = Path(__file__).resolve().parent.parent
STAGES = (
    *("corpus", "tokenizer", "tokens", "run", "evaluation", "samples"),
    *("text_index", "memory", "ngram", "ppmd", "report"),
)
# Small enough for seconds, large enough to stop in the middle.
SMALL = """
sources:
  stories: {kind: sample, characters: 60000}
corpus: {held_out: 0.1}
tokenizer: {vocab_size: 600}
model: {layers: 2, width: 32, heads: 2, context: 32, dropout: 0.1}
train: {max_steps: 60, batch_size: 4, checkpoint_every: 10, evaluate_every: 20, threads: 1}
samples: {tokens: 20}
"""


class Pipeline:
    """One configuration in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str], text: str = SMALL):
        self.folder, self.environment = folder, environment
        folder.mkdir(parents=True, exist_ok=True)
        self.data, self.mlruns = folder / "data", folder / "mlruns"
        self.config = folder / "small.yaml"
        self.config.write_text(text, encoding="utf-8")

    def command(
        self,
        *overrides: str,
        config: str | None = None,
        archive: Path | None = None,
        flow: str = "pipeline",
    ):
        return [
            *(sys.executable, "-m", "flows", flow, config or str(self.config)),
            *(("--archive", str(archive)) if archive else ()),
            *("--set", f"paths.data={self.data}", f"paths.mlruns={self.mlruns}", *overrides),
        ]

    def run(self, *overrides: str, **named) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self.command(*overrides, **named),
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=240,
        )

    def start(
        self, *overrides: str, stdout: int | IO = subprocess.PIPE, **named
    ) -> subprocess.Popen[str]:
        """Start it, in a process group of its own."""
        return subprocess.Popen(
            self.command(*overrides, **named),
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def await_steps(self, steps: int, process: subprocess.Popen[str]) -> None:
        """Wait until the training has done so many steps."""
        end = time.monotonic() + 120
        while time.monotonic() < end:
            for metrics in (self.data / "run").glob(".*.partial/metrics.jsonl"):
                numbers = re.findall(rb'"step": (\d+)', metrics.read_bytes())
                if numbers and int(numbers[-1]) >= steps:
                    return
            assert process.poll() is None, process.communicate()[0]
            time.sleep(0.02)
        raise AssertionError(f"training did not come to step {steps}")

    def mlflow_run(self):
        """A client of MLflow's store, and the only run in it."""
        client, (run,) = self.mlflow_runs()
        return client, run

    def mlflow_runs(self):
        """A client of MLflow's store, and all runs in it."""
        client = MlflowClient(f"sqlite:///{self.mlruns / 'mlflow.db'}")
        experiments = [experiment.experiment_id for experiment in client.search_experiments()]
        return client, client.search_runs(experiments)

    def course(self) -> dict[str, list[tuple[int, float]]]:
        """What MLflow has of the training: metric to (step, value), except times."""
        client, run = self.mlflow_run()
        return {
            name: [
                (point.step, point.value)
                for point in client.get_metric_history(run.info.run_id, name)
            ]
            for name in run.data.metrics
            if name != "seconds"
            and not name.startswith(("system/", "held_out_bits_per_character/by_seconds"))
        }

    def samples(self) -> list[list]:
        """MLflow's table of samples during the training: step, text, tokens."""
        client, run = self.mlflow_run()
        with tempfile.TemporaryDirectory() as folder:
            path = client.download_artifacts(run.info.run_id, "samples/by_step.json", folder)
            return json.loads(Path(path).read_text("utf-8"))["data"]

    def files(self) -> dict[str, float]:
        """Every artifact's files with their modification times."""
        return {
            str(path): path.stat().st_mtime
            for kind in ("raw", *STAGES)
            for path in (self.data / kind).rglob("*")
            if path.is_file() and ".partial" not in str(path)
        }


def lines_of(output: str, word: str) -> list[str]:
    """The stages whose log line begins with ``word`` (made, up to date)."""
    return re.findall(rf"\| ([\w ]+): {word}", output)


def training_processes(folder: Path) -> list[str]:
    """The command lines of processes that work in a folder."""
    lines = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if str(folder) in line:
            lines.append(line)
    return lines


@contextmanager
def locked(mlruns: Path) -> Iterator[None]:
    """Within this, another process has locked MLflow's database."""
    script = (
        "import sqlite3, sys\n"
        "database = sqlite3.connect(sys.argv[1], timeout=60, isolation_level=None)\n"
        "database.execute('BEGIN EXCLUSIVE')\n"
        "print('held', flush=True)\n"
        "sys.stdin.read()"
    )
    command = [sys.executable, "-c", script, str(mlruns / "mlflow.db")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout.readline() == b"held\n"
        try:
            yield
        finally:
            other.stdin.close()
