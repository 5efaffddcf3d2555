"""How long a training takes, from what its parts take."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Callable
from dataclasses import dataclass

from femtogpt.config import ModelConfig, TrainConfig
from femtogpt.train_config import DEFAULT_EVALUATIONS, WHOLE_SOFTMAX

START_SECONDS = 8.0  # from the start of the process to the first step, without compiling
OUTSIDE = 1.025  # time with batches, checkpoints and logs, to that of the steps (docs/training.md)
# The n-gram teacher: counting it, for each token of text, and its distributions, for each token
# that it teaches (docs/experiments.md: 6 s for 10 M, and 15 ms for 2,048).
NGRAM_COUNT_SECONDS, NGRAM_SECONDS = 0.6e-6, 7.5e-6
# Embeddings begun from the text, for each token of it: 7 s of one thread for 10 M, beside others.
COOCCURRENCE_SECONDS = 0.7e-6
# Seconds of a step of training, compiled or not.
StepSeconds = Callable[[ModelConfig, TrainConfig, bool], float]


@dataclass(frozen=True)
class Pace:
    """What the parts of a training take, in seconds."""

    begin: float  # what comes before the first step, and the evaluations
    step: float  # with a part of the tokens in its softmax, if that is set
    whole: float  # a step with all of them
    late: float  # share of the steps that are the last ones, which have all
    lesson: float  # what a step takes besides that the n-gram teaches; it has all tokens
    lessons: float  # steps that the n-gram teaches, if there are so many

    def seconds(self, steps: int) -> float:
        """The time of a training of so many steps."""
        taught = min(steps, self.lessons)
        whole = min(steps, taught + self.late * steps)
        each = whole * self.whole + (steps - whole) * self.step + taught * self.lesson
        return self.begin + OUTSIDE * each

    def steps(self, seconds: float, most: int) -> int:
        """The steps for which there is time, ``most`` at most."""
        return max(0, bisect(range(most + 1), seconds, key=self.seconds) - 1)


def pace_of(
    model: ModelConfig,
    train: TrainConfig,
    text: float,
    compiling: float | None,
    step_seconds: StepSeconds,
) -> Pace:
    """The pace of a training on ``text`` tokens.

    ``compiling``: seconds that the compiler takes, None where a training does without.
    A step that a model teaches has all tokens in its softmax, and is measured so.
    """
    batch = train.batch_size * model.context
    compiled = compiling is not None
    step = whole = step_seconds(model, train, compiled)
    if train.softmax_tokens and not train.teacher and train.generations == 1:
        all_tokens = train.model_copy(update={"softmax_tokens": None})
        whole = step_seconds(model, all_tokens, compiled)
    begin = START_SECONDS + (compiling or 0.0)
    if train.ngram_share:
        begin += text * NGRAM_COUNT_SECONDS
    if train.embedding_init == "cooccurrence":
        begin += text * COOCCURRENCE_SECONDS
    # A token that is only read takes a third of the time of one that is learned from.
    begin += (DEFAULT_EVALUATIONS + 1) * train.evaluate_tokens * step / batch / 3
    lessons = train.ngram_tokens / batch if train.ngram_share else 0.0
    late = WHOLE_SOFTMAX * train.decay
    return Pace(begin, step, whole, late, batch * NGRAM_SECONDS, lessons)
