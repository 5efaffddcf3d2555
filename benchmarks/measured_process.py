"""Run a program and measure the time and memory that it and its children take."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import Any

import psutil

from femtogpt.processor import processor


@dataclass(frozen=True)
class FinishedProgram:
    """What a program that succeeded printed and took."""

    output: dict  # the JSON in its last line
    seconds: float  # wall clock, from start to end
    peak_mb: float  # peak memory of it and its children together, shared pages counted once


def machine() -> str:
    """The processor's name and the number of cores that this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor()}, {cores} cores"


def run(command: list[str], sample_seconds: float = 0.05, **options: Any) -> FinishedProgram:
    """Run a command whose last line is JSON, sampling its memory."""
    start, peak = time.perf_counter(), 0.0
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **options)
    while process.poll() is None:
        peak = max(peak, _memory(process.pid))
        time.sleep(sample_seconds)
    seconds = time.perf_counter() - start
    assert process.stdout is not None  # it is a pipe
    output = process.stdout.read()
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} failed with status {process.returncode}")
    return FinishedProgram(json.loads(output.strip().splitlines()[-1]), seconds, peak / 2**20)


def _memory(pid: int) -> int:
    """Bytes of a process and its descendants (proportional set size)."""
    total = 0
    try:
        family = [psutil.Process(pid)]
        family += family[0].children(recursive=True)
    except psutil.NoSuchProcess:
        return 0
    for process in family:
        try:
            total += process.memory_full_info().pss
        except psutil.Error:
            continue
    return total
