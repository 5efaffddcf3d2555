"""The cost of orchestration: of a pipeline with nothing to do, and its share of a long training.

::

    make bench-flow

Runs the pipeline of a small configuration once. Then measures several times, alternating, an empty
flow and the pipeline with nothing to do, both without a server (so that each starts Prefect's
temporary one), and the pipeline with nothing to do with a server. Then trains for some minutes with
a server. The share of orchestration is the processor time of Prefect's server and of the flow's
process (which includes MLflow) during the training, out of the machine's total, plus the time that
the training task took before and after the training process. Prints a table and writes
``benchmarks/out/flow.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
from measured_process import machine

from femtogpt.training.metrics import METRICS_FILE, read_metrics
from flows import service_notes

HERE = Path(__file__).resolve().parent
CONFIG = """
sources: {stories: {kind: sample, characters: 600000}}
tokenizer: {vocab_size: 1000}
model: {layers: 4, width: 128, heads: 4, context: 256}
train: {max_steps: 4, batch_size: 8}
samples: {tokens: 20}
"""
EMPTY_FLOW = "import flows\nfrom prefect import flow\n@flow\ndef empty(): pass\nempty()\n"
SERVICES = [sys.executable, "-m", "flows.services"]
METRICS_GLOB = f"run/*/{METRICS_FILE}"
SAMPLE_SECONDS = 0.2  # between two looks at the processes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--minutes", type=float, default=10, help="approximate length of the training"
    )
    parser.add_argument("--prefect-port", type=int, default=4290)
    parser.add_argument("--mlflow-port", type=int, default=5090)
    parser.add_argument("--out", type=Path, default=HERE / "out/flow.json")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        figures = {"machine": machine(), **measure(options, Path(folder))}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    print(f"\n{figures['machine']}\n")
    for name, target in (
        ("nothing_to_do_seconds", "≤ 8 s"),
        ("nothing_to_do_over_empty_seconds", "≤ 5 s"),
        ("tracking_share", "≤ 0.03"),
    ):
        print(f"{name:36}{figures[name]:8.3f}   {target}")
    print(f"\nwritten: {options.out}")


def measure(options: argparse.Namespace, folder: Path) -> dict:
    config = folder / "small.yaml"
    config.write_text(CONFIG, "utf-8")
    service_notes.HOME = folder / "prefect"
    # Separate data of Prefect and the services, and separate locks by which trainings take turns.
    separate = {"PREFECT_HOME": str(service_notes.HOME), "TMPDIR": str(folder)}
    environment = {**os.environ, **separate}
    environment.pop("PREFECT_API_URL", None)
    pipeline = [sys.executable, "-m", "flows", "pipeline", str(config), "--set"]
    pipeline += [f"paths.data={folder / 'data'}", f"paths.mlruns={folder / 'mlruns'}"]
    timed(pipeline, environment)
    pairs = []
    for number in range(options.rounds):
        log(f"without a server, {number + 1} of {options.rounds}")
        empty = timed([sys.executable, "-c", EMPTY_FLOW], environment)
        pairs.append((empty, timed(pipeline, environment)))
    ports = ["--prefect-port", str(options.prefect_port), "--mlflow-port", str(options.mlflow_port)]
    try:
        timed([*SERVICES, "up", *ports, "--mlruns", str(folder / "mlruns")], environment)
        timed(pipeline, environment)  # finds the server, as all later ones do
        log("with a server")
        waits = [timed(pipeline, environment) for _ in range(options.rounds)]
        shares = share(pipeline, environment, folder / "data", options.minutes)
    finally:
        timed([*SERVICES, "down"], environment)
    return {
        "nothing_to_do_seconds": statistics.median(waits),
        "nothing_to_do_each": waits,
        "nothing_to_do_over_empty_seconds": statistics.median(b - a for a, b in pairs),
        "empty_and_nothing_to_do_each": pairs,
        **shares,
    }


def timed(command: list[str], environment: dict[str, str]) -> float:
    """Run a command; the seconds that it takes."""
    start = time.monotonic()
    done = subprocess.run(
        command,
        env=environment,
        cwd=HERE.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
    return time.monotonic() - start


def share(pipeline: list[str], environment: dict[str, str], data: Path, minutes: float) -> dict:
    """Measure the share of orchestration in a training of about this many minutes."""
    before = set(data.glob(METRICS_GLOB))
    training([*pipeline, "train.evaluate_every=99", "train.checkpoint_every=99"], environment, 20)
    (run,) = set(data.glob(METRICS_GLOB)) - before
    moments = [line["seconds"] for line in read_metrics(run) if "train_loss" in line]
    step_seconds = statistics.median(after - moment for moment, after in pairwise(moments))
    log(f"a training of {minutes:g} min")
    cost = training(pipeline, environment, max(5, round(60 * minutes / step_seconds)))
    processor = cost["processor_seconds"] / (os.cpu_count() or 1)
    return {
        "training_seconds": cost["process_seconds"],
        "orchestration_processor_seconds": cost["processor_seconds"],
        "around_training_seconds": cost["around"],
        "tracking_share": (processor + cost["around"]) / cost["task_seconds"],
    }


def training(pipeline: list[str], environment: dict[str, str], steps: int) -> dict:
    """Run a training and sample the processes while it runs."""
    start = time.monotonic()
    process = subprocess.Popen(
        [*pipeline, f"train.max_steps={steps}"],
        env=environment,
        cwd=HERE.parent,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    log_lines: list[tuple[float, str]] = []

    def listen() -> None:
        assert process.stderr is not None  # it is a pipe
        for line in process.stderr:
            log_lines.append((time.monotonic() - start, line))

    listener = threading.Thread(target=listen)
    listener.start()
    samples = []
    while process.poll() is None:
        samples.append((time.monotonic() - start, *processor_seconds(process.pid)))
        time.sleep(SAMPLE_SECONDS)
    listener.join()
    assert process.returncode == 0, "".join(line for _, line in log_lines)
    trains = [sample for sample in samples if sample[2]]
    begins = next(moment for moment, line in log_lines if "settings:" in line)
    ends = next(moment for moment, line in log_lines if "run: made" in line)
    seconds = trains[-1][0] - trains[0][0]
    return {
        "process_seconds": seconds,
        "processor_seconds": trains[-1][1] - trains[0][1],
        "task_seconds": ends - begins,
        "around": max(0.0, ends - begins - seconds),
    }


def processor_seconds(pid: int) -> tuple[float, bool]:
    """Sum up the flow's processes and Prefect's server without training; whether that runs."""
    total, trains = 0.0, False
    pending = [psutil.Process(pid), service_notes.running_process("prefect")]
    while pending:
        process = pending.pop()
        try:
            if re.search(r"femtogpt\.training", " ".join(process.cmdline())):
                trains = True  # not counted, nor its children, such as compilers
                continue
            times = process.cpu_times()
            pending += process.children()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total, trains


def log(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
