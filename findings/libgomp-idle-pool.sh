#!/bin/bash
# How threads of GNU's OpenMP wait depends on pools that have nothing to do with them. Where threads
# compute now and then, those that wait between two computations keep their cores fully busy; once
# another, idle pool exists in the process, they sleep. Nothing else is changed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import os
import threading
import time

import torch

cores = len(os.sched_getaffinity(0))
print("torch", torch.__version__, f"{cores} cores, {torch.get_num_threads()} threads")
assert torch.get_num_threads() == cores > 1, "this needs a thread on each of several cores"
numbers = torch.ones(1 << 18)


def cores_kept_busy():
    """While hardly anything is computed: a short sum, then a pause of 2 ms, and so on."""
    wall, busy = time.monotonic(), time.process_time()
    while time.monotonic() < wall + 3:
        numbers.add_(1)
        time.sleep(0.002)
    return (time.process_time() - busy) / (time.monotonic() - wall)


alone = cores_kept_busy()
made, ended = threading.Event(), threading.Event()


def hold_a_pool():
    torch.ones(1 << 18).add_(1)
    made.set()
    ended.wait()


threading.Thread(target=hold_a_pool, daemon=True).start()
made.wait()
beside_a_pool = cores_kept_busy()
ended.set()
print(f"cores kept busy: {alone:.2f}; with an idle pool more in the process: {beside_a_pool:.2f}")
assert alone > 3 * beside_a_pool, "no longer so"
PYTHON
