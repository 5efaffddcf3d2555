"""Training, from the first step or the last checkpoint to the final weights."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from pydantic import Field

from femtogpt.artifact import write_whole
from femtogpt.config import ModelConfig, Section, TrainConfig
from femtogpt.errors import Stopped, UserError
from femtogpt.model.gpt import GPT
from femtogpt.model.score import mean_nats, spread
from femtogpt.tokens.batches import Batches
from femtogpt.tokens.shards import Tokens
from femtogpt.training import checkpoint, compiled, metrics
from femtogpt.training.optimizer import Optimizer
from femtogpt.training.precision import Precision, find_device
from femtogpt.training.schedule import rate_factor

WEIGHTS = checkpoint.WEIGHTS
SKIPPED = 10  # steps without finite gradients, in a row, after which training gives up
ADVICE = "lower train.learning_rate or train.muon_learning_rate, or set train.precision=float32"
log = logging.getLogger(__name__)


class Settings(Section):
    """All that determines a training, besides the tokens: kept beside its checkpoints."""

    model: ModelConfig
    train: TrainConfig
    seed: int
    weights: dict[str, float] = Field(default_factory=dict)  # passes over each source per epoch


def train(
    settings: Settings, tokens: Tokens, run: Path, stop: Callable[[], bool] = lambda: False
) -> None:
    """Train in the folder ``run``, going on from its newest checkpoint; ends with its weights.

    When ``stop()`` is true it finishes the step, writes a checkpoint and raises Stopped.
    Raises UserError where the settings do not fit the tokens or the device, or where the loss
    stays without a finite value.
    """
    model_config, config = settings.model, settings.train
    precision = Precision(config)
    device = precision.device
    if config.threads:
        torch.set_num_threads(config.threads)
    torch.manual_seed(settings.seed)
    model = GPT(model_config, tokens.vocab_size).to(device)
    optimizer = Optimizer(model, config)
    batches = Batches(
        tokens.shards("train"),
        model_config.context,
        config.batch_size,
        settings.seed,
        settings.weights,
    )
    held_out = spread(tokens.shards("held_out"), model_config.context, config.evaluate_tokens)
    tokens_per_character = tokens.total("held_out") / tokens.total("held_out", "characters")
    tokens_per_step = config.batch_size * model_config.context
    wanted = config.compile
    if wanted == "auto":
        wanted = compiled.pays(model, precision, config.max_steps * tokens_per_step)
    if wanted:
        compiled.compile_model(model, precision, config.windows)

    state = _State(model, optimizer, precision)
    step, seconds, size = state.resume(run)
    resumed = step
    course = metrics.Metrics(run / metrics.FILE, size)
    _say(model, precision, batches, config)
    saved = time.monotonic()
    start = saved - seconds
    skipped = 0

    while True:
        last, stopping = step == config.max_steps, stop()
        waited = time.monotonic() - saved > 60 * config.checkpoint_minutes
        due = step % config.checkpoint_every == 0 or waited or last or stopping
        if due and step > resumed:
            state.save(run, step, course.sync(), time.monotonic() - start, config.keep_checkpoints)
            saved = time.monotonic()
        if stopping and not last:
            raise Stopped(f"training stopped at step {step:,} of {config.max_steps:,}")
        if step % config.evaluate_every == 0 or last:
            model.eval()
            with precision.autocast():
                loss = mean_nats(model, held_out, (config.windows, model_config.context))
            model.train()
            course.log(
                **_now(step, tokens_per_step, start),
                held_out_loss=loss,
                held_out_bits_per_character_estimate=loss / math.log(2) * tokens_per_character,
            )
        if last and not math.isfinite(loss):
            raise UserError(f"training ended without a finite held-out loss: {ADVICE}")
        if last:
            break

        factor = rate_factor(step, config)
        optimizer.set_rate(factor)
        inputs, targets = (torch.from_numpy(part).to(device) for part in batches.batch(step))
        total = 0.0
        for x, y in zip(inputs.split(config.windows), targets.split(config.windows), strict=True):
            with precision.autocast():
                loss = model(x, y) * (len(x) / config.batch_size)
            precision.scaler.scale(loss).backward()
            total += loss.detach()
        for part in optimizer.parts:
            precision.scaler.unscale_(part)
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        finite = bool(norm.isfinite())
        if finite:
            for part in optimizer.parts:
                precision.scaler.step(part)
        precision.scaler.update()
        optimizer.zero_grad()
        skipped = 0 if finite else skipped + 1
        if skipped >= SKIPPED:
            raise UserError(
                f"{SKIPPED} steps in a row up to step {step + 1:,} had no finite gradient: {ADVICE}"
            )
        step += 1
        course.log(
            **_now(step, tokens_per_step, start),
            train_loss=float(total),
            gradient_norm=float(norm),
            learning_rate=config.learning_rate * factor,
        )

    write_whole(run / WEIGHTS, safetensors.torch.save(state.weights()))


def load(run: Path, device: str = "auto") -> GPT:
    """The trained model in a run's folder, ready to read; UserError if there is none."""
    try:
        settings = Settings.model_validate_json((run / "settings.json").read_bytes())
        weights = safetensors.torch.load_file(run / WEIGHTS)
    except OSError as error:
        raise UserError(f"{run} holds no trained model: {error.strerror}") from error
    model = GPT(settings.model, len(weights["embed_tokens.weight"]))
    model.load_state_dict(weights)
    return model.to(find_device(device)).eval()


@dataclass
class _State:
    """What a checkpoint holds of a training."""

    model: GPT
    optimizer: Optimizer
    precision: Precision

    def weights(self) -> dict[str, torch.Tensor]:
        return {name: value.cpu().contiguous() for name, value in self.model.state_dict().items()}

    def save(self, run: Path, step: int, size: int, seconds: float, keep: int) -> None:
        random = {"cpu": torch.get_rng_state()}
        if self.precision.device.type == "cuda":
            random["cuda"] = torch.cuda.get_rng_state(self.precision.device)
        state = {
            "optimizer": self.optimizer.state_dict(),
            "scaler": self.precision.scaler.state_dict(),
            "random": random,
        }
        checkpoint.save(
            run, checkpoint.Checkpoint(step, size, seconds, self.weights(), state), keep
        )

    def resume(self, run: Path) -> tuple[int, float, int]:
        """Take over the newest checkpoint: its step, seconds and bytes of metrics, or zeros."""
        found = checkpoint.load_newest(run)
        if found is None:
            return 0, 0.0, 0
        self.model.load_state_dict(found.weights)
        self.optimizer.load_state_dict(found.state["optimizer"])
        if found.state["scaler"]:  # empty where the run was not in float16 so far
            self.precision.scaler.load_state_dict(found.state["scaler"])
        torch.set_rng_state(found.state["random"]["cpu"])
        if "cuda" in found.state["random"] and self.precision.device.type == "cuda":
            torch.cuda.set_rng_state(found.state["random"]["cuda"], self.precision.device)
        log.info("going on from the checkpoint at step %s", f"{found.step:,}")
        return found.step, found.seconds, found.metrics_size


def _now(step: int, tokens_per_step: int, start: float) -> dict:
    return {
        "step": step,
        "tokens": step * tokens_per_step,
        "seconds": round(time.monotonic() - start, 3),
        "time": round(time.time(), 3),
    }


def _say(model: GPT, precision: Precision, batches: Batches, config: TrainConfig) -> None:
    tokens = config.max_steps * config.batch_size * model.config.context
    log.info(
        "%.2f M parameters on %s in %s; %s steps, %.2f M tokens, %.1f epochs",
        model.parameter_count() / 1e6,
        precision.device,
        precision.name,
        f"{config.max_steps:,}",
        tokens / 1e6,
        tokens / batches.tokens_per_epoch,
    )
