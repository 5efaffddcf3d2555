#!/usr/bin/env bash
# polars 2.1.0 writing a partitioned Parquet folder, pyarrow 25.0.1 reading it.
#
# Expected: a folder with source=classics/… is what both call a Hive-partitioned dataset.
# Seen: polars writes the key into the files as well, as large_string; pyarrow takes it from the
# folders' names too, as string or dictionary, and refuses to merge the two: neither read_table nor
# a dataset opens the folder. With include_key=False it can be read. The other way round all is well.
# So: leave the key out of the files, or nobody but polars reads what polars partitions.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check polars==2.1.0 pyarrow==25.0.1
"$folder/venv/bin/python" - "$folder" <<'PYTHON'
import sys
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet

place = Path(sys.argv[1])
frame = pl.DataFrame({"source": ["classics", "wiki", "classics"], "number": [1, 2, 3]})


def outcome(read, path: Path) -> str:
    try:
        return f"{read(path).num_rows} rows"
    except pa.ArrowTypeError as error:
        return f"ArrowTypeError: {str(error).splitlines()[0]}"


def as_dataset(path: Path) -> pa.Table:
    return pyarrow.dataset.dataset(path, partitioning="hive").to_table()


frame.write_parquet(place / "polars", partition_by="source", mkdir=True)
(place / "without").mkdir()
scheme = pl.PartitionBy(place / "without", key="source", include_key=False)
frame.lazy().sink_parquet(scheme, mkdir=True)
pyarrow.parquet.write_to_dataset(frame.to_arrow(), place / "pyarrow", partition_cols=["source"])

print("polars", pl.__version__, "pyarrow", pa.__version__)
readers = {"read_table": pyarrow.parquet.read_table, "dataset": as_dataset}
seen = {
    (written, name): outcome(read, place / written)
    for written in ("polars", "without", "pyarrow")
    for name, read in readers.items()
}
for (written, name), what in seen.items():
    print(f"{written:8} {name:11} {what}")
assert seen["polars", "read_table"].startswith("ArrowTypeError")
assert seen["polars", "dataset"].startswith("ArrowTypeError")
assert all(what == "3 rows" for (written, _), what in seen.items() if written != "polars")
assert pl.read_parquet(place / "pyarrow").shape == (3, 2)
PYTHON
