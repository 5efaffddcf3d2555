"""Training an arm: each of its trainings in a process of its own, timed from start to weights.

``train_arm`` gives the record of an arm and a seed. The clock goes from the start of a process to
its final weights, compiling and whatever the training prepares included; the compiler's cache is
empty at first, as it is for whoever trains for the first time. Scoring comes after it.
"""

from __future__ import annotations

import json
import math
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import safetensors.torch
from arms import PREVIOUS, Resolved
from commit_files import environment
from fitted_time import WARM_STEPS, Pace, pace_of, pace_of_beginning, train_for
from model_changes import changed_model

from femtogpt.config import ModelConfig
from femtogpt.model.files import SETTINGS_FILE, WEIGHTS_FILE
from femtogpt.model.gpt import GPT
from femtogpt.model.loading import find_device
from femtogpt.model.score import Score, score_shards
from femtogpt.tokens.shards import Tokens
from femtogpt.train_config import WHOLE_SOFTMAX
from femtogpt.training.__main__ import UNFIT
from femtogpt.training.metrics import LOSS, METRICS_FILE, read_metrics

HERE = Path(__file__).resolve().parent
MESSAGES = "messages.log"
MEASURED_SECONDS = 30  # of a beginning, to learn a training's pace
MANY_STEPS = 100_000  # of a training that is stopped: long enough to be compiled


class TrainingFailed(Exception):
    """A training process ended with an error, of which ``args`` is the last line."""

    def __init__(self, run: Path, status: int):
        text = (run / MESSAGES).read_text(encoding="utf-8", errors="replace")
        last = (text.splitlines() or [f"ended with status {status}"])[-1]
        self.is_final = status == UNFIT  # it would end so again: the loss diverges
        super().__init__(last.partition(":")[0] if self.is_final else last)  # without the advice


@dataclass(frozen=True)
class Finished:
    """A training that ran to its end."""

    run: Path
    seconds: float
    pace: Pace
    lines: list[dict[str, Any]]


def train_arm(
    trainings: list[Resolved],
    texts: list[Tokens],
    tree: Path,
    seed: int,
    folder: Path,
    paces: dict[int, Pace],
) -> dict[str, Any]:
    """Train, one process after another, and score the last weights on the last held-out split.

    ``paces``: what is known of the pace of timed trainings, by their number; what is found is
    added. Raises TrainingFailed.
    """
    finished: list[Finished] = []
    for number, (resolved, tokens) in enumerate(zip(trainings, texts, strict=True)):
        training = Process(resolved, tokens, tree, seed, finished[-1].run if finished else None)
        place = folder / str(number)
        if resolved.training.minutes is None:
            finished.append(training.train(place, resolved.train["max_steps"]))
            continue
        if number not in paces:
            paces[number] = training.measure(place / "beginning", 60 * resolved.training.minutes)
        attempts = (place / str(attempt) for attempt in range(100))
        finished.append(
            train_for(
                60 * resolved.training.minutes,
                paces[number],
                lambda steps: training.train(next(attempts), steps),  # noqa: B023 (called at once)
            )
        )
        paces[number] = finished[-1].pace
    last, lines = finished[-1], finished[-1].lines
    model = load(last.run, trainings[-1].training.changes)
    score = score_held_out(model, texts[-1])
    losses = [line for line in lines if LOSS in line]
    return {
        "bits_per_character": score.bits_per_character,
        "loss": score.loss,
        "characters": score.characters,
        "parameters": model.parameter_count(),
        "steps": sum(part.lines[-1]["step"] for part in finished),
        "tokens": sum(part.lines[-1]["tokens"] for part in finished),
        "seconds": round(sum(part.seconds for part in finished), 2),
        "paces": {number: pace.as_dict() for number, pace in paces.items()},
        "course": [{key: line[key] for key in ("step", "tokens", LOSS)} for line in losses],
    }


@dataclass(frozen=True)
class Process:
    """A training as a process that can be started."""

    resolved: Resolved
    tokens: Tokens
    tree: Path
    seed: int
    previous: Path | None  # the run before it

    def train(self, run: Path, steps: int) -> Finished:
        """Train for so many steps."""
        with self.started(run, {"max_steps": steps}) as (process, began):
            if status := process.wait():
                raise TrainingFailed(run, status)
        ended = (run / WEIGHTS_FILE).stat().st_mtime
        lines = read_metrics(run / METRICS_FILE)
        return Finished(run, ended - began, pace_of(lines, began, ended), lines)

    def measure(self, run: Path, seconds: float) -> Pace:
        """The pace of a training of ``seconds``, from beginnings that are stopped after a while.

        Where an n-gram teaches the first steps only, a second beginning does without it.
        """
        pace, train = self._beginning(run / "first", {}), self.resolved.train
        if not train.get("ngram_share"):
            return pace
        taught = train["ngram_tokens"] / (train["batch_size"] * self.resolved.model["context"])
        if taught >= pace.steps(seconds):
            return pace
        later = self._beginning(run / "later", {"ngram_share": 0.0}).step
        late = WHOLE_SOFTMAX * train["decay"] if train.get("softmax_tokens") else 0.0
        step = later + late * (pace.step - later)  # the last steps have all tokens, like the first
        return replace(pace, start=pace.start + taught * (pace.step - step), step=step)

    def _beginning(self, run: Path, settings: dict[str, float]) -> Pace:
        often = {"evaluate_every": WARM_STEPS, "checkpoint_every": WARM_STEPS}
        length = {"max_steps": MANY_STEPS, **often, **settings}
        with self.started(run, length) as (process, began):
            while True:
                lines = read_metrics(run / METRICS_FILE)
                warm = [line for line in lines if line["step"] == WARM_STEPS]
                newest = lines[-1] if lines else {"step": 0, "time": 0.0}
                if newest["step"] > 2 * WARM_STEPS and (
                    newest["time"] - warm[-1]["time"] > MEASURED_SECONDS
                ):
                    break
                if (status := process.poll()) is not None:
                    raise TrainingFailed(run, status)
                time.sleep(0.2)
        return pace_of_beginning(lines, began, self.resolved.evaluations)

    @contextmanager
    def started(
        self, run: Path, length: dict[str, float]
    ) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
        """The process and the time of its start; it is stopped if it still runs at the end."""
        run.mkdir(parents=True)
        train = {**self.resolved.train, **length}
        for name, value in train.items():
            if value == PREVIOUS:
                train[name] = str(self.previous)
        settings = {"model": self.resolved.model, "train": train, "seed": self.seed, "weights": {}}
        (run / SETTINGS_FILE).write_text(json.dumps(settings), encoding="utf-8")
        changes = self.resolved.training.changes
        program = [str(HERE / "model_changes.py"), ",".join(changes)]
        command = [sys.executable, *(program if changes else ["-m", "femtogpt.training"])]
        with (run / MESSAGES).open("wb") as messages:
            began = time.time()
            process = subprocess.Popen(
                # Supervised: it stops by itself when this process is gone.
                [*command, "--supervised", str(run), str(self.tokens.folder)],
                cwd=self.tree,
                env={**environment(self.tree), "TORCHINDUCTOR_CACHE_DIR": str(run / "compiled")},
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=messages,
            )
            try:
                yield process, began
            finally:
                process.terminate()
                process.communicate()


def load(run: Path, changes: tuple[str, ...] = ()) -> GPT:
    """The trained model in a run's folder, of any build, as this one's model."""
    settings = json.loads((run / SETTINGS_FILE).read_bytes())
    weights = safetensors.torch.load_file(run / WEIGHTS_FILE)
    vocab_size = len(weights["embed_tokens.weight"])
    model = changed_model(changes)(ModelConfig.model_validate(settings["model"]), vocab_size)
    model.load_state_dict(weights)
    return model.to(find_device(settings["train"]["device"])).eval()


def score_held_out(model: GPT, tokens: Tokens) -> Score:
    """The score on all documents of the held-out split: one evaluator for every build."""
    shards = [shard for shards in tokens.shards("held_out").values() for shard in shards]
    scores = score_shards(model, shards, model.config.context)
    total = sum((score for _, score in scores), Score())
    assert math.isfinite(total.nats), "weights that are not finite"
    return total
