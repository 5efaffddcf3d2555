"""Does training work on this graphics card, how fast, and with how much memory?

::

    make check-gpu

Takes up to eight minutes and needs torch, numpy, pydantic, safetensors and sentencepiece: no other
package, no network, no corpus. Each part runs in a process of its own, with a time limit; one that
fails, or is not done in time, stops none of the others. Prints a table, and writes
``benchmarks/out/check_gpu.json``, from which docs/cards.md gets its table. Without a card it is a
dry run: the same parts with tiny models on the CPU, which says nothing about a card. Ends with
status 1 if anything fails.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import platform
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))  # where femtogpt is not installed

try:
    import torch
    from check_answers import evaluation, generation
    from check_course import killed, one_process, out_of_memory, teacher
    from check_setup import Report, Setup
    from check_speed import formats, full_memory

    from femtogpt import __version__
    from femtogpt.processor import processor
except ModuleNotFoundError as error:
    sys.exit(
        f"error: {sys.executable} has no {error.name}: install torch, numpy, pydantic, safetensors"
        " and sentencepiece there, or name another Python: make check-gpu PYTHON=…"
    )

TOTAL_SECONDS = 470.0
ENDING_SECONDS = 5  # that a part has to end what it started
KEPT_LINES = 12  # of what a failed part said last


@dataclass(frozen=True)
class Part:
    """One thing to check: fills a report."""

    function: Callable[[Setup, Report], None]
    seconds: float  # that it may take


PARTS = {
    "evaluation": Part(evaluation, 60),
    "generation": Part(generation, 60),
    "kill and resume": Part(killed, 80),
    "out of memory": Part(out_of_memory, 50),
    "one process in DDP": Part(one_process, 60),
    "n-gram teacher": Part(teacher, 60),
    "8 GB, filled": Part(full_memory, 60),
    "15 M float16": Part(partial(formats, size="15 M", name="float16"), 80),
    "15 M bfloat16": Part(partial(formats, size="15 M", name="bfloat16"), 80),
    "15 M float32": Part(partial(formats, size="15 M", name="float32"), 80),
    "54 M": Part(partial(formats, size="54 M", name="auto"), 100),
    "250 M": Part(partial(formats, size="250 M", name="auto"), 150),
}


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--dry", action="store_true", help="tiny models on the CPU")
    parser.add_argument("--out", type=Path, default=HERE / "out/check_gpu.json")
    parser.add_argument("--part", choices=PARTS, help=argparse.SUPPRESS)  # in its own process
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    is_dry = options.dry or not torch.cuda.is_available()
    if options.part:
        run_part(options.part, Setup(options.work, is_dry))
        return 0
    if is_dry:
        print("A dry run on the CPU with tiny models: it says nothing about a card.", flush=True)
    with TemporaryDirectory(prefix="check-gpu-") as work:
        parts = check(Setup(Path(work), is_dry), options.only or [*PARTS])
    result = {"machine": machine(is_dry), "dry": is_dry, "parts": parts}
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"\n{table(result)}\n\nwritten: {options.out}")
    return 0 if all(part["state"] in ("passed", "left out") for part in parts.values()) else 1


def check(setup: Setup, names: list[str], total: float = TOTAL_SECONDS) -> dict[str, Any]:
    """Run parts one after another, in ``total`` seconds at most; gives what they found, by name."""
    setup.tokens  # noqa: B018  made once, before the clock of any part runs
    end = time.monotonic() + total
    parts = {}
    for number, name in enumerate(names, 1):
        print(f"… {number} of {len(names)}: {name}", file=sys.stderr, flush=True)
        parts[name] = run_apart(name, setup, min(PARTS[name].seconds, end - time.monotonic()))
        print(f"  {parts[name]['state']} in {parts[name].get('seconds', 0)} s", file=sys.stderr)
    return parts


def run_apart(name: str, setup: Setup, seconds: float) -> dict[str, Any]:
    """Run a part in a process of its own, ended after ``seconds``; gives what it found.

    Its ``state`` is passed, failed or left out.
    """
    if seconds < 1:
        return {"state": "failed", "error": "no time was left for it", "checks": [], "figures": {}}
    log = setup.work / f"{name}.log"
    start = time.monotonic()
    status = _status(name, setup, seconds, log)
    found: dict[str, Any] = {"checks": [], "figures": {}, "complete": False}
    if (written := report_file(setup.work, name)).exists():
        found = json.loads(written.read_text("utf-8"))
    passed = found.pop("complete") and status == 0 and all(c["passed"] for c in found["checks"])
    state = "failed" if not passed else "passed" if found["checks"] else "left out"
    found |= {"state": state, "seconds": round(time.monotonic() - start, 1)}
    if status is None:
        found["error"] = f"not done after {seconds:.0f} s"
    elif status:
        lines = log.read_text("utf-8", "replace").strip().splitlines()
        found["error"] = lines[-1] if lines else f"it ended with status {status}"
        print("\n".join(lines[-KEPT_LINES:]), file=sys.stderr, flush=True)
    return found


def _status(name: str, setup: Setup, seconds: float, log: Path) -> int | None:
    """The status with which a part's process ended; None if it had to be ended."""
    command = [sys.executable, str(Path(__file__).resolve()), "--part", name]
    command += ["--work", str(setup.work), *(["--dry"] if setup.is_dry else [])]
    path = os.pathsep.join(filter(None, (str(HERE.parent), os.environ.get("PYTHONPATH"))))
    with log.open("wb") as file:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            cwd=HERE.parent,
            env={**os.environ, "PYTHONPATH": path},
            start_new_session=True,  # so that what it started can be ended with it
        )
    try:
        return child.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        # First a signal that torchrun's launcher passes on: its processes are not of this group.
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
                os.killpg(child.pid, number)
                child.wait(ENDING_SECONDS)


def run_part(name: str, setup: Setup) -> dict[str, Any]:
    """Run a part in this process, with its report in the folder of the check."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    report = Report(report_file(setup.work, name))
    PARTS[name].function(setup, report)
    report.complete()
    return {"checks": report.checks, "figures": report.figures}


def report_file(work: Path, name: str) -> Path:
    return work / f"{name}.json"


def machine(is_dry: bool) -> dict[str, Any]:
    """The card, the processor and the versions."""
    about: dict[str, Any] = {
        "processor": processor(),
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "femtogpt": __version__,
    }
    if not is_dry:
        card = torch.cuda.get_device_properties(0)
        about |= {
            "card": card.name,
            "memory_gb": round(card.total_memory / 1e9, 1),
            "capability": f"{card.major}.{card.minor}",
            "cuda": torch.version.cuda,
        }
    return about


def table(result: dict[str, Any]) -> str:
    """What passed, what failed and by how much, a line for each check."""
    about = result["machine"]
    card = f"{about['card']}, {about['memory_gb']} GB" if "card" in about else "no card"
    lines = [f"{card}; {about['processor']}; torch {about['torch']}", ""]
    for name, part in result["parts"].items():
        error = f": {part['error']}" if part.get("error") else ""
        reason = part["figures"].get("left_out")
        lines.append(f"{part['state']:9}{name}{f': {reason}' if reason else error}")
        for found in part["checks"]:
            mark = "" if found["passed"] else "FAILED"
            figure = ""
            if found["sign"]:
                value = "not finite" if found["figure"] is None else f"{found['figure']:10.4g}"
                figure = f"{value} {found['sign']} {found['limit']:.3g}"
            lines.append(f"{mark:>8} {found['what']:58} {figure}".rstrip())
        for way in ("not compiled", "compiled"):
            key = way.replace(" ", "_")
            if f"{key}_tokens_per_second" in part["figures"]:
                lines.append(
                    f"{'':8} {way}: {part['figures'][f'{key}_tokens_per_second']:,.0f} tokens per"
                    f" second, {part['figures'][f'{key}_share_of_peak']:.1%} of the"
                    f" {part['figures']['peak_tflops']:.3g} TFLOP/s of matrix products in"
                    f" {part['figures']['format']}"
                )
    counts = [part["state"] for part in result["parts"].values()]
    lines += ["", f"{counts.count('passed')} of {len(counts)} parts passed"]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
