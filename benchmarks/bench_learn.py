"""How much is learned from the classics in ten minutes: this build and today's, in one run.

::

    make bench-learn ARCHIVE=russian-literature.zip [NANOGPT=folder]

Each training is alone on the machine, its schedule fitted to ten minutes from the start of its
process to its final weights; three seeds. Today's build has 5 M parameters. This one trains what
``conf/classics-cpu`` has, which is less, on the pieces that it has there, also for shares of the
time, to find when it has today's figure; and (one seed) a model as large as today's, on the same
tokens. All are scored on the complete held-out text by this build. Then its speed is measured: in
turn with the reference recipe's, and beside busy programs. Two to three hours, with one seed
(``--quick``) one; a second start goes on with what is missing. Given token shards instead of the
archive, all train on these. Writes ``benchmarks/out/learn.json``.
"""

from __future__ import annotations

import argparse
import math
import statistics
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from arm_training import Process
from arms import Arm, resolve
from bench_train import SMALL, speeds
from beside import beside
from commit_files import ROOT, full_hash
from experiment import OUT, Laboratory, Records, log, shards_of, write_json
from measured_process import machine
from nanogpt import NanoGPT
from paired import compare, figures, mean_ratio, shown
from reference_recipe import Shape, Training

from femtogpt.config import ModelConfig
from femtogpt.config_file import load_config
from femtogpt.evaluation.ngram_baseline import ngram_figures
from femtogpt.tokens.shards import Tokens
from femtogpt.train_config import WHOLE_SOFTMAX
from femtogpt.training.precision import Precision

TODAY = "77670d6"
CONF = "conf=classics-cpu"
SAME_SIZE = f"{CONF} model.size=nano"  # 5 M parameters
MINUTES = 10.0
SHARES = (0.4, 0.6)  # of the time, in which this build also trains
TODAYS, OURS, SAME = "today's build", "this build", "this build, today's size and tokens"
TARGETS = {
    "ten_minutes_ratio": "≤ 0.92",
    "ten_minutes_same_size_ratio": "≤ 0.92",
    "time_to_todays_ratio": "≤ 0.6",
    "ten_minutes_to_ngram": "≤ 0.93",
    "tokens_per_second_to_reference": "≥ 2.0",
    "tokens_per_second_to_reference_with_all_tokens": "≥ 2.0",
    "tokens_per_second_to_reference_in_float32": "≥ 2.0",
    "tokens_per_second_to_reference_in_float32_with_all_tokens": "≥ 2.0",
    "tokens_per_second_to_nanogpt": "≥ 2.0",
    "tokens_per_second_to_nanogpt_with_all_tokens": "≥ 2.0",
    "tokens_per_second_to_nanogpt_in_float32": "≥ 2.0",
    "tokens_per_second_to_nanogpt_in_float32_with_all_tokens": "≥ 2.0",
    "beside_one": "≥ 0.85",
    "beside_three": "≥ 0.85",
    "alone_to_todays": "≥ 0.98",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("text", type=Path, help="the archive of the classics, or token shards")
    parser.add_argument("--quick", action="store_true", help="one seed")
    parser.add_argument("--against", default=TODAY, metavar="COMMIT", help="today's build")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    parser.add_argument("--rounds", type=int, default=3, help="speed measurements")
    parser.add_argument("--nanogpt", type=Path, help="a folder with nanoGPT, to compare speed with")
    parser.add_argument("--set", default="", help="settings of all arms: section.field=value …")
    parser.add_argument("--folder", type=Path, default=OUT / "experiments", help="for the records")
    parser.add_argument("--out", type=Path, default=OUT / "learn.json")
    options = parser.parse_args()
    tokens = shards_of(options.text)
    own = shards_of(options.text, "classics-cpu")
    content = learning(options, tokens, own) | speed(tokens, options.rounds, options.nanogpt)
    content |= beside_others(options, tokens)
    write_json(options.out, {"machine": machine(), **content})
    print(f"\n{shown(content['rows'])}\n")
    for name, target in TARGETS.items():
        if name in content:
            value = content[name]
            print(f"{name:58} {'unknown' if value is None else f'{value:.3f}':>9}   {target}")
    print(f"\nwritten: {options.out}")


def learning(options: argparse.Namespace, tokens: Tokens, own: Tokens) -> dict[str, Any]:
    """Train and compare: what is learned in which time, and the arms behind it.

    ``tokens``: those of today's build; ``own``: those of this one.
    """
    whole = f"{options.set} minutes={options.minutes}"
    todays = [Arm.parse(f"{TODAYS}: {SAME_SIZE} {whole}", commit=full_hash(options.against))]
    same = [Arm.parse(f"{SAME}: {SAME_SIZE} {whole}")]
    shares = {f"{OURS}, {share:g} of the time": share for share in SHARES} | {OURS: 1.0}
    arms = [
        Arm.parse(f"{name}: {CONF} {options.set} minutes={share * options.minutes}")
        for name, share in shares.items()
    ]
    with_todays, with_own = (Laboratory(each, options.folder, final=True) for each in (tokens, own))
    records: Records = {}
    for seed in range(1 if options.quick else 3):
        made = with_todays.records(todays, [seed]) | with_own.records(arms, [seed])
        made |= with_todays.records(same, [seed]) if seed == 0 else {}
        for name, by_seed in made.items():
            records.setdefault(name, {}).update(by_seed)
    bits = {name: figures(by_seed) for name, by_seed in records.items()}
    seconds = {
        name: statistics.mean(figures(by_seed, "seconds").values())
        for name, by_seed in records.items()
    }
    means = {name: statistics.mean(by_seed.values()) for name, by_seed in bits.items()}
    steps = {name: figures(by_seed, "steps") for name, by_seed in records.items()}
    course = [(seconds[name] / seconds[TODAYS], means[name]) for name in shares]
    ngram = ngram_figures(tokens, order=4)[0].bits_per_character
    return {
        "ten_minutes_ratio": mean_ratio(bits[OURS], bits[TODAYS]),
        "ten_minutes_same_size_ratio": mean_ratio(bits[SAME], bits[TODAYS]),
        "time_to_todays_ratio": time_to(means[TODAYS], course),
        "ten_minutes_to_ngram": means[OURS] / ngram,
        "ngram_bits_per_character": ngram,
        "alone_to_todays": mean_ratio(steps[SAME], steps[TODAYS]),
        "course": course,
        "pieces": {"today": tokens.vocab_size, "this": own.vocab_size},
        "parameters": {name: by_seed[0]["parameters"] for name, by_seed in records.items()},
        "minutes": options.minutes,
        "against": options.against,
        "rows": compare(records, TODAYS),
    }


def beside_others(options: argparse.Namespace, tokens: Tokens) -> Mapping[str, Any]:
    """This build's speed while other programs keep cores busy."""
    log("beside busy programs")
    (training,) = Arm.parse(f"{OURS}: {SAME_SIZE} {options.set} train.max_steps=1").trainings
    resolved = resolve(training, ROOT, tokens.vocab_size, tokens.total("train"))
    return beside(Process(resolved, tokens, ROOT, 0, None), options.rounds)


def time_to(bits: float, course: Sequence[tuple[float, float]]) -> float | None:
    """The time at which a ``course`` of (time, bits) comes down to ``bits``.

    Between two trainings the logarithm of the time is interpolated. The first time if that is good
    enough already: the true one is shorter. None if the last is not.
    """
    before = None
    for time, reached in course:
        if reached <= bits:
            if before is None:
                return time
            share = (before[1] - bits) / (before[1] - reached)
            return math.exp(math.log(before[0]) + share * math.log(time / before[0]))
        before = time, reached
    return None


def speed(tokens: Tokens, rounds: int, nanogpt: Path | None) -> dict[str, Any]:
    """Tokens per second of the engine's steps, in turn with those of the reference in float32.

    The engine's are those of ``conf/classics-cpu``, without its n-gram, in the format that it
    chooses and in float32: most with a part of the vocabulary in the softmax, the last ones with
    all of it.
    """
    model, shape = ModelConfig(**SMALL, context=256), Shape(**SMALL, vocab=tokens.vocab_size)
    train = load_config("classics-cpu").train
    ways = {"part": {"softmax_tokens": str(train.softmax_tokens)}, "all_tokens": {}}
    late = WHOLE_SOFTMAX * train.decay  # share of the steps that have all tokens
    rivals: dict[str, Training] = {"reference": Training(tokens, shape, 1e-3, 8, 10_000)}
    if nanogpt:
        rivals["nanogpt"] = NanoGPT(nanogpt, tokens, shape, 1e-3, 8, 10_000)
    formats = dict.fromkeys([Precision(train).name, "float32"])
    ratios: dict[str, float] = {}
    measured = {}
    for rival, (own, chosen) in product(rivals, zip(("", "_in_float32"), formats, strict=False)):
        name = f"tokens_per_second_to_{rival}{own}"
        log(f"speed: {rival}, {chosen}")
        measured[name] = {
            way: speeds(rounds, tokens, model, rivals[rival], {"precision": chosen, **settings})
            for way, settings in ways.items()
        }
        sampled, whole = (measured[name][way]["ratio"] for way in ways)
        ratios[name] = 1 / ((1 - late) / sampled + late / whole)
        ratios[f"{name}_with_all_tokens"] = whole
    return {**ratios, "speed": measured}


if __name__ == "__main__":
    main()
