"""The trainer: the parts of a training and the steps of its loop, by name."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import safetensors.torch
import torch
from torch import Tensor

from femtogpt.artifacts.disk import write_atomic
from femtogpt.artifacts.room import free_room, lack_of_room, size_of
from femtogpt.errors import Stopped, Unfit, UserError
from femtogpt.model.files import CHECKPOINTS, WEIGHTS_FILE
from femtogpt.model.gpt import GPT
from femtogpt.model.loss import SoftTargets
from femtogpt.model.sampled_loss import SampledTokens
from femtogpt.tokens.batches import Batches
from femtogpt.tokens.shards import Tokens
from femtogpt.tokens.tokenizer import TOKENIZER_FILE, Tokenizer
from femtogpt.train_config import WHOLE_SOFTMAX
from femtogpt.training import checkpoint, compilation
from femtogpt.training.continuation import newest_step
from femtogpt.training.cooccurrence import cooccurrence_embedding
from femtogpt.training.distributed import Group, full_tensor, parallelize
from femtogpt.training.early_stopping import EarlyStopping, Verdict
from femtogpt.training.ema import EMA
from femtogpt.training.gradient import Gradient
from femtogpt.training.held_out import HeldOut
from femtogpt.training.initialization import check_tokenizer, load_weights
from femtogpt.training.input_noise import InputNoise
from femtogpt.training.machine_record import note_machine
from femtogpt.training.metrics import LOSS, METRICS_FILE, MetricsWriter
from femtogpt.training.ngram_teacher import NGramTeacher
from femtogpt.training.observers import Evaluation, Moment, Observer
from femtogpt.training.optimizer import Optimizer
from femtogpt.training.plan import micro_batch_size
from femtogpt.training.precision import Precision
from femtogpt.training.progress_samples import Sampler
from femtogpt.training.running_clock import RunningClock
from femtogpt.training.schedule import Schedule
from femtogpt.training.settings import TrainingSettings
from femtogpt.training.state import Progress, TrainState
from femtogpt.training.teachers import Teachers, ngram_share
from femtogpt.training.vocabulary_sample import VocabularySample
from femtogpt.training.waiting import Waiting

MAX_SKIPPED = 10  # steps without finite gradients, in a row, after which training gives up
DIVERGENCE_NATS = 1.0  # nats that the held-out loss may rise above the untrained model's
ADVICE = "lower train.learning_rate or train.muon_learning_rate, or set train.precision=float32"
NO_BETTER = "no better held-out loss in %d evaluations: "
log = logging.getLogger(__name__)


class Trainer:
    """One training in the folder ``run``, in one of its processes."""

    def __init__(
        self,
        settings: TrainingSettings,
        tokens: Tokens,
        run: Path,
        group: Group,
        precision: Precision,
    ):
        """Build the model and everything around it, and resume from the newest checkpoint."""
        self.settings, self.config, self.run = settings, settings.train, run
        self.group, self.precision = group, precision
        check_tokenizer(run, tokens.folder)
        if self.config.threads:
            torch.set_num_threads(self.config.threads)
        torch.manual_seed(settings.seed)
        model = GPT(settings.model, tokens.vocab_size).to(precision.device)
        model.recompute = self.config.activation_checkpointing
        model.eos = tokens.eos if self.config.document_mask else None
        self.schedule = Schedule(self.config, settings.continuations)
        counting = self._counting(tokens, newest_step(run))  # while the compiler works
        self.vocabulary = self._vocabulary(tokens)
        model.sampled = self._sampled(newest_step(run))
        sequences = group.min(
            micro_batch_size(settings.model, self.config, tokens.vocab_size, precision, group.size)
        )
        is_launched = torch.distributed.is_initialized()  # by torchrun, maybe as the only process
        compiled = compilation.should_compile(model, precision, self.config)
        if compiled:
            compilation.compile_model(model, is_launched and self.config.parallel == "fsdp")
            model.pieces = self._pieces(newest_step(run))
            compiled = compilation.try_compiled(model, precision, sequences, group)
        wrapped = parallelize(model, self.config.parallel) if is_launched else model
        self.batches = Batches(
            tokens.shards("train"),
            settings.model.context,
            self.config.batch_size,
            settings.seed,
            settings.weights,
            group.rank,
            group.size,
        )
        self.model = model
        pieces = Tokenizer.load(tokens.folder).pieces if self.config.subword_rate else ()
        decay, dtype = self.config.weight_decay, precision.dtype
        self.optimizer = Optimizer(model, self.config, decay, dtype, pieces)
        self.ema = EMA(model, self.config.ema)
        noise = InputNoise(self.config.input_noise, tokens.vocab_size, tokens.eos)
        self.gradient = Gradient(wrapped, precision, sequences, noise)
        self.held_out = HeldOut(tokens, settings.model.context, self.config.evaluate_tokens)
        self.state = TrainState(
            model, self.optimizer, precision, self.ema, self.gradient, group.is_main
        )
        self.resumed = self._resume(tokens)
        step = self.resumed.step
        self.teachers = Teachers(settings, tokens, precision, compiled, step, counting)
        group.wait()  # all have read the files that the main process writes from now on
        if group.is_main:
            checkpoint.tidy(run, self.config.keep_checkpoints, self.resumed.step)
            checkpoint.restore_metrics(run, self.resumed.step)
        self._need_room()

        self.step, self.skipped = self.resumed.step, 0
        self.clock = RunningClock()
        self.saved = self.clock.now()
        self.began = self.saved - self.resumed.seconds
        self.ended_early = False
        self.metrics = (
            MetricsWriter(run / METRICS_FILE, self.resumed.metrics_size) if group.is_main else None
        )
        evaluations = group.broadcast(self.metrics.evaluations() if self.metrics else [])
        self.early_stopping = EarlyStopping(self.schedule, self.config.patience, evaluations)
        self.writer = checkpoint.CheckpointWriter(run, self.config.keep_checkpoints, group.is_main)
        sampler = Sampler(tokens.folder, self.config, settings.seed, self._publish_sample)
        self.waiting = Waiting(precision.device)
        own = [sampler, self.waiting]
        self.observers: list[Observer] = [*([self.metrics] if self.metrics else []), *own]
        if group.is_main:
            note_machine(run, self.step, precision, group.size)
            self._log_beginning()
            _warn_of_context(settings.model.context, tokens.longest("train"))

    def _counting(self, tokens: Tokens, step: int) -> Future[NGramTeacher] | None:
        """The n-gram that teaches at a step, if one does, counted in a thread of its own."""
        if not ngram_share(self.settings, step):
            return None
        pool = ThreadPoolExecutor(1)
        counting = pool.submit(NGramTeacher, tokens, self.precision.device)
        pool.shutdown(wait=False)
        return counting

    def _resume(self, tokens: Tokens) -> Progress:
        progress = self.state.resume(self.run)
        if progress.step < self.schedule.start:
            raise UserError(
                f"{self.run} has no undamaged checkpoint of step {self.schedule.start} or later,"
                " from which the training is to go on: delete the folder and start it again"
            )
        if progress.step:
            return progress
        if self.config.init_from is not None:
            shapes = {name: weight.shape for name, weight in self.model.state_dict().items()}
            tokenizer = tokens.folder / TOKENIZER_FILE
            self.state.begin_with(load_weights(self.config.init_from, shapes, tokenizer))
        elif self.config.embedding_init == "cooccurrence":
            seed = self.settings.seed
            self.state.begin_with_embedding(lambda old: cooccurrence_embedding(old, tokens, seed))
        return progress

    def _need_room(self) -> None:
        """Raise UserError, in all processes, unless the checkpoints to come have room."""
        weights, state = self.state.sizes()
        steps = self.schedule.steps - self.resumed.step
        to_come = steps // self.config.checkpoint_every + 1 if steps else 0
        count = min(self.config.keep_checkpoints, to_come)
        # One is written before another goes; besides, the best weights and those in the end.
        needed = (count + 1) * (weights + state) + 2 * weights
        present = size_of(self.run / CHECKPOINTS)
        present, free = self.group.broadcast((present, free_room(self.run)))
        if needed > present + free:
            lack = lack_of_room(needed - present, free, f"a training with {count} checkpoints")
            raise UserError(f"{self.run}: {lack}")

    # the steps of the loop, in their order

    @property
    def is_last_step(self) -> bool:
        return self.step == self.schedule.steps

    @property
    def is_finished(self) -> bool:
        return self.is_last_step or self.ended_early

    def save_if_due(self, stop: bool) -> None:
        """Write a checkpoint if it is time; raises Stopped if this or any process is to stop."""
        overdue = self.clock.now() - self.saved > 60 * self.config.checkpoint_minutes
        stop, overdue = self.group.any(stop, overdue)
        if overdue or stop or self.is_last_step or self.step % self.config.checkpoint_every == 0:
            self.save(self._metrics_size())
        if stop and not self.is_last_step:
            self.writer.wait()
            raise Stopped(f"training stopped at step {self.step:,} of {self.schedule.steps:,}")

    def save(self, metrics_size: int) -> None:
        """Write a checkpoint, unless it is the one that was resumed from."""
        if self.step > self.resumed.step:
            seconds = self.clock.now() - self.began
            self.writer.save(self.state.checkpoint(self.step, metrics_size, seconds))
            self.saved = self.clock.now()

    @property
    def is_evaluation_due(self) -> bool:
        return (
            self.step % self.config.evaluate_every == 0
            or self.is_last_step
            or self.step == self.schedule.start  # the end of an earlier training
        )

    def evaluate(self) -> None:
        """Estimate the held-out loss, show it to the observers, and decide what follows.

        Keeps the best weights. Raises Unfit if the loss diverges.
        """
        metrics_size = self.metrics.size if self.metrics else 0  # to resume before the evaluation
        self.model.pieces = self._pieces(self.step)
        with self.ema.applied(), self.precision.autocast():
            scores = self.gradient.fitted(
                lambda: self.held_out.score(self.model, self.gradient.sequences),
                self.config.batch_size,
            )
            loss, bits = self.group.broadcast(scores)
            losses = self.early_stopping.losses
            if losses and loss < min(losses) and not self.is_last_step:
                self.writer.save_best(self.step, loss, self.state.weights())
            verdict = self.early_stopping.judge(self.step, loss)
            self.ended_early = verdict is Verdict.END and not self.is_last_step
            diverged = (
                not loss < losses[0] + DIVERGENCE_NATS
            )  # a loss that is not finite is not less
            milestone = self.is_finished or self.step == self.schedule.start
            evaluation = Evaluation({LOSS: loss, **bits}, self.model, milestone, diverged)
            moment = self.moment()
            for observer in self.observers:
                observer.on_evaluation(moment, evaluation)
        if diverged:
            self._give_up(f"the held-out loss diverges at step {self.step:,}")
        if verdict is Verdict.DECAY:
            end = f"{self.schedule.steps:,}"
            log.info(NO_BETTER + "the rate falls from here to step %s", self.config.patience, end)
        if self.ended_early:
            log.info(NO_BETTER + "it ends here", self.config.patience)
            self._metrics_size()
            self.save(metrics_size)

    def set_rate(self) -> None:
        """Set the learning rates for this step, how far attention reaches, and the softmax."""
        self.optimizer.set_rate(self.schedule.factor(self.step))
        self.model.pieces = self._pieces(self.step)
        self.model.sampled = self._sampled(self.step)

    def next_batch(self) -> tuple[Tensor, Tensor]:
        """Inputs and targets of this step, (B, T) ids each, of this process."""
        inputs, targets = self.batches.batch(self.step)
        device = self.precision.device
        return torch.from_numpy(inputs).to(device), torch.from_numpy(targets).to(device)

    def compute_gradient(self, inputs: Tensor, targets: Tensor) -> Tensor:
        """Leave the gradient of a batch in the parameters; gives its mean loss."""
        # Dropout is a function of seed, step and process, so that resuming is exact.
        numbers = np.random.SeedSequence((self.settings.seed, self.step, self.group.rank))
        seed = int(numbers.generate_state(1, np.uint64)[0] >> 1)
        return self.gradient.compute(inputs, targets, seed, self.soft_targets)

    def _pieces(self, step: int) -> int:
        """In how many pieces sequences are read at a step."""
        whole, first = self.settings.model.context, self.config.first_context
        is_first = first is not None and self.schedule.fall(step) == 1
        return whole // first if first is not None and is_first else 1

    def _vocabulary(self, tokens: Tokens) -> VocabularySample | None:
        """What draws the tokens of the softmax, if it is not to have all."""
        size = self.config.softmax_size(tokens.vocab_size)
        if size == tokens.vocab_size:
            return None
        return VocabularySample(tokens, size, self.settings.seed, self.precision.device)

    def _sampled(self, step: int) -> SampledTokens | None:
        """The tokens in the softmax of a step; None: all."""
        if self.vocabulary is None or self.schedule.fall(step) < WHOLE_SOFTMAX:
            return None
        return self.vocabulary.at(step)

    def soft_targets(self, inputs: Tensor, targets: Tensor) -> SoftTargets | None:
        """What the teachers say of the tokens after ``inputs``, if there are any at this step."""
        return self.teachers.targets(inputs, targets, self.step)

    def optimizer_step(self) -> Tensor:
        """Clip the gradient and step, unless it is not finite; gives its norm before clipping."""
        scaler = self.precision.scaler
        for part in self.optimizer.parts:
            scaler.unscale_(part)
        norm = full_tensor(
            torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.config.clip)
        )
        finite = bool(norm.isfinite())
        if finite:
            self.optimizer.step()  # the scaler's own would only look for what is not finite again
        scaler.update()
        self.optimizer.zero_grad()
        self.step += 1
        self.ema.update(self.step)
        self.skipped = 0 if finite else self.skipped + 1
        if self.skipped >= MAX_SKIPPED:
            self._give_up(
                f"{MAX_SKIPPED} steps in a row up to step {self.step:,} had no finite gradient"
            )
        return norm

    def report_step(self, loss: Tensor, norm: Tensor) -> None:
        """Show the step to the observers."""
        values = {"train_loss": self.group.mean(loss), "gradient_norm": float(norm)}
        rates = {f"learning_rate/{name}": rate for name, rate in self.optimizer.rates().items()}
        moment = self.moment()
        for observer in self.observers:
            observer.on_step(moment, values | rates)

    def write_final_weights(self) -> None:
        """Write the weights with the lowest held-out loss, the last ones or those kept before."""
        self.writer.wait()
        losses, main = self.early_stopping.losses, self.group.is_main
        best = checkpoint.load_best(self.run) if min(losses) < losses[-1] and main else None
        if self.group.broadcast(best is not None):
            step, weights = best or (0, {})
            if main:
                log.info("using the weights of step %s: their held-out loss is the lowest", step)
        else:
            with self.ema.applied():
                weights = {name: value.clone() for name, value in self.state.weights().items()}
        if main:
            write_atomic(self.run / WEIGHTS_FILE, safetensors.torch.save(weights))

    # the rest

    def close(self) -> None:
        """Finish what is being written, and let go of what refers to the trainer."""
        self.writer.close()
        self.waiting.close()
        self.clock.close()
        self.observers.clear()
        if self.metrics:
            self.metrics.close()

    def moment(self) -> Moment:
        tokens = self.step * self.config.batch_size * self.settings.model.context
        seconds = round(self.clock.now() - self.began, 3)
        return Moment(self.step, tokens, seconds, round(time.time(), 3))

    def _publish_sample(self, text: str) -> None:
        moment = self.moment()
        for observer in self.observers:
            observer.on_sample(moment, text)

    def _metrics_size(self) -> int:
        return self.metrics.sync() if self.metrics else 0

    def _give_up(self, reason: str) -> None:
        """Raise Unfit with advice, and the name of the last good checkpoint."""
        self.writer.wait()
        folder = self.run / CHECKPOINTS
        best = folder / checkpoint.BEST
        kept = best if best.exists() else max(folder.glob("[0-9]*"), default=None)
        where = f"; the last good checkpoint is {kept}" if kept else ""
        raise Unfit(f"{reason}: {ADVICE}{where}")

    def _log_beginning(self) -> None:
        tokens = self.config.max_steps * self.config.batch_size * self.settings.model.context
        processes = f", {self.group.size} processes ({self.config.parallel})"
        log.info(
            "%.2f M parameters on %s in %s%s; %s steps, %.2f M tokens, %.1f epochs",
            self.model.parameter_count() / 1e6,
            self.precision.device,
            self.precision.name,
            processes if self.group.size > 1 else "",
            f"{self.config.max_steps:,}",
            tokens / 1e6,
            tokens / self.batches.tokens_per_epoch,
        )


def _warn_of_context(context: int, longest: int | None) -> None:
    if longest is not None and context > longest:
        log.warning(
            "model.context %d is longer than the longest document, of %d tokens: every sequence"
            " holds several documents; lower it, or add longer texts",
            *(context, longest),
        )
