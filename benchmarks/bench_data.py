"""The data stages against datatrove, a plain script and the bare libraries, in one run.

::

    make bench-data ARCHIVE=russian-literature.zip [DUMP=ruwiki.xml.bz2]

The archive is a copy of the classics' Kaggle dataset (or any zip of Russian .txt files). Without
a dump, one is generated. All times are wall-clock times, of whole programs or of the stage within
them, measured one after another on this machine. Prints a table and writes
``benchmarks/out/data.json``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

from measured_process import FinishedProgram, machine, run

HERE = Path(__file__).resolve().parent
COPIES = 30


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("archive", type=Path)
    parser.add_argument("--dump", type=Path)
    parser.add_argument("--datatrove", help="the Python of an environment with datatrove")
    parser.add_argument("--repeats", type=int, default=3, help="of the quick measurements")
    parser.add_argument("--out", type=Path, default=HERE / "out/data.json")
    options = parser.parse_args()
    with TemporaryDirectory(dir=os.environ.get("BENCH_TMP")) as folder:
        figures = measure(options, Path(folder))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    show(figures)
    print(f"\nwritten: {options.out}")


def measure(options: argparse.Namespace, folder: Path) -> dict:
    with zipfile.ZipFile(options.archive) as zipped:
        texts = [info for info in zipped.infolist() if info.filename.lower().endswith(".txt")]
    megabytes = sum(info.file_size for info in texts) / 1e6
    figures: dict = {
        "machine": machine(),
        "python": platform.python_version(),
        "archive_mb": round(megabytes, 1),
        "repeats": options.repeats,
    }
    ours, plain = [], []
    for turn in range(options.repeats):  # alternating, so that noise affects both
        log(f"classics, {turn + 1} of {options.repeats}")
        data = folder / f"data{turn}"
        ours.append(run_stage("corpus", options.archive, data))
        plain.append(run_script("plain_corpus.py", options.archive, folder / "plain.parquet"))
    seconds = statistics.median(program.output["seconds"] for program in ours)
    figures |= {
        "classics_seconds": round(seconds, 2),
        "classics_mb_per_second": round(megabytes / seconds, 2),
        "classics_peak_memory_mb": round(max(program.peak_mb for program in ours)),
        "documents": ours[0].output["counts"]["documents_read"],
        "plain_script_seconds": round(
            statistics.median(program.output["seconds"] for program in plain), 2
        ),
    }
    figures["plain_script_ratio"] = round(figures["plain_script_seconds"] / seconds, 2)

    log("one text of 20 MB with notes")
    figures["notes_cpu_seconds"] = round(
        run_stage("notes", options.archive).output["cpu_seconds"], 1
    )

    log("tokens")
    data = folder / "data0"
    shares = []
    for _ in range(options.repeats):
        shutil.rmtree(data / "tokens", ignore_errors=True)
        encoded = run_stage("tokens", options.archive, data).output
        alone = run_stage("sentencepiece", data).output["seconds"]
        shares.append(min(alone.values()) / encoded["encode_seconds"])
        figures["encode_seconds"] = round(encoded["encode_seconds"], 2)
        figures["sentencepiece_seconds"] = {k: round(v, 2) for k, v in alone.items()}
    figures["encode_share_of_sentencepiece"] = round(statistics.median(shares), 3)
    again = [run_stage("tokens", options.archive, data).output for _ in range(options.repeats)]
    figures["nothing_changed_seconds"] = round(statistics.median(t["seconds"] for t in again), 2)
    assert not any(turn["made"] for turn in again)

    dump = options.dump or generate_dump(folder / "generated.xml.bz2")
    figures["wiki_dump"] = dump.name if options.dump else "generated"
    ratios = []
    for turn in range(options.repeats):
        log(f"wiki, {turn + 1} of {options.repeats}")
        wiki = run_stage("wiki", dump).output
        plain_wiki = run_script("plain_wiki.py", dump).output
        ratios.append(plain_wiki["seconds"] / wiki["seconds"])
        figures["wiki_seconds"] = round(wiki["seconds"], 2)
        figures["wiki_plain_seconds"] = round(plain_wiki["seconds"], 2)
        figures["wiki_articles"] = wiki["articles"]
    figures["wiki_ratio"] = round(statistics.median(ratios), 2)

    log(f"the archive {COPIES} times over")
    copies = folder / "many"
    copies.mkdir()
    for number in range(COPIES):
        shutil.copyfile(options.archive, copies / f"copy{number:02d}.zip")
    many = run_stage("corpus", copies, folder / "many-data")
    figures["peak_memory_mb_x30"] = round(many.peak_mb)
    figures["x30_mb_per_second"] = round(COPIES * megabytes / many.output["seconds"], 2)

    if options.datatrove:
        log("datatrove (a few minutes)")
        command = [options.datatrove, str(HERE / "datatrove_corpus.py")]
        command += [str(options.archive), str(folder / "datatrove"), "2"]
        rival = run(command, stderr=subprocess.DEVNULL).output
        figures["datatrove_seconds"] = round(rival["seconds"], 1)
        figures["datatrove_documents"] = rival["documents"]
        figures["datatrove_ratio"] = round(rival["seconds"] / seconds, 1)
    return figures


def run_stage(stage: str, *arguments: object) -> FinishedProgram:
    return run([sys.executable, str(HERE / "data_stages.py"), stage, *map(str, arguments)])


def run_script(name: str, *arguments: object) -> FinishedProgram:
    return run([sys.executable, str(HERE / name), *map(str, arguments)])


def generate_dump(path: Path) -> Path:
    """A dump of generated articles, with markup like that of real ones."""
    import bz2

    from generated_dump import pages

    with bz2.open(path, "wt", encoding="utf-8") as file:
        file.writelines(pages(400))
    return path


def log(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


def show(figures: dict) -> None:
    def row(label: str, key: str, target: str) -> None:
        print(f"{label:58} {figures.get(key, 'not run')!s:>10}   {target}")

    print(
        f"\n{figures['machine']}, Python {figures['python']}; {figures['archive_mb']} MB of text\n"
    )
    row("archive to Parquet, MB of text per second", "classics_mb_per_second", "≥ 12")
    row("  times as fast as datatrove, closest equivalent work", "datatrove_ratio", "≥ 10")
    row("  times as fast as a plain script that does less", "plain_script_ratio", "")
    row("an edition of 20 MB with notes in each part, CPU s", "notes_cpu_seconds", "≤ 10")
    row("encoding: share of sentencepiece's own speed", "encode_share_of_sentencepiece", "≥ 0.95")
    row("wiki dump: times as fast as the parser used plainly", "wiki_ratio", "≥ 3")
    row(f"peak memory on the archive {COPIES} times over, MB", "peak_memory_mb_x30", "≤ 1500")
    row("nothing changed, seconds for all data stages", "nothing_changed_seconds", "≤ 2")


if __name__ == "__main__":
    main()
