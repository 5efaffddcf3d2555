"""The training loop, from the first step or the last checkpoint to the final weights."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from femtogpt.errors import Stopped, UserError
from femtogpt.tokens.shards import Tokens
from femtogpt.training.distributed import Group, process_group
from femtogpt.training.precision import Precision
from femtogpt.training.settings import TrainingSettings
from femtogpt.training.trainer import Trainer


def train(
    settings: TrainingSettings,
    tokens: Tokens,
    run: Path,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Train in the folder ``run``, resuming from its newest checkpoint; leaves the final weights.

    They are the ones with the lowest held-out loss. When ``stop()`` becomes true, it finishes the
    step, writes a checkpoint and raises Stopped. Raises UserError if the settings do not fit the
    tokens or the device, or if the loss diverges. In a process that torchrun started, it is one of
    several that train together.
    """
    with process_group(settings.train) as (group, device):
        failure: Exception | None = None
        try:
            _train(settings, tokens, run, stop, group, Precision(settings.train, device))
        except (Stopped, UserError) as error:  # raised in all processes at the same step
            # Without its frames, which would keep the model alive beyond the group.
            failure = error.with_traceback(None)
        group.wait()  # or torchrun would end the others because the first one ended
        if failure is not None:
            raise failure


def _train(
    settings: TrainingSettings,
    tokens: Tokens,
    run: Path,
    stop: Callable[[], bool],
    group: Group,
    precision: Precision,
) -> None:
    with closing(Trainer(settings, tokens, run, group, precision)) as trainer:
        while True:
            trainer.save_if_due(stop())
            if trainer.is_evaluation_due:
                trainer.evaluate()
            if trainer.is_finished:
                break
            trainer.set_rate()
            inputs, targets = trainer.next_batch()
            loss = trainer.compute_gradient(inputs, targets)
            norm = trainer.optimizer_step()
            trainer.report_step(loss, norm)
        trainer.write_final_weights()
