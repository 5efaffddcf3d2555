"""The laboratory: arms of an experiment, trained with several seeds and scored by one evaluator.

::

    python benchmarks/experiment.py data/tokens/… --base 'conf=classics-cpu train.max_steps=300' \\
        --arm 'wide: model.width=384' --arm 'two: train.epochs=8 then train.init_from=@previous'

``arms.py`` has what an arm may say. The base is an arm too: the first row, with which the others
are compared seed by seed. All of them train on equal text or steps (as they are told), or in equal
time with ``minutes=10`` in the base. ``--against 77670d6`` has the base trained by that commit's
build, on the same shards.

Every training is a process of its own; ``--jobs 2`` runs two side by side, with one thread each,
unless arms are to take equal time. A finished arm and seed is a file in ``benchmarks/out``; a
second start does what is missing. An arm whose settings, code or text have changed is a new one.

Arms are scored on works spared from the train split, so that choosing among them learns nothing of
the held-out split. ``--final`` trains on the whole train split and scores on the held-out one:
once, for what was chosen. Prints the table for docs/experiments.md.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from arm_training import TrainingFailed, train_arm
from arms import Arm, Resolved, resolve
from commit_files import ROOT, checked_out, full_hash
from fitted_time import Pace
from measured_process import machine, run
from paired import FIGURE, compare, shown
from text_cuts import content_hash, text_cut, validation_cut

from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.disk import write_atomic
from femtogpt.config_file import load_config
from femtogpt.parallel import workers
from femtogpt.tokens.shards import Tokens

TODAYS_PIECES = 8000
OUT = Path(__file__).resolve().parent / "out"
Records = dict[str, dict[int, dict[str, Any]]]  # arm's name to seed to what came of it


class Laboratory:
    """Trains arms on the shards ``tokens``, or looks up what came of them."""

    def __init__(
        self,
        tokens: Tokens,
        folder: Path = OUT / "experiments",
        final: bool = False,
        jobs: int = 1,
    ):
        """``final``: on the whole train split, scored on held-out text. ``jobs``: side by side."""
        self.folder, self.jobs = folder.resolve(), jobs
        self.tokens = Tokens(tokens.folder.resolve())  # trainings run in other folders
        self.content = content_hash(self.tokens)
        if not final:
            cut = self.folder / "shards" / f"{self.content}-validation"
            self.tokens = validation_cut(self.tokens, cut)
            self.content = content_hash(self.tokens)

    def records(self, arms: Sequence[Arm], seeds: Sequence[int]) -> Records:
        """The records of all arms and seeds; those that are missing are made first.

        Seeds in turn over the arms. Where a training fails, the others are done all the same;
        then SystemExit is raised. A training that diverges is a result: a record of its failure.
        """
        if self.jobs > 1 and any(arm.is_timed for arm in arms):
            raise SystemExit("arms of equal time are trained in turn, alone: leave out --jobs")
        torch.set_num_threads(max(1, workers() // self.jobs))
        with ExitStack() as stack:
            commits = {arm.commit for arm in arms if arm.commit}
            trees = {commit: stack.enter_context(checked_out(commit)) for commit in commits}
            prepared = [
                self._prepared(arm, trees[arm.commit] if arm.commit else ROOT) for arm in arms
            ]
            pool = stack.enter_context(ThreadPoolExecutor(self.jobs))
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
            tasks = [(arm, seed) for seed in seeds for arm in prepared]
            made = [pool.submit(self._record, arm, seed) for arm, seed in tasks]
            records: Records = {arm.name: {} for arm in arms}
            failures = []
            for (arm, seed), future in zip(tasks, made, strict=True):
                try:
                    records[arm.name][seed] = future.result()
                except TrainingFailed as failure:
                    failures.append(f"{arm.name}, seed {seed}: {failure}")
        if failures:
            raise SystemExit("\n".join(failures))
        return records

    def digest(self, arm: Arm) -> str:
        """What names the records of an arm that this build trains: settings, code and text."""
        return self._prepared(arm, ROOT).digest(self.content)

    def text(self, count: int | None) -> Tokens:
        """The shards with about so many tokens to train on; None: all."""
        if count is None:
            return self.tokens
        return text_cut(self.tokens, self.folder / "shards" / f"{self.content}-{count}", count)

    def _prepared(self, arm: Arm, tree: Path) -> Prepared:
        trainings, texts = [], [self.text(training.text) for training in arm.trainings]
        for training, text in zip(arm.trainings, texts, strict=True):
            if self.jobs > 1:
                training = training.with_default("train.threads", 1)
            trainings.append(resolve(training, tree, text.vocab_size, text.total("train")))
            if unknown := trainings[-1].unknown:
                log(f"{arm.name}: {arm.commit} does not have {', '.join(unknown)}")
        return Prepared(arm.name, arm.commit, trainings, texts, tree)

    def _record(self, arm: Prepared, seed: int) -> dict[str, Any]:
        """What came of an arm and a seed, from its file or from training it now."""
        file = self.folder / f"{arm.digest(self.content)}-{seed}.json"
        if file.exists():
            return json.loads(file.read_text(encoding="utf-8"))
        known = self.folder / "paces" / f"{arm.digest(self.content, timed=False)}.json"
        paces = {}
        if known.exists():
            content = json.loads(known.read_text(encoding="utf-8"))
            paces = {int(number): Pace(**pace) for number, pace in content.items()}
        record: dict[str, Any] = {
            "arm": arm.name,
            "commit": arm.commit,
            "seed": seed,
            "machine": machine(),
        }
        record["trainings"] = [training.definition() for training in arm.trainings]
        with TemporaryDirectory() as runs:
            try:
                record |= train_arm(arm.trainings, arm.texts, arm.tree, seed, Path(runs), paces)
                log(f"{arm.name}, seed {seed}: {record[FIGURE]:.4f}")
            except TrainingFailed as failure:
                if not failure.is_final:
                    raise
                record["failure"] = str(failure)
                log(f"{arm.name}, seed {seed}: {failure}")
        if paces:
            write_json(known, {number: pace.as_dict() for number, pace in paces.items()})
        write_json(file, record)
        return record


@dataclass(frozen=True)
class Prepared:
    """An arm with its settings resolved and its texts cut."""

    name: str
    commit: str | None
    trainings: list[Resolved]
    texts: list[Tokens]
    tree: Path

    def digest(self, tokens: str, timed: bool = True) -> str:
        """What names its records: settings, code and text (``tokens``: their content's hash).

        The arm's name does not count, nor do comments in the code. Not ``timed``: without the
        times to which the trainings are fitted.
        """
        definition = {
            "trainings": [training.definition(timed) for training in self.trainings],
            "code": self.commit or dict(code_of("femtogpt.training.__main__")),
            "tokens": tokens,
        }
        content = json.dumps(definition, sort_keys=True).encode()
        return hashlib.sha256(content).hexdigest()[:16]


def shards_of(text: Path, conf: str | None = None) -> Tokens:
    """Token shards from a folder of them, or made from an archive of the classics.

    These have the pieces of a configuration, or so many as the builds have that are compared with.
    """
    if text.is_dir():
        return Tokens(text)
    pieces = load_config(conf).tokenizer.vocab_size if conf else TODAYS_PIECES
    stages = str(Path(__file__).with_name("data_stages.py"))
    made = run([sys.executable, stages, "tokens", str(text), str(OUT / "data"), str(pieces)])
    return Tokens(made.output["folder"])


def write_json(path: Path, content: Any) -> None:
    """Write a file as a whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(content, ensure_ascii=False, indent=1).encode() + b"\n")


def log(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("tokens", type=Path, help="a folder of token shards")
    parser.add_argument("--base", default="", help="settings of all arms: section.field=value …")
    parser.add_argument("--arm", dest="arms", action="append", default=[], help="'name: setting …'")
    parser.add_argument("--against", metavar="COMMIT", help="whose build trains the base")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=1, help="trainings side by side")
    parser.add_argument("--final", action="store_true", help="score on the held-out split")
    parser.add_argument("--folder", type=Path, default=OUT / "experiments", help="for the records")
    parser.add_argument("--out", type=Path, default=OUT / "experiment.json")
    options = parser.parse_args()
    commit = options.against and full_hash(options.against)
    base = Arm.parse(f"{options.against or 'base'}:", options.base, commit)
    arms = [base, *(Arm.parse(line, options.base) for line in options.arms)]
    if len({arm.name for arm in arms}) < len(arms):
        raise SystemExit("two arms have the same name")
    laboratory = Laboratory(Tokens(options.tokens), options.folder, options.final, options.jobs)
    records = laboratory.records(arms, range(options.seeds))
    rows = compare(records, base.name)
    print(shown(rows))
    write_json(options.out, {"final": options.final, "rows": rows})


if __name__ == "__main__":
    main()
