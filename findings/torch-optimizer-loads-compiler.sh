#!/usr/bin/env bash
# torch 2.13.0 on a CPU, a program that never compiles anything.
#
# Expected: an optimizer is a few lines of Python over its parameters, so making one takes no time.
# Seen: the first `torch.optim.AdamW(...)`, or any other optimizer, imports torch's compiler, and
# with it a computer algebra system (sympy) and sharded training (FSDP): about as many modules again
# as `import torch`, and about as long. A forward and a backward pass import none of it.
# So: a program that trains for a moment, say to measure, pays for the compiler; and what imports
# FSDP late gains nothing where an optimizer is made.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import sys
import time

COMPILER = ("torch._dynamo", "sympy", "torch.distributed.fsdp")


def loaded() -> set[str]:
    return {name for name in COMPILER if name in sys.modules}


begin = time.perf_counter()
import torch  # noqa: E402

imported, modules = time.perf_counter() - begin, len(sys.modules)
layer = torch.nn.Linear(2, 2)
layer(torch.ones(1, 2)).sum().backward()
print(f"torch {torch.__version__}: {modules} modules in {imported:.1f} s; a backward pass", loaded())
assert not loaded()

begin = time.perf_counter()
torch.optim.SGD(layer.parameters(), lr=0.1)
seconds, more = time.perf_counter() - begin, len(sys.modules) - modules
print(f"an optimizer: {more} modules more in {seconds:.1f} s,", loaded())
assert loaded() == set(COMPILER)
assert more > modules / 3

begin = time.perf_counter()
torch.optim.SGD(layer.parameters(), lr=0.1)
print(f"another one: {time.perf_counter() - begin:.4f} s")
PYTHON
