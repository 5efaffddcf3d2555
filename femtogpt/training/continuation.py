"""Going on from an earlier training that differs only in its length.

Where ``train.max_steps`` or ``train.epochs`` is raised, the new training takes over the last
checkpoint of the earlier one: weights, optimizer states and metrics. From there on the learning
rate rises again from where it was (zero, after a full decay) to its peak, over the warm-up share
of the added steps, and decays at the new end. The earlier training stays as it is.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path

from pydantic import ValidationError

from femtogpt.artifacts.disk import sync, write_atomic
from femtogpt.artifacts.file_lock import FileLock, Timeout
from femtogpt.model.files import CHECKPOINTS, LOCK_FILE, MACHINE_FILE, SETTINGS_FILE
from femtogpt.training.early_stopping import EarlyStopping
from femtogpt.training.metrics import METRICS_FILE, evaluations
from femtogpt.training.schedule import Schedule
from femtogpt.training.settings import (
    Continuation,
    TrainingSettings,
    derived_weight_decay,
)

# Settings that say how long to train, or follow from that.
LENGTH_SETTINGS = {"max_steps", "epochs", "evaluate_every"}
log = logging.getLogger(__name__)


def read_settings(run: Path) -> TrainingSettings | None:
    """The settings of an earlier training; None if they cannot be read."""
    try:
        return TrainingSettings.model_validate_json((run / SETTINGS_FILE).read_bytes())
    except (OSError, ValidationError):
        return None


def differ_in_length_only(
    ours: TrainingSettings, theirs: TrainingSettings, ignored: set[str], text: float
) -> bool:
    """Whether two trainings on the same tokens differ only in their number of steps.

    ``ignored``: training settings that change nothing of what is learned. ``text``: tokens per
    epoch; a weight decay that was derived from it and the steps counts as the same.
    """

    def rest(settings: TrainingSettings) -> tuple[object, ...]:
        train = settings.train.model_dump(exclude={*LENGTH_SETTINGS, *ignored, "weight_decay"})
        origins = [origin["weights"] for origin in settings.lineage]
        teacher = settings.teacher and settings.teacher["weights"]
        return settings.model, train, settings.seed, settings.weights, origins, teacher

    def is_derived(settings: TrainingSettings) -> bool:
        train = settings.train
        derived = derived_weight_decay(train, settings.model, text, train.max_steps)
        return train.weight_decay == derived

    same_decay = ours.train.weight_decay == theirs.train.weight_decay
    return rest(ours) == rest(theirs) and (same_decay or (is_derived(ours) and is_derived(theirs)))


def newest_step(run: Path) -> int:
    """The step of the newest checkpoint, not verified; 0 without one."""
    # Not by training.checkpoint: it imports torch, which takes seconds.
    return max((int(path.name) for path in (run / CHECKPOINTS).glob("[0-9]*")), default=0)


def is_in_use(run: Path) -> bool:
    """Whether a process trains in the folder."""
    lock = FileLock(run / LOCK_FILE)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return True
    lock.release()
    return False


def continue_from(run: Path, earlier: TrainingSettings) -> Continuation | None:
    """How a training goes on from an earlier one; None if that has no undamaged checkpoint."""
    from femtogpt.training.checkpoint import find_newest, metrics_until

    if (newest := find_newest(run)) is None:
        return None
    step = newest[1]["step"]
    schedule = Schedule(earlier.train, earlier.continuations)
    with metrics_until(*newest, run) as lines:
        past = [one for one in evaluations(map(json.loads, lines)) if one[0] < step]
    EarlyStopping(schedule, earlier.train.patience, past)  # the rate may have fallen earlier
    return Continuation(step=step, rate=round(schedule.factor(step), 6))


def take_over(earlier: Path, run: Path) -> None:
    """Copy the newest checkpoint of an earlier training, its metrics and its best weights."""
    from femtogpt.training.checkpoint import BEST, find_newest, load_best, metrics_until

    newest = find_newest(earlier)
    assert newest is not None
    folder, about = newest
    log.info("going on from step %s of the training in %s", f"{about['step']:,}", earlier)
    with metrics_until(folder, about, earlier) as lines:
        write_atomic(run / METRICS_FILE, lines.read())
    if (machines := earlier / MACHINE_FILE).is_file():
        write_atomic(run / MACHINE_FILE, machines.read_bytes())
    best = folder.parent / BEST
    # Later weights than the checkpoint's are not part of what is continued; nor are damaged ones.
    kept = load_best(earlier) if best.is_dir() else None
    if kept is not None and kept[0] < about["step"]:
        _copy(best, run / CHECKPOINTS / BEST)
    _copy(folder, run / CHECKPOINTS / folder.name)  # last: with it, the copy is complete


def _copy(source: Path, target: Path) -> None:
    """Copy a folder so that a crash leaves nothing by the name of ``target``, or all of it."""
    partial = target.with_name(".partial")
    for folder in (partial, target):
        shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(source, partial)
    for file in partial.iterdir():
        sync(file)
    partial.rename(target)
    sync(target.parent)
