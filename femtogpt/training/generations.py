"""Several models, each of them taught by the one before (``train.generations``).

Each generation is a training like any other: it has a teacher and a seed of its own. So the first
is the model that the same configuration trains without generations, and raising their number
trains only those that are missing.
"""

from __future__ import annotations

from pathlib import Path

from femtogpt.config import Config, TrainConfig


def stage_name(number: int, config: Config) -> str:
    """The name of the stage that trains generation ``number`` (from 1): ``run`` for the last."""
    return "run" if number == config.train.generations else f"generation {number}"


def generation(config: Config, number: int, teacher: Path | None) -> Config:
    """The configuration of generation ``number`` (from 1) as a training of its own.

    ``teacher``: the run of the generation before. The first one's is ``train.teacher``, if that is
    given. Each has the next seed, so it begins with other weights and reads in another order.
    """
    changes = {"generations": 1, "teacher": config.train.teacher if number == 1 else teacher}
    if changes["teacher"] is None:  # so that it is the training that it is without generations
        changes["teacher_share"] = TrainConfig.model_fields["teacher_share"].default
    train = config.train.model_copy(update=changes)
    return config.model_copy(update={"train": train, "seed": config.seed + number - 1})
