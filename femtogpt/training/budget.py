"""What to train in a given time: the size and length with the lowest expected held-out bits.

The scaling law (``femtogpt.scaling_law``) says what a size and a length are worth, and the
machine's measured speed what they cost. What a person sets stays as it is set.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, astuple, dataclass, replace
from typing import Any

from femtogpt import scaling
from femtogpt.config import Config, ModelConfig, TrainConfig
from femtogpt.errors import UserError
from femtogpt.scaling_law import Expected, ScalingLaw
from femtogpt.training.pace import StepSeconds, pace_of

WIDTHS = range(scaling.HEAD_SIZE, 1153, scaling.HEAD_SIZE)  # of the models to choose among
SHAPE = {"size", "layers", "width", "heads", "kv_heads", "feed_forward"}  # settings of the shape
FEWEST_STEPS = 20  # of a training that is worth the name
COMPILE_SECONDS = 30.0  # the first time; later ones find most of it done


@dataclass(frozen=True)
class Budget:
    """A time, and what is trained in it: the settings that are given, the text."""

    seconds: float
    model: Mapping[str, Any]
    train: Mapping[str, Any]
    vocab_size: int
    text: float  # tokens per epoch
    sources: Collection[str] = ()
    compiling: float = COMPILE_SECONDS

    @classmethod
    def of(cls, config: Config, text: float, vocab_size: int) -> Budget:
        """That of a configuration with ``train.hours``."""
        train = config.train
        return cls(
            3600 * (train.hours or 0) / train.generations,
            config.model.model_dump(mode="json", include=config.model.model_fields_set),
            train.model_dump(mode="json", include=train.model_fields_set),
            vocab_size,
            text,
            [*config.sources],
        )

    @property
    def is_free(self) -> bool:
        """Whether the size is to be chosen."""
        return not SHAPE & self.model.keys()

    def candidates(self) -> Iterator[tuple[ModelConfig, TrainConfig]]:
        """The models to choose among, and how each is trained."""
        for shape in map(scaling.shape_of_width, WIDTHS) if self.is_free else ({},):
            model = ModelConfig.model_validate({**shape, **self.model})
            head = self.vocab_size * model.width / model.parameters(self.vocab_size)
            given = {**scaling.learning(self.train, model.context, head), **self.train}
            train = scaling.dialled(given, model.width, model.context)
            yield model, TrainConfig.model_validate(train)


@dataclass(frozen=True)
class Choice:
    """A training that takes a time, and what is expected of it."""

    model: ModelConfig
    train: TrainConfig  # with its steps
    parameters: int
    size: float  # as the law counts it
    tokens: int  # seen
    text: float
    seconds: float
    expected: Expected
    basis: str  # what that rests on
    is_its_text: bool  # whether the law is of this text, in such tokens
    compiled: bool

    @property
    def epochs(self) -> float:
        """Passes over the text."""
        return self.tokens / self.text

    def as_dict(self) -> dict[str, Any]:
        """As JSON values."""
        parts = {"model": self.model, "train": self.train}
        dumped = {name: part.model_dump(mode="json") for name, part in parts.items()}
        return {**asdict(self), **dumped}

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Choice:
        """From JSON values. Raises ValueError, KeyError or TypeError if they hold none."""
        model = ModelConfig.model_validate(values["model"])
        train = TrainConfig.model_validate(values["train"])
        expected = Expected(**values["expected"])
        return cls(**{**values, "model": model, "train": train, "expected": expected})


def choices(budget: Budget, law: ScalingLaw, step_seconds: StepSeconds) -> list[Choice]:
    """The trainings that end in time, the best first.

    Larger models than the text is enough for are left out, by what the law was fitted to, if the
    size is to be chosen. Raises UserError if not even the smallest gets anywhere.
    """
    found: list[Choice] = []
    for model, train in budget.candidates():
        choice = fitted(budget, law, model, train, step_seconds)
        is_large = choice is not None and budget.text < law.least_text * choice.size
        if choice is not None and not (is_large and found and budget.is_free):
            found.append(choice)
    if not found:
        raise UserError(
            f"{duration(budget.seconds)} is too short to train this model here: give more hours"
            " or a smaller model"
        )
    return sorted(found, key=lambda choice: choice.expected.bits)


def fitted(
    budget: Budget,
    law: ScalingLaw,
    model: ModelConfig,
    train: TrainConfig,
    step_seconds: StepSeconds,
) -> Choice | None:
    """The training of a model that fills the time; None if that is too short for it."""
    parameters, batch = model.parameters(budget.vocab_size), train.batch_size * model.context
    size = law.size_of(model.width, budget.vocab_size, parameters)
    wanted = train.compile
    for compiled in (False,) if wanted is False else (True,) if wanted is True else (True, False):
        compiling = budget.compiling if compiled else None
        pace = pace_of(model, train, budget.text, compiling, step_seconds)
        steps = pace.steps(budget.seconds, most=int(scaling.MOST_EPOCHS * budget.text / batch))
        if steps < FEWEST_STEPS:
            continue
        is_auto = compiled and wanted == "auto"
        if is_auto and not scaling.is_worth_compiling(parameters, steps * batch):
            continue
        if "dropout" not in budget.model:
            passes = steps * batch / budget.text
            model = model.model_copy(update={"dropout": scaling.dropout(passes)})
        return Choice(
            model,
            TrainConfig.model_validate({**train.model_dump(), **_length(train, steps)}),
            parameters,
            size,
            steps * batch,
            budget.text,
            pace.seconds(steps),
            law.expected(size, steps * batch, budget.text),
            law.basis,
            law.is_of(budget.sources, budget.vocab_size),
            compiled,
        )
    return None


def _length(train: TrainConfig, steps: int) -> dict[str, int | None]:
    """The steps, and the intervals that follow from them unless they are given."""
    every = ("evaluate_every", "checkpoint_every", "sample_every")
    return {"max_steps": steps, **{name: getattr(train, name) for name in every}}


def told(choice: Choice, hours: float) -> list[str]:
    """What was chosen, what is expected, and by what law: a line each."""
    model, train = choice.model, choice.train
    bits, low, high = astuple(choice.expected)
    seconds = choice.seconds * train.generations
    taken = "" if seconds > 0.9 * 3600 * hours else f", in {duration(seconds)}"
    return [
        f"chosen for {duration(3600 * hours)}: {model.layers} layers × {model.width}"
        f" ({choice.parameters / 1e6:.1f} M parameters), {train.max_steps:,} steps of"
        f" {train.batch_size} sequences, {choice.epochs:.1f} epochs{taken}",
        f"expected: {bits:.3f} bits per character on held-out text, in nine of ten trainings"
        f" {low:.3f} to {high:.3f}"
        if choice.is_its_text
        else "expected: not known for this text and vocabulary (make law CONF=… finds out);"
        f" on the law's own, {bits:.3f} bits per character",
        f"by {choice.basis}",
    ]


def prospects(
    choice: Choice, budget: Budget, law: ScalingLaw, step_seconds: StepSeconds
) -> list[str]:
    """What twice the text, the parameters or the time would bring, a line each."""
    shape = scaling.shape(2 * choice.parameters, budget.vocab_size)
    larger = choice.model.model_copy(update={"kv_heads": None, "feed_forward": None, **shape})
    parameters = larger.parameters(budget.vocab_size)
    size = law.size_of(larger.width, budget.vocab_size, parameters)
    slower, step = (
        step_seconds(model, choice.train, choice.compiled) for model in (larger, choice.model)
    )
    bits = {
        "twice the text, in the same time": choices(
            replace(budget, text=2 * budget.text), law, step_seconds
        )[0].expected.bits,
        f"about twice the parameters ({parameters / 1e6:.1f} M), trained on as many tokens, in"
        f" {duration(choice.seconds * slower / step)}": law.bits(size, choice.tokens, choice.text),
        "twice the time": choices(replace(budget, seconds=2 * budget.seconds), law, step_seconds)[
            0
        ].expected.bits,
    }
    return [f"{what}: {_change(after - choice.expected.bits)}" for what, after in bits.items()]


def _change(bits: float) -> str:
    return f"{bits:+.3f} bits per character" if round(bits, 3) else "no change"


def duration(seconds: float) -> str:
    """A time in words, such as 35 min."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 120 else f"{minutes / 60:.3g} h"
