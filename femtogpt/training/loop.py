"""Training, from the first step or the last checkpoint to the final weights."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from pydantic import Field

from femtogpt.artifacts.disk import write_atomic
from femtogpt.config import ModelConfig, Section, TrainConfig
from femtogpt.errors import Stopped, Unfit, UserError
from femtogpt.model.files import WEIGHTS_FILE
from femtogpt.model.gpt import GPT
from femtogpt.scaling import weight_decay
from femtogpt.tokens.batches import Batches
from femtogpt.tokens.shards import Tokens
from femtogpt.tokens.tokenizer import TOKENIZER_FILE
from femtogpt.training import checkpoint, compilation, metrics
from femtogpt.training.distributed import Group, joined, share, whole
from femtogpt.training.ema import Average
from femtogpt.training.gradient import Gradient
from femtogpt.training.held_out import HeldOut
from femtogpt.training.initialization import check_tokenizer, load_weights
from femtogpt.training.optimizer import Optimizer
from femtogpt.training.plan import windows_at_once
from femtogpt.training.precision import Precision
from femtogpt.training.progress_samples import Sampler
from femtogpt.training.schedule import Schedule
from femtogpt.training.state import State

SKIPPED = 10  # steps without finite gradients, in a row, after which training gives up
WORSE = 1.0  # nats by which the held-out loss may be above the untrained model's
ADVICE = "lower train.learning_rate or train.muon_learning_rate, or set train.precision=float32"
WITHOUT = "no better held-out loss in %d estimates: "
log = logging.getLogger(__name__)


class Settings(Section):
    """All that determines a training, besides the tokens: kept beside its checkpoints."""

    model: ModelConfig
    train: TrainConfig
    seed: int
    weights: dict[str, float] = Field(default_factory=dict)  # passes over each source per epoch
    lineage: list[dict[str, str]] = Field(default_factory=list)  # see ``training.origin``


def train(
    settings: Settings, tokens: Tokens, run: Path, stop: Callable[[], bool] = lambda: False
) -> None:
    """Train in the folder ``run``, going on from its newest checkpoint; ends with its weights.

    The weights are those of the lowest held-out loss that was met. When ``stop()`` is true it
    finishes the step, writes a checkpoint and raises Stopped. Raises UserError where the settings
    do not fit the tokens or the device, or where the loss diverges. Where torchrun started this
    process, it is one of several that train together.
    """
    with joined(settings.train) as (group, device):
        ended: Exception | None = None
        try:
            _train(settings, tokens, run, stop, group, Precision(settings.train, device))
        except (Stopped, UserError) as error:  # which all meet at once
            # Without its frames, which would hold the model beyond the group.
            ended = error.with_traceback(None)
        group.wait()  # or torchrun would take the first to end for a reason to end the others
        if ended is not None:
            raise ended


def _train(
    settings: Settings,
    tokens: Tokens,
    run: Path,
    stop: Callable[[], bool],
    group: Group,
    precision: Precision,
) -> None:
    model_config, config = settings.model, settings.train
    check_tokenizer(run, tokens.folder)
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(settings.seed)
    model = GPT(model_config, tokens.vocab_size).to(precision.device)
    model.recompute = config.activation_checkpointing
    model.boundary = tokens.eos if config.document_mask else None
    tokens_per_step = config.batch_size * model_config.context
    windows = group.least(
        windows_at_once(model_config, config, tokens.vocab_size, precision, group.size)
    )
    if compilation.pays(model, precision, config):
        compilation.compile_model(model, by_layer=group.size > 1 and config.parallel == "fsdp")
        compilation.try_out(model, precision, windows, group)
    shared = model if group.size == 1 else share(model, config.parallel)
    batches = Batches(
        tokens.shards("train"),
        model_config.context,
        config.batch_size,
        settings.seed,
        settings.weights,
        group.rank,
        group.size,
    )
    if config.weight_decay is None:
        passes = config.max_steps * tokens_per_step / batches.tokens_per_epoch
        decay = weight_decay(passes, config.max_steps, config.main_rate)
        config = config.model_copy(update={"weight_decay": decay})
    optimizer = Optimizer(model, config, precision.dtype)
    average = Average(model, config.ema)
    gradient = Gradient(shared, precision, windows)
    held_out = HeldOut(tokens, model_config.context, config.evaluate_tokens)
    sampler = Sampler(tokens.folder, config, settings.seed)

    state = State(model, optimizer, precision, average, gradient, group.leads)
    step, seconds, size = state.resume(run)
    resumed = step
    if config.init_from is not None and not step:
        shapes = {name: weight.shape for name, weight in model.state_dict().items()}
        state.load(load_weights(config.init_from, shapes, tokens.folder / TOKENIZER_FILE))
        average.load([])
    group.wait()  # all have read what only one writes from now on
    course = (
        metrics.MetricsWriter(run / metrics.METRICS_FILE, size)
        if group.leads
        else metrics.NullMetricsWriter()
    )
    schedule = Schedule(config, group.told(course.values("held_out_loss")))
    losses = schedule.losses
    if group.leads:
        _say(model, precision, batches, config, group)
        _warn_of_context(model_config.context, tokens.longest("train"))
    saved = time.monotonic()
    start = saved - seconds
    skipped = 0

    with checkpoint.Writer(run, config.keep_checkpoints, group.leads) as writer:
        while True:
            waited = time.monotonic() - saved > 60 * config.checkpoint_minutes
            stopping, waited = group.any(stop(), waited)
            last = step == schedule.steps
            due = step % config.checkpoint_every == 0 or waited or last or stopping
            if due and step > resumed:
                writer.save(state.checkpoint(step, course.sync(), time.monotonic() - start))
                saved = time.monotonic()
            if stopping and not last:
                writer.wait()
                raise Stopped(f"training stopped at step {step:,} of {schedule.steps:,}")

            if step % config.evaluate_every == 0 or last:
                with average.applied(), precision.autocast():
                    loss, values = group.told(held_out.score(model, gradient.windows))
                    if losses and loss < min(losses) and not last:
                        writer.save_best(step, loss, state.weights())
                course.log(**_now(step, tokens_per_step, start), held_out_loss=loss, **values)
                verdict = schedule.judge(loss)
                if not loss < losses[0] + WORSE:  # nor is what is not finite
                    writer.wait()
                    raise Unfit(f"the held-out loss diverges at step {step:,}: {_advice(run)}")
                if sampler.is_due(step, last or verdict == "end"):
                    with average.applied(), precision.autocast():
                        text = sampler.write(model)
                    course.log(**_now(step, tokens_per_step, start), sample=text)
                if verdict == "decay":
                    log.info(
                        WITHOUT + "the rate falls from here to step %s",
                        config.patience,
                        f"{schedule.steps:,}",
                    )
                if verdict == "end" and not last:
                    log.info(WITHOUT + "it ends here", config.patience)
                    break
            if last:
                break

            factor = schedule.factor(step)
            optimizer.set_rate(factor)
            inputs, targets = (
                torch.from_numpy(part).to(precision.device) for part in batches.batch(step)
            )
            loss = gradient.of(inputs, targets, _seed(settings.seed, step, group.rank))
            for part in optimizer.parts:
                precision.scaler.unscale_(part)
            norm = whole(torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip))
            finite = bool(norm.isfinite())
            if finite:
                for part in optimizer.parts:
                    precision.scaler.step(part)
            precision.scaler.update()
            optimizer.zero_grad()
            step += 1
            average.update(step)
            skipped = 0 if finite else skipped + 1
            if skipped >= SKIPPED:
                writer.wait()
                raise Unfit(
                    f"{SKIPPED} steps in a row up to step {step:,} had no finite gradient:"
                    f" {_advice(run)}"
                )
            course.log(
                **_now(step, tokens_per_step, start),
                train_loss=group.mean(loss),
                gradient_norm=float(norm),
                learning_rate=config.learning_rate * factor,
            )
        writer.wait()
    final = _final(run, losses, state, group)
    if group.leads:
        write_atomic(run / WEIGHTS_FILE, safetensors.torch.save(final))


def _final(run: Path, losses: list[float], state: State, group: Group) -> dict[str, torch.Tensor]:
    """The weights of the lowest held-out loss: the last ones, or those that were kept."""
    kept = checkpoint.load_best(run) if min(losses) < losses[-1] and group.leads else None
    if group.told(kept is not None):
        step, weights = kept or (0, {})
        if group.leads:
            log.info("the weights of step %s are taken: their held-out loss is the lowest", step)
        return weights
    with state.average.applied():
        return {name: value.clone() for name, value in state.weights().items()}


def _advice(run: Path) -> str:
    """What to do about a training that diverges, and what is left of it."""
    best = run / checkpoint.FOLDER / checkpoint.BEST
    kept = best if best.exists() else max((run / checkpoint.FOLDER).glob("[0-9]*"), default=None)
    return ADVICE + (f"; the last good checkpoint is {kept}" if kept else "")


def _seed(*numbers: int) -> int:
    """What dropout draws by: a function of seed, step and process, so that resuming is exact."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0] >> 1)


def _now(step: int, tokens_per_step: int, start: float) -> dict:
    return {
        "step": step,
        "tokens": step * tokens_per_step,
        "seconds": round(time.monotonic() - start, 3),
        "time": round(time.time(), 3),
    }


def _warn_of_context(context: int, longest: int | None) -> None:
    if longest is not None and context > longest:
        log.warning(
            "model.context %d is longer than the longest document, of %d tokens: every window has"
            " several; lower it, or add longer texts",
            *(context, longest),
        )


def _say(
    model: GPT, precision: Precision, batches: Batches, config: TrainConfig, group: Group
) -> None:
    tokens = config.max_steps * config.batch_size * model.config.context
    log.info(
        "%.2f M parameters on %s in %s%s; %s steps, %.2f M tokens, %.1f epochs",
        model.parameter_count() / 1e6,
        precision.device,
        precision.name,
        f", {group.size} processes ({config.parallel})" if group.size > 1 else "",
        f"{config.max_steps:,}",
        tokens / 1e6,
        tokens / batches.tokens_per_epoch,
    )
