"""What orchestration costs: a pipeline with nothing to do, and the share of a long training.

::

    make bench-flow

A small configuration is carried out once. Then, several times in turn: an empty flow, and the
pipeline with nothing to do, both without a server (each starts Prefect's temporary one); the
pipeline with nothing to do with a server up. Then a training of some minutes with a server up:
the share is the processor time that Prefect's server and the flow's process (with MLflow in it)
took while it trained, of all that the machine has, and what the training task took before and
after the training's own process. Prints a table and writes ``benchmarks/out/flow.json``.
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
from processes import machine

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
EMPTY = "import flows\nfrom prefect import flow\n@flow\ndef empty(): pass\nempty()\n"
SERVICES = [sys.executable, "-m", "flows.services"]
RUNS = f"run/*/{METRICS_FILE}"
LOOK = 0.2  # seconds between looks at the processes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--minutes", type=float, default=10, help="of the training, about")
    parser.add_argument("--prefect-port", type=int, default=4290)
    parser.add_argument("--mlflow-port", type=int, default=5090)
    parser.add_argument("--out", type=Path, default=HERE / "out/flow.json")
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        figures = {"machine": machine(), **measure(options, Path(folder))}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1) + "\n")
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
    config.write_text(CONFIG)
    service_notes.HOME = folder / "prefect"
    # Of its own: Prefect's and the services' data, and the locks by which trainings take turns.
    own = {"PREFECT_HOME": str(service_notes.HOME), "TMPDIR": str(folder)}
    alone = {**os.environ, **own}
    alone.pop("PREFECT_API_URL", None)
    pipeline = [sys.executable, "-m", "flows", "pipeline", str(config), "--set"]
    pipeline += [f"paths.data={folder / 'data'}", f"paths.mlruns={folder / 'mlruns'}"]
    timed(pipeline, alone)
    pairs = []
    for number in range(options.rounds):
        log(f"without a server, {number + 1} of {options.rounds}")
        pairs.append((timed([sys.executable, "-c", EMPTY], alone), timed(pipeline, alone)))
    ports = ["--prefect-port", str(options.prefect_port), "--mlflow-port", str(options.mlflow_port)]
    try:
        timed([*SERVICES, "up", *ports, "--mlruns", str(folder / "mlruns")], alone)
        timed(pipeline, alone)  # which finds the server, as all do that come after
        log("with a server")
        waits = [timed(pipeline, alone) for _ in range(options.rounds)]
        shares = share(pipeline, alone, folder / "data", options.minutes)
    finally:
        timed([*SERVICES, "down"], alone)
    return {
        "nothing_to_do_seconds": statistics.median(waits),
        "nothing_to_do_each": waits,
        "nothing_to_do_over_empty_seconds": statistics.median(b - a for a, b in pairs),
        "empty_and_nothing_to_do_each": pairs,
        **shares,
    }


def timed(command: list[str], environment: dict[str, str]) -> float:
    """Seconds that a command takes, from its start to its end."""
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
    """Of a training of about so many minutes."""
    before = set(data.glob(RUNS))
    training([*pipeline, "train.evaluate_every=99", "train.checkpoint_every=99"], environment, 20)
    (run,) = set(data.glob(RUNS)) - before
    moments = [line["seconds"] for line in read_metrics(run) if "train_loss" in line]
    each = statistics.median(after - moment for moment, after in pairwise(moments))
    log(f"a training of {minutes:g} min")
    found = training(pipeline, environment, max(5, round(60 * minutes / each)))
    processor = found["processor_seconds"] / os.cpu_count()
    return {
        "training_seconds": found["process_seconds"],
        "orchestration_processor_seconds": found["processor_seconds"],
        "around_training_seconds": found["around"],
        "tracking_share": (processor + found["around"]) / found["task_seconds"],
    }


def training(pipeline: list[str], environment: dict[str, str], steps: int) -> dict:
    """Run it, and look at the processes while it trains."""
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
    said: list[tuple[float, str]] = []

    def listen() -> None:
        for line in process.stderr:
            said.append((time.monotonic() - start, line))

    listener = threading.Thread(target=listen)
    listener.start()
    looks = []
    while process.poll() is None:
        looks.append((time.monotonic() - start, *processor_seconds(process.pid)))
        time.sleep(LOOK)
    listener.join()
    assert process.returncode == 0, "".join(line for _, line in said)
    trains = [look for look in looks if look[2]]
    begins = next(moment for moment, line in said if "settings:" in line)
    ends = next(moment for moment, line in said if "run: made" in line)
    seconds = trains[-1][0] - trains[0][0]
    return {
        "process_seconds": seconds,
        "processor_seconds": trains[-1][1] - trains[0][1],
        "task_seconds": ends - begins,
        "around": max(0.0, ends - begins - seconds),
    }


def processor_seconds(pid: int) -> tuple[float, bool]:
    """Of the flow's processes and Prefect's server, without training; whether that runs."""
    total, trains = 0.0, False
    look = [psutil.Process(pid), service_notes.running_process("prefect")]
    while look:
        process = look.pop()
        try:
            if re.search(r"femtogpt\.training", " ".join(process.cmdline())):
                trains = True  # its own children, such as compilers, are left out with it
                continue
            times = process.cpu_times()
            look += process.children()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total, trains


def log(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
