#!/usr/bin/env bash
# torch 2.13.0 on a CPU, seeds beyond 32 bits, as a hash gives them or `seed << 32 | step`.
#
# Expected: `manual_seed` takes any number of 64 bits, `initial_seed()` says it again, and different
# seeds give different numbers, as in Python's `random` and in numpy.
# Seen: only the lower 32 bits count. 1 << 32 | 7, 2 << 32 | 7 and 7 give the same numbers, the same
# first weights of a layer and the same order of data.
# So: what is told apart by a seed has to be so in its lower 32 bits.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import random

import numpy as np
import torch

STEP = 7
seeds = {seed: seed << 32 | STEP for seed in range(4)}


def of_torch(seed: int) -> tuple:
    generator = torch.manual_seed(seed)
    assert generator.initial_seed() == torch.initial_seed() == seed
    weights = torch.nn.Linear(8, 8).weight.flatten().tolist()
    return *torch.rand(3).tolist(), *weights, *torch.randperm(1000).tolist()


first = {
    "random": [random.Random(seed).random() for seed in seeds.values()],
    "numpy": [np.random.default_rng(seed).random() for seed in seeds.values()],
    "torch": [of_torch(seed)[0] for seed in seeds.values()],
}
print("torch", torch.__version__, "seeds", list(seeds.values()))
for name, numbers in first.items():
    print(f"{name:7}", *(f"{number:.6f}" for number in numbers))
assert len(set(first["random"])) == len(set(first["numpy"])) == len(seeds)
assert len({of_torch(seed) for seed in seeds.values()}) == 1
assert of_torch(STEP) != of_torch(STEP + 1)
PYTHON
