"""What the text index takes: time, memory and disk to build it, and the time of a query.

::

    python benchmarks/bench_memorisation.py data/corpus/… [--times 30]

``--times`` indexes a corpus so many times as large: copies of it in which a letter of every fifty
or so is another one. It is built in a process of its own; its peak memory includes that of Python
and of the documents that are read. Queries are passages of 1,000 characters: of held-out works,
and of the train split, which it has verbatim.

Prints a table, and writes ``benchmarks/out/memorisation.json``.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from measured_process import machine, run

from femtogpt.artifacts.artifact import Artifact
from femtogpt.corpus.schema import parts, texts
from femtogpt.memorisation.corpus_works import works_of
from femtogpt.memorisation.index_layout import Work
from femtogpt.memorisation.index_writing import write_index
from femtogpt.memorisation.text_index import TextIndex

OUT = Path(__file__).resolve().parent / "out/memorisation.json"
QUERY, QUERIES = 1000, 40  # characters; passages of each kind
UNCHANGED = 49 / 50  # of the letters of a copy
KINDS = ("stretches", "longest", "nearly")


def copies(corpus: Artifact, times: int) -> Iterator[tuple[Work, str]]:
    """The works of a corpus, and changed copies of them."""
    yield from works_of(corpus, "train")
    for number in range(1, times):
        draw = np.random.default_rng(number)
        for work, text in works_of(corpus, "train"):
            points = np.frombuffer(text.encode("utf-32-le"), "<u4").copy()
            changed = draw.random(len(points)) > UNCHANGED
            points[changed] = draw.permutation(points[changed])
            changed_text = points.tobytes().decode("utf-32-le")
            yield Work(work.source, f"{work.id} {number}", work.author, work.title), changed_text


def build(corpus: Artifact, folder: Path, times: int) -> dict[str, float]:
    """Build an index, in this process; its counts and the seconds that it took."""
    start = time.perf_counter()
    counts = write_index(folder, lambda: copies(corpus, times))
    seconds = time.perf_counter() - start
    return {**counts, "seconds": seconds, "processor_seconds": time.process_time()}


def queries(corpus: Artifact, split: str) -> list[str]:
    """Passages of a split, always the same ones."""
    draw = random.Random(0)
    documents = [text for _, text in texts(file for _, file in parts(corpus, split))]
    documents = [text for text in documents if len(text) >= QUERY]
    passages = []
    for text in draw.choices(documents, [len(text) for text in documents], k=QUERIES):
        start = draw.randrange(len(text) - QUERY + 1)
        passages.append(text[start : start + QUERY])
    return passages


def milliseconds(index: TextIndex, kind: str, passages: list[str]) -> dict[str, float]:
    """The time of a query, and its processor time: other programs may run beside it."""
    clocks, taken = (time.perf_counter, time.process_time), []
    for passage in passages:
        before = [clock() for clock in clocks]
        getattr(index, kind)(passage)
        taken.append(
            [1000 * (clock() - start) for clock, start in zip(clocks, before, strict=True)]
        )
    real, processor = map(sorted, zip(*taken, strict=True))
    return {
        "median": statistics.median(real),
        "95 %": real[int(0.95 * len(real))],
        "processor": statistics.median(processor),
    }


def main() -> None:
    """Build an index, ask it, and write what that took."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("corpus", type=Path, help="the folder of a corpus")
    parser.add_argument("--times", type=int, default=1, help="as large a corpus; default: 1")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)  # of the child
    options = parser.parse_args()
    corpus = Artifact.load(options.corpus)
    if options.into:
        print(json.dumps(build(corpus, options.into, options.times)))
        return
    OUT.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=OUT.parent) as name:
        command = [sys.executable, __file__, str(options.corpus), "--into", name]
        built = run([*command, "--times", str(options.times)])
        figures = {"machine": machine(), "times": options.times, **built.output}
        figures |= {"peak_mb": built.peak_mb, "query_characters": QUERY, "queries_ms": {}}
        index = TextIndex.open(Path(name))
        for split in ("held_out", "train"):
            for kind in KINDS:
                taken = milliseconds(index, kind, queries(corpus, split))
                figures["queries_ms"][f"{kind}, {split}"] = taken
    print(
        f"{figures['characters'] / 1e6:.1f} M characters, {figures['distinct']} different ones:"
        f" {figures['seconds']:.1f} s ({figures['processor_seconds']:.1f} s of a processor),"
        f" {figures['peak_mb']:.0f} MB at most,"
        f" {figures['bytes'] / 1e6:.0f} MB on disk, parts: {figures['parts']}"
    )
    for name, times in figures["queries_ms"].items():
        print(f"{name:20}", *(f"{key}: {value:.1f} ms" for key, value in times.items()), sep="  ")
    OUT.write_text(json.dumps(figures, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
