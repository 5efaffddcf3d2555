#!/bin/bash
# A PPMd encoder that is given much at once may lose a byte of its output: what it wrote cannot be
# decoded. Given the same bytes in parts, it writes one byte more, which decodes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet pyppmd==1.3.1
"$folder/venv/bin/python" - <<'PYTHON'
import random
from importlib.metadata import version

import pyppmd

ORDER, MEMORY, PART = 6, 1 << 24, 10_000
print("pyppmd", version("pyppmd"))


def encoded(data, part):
    encoder = pyppmd.Ppmd7Encoder(ORDER, MEMORY)
    parts = [encoder.encode(data[start : start + part]) for start in range(0, len(data), part)]
    return b"".join(parts) + encoder.flush()


def comes_back(data, code):
    try:
        return pyppmd.Ppmd7Decoder(ORDER, MEMORY).decode(code, len(data)) == data
    except Exception:
        return False


lost = 0
for seed in range(6):
    data = random.Random(seed).randbytes(200_000)
    at_once, in_parts = encoded(data, len(data)), encoded(data, PART)
    print(
        f"200,000 random bytes (seed {seed}): at once {len(at_once):,} bytes, comes back:"
        f" {comes_back(data, at_once)}; in parts of {PART:,} {len(in_parts):,} bytes, comes back:"
        f" {comes_back(data, in_parts)}"
    )
    assert comes_back(data, in_parts)
    lost += not comes_back(data, at_once)
assert lost, "no longer: all that was encoded at once comes back"
print(f"{lost} of 6 texts that were encoded at once do not come back")
PYTHON
