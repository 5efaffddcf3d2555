#!/usr/bin/env bash
# safetensors 0.8.0, `safetensors.numpy` given an array that is not laid out row by row: a transpose,
# every second column, an array in Fortran's order.
#
# Expected: the file holds the array that was given, as in 0.7.0, or it is refused, as
# `safetensors.torch` refuses such a tensor.
# Seen: it is written without a word, with the right shape and its numbers in another order. The
# documentation asks for contiguous arrays, which one in Fortran's order is. Reported (issue 825).
# So: `np.ascontiguousarray` before saving, and an export reads back what it wrote.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 0.7.0 0.8.0; do
    "$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
        "safetensors==$version" numpy==2.4.6
    "$folder/venv/bin/python" - "$version" <<'PYTHON'
import sys

import numpy as np
import safetensors
from safetensors.numpy import load, save

assert safetensors.__version__ == sys.argv[1]
weights = np.arange(12, dtype=np.float32).reshape(3, 4)
arrays = {
    "row by row": weights,
    "transposed": weights.T,
    "every second column": weights[:, ::2],
    "Fortran's order": np.asfortranarray(weights),
}
print("safetensors", safetensors.__version__, "numpy", np.__version__)
right = {}
for name, array in arrays.items():
    read = load(save({"weights": array}))["weights"]
    assert read.shape == array.shape
    right[name] = np.array_equal(read, array)
    print(f"{name:20}", "as given" if right[name] else f"{array.tolist()} became {read.tolist()}")
if safetensors.__version__ == "0.7.0":
    assert all(right.values())
else:
    assert [name for name, same in right.items() if same] == ["row by row"]
PYTHON
done
