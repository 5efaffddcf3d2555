"""The arms of an experiment: what is trained, as a line of text and resolved by a build.

An arm is ``name: setting=value …``. A setting is one of the product (``train.max_steps=300``,
``model.width=128``) or one of these:

- ``conf=NAME``: begin with the model and training settings of ``conf/NAME.yaml``;
- ``text=175000``: train on about so many tokens of the train split, spread over all of it;
- ``minutes=10``: as many steps as fit into that time (see ``fitted_time.py``);
- ``change=no_qk_norm``: a modification of the model (see ``model_changes.py``).

``then`` begins another training, in whose settings ``@previous`` is the folder of the one before:
the last one's weights are the arm's. A commit makes an arm one of that commit's build. Sources of
a text weigh alike.
"""

from __future__ import annotations

import hashlib
import json
import math
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cache
from inspect import getsource
from pathlib import Path
from typing import Any

import yaml
from commit_files import ROOT, environment
from measured_process import machine
from model_changes import CHANGES

HERE = Path(__file__).resolve().parent
PREVIOUS = "@previous"
BEFORE = {"train.sample_every": 0}  # unless an arm says otherwise


@dataclass(frozen=True)
class Training:
    """One process of training: settings by name, those of the experiment apart."""

    settings: tuple[tuple[str, Any], ...] = ()
    conf: str | None = None
    text: int | None = None
    minutes: float | None = None
    changes: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Training:
        """Read ``setting=value …``, of which later ones win. Raises SystemExit for others."""
        training, settings = cls(), dict[str, Any](BEFORE)
        for item in text.split():
            name, equals, value = item.partition("=")
            if not equals:
                raise SystemExit(f"{item!r} is no setting: write name=value")
            if name.startswith(("model.", "train.")):
                settings.pop(name, None)
                settings[name] = yaml.safe_load(value) if value != PREVIOUS else value
            elif name == "conf":
                training = replace(training, conf=value)
            elif name == "text":
                training = replace(training, text=int(value))
            elif name == "minutes":
                training = replace(training, minutes=float(value))
            elif name == "change":
                if value not in CHANGES:
                    raise SystemExit(f"change={value} is unknown; there are {', '.join(CHANGES)}")
                training = replace(training, changes=(*training.changes, value))
            else:
                raise SystemExit(
                    f"{name} is no setting of an arm: model.…, train.…, conf, text, minutes, change"
                )
        return replace(training, settings=tuple(settings.items()))

    def with_default(self, name: str, value: Any) -> Training:
        """The same with a setting where it says nothing of it."""
        return replace(self, settings=tuple({name: value, **dict(self.settings)}.items()))


@dataclass(frozen=True)
class Arm:
    """What is compared: one training or several that follow on each other, by one build."""

    name: str
    trainings: tuple[Training, ...]
    commit: str | None = None  # None: this tree's build

    @classmethod
    def parse(cls, line: str, base: str = "", commit: str | None = None) -> Arm:
        """Read ``name: setting=value … [then …]``; ``base`` comes before the settings of each."""
        name, colon, text = line.partition(":")
        if not colon or not name.strip():
            raise SystemExit(f"{line!r} is no arm: write 'name: setting=value …'")
        parts = f" {text} ".split(" then ")
        trainings = tuple(Training.parse(f"{base} {part}") for part in parts)
        if commit is not None and any(training.changes for training in trainings):
            raise SystemExit(f"{name.strip()}: change=… is of this tree's model, not of a commit's")
        return cls(name.strip(), trainings, commit)

    @property
    def is_timed(self) -> bool:
        return any(training.minutes for training in self.trainings)


@dataclass(frozen=True)
class Resolved:
    """A training with what the tree's dial decides, ready for ``settings.json``."""

    training: Training
    model: dict[str, Any]
    train: dict[str, Any]
    evaluations: int  # that a training has by default, after the first
    unknown: tuple[str, ...]  # settings that the tree lacks

    def definition(self, timed: bool = True) -> dict[str, Any]:
        """What determines the outcome; not ``timed``: whatever time it is fitted to."""
        minutes = self.training.minutes
        return {
            "model": self.model,
            "train": self.train,
            "text": self.training.text,
            "changes": {name: source_hash(CHANGES[name]) for name in self.training.changes},
            **({"minutes": timed and minutes, "machine": machine()} if minutes else {}),
        }


def source_hash(change: type) -> str:
    return hashlib.sha256(getsource(change).encode()).hexdigest()[:12]


@cache
def resolve(training: Training, tree: Path, vocab_size: int, text: int) -> Resolved:
    """Ask the code of ``tree``. Epochs of ``text`` tokens become steps: older builds want those.

    ``train.max_steps`` stays open for a training that is fitted to a time. Raises SystemExit with
    the tree's own message if it does not accept the settings, or if this tree lacks one.
    """
    wanted = {
        "conf": training.conf,
        "vocab_size": vocab_size,
        "settings": dict(training.settings),
        "timed": training.minutes is not None,
    }
    program = subprocess.run(
        [sys.executable, str(HERE / "arm_settings.py")],
        cwd=tree,
        env=environment(tree),
        input=json.dumps(wanted),
        capture_output=True,
        text=True,
    )
    if program.returncode:
        raise SystemExit(f"an arm's settings are refused: {program.stderr.strip()}")
    output = json.loads(program.stdout)
    if output["unknown"] and tree == ROOT:
        raise SystemExit(f"there is no setting {', '.join(output['unknown'])}")
    train = output["train"]
    if train["max_steps"] is None and not training.minutes:
        if train["epochs"] is None:
            raise SystemExit("say how long an arm trains: train.max_steps, train.epochs or minutes")
        step = train["batch_size"] * output["model"]["context"]
        train["max_steps"] = math.ceil(train["epochs"] * text / step)
    unknown = tuple(output["unknown"])
    return Resolved(training, output["model"], train, output["evaluations"], unknown)
