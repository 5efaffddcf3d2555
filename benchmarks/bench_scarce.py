"""How much is learned from little text: this build and today's, in one run.

::

    make bench-scarce ARCHIVE=russian-literature.zip

1.8 M parameters and 175,000 tokens of the classics, three seeds. Today's build trains for several
numbers of epochs, two trainings side by side: each number with one seed, the best two with all.
It also trains on 1.5 times the text (``--twice``: and on 2 times) for the best number. This
build's recipe trains alone on the machine, and today's build for as long as that took. All are
scored on the complete held-out text by this build. About two hours; a second start goes on with
what is missing. Writes ``benchmarks/out/scarce.json``.
"""

from __future__ import annotations

import argparse
import math
import statistics
from pathlib import Path
from typing import Any

from arms import Arm
from bench_learn import TODAY, TODAYS
from commit_files import full_hash
from experiment import OUT, Laboratory, Records, shards_of, write_json
from measured_process import machine
from paired import compare, figures, mean_ratio, shown

SMALL = (
    "model.layers=4 model.width=128 model.heads=2 model.context=256 model.dropout=0.2"
    " train.batch_size=8 train.learning_rate=0.012"
)
TEXT = 175_000  # tokens
EPOCHS = (4, 8, 16, 32)
# This build's recipe for scarce text: an arm, that is one training or several, one after another.
RECIPE = (
    "train.epochs=16 train.decay=0.8 train.ngram_share=0.5 train.ngram_tokens=100_000_000"
    " train.subword_rate=1.5 train.input_noise=0.05"
)
OURS = "this build"
EQUAL_TIME = f"{TODAYS}, equal time"
TARGETS = {
    "scarce_ratio": "≤ 0.96, stretch 0.92",
    "scarce_more_text": "≤ 1.0",
    "scarce_twice_the_text": "≤ 1.0, stretch",
    "scarce_equal_time": "≤ 0.97",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="the archive of the classics, or token shards")
    parser.add_argument("--against", default=TODAY, metavar="COMMIT", help="today's build")
    parser.add_argument("--recipe", default=RECIPE, help="this build's arm: setting=value …")
    parser.add_argument("--base", default=SMALL, help="settings of all arms")
    parser.add_argument("--tokens", type=int, default=TEXT, help="how little text")
    parser.add_argument("--twice", action="store_true", help="also against twice the text")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=OUT / "experiments", help="for the records")
    parser.add_argument("--out", type=Path, default=OUT / "scarce.json")
    options = parser.parse_args()
    content = measure(options)
    write_json(options.out, {"machine": machine(), **content})
    print(f"\n{shown(content['rows'])}\n")
    for name, target in TARGETS.items():
        if name in content:
            print(f"{name:24} {content[name]:8.3f}   {target}")
    print(f"\nwritten: {options.out}")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    tokens, commit = shards_of(options.text), full_hash(options.against)
    alone = Laboratory(tokens, options.folder, final=True)
    pairs = Laboratory(tokens, options.folder, final=True, jobs=2)
    seeds = range(options.seeds)

    def today(name: str, length: str, times: float = 1) -> Arm:
        text = f"text={round(times * options.tokens)}"
        return Arm.parse(f"{name}: {length}", f"{options.base} {text}", commit)

    lengths = {f"{TODAYS}, {number} epochs": f"train.epochs={number}" for number in EPOCHS}
    first = pairs.records([today(*length) for length in lengths.items()], seeds[:1])
    best_two = sorted(lengths, key=lambda name: figures(first[name]).get(0, math.inf))[:2]
    records: Records = first | pairs.records(
        [today(name, lengths[name]) for name in best_two], seeds
    )
    best = min(best_two, key=lambda name: statistics.mean(figures(records[name]).values()))
    more = {f"{TODAYS}, 1.5 times the text": 1.5}
    if options.twice:
        more[f"{TODAYS}, twice the text"] = 2
    records |= pairs.records([today(name, lengths[best], more[name]) for name in more], seeds)

    ours = Arm.parse(f"{OURS}: {options.recipe}", f"{options.base} text={options.tokens}")
    records |= alone.records([ours], seeds)
    seconds = statistics.mean(figures(records[OURS], "seconds").values())
    timed = today(EQUAL_TIME, f"minutes={seconds / 60:.2f}")
    records |= alone.records([timed], seeds)

    bits = {name: figures(by_seed) for name, by_seed in records.items()}
    rivals = {"scarce_ratio": best, "scarce_equal_time": EQUAL_TIME}
    rivals |= dict(zip(("scarce_more_text", "scarce_twice_the_text"), more, strict=False))
    ratios = {name: mean_ratio(bits[OURS], bits[rival]) for name, rival in rivals.items()}
    return {
        **ratios,
        "best": best,
        "recipe": options.recipe,
        "base": options.base,
        "tokens": options.tokens,
        "against": options.against,
        "rows": compare(records, best),
    }


if __name__ == "__main__":
    main()
