"""What each cleaning rule touches, and what each group of rules gains.

::

    python benchmarks/bench_rules.py touched classics wiki --archive archive.zip
    python benchmarks/bench_rules.py gain --archive archive.zip --seeds 3

``touched`` counts, for each rule of the sources named, the documents and characters that it
changes. ``gain`` cleans the train documents of a configuration once more without one group of
rules at a time, trains a small model on each of these texts, and scores all of them on the same
held-out text, cleaned in full: the difference in held-out bits per character is what the group is
worth. What filters are worth shows only if the sources have documents that they reject. In
all of them held-out text is cut from the train texts, and duplicates stay out: with them, the
figure would measure memory. Each text has a tokenizer of its own. Seeds take turns over the groups.

Prints a table, and writes or extends ``benchmarks/out/rules.json``; ``gain`` goes on where it was
stopped.
"""

from __future__ import annotations

import argparse
import json
import statistics
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import polars as pl
from arms import Arm
from experiment import Laboratory
from measured_process import machine

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.config_file import load_config
from femtogpt.corpus.build import build_corpus
from femtogpt.corpus.clean import batches
from femtogpt.corpus.overlap import HeldOutIndex, remove_overlap
from femtogpt.corpus.rules import Rule, rules_of
from femtogpt.corpus.schema import DOCUMENT, REPORT, SCHEMA, SPLITS, parts, write
from femtogpt.sources.base import Source
from femtogpt.sources.fetch import BYTES, fetch
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import train_tokenizer

HERE = Path(__file__).resolve().parent
CONFIG = "classics"
GROUPS = {  # files of femtogpt/corpus/rules; all others are of "editions"
    "characters": ("characters", "lookalikes"),
    "layout": ("layout", "paragraphs", "hyphens", "broken_words"),
    "typography": ("typography", "quotes"),
}
EDITIONS, FILTERS = "editions", "filters"
ARMS = ("all rules", *GROUPS, EDITIONS, FILTERS)
EXEMPT = ("duplicate", "near_duplicate", "held_out_overlap", "unreadable", "empty")
MODEL = (
    "model.layers=4 model.width=128 model.heads=4 model.context=256"
    " train.batch_size=8 train.learning_rate=0.012 train.threads=1"
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=["touched", "gain"])
    parser.add_argument("config", nargs="*", default=[CONFIG], help="configurations; gain: one")
    parser.add_argument("--archive", type=Path, help="a copy of the Kaggle dataset on disk")
    parser.add_argument("--set", nargs="*", default=[], help="section.field=value")
    parser.add_argument("--data", type=Path, default=HERE / "out/rules")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--out", type=Path, default=HERE / "out/rules.json")
    options = parser.parse_args()
    figures = json.loads(options.out.read_text(encoding="utf-8")) if options.out.is_file() else {}
    figures["machine"] = machine()

    def save() -> None:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(
            json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
        )

    settings = [f"paths.data={options.data}", *options.set]
    if options.what == "touched":
        for name in options.config:
            config = load_config(name, settings, options.archive)
            figures.setdefault("touched", {}).update(touched(config))
            save()
        show_touched(figures["touched"])
        return
    config = load_config(options.config[0], settings, options.archive)
    bits = figures.setdefault("gain", {})
    texts = {arm: tokens_of(arm, config, options.data) for arm in ARMS}
    for seed in range(options.seeds):
        for arm, tokens in texts.items():
            if str(seed) not in bits.setdefault(arm, {}):
                laboratory = Laboratory(tokens, options.data / "experiments", final=True)
                trained = Arm.parse(f"{arm}: {MODEL} train.max_steps={options.steps}")
                record = laboratory.records([trained], [seed])[arm][seed]
                bits[arm][str(seed)] = record["bits_per_character"]
                print(f"seed {seed}  {bits[arm][str(seed)]:.4f}  without {arm}", flush=True)
                save()
    show_gain(bits)


def documents(config: Config, name: str) -> Iterator[pl.DataFrame]:
    """The documents of a source as they come, in batches."""
    store = Store(config.paths.data)
    source = cast(Source, config.sources[name])
    raw = fetch(store, name, source)
    for rows in batches(source.documents(raw.path / BYTES)):
        frame = pl.DataFrame(rows, schema=DOCUMENT | {"fault": pl.String}, orient="row")
        yield frame.filter(pl.col("fault").is_null())


def group(rule: Rule) -> str:
    """The group of a rule, by the file that it is in."""
    file = rule.apply.__module__.rpartition(".")[2]
    return next((name for name, files in GROUPS.items() if file in files), EDITIONS)


def touched(config: Config) -> dict[str, dict]:
    """For each source and rule: documents and characters changed; and all characters read."""
    counts: dict[str, dict] = {}
    for name in config.sources:
        effects = {
            rule.name: {"documents": 0, "characters": 0} for rule in rules_of(config.sources[name])
        }
        characters = 0
        for frame in documents(config, name):
            characters += int(frame["text"].str.len_chars().sum())
            for rule in rules_of(config.sources[name]):
                before = frame["text"]
                frame = frame.with_columns(rule.apply(pl.col("text")).alias("text"))
                changed = (before != frame["text"]).arg_true()
                effects[rule.name]["documents"] += len(changed)
                effects[rule.name]["characters"] += sum(
                    difference(old, new)
                    for old, new in zip(
                        before.gather(changed), frame["text"].gather(changed), strict=True
                    )
                )
        counts[name] = {"characters": characters, "rules": effects}
    return counts


def difference(before: str, after: str) -> int:
    """Characters removed, added or replaced; an exchange of two places is not seen."""
    old, new = (np.frombuffer(text.encode("utf-32-le"), np.uint32) for text in (before, after))
    size = int(max(old.max(initial=0), new.max(initial=0))) + 1
    change = np.bincount(new, minlength=size) - np.bincount(old, minlength=size)
    return int(max(change[change > 0].sum(), -change[change < 0].sum()))


def tokens_of(arm: str, config: Config, data: Path) -> Tokens:
    """Token shards of a text cleaned without a group; held-out works are cleaned in full."""
    store = Store(data)
    sources = cast(dict[str, Source], config.sources)
    raw = {name: fetch(store, name, source) for name, source in sources.items()}
    full = build_corpus(store, config, raw)
    folder = data / "arms" / arm.replace(" ", "_")
    if not (folder / REPORT).exists():
        held_out = {name: split_documents(full, "held_out", name) for name in config.sources}
        texts = [text for frame in held_out.values() for text in frame["text"]]
        index = HeldOutIndex(texts, config.corpus.shared_characters)
        report = {}
        for name in config.sources:
            splits = {
                "train": train_documents(arm, config, name, full, index),
                "held_out": held_out[name],
            }
            for split, frame in splits.items():
                if len(frame):
                    write(frame, folder / f"documents/source={name}/split={split}/00000.parquet")
            sizes = {split: int(frame["characters"].sum()) for split, frame in splits.items()}
            report[name] = {"splits": {split: {"characters": sizes[split]} for split in SPLITS}}
        (folder / REPORT).write_text(json.dumps(report), encoding="utf-8")
    report = json.loads((folder / REPORT).read_text(encoding="utf-8"))
    counts = {
        f"{split}_characters": sum(part["splits"][split]["characters"] for part in report.values())
        for split in SPLITS
    }
    digest = f"{full.digest}-{arm}"
    corpus = Artifact(folder, "corpus", digest, digest, counts)
    tokenizer = train_tokenizer(Store(folder), config, corpus)
    print(f"without {arm}: {counts['train_characters']:,} characters to train on", flush=True)
    return Tokens(write_tokens(Store(folder), config, corpus, tokenizer).path)


def split_documents(corpus: Artifact, split: str, name: str) -> pl.DataFrame:
    """The documents of one source in a split."""
    files = [file for source, file in parts(corpus, split) if source == name]
    return pl.concat([pl.read_parquet(file) for file in files]) if files else SCHEMA.to_frame()


def train_documents(
    arm: str, config: Config, name: str, full: Artifact, index: HeldOutIndex
) -> pl.DataFrame:
    """A source's train documents, cleaned as the arm says, without what held-out works share."""
    ids = set(split_documents(full, "train", name)["id"])
    if arm == FILTERS:
        for file in full.path.glob(f"rejected/source={name}/*.parquet"):
            rejected = pl.read_parquet(file).filter(~pl.col("rule").is_in(EXEMPT))
            ids |= set(rejected["id"])
    rules = [rule for rule in rules_of(config.sources[name]) if group(rule) != arm]
    frames = []
    for frame in documents(config, name):
        frame = frame.filter(pl.col("id").is_in(list(ids)))
        for rule in rules:
            frame = frame.with_columns(rule.apply(pl.col("text")).alias("text"))
        texts = [remove_overlap(text, index)[0] for text in frame["text"]]
        frames.append(frame.with_columns(text=pl.Series(texts, dtype=pl.String)))
    frame = pl.concat(frames).with_columns(characters=pl.col("text").str.len_chars())
    return frame.select(list(SCHEMA)).cast(SCHEMA)


def show_touched(counts: dict[str, dict]) -> None:
    names = list(counts)
    rules = list(dict.fromkeys(rule for source in counts.values() for rule in source["rules"]))
    print(f"\ncharacters touched per 100,000\n{'':20}" + "".join(f"{name:>14}" for name in names))
    for rule in rules:
        cells = []
        for name in names:
            effect = counts[name]["rules"].get(rule)
            share = effect and 1e5 * effect["characters"] / max(counts[name]["characters"], 1)
            cells.append(f"{'':>14}" if share is None else f"{share:14.2f}")
        print(f"{rule:20}" + "".join(cells))


def show_gain(bits: dict[str, dict[str, float]]) -> None:
    base = bits[ARMS[0]]
    print(f"\n{'without':14}{'bits/char':>10}{'difference':>12}{'spread':>8}")
    for arm, by_seed in bits.items():
        to_base = [by_seed[seed] - base[seed] for seed in by_seed]
        spread = statistics.stdev(to_base) if len(to_base) > 1 else 0.0
        mean = statistics.mean(by_seed.values())
        print(f"{arm:14}{mean:10.4f}{statistics.mean(to_base):+12.4f}{spread:8.4f}")


if __name__ == "__main__":
    main()
