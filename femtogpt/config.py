"""Every setting, explained field by field."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializeAsAny,
    model_validator,
)

from femtogpt.errors import nearest
from femtogpt.scaling import recipe, shape

LOOKS = 20  # estimates and checkpoints of a training, by default
SAMPLES = 5  # of what it writes, after the first
PLACES = {"cluster", "paths"}  # sections that say where, and do not change what comes of it
SOURCE_KINDS = "femtogpt.sources"  # the entry-point group in which kinds of source are found


class Section(BaseModel):
    """A group of settings: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceConfig(Section):
    """What every kind of source has; a kind adds its own settings (see ``femtogpt.sources``)."""

    kind: str = Field(description="what kind of source it is: sample, files, kaggle, …")
    rules: tuple[str, ...] | None = Field(
        None, description="cleaning rules, by name, in order; default: the standard ones"
    )
    weight: float = Field(
        1.0, gt=0, le=100, description="passes over this source's text per epoch of the mixture"
    )


@cache
def source_kinds() -> dict[str, Any]:
    """The installed kinds of source: name to entry point, ours and other packages' alike."""
    return {point.name: point for point in entry_points(group=SOURCE_KINDS)}


def _source(value: Any) -> Any:
    """Validate one source by the class that its ``kind`` names."""
    if not isinstance(value, dict):
        return value
    kinds = source_kinds()
    kind = value.get("kind")
    if not isinstance(kind, str) or kind not in kinds:
        raise ValueError(f"kind {kind!r} is unknown{nearest(str(kind), kinds)}")
    return kinds[kind].load().model_validate(value)


class QualityConfig(Section):
    """Limits of the document filters, by their names (see ``femtogpt.corpus.quality``).

    null or 0 switches a filter off.
    """

    mojibake: float | None = Field(
        0.15, ge=0, le=1, description="texts with fewer function words are tried for encodings"
    )
    language: float | None = Field(
        0.45, ge=0, le=1, description="largest share of another Cyrillic language in the evidence"
    )
    repeated_lines: float | None = Field(
        0.42, ge=0, le=1, description="largest share of characters in lines that came before"
    )
    repeated_sentences: float | None = Field(
        0.42, ge=0, le=1, description="largest share of characters in sentences that came before"
    )
    frequent_ngram: float | None = Field(
        0.3, ge=0, le=1, description="largest share of the letters in one pair of words"
    )
    repeated_ngrams: float | None = Field(
        0.5, ge=0, le=1, description="largest share of runs of five words that came before"
    )
    odd_letters: float | None = Field(
        0.05, ge=0, description="most impossible runs of letters per word"
    )
    min_word_length: float | None = Field(3, ge=0, description="least mean length of words")
    max_word_length: float | None = Field(10, ge=0, description="largest mean length of words")
    min_letters: float | None = Field(
        0.65, ge=0, le=1, description="least share of letters among characters that are no spaces"
    )
    capitals: float | None = Field(
        0.5, ge=0, le=1, description="largest share of capitals among the letters"
    )
    code: float | None = Field(
        0.03, ge=0, le=1, description="largest share of signs like {}|_= among the characters"
    )
    glued_words: float | None = Field(
        0.05, ge=0, description="most capitals inside words, per word"
    )
    links: float | None = Field(0.1, ge=0, description="most web addresses per word")
    boilerplate: float | None = Field(
        0.02, ge=0, description="most phrases like «Все права защищены» per word"
    )
    function_words: float | None = Field(
        0.03, ge=0, le=1, description="least share of words like «и», «не», «что»"
    )
    lists: float | None = Field(
        0.15, ge=0, le=1, description="texts with fewer function words must be sentences"
    )
    word_order: float | None = Field(
        0.006, ge=0, le=1, description="most impossible pairs, as «на или», per word"
    )


class CorpusConfig(Section):
    """From documents to the corpus."""

    held_out: float = Field(
        0.05, gt=0, lt=1, description="share of each source's characters held out, by whole works"
    )
    min_characters: int = Field(
        200, ge=1, description="shorter documents are rejected (characters after cleaning)"
    )
    min_cyrillic: float = Field(
        0.6, ge=0, le=1, description="least share of Cyrillic among a document's letters"
    )
    near_duplicates: float = Field(
        0.7,
        ge=0.3,
        le=1,
        description="a document this similar to an earlier one goes; 1: only equal",
    )
    shared_characters: int = Field(
        200,
        ge=50,
        le=10_000,
        description="no stretch this long of held-out text, and no half as many of its letters,"
        " stays in train",
    )
    quality: QualityConfig = QualityConfig()


class TokenizerConfig(Section):
    """The byte-pair encoding, trained on the train split."""

    path: Path | None = Field(
        None, description="a tokenizer.model to take as it is, and its vocabulary with it"
    )
    vocab_size: int = Field(
        8000, ge=300, le=65536, description="pieces, the 256 bytes and special pieces included"
    )
    character_coverage: float = Field(
        0.9999, gt=0.9, le=1, description="share of characters that get pieces; the rest are bytes"
    )
    special: tuple[str, ...] = Field(
        ("▸",), description="what is always one piece; ▸ begins a speaker's turn in interviews"
    )
    sample_characters: int = Field(
        100_000_000,
        ge=1000,
        description="trained on about so much at most, by the sources' weights",
    )


class ModelConfig(Section):
    """The shape of the GPT (Qwen3's: RMSNorm, rotary positions, QK norm, SwiGLU, tied head)."""

    size: str | Annotated[int, Field(strict=True)] | None = Field(
        None, description="derives what follows: nano, original, home-8gb, large, or parameters"
    )
    layers: int = Field(4, ge=1, le=200, description="blocks of attention and feed-forward")
    width: int = Field(256, ge=8, le=16384, description="size of the residual stream")
    heads: int = Field(4, ge=1, le=256, description="query heads; width must be a multiple")
    kv_heads: int | None = Field(
        None, ge=1, le=256, description="key and value heads (grouped queries); default: heads"
    )
    feed_forward: int | None = Field(
        None, ge=8, description="hidden size of SwiGLU; default: 8/3 width, rounded up to 64"
    )
    context: int = Field(256, ge=8, le=131072, description="positions the model sees, in tokens")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of values zeroed in training")
    rope_theta: float = Field(10000.0, gt=1, description="base of the rotary frequencies")

    @model_validator(mode="after")
    def _shape(self) -> ModelConfig:
        if self.width % (2 * self.heads):
            raise ValueError(
                f"width {self.width} must be a multiple of 2 × heads = {2 * self.heads}"
            )
        if self.heads % self.key_value_heads:
            raise ValueError(
                f"heads {self.heads} must be a multiple of kv_heads {self.key_value_heads}"
            )
        return self

    @property
    def key_value_heads(self) -> int:
        return self.kv_heads or self.heads

    @property
    def hidden(self) -> int:
        return self.feed_forward or -(-(8 * self.width // 3) // 64) * 64

    @property
    def head_size(self) -> int:
        return self.width // self.heads

    def parameters(self, vocab_size: int) -> int:
        """Weights of the model, by its shape; the head is the embedding's."""
        key_values = self.key_value_heads * self.head_size
        attention = 2 * self.width * (self.width + key_values) + 2 * self.head_size
        layer = attention + 3 * self.width * self.hidden + 2 * self.width
        return vocab_size * self.width + self.layers * layer + self.width

    def flops_per_token(self, vocab_size: int) -> float:
        """Floating-point operations of training on one token, without computing layers again."""
        attention = 6 * self.layers * self.width * self.context  # causal: half of all pairs
        return 6.0 * self.parameters(vocab_size) + attention


class TrainConfig(Section):
    """Training: how long, how fast, how safe."""

    init_from: Path | None = Field(
        None, description="weights to begin with: a run's folder, or a .safetensors file"
    )
    max_steps: int | None = Field(None, ge=1, description="optimiser steps; default: by epochs")
    epochs: float | None = Field(
        None, gt=0, description="passes over the text; default: by parameters and tokens"
    )
    batch_size: int = Field(
        8, ge=1, description="windows of one context length per step; default: by model.width"
    )
    micro_batch: int | None = Field(
        None, ge=1, description="windows computed at once (the rest accumulate); default: by memory"
    )
    memory_gb: float | None = Field(
        None, gt=0, description="what the training may take, for micro_batch; default: the card's"
    )
    activation_checkpointing: bool = Field(
        False, description="compute layers again in the backward pass: less memory, more time"
    )
    document_mask: bool = Field(
        False, description="attention sees nothing of the documents before in a window"
    )
    optimizer: Literal["muon", "adamw"] = Field(
        "muon", description="muon: Muon for hidden matrices, AdamW for the rest; adamw: AdamW alone"
    )
    learning_rate: float = Field(
        0.012, gt=0, le=1, description="peak rate of AdamW; default: by model.width"
    )
    muon_learning_rate: float = Field(0.01, gt=0, le=1, description="peak rate of Muon")
    weight_decay: float | None = Field(
        None, ge=0, le=10, description="decoupled, on matrices alone; default: by epochs and steps"
    )
    warmup: float = Field(0.02, ge=0, le=1, description="share of steps in which the rate rises")
    decay: float = Field(0.5, ge=0, le=1, description="share of steps, the last, in which it falls")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    ema: float = Field(
        0.0, ge=0, lt=1, description="keep a moving average of the weights with this decay; 0: none"
    )
    patience: int | None = Field(
        None, ge=1, description="stop after so many estimates without a better held-out loss"
    )
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto: what the device does best; float16 scales the loss"
    )
    processes: int = Field(
        1, ge=1, le=1024, description="train together on this machine, one for each card (torchrun)"
    )
    parallel: Literal["ddp", "fsdp"] = Field(
        "ddp", description="several processes: each with the whole model, or (fsdp) a part of it"
    )
    compile: bool | Literal["auto"] = Field(
        "auto", description="torch.compile; auto: where it saves more time than it takes"
    )
    threads: int | None = Field(None, ge=1, description="CPU threads; default: torch's choice")
    checkpoint_every: int | None = Field(
        None, ge=1, description="steps; default: a twentieth of all"
    )
    checkpoint_minutes: float = Field(
        10.0, gt=0, description="also after so many minutes, where steps are slow"
    )
    keep_checkpoints: int = Field(
        2, ge=1, description="the newest so many are kept, and the best weights"
    )
    evaluate_every: int | None = Field(
        None, ge=1, description="steps between held-out estimates; default: a twentieth of all"
    )
    evaluate_tokens: int = Field(
        16384, ge=1, description="held-out tokens in an estimate, spread over the whole"
    )
    sample_every: int | None = Field(
        None,
        ge=0,
        description="steps between samples of what it writes, at the next estimate; 0: none;"
        " default: a fifth of all",
    )

    @property
    def main_rate(self) -> float:
        """The peak rate of the optimiser that hidden matrices have."""
        return self.muon_learning_rate if self.optimizer == "muon" else self.learning_rate

    @model_validator(mode="before")
    @classmethod
    def _every(cls, values: Any) -> Any:
        steps = values.get("max_steps") if isinstance(values, Mapping) else None
        if not isinstance(steps, int):
            return values
        given = {name: value for name, value in values.items() if value is not None}
        each, rarely = max(1, steps // LOOKS), -(-steps // SAMPLES)
        derived = {"evaluate_every": each, "checkpoint_every": each, "sample_every": rarely}
        return {**values, **derived, **given}

    @model_validator(mode="after")
    def _fits(self) -> TrainConfig:
        if self.batch_size % (self.micro_batch or 1):
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of micro_batch {self.micro_batch}"
            )
        if self.batch_size % self.processes:
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of processes {self.processes}"
            )
        if self.warmup + self.decay > 1:
            raise ValueError(f"warmup {self.warmup} + decay {self.decay} must be at most 1")
        return self


class SamplesConfig(Section):
    """What the trained model is asked to write."""

    prompts: tuple[str, ...] = Field(
        ("",), min_length=1, description="beginnings to go on from; empty: a new document"
    )
    tokens: int = Field(200, ge=1, le=100_000, description="new tokens per sample, at most")
    temperature: float = Field(0.8, ge=0, le=10, description="0: always the likeliest piece")
    top_k: int | None = Field(None, ge=1, description="draw among the k likeliest pieces")
    top_p: float = Field(
        0.95, gt=0, le=1, description="draw among the likeliest pieces holding this probability"
    )


class ClusterConfig(Section):
    """Who cleans the texts: processes of this machine, or Dask's workers, here or elsewhere."""

    workers: int | None = Field(
        None, ge=1, le=1024, description="start a Dask cluster of so many workers on this machine"
    )
    address: str | None = Field(
        None, pattern=r"^\w+://", description="a Dask scheduler that runs: tcp://10.0.0.5:8786"
    )
    exchange: str | None = Field(
        None,
        description="where its machines hand on their work: a folder that all see, or a URL like"
        " s3://bucket/exchange; default: paths.data",
    )

    @model_validator(mode="after")
    def _one(self) -> ClusterConfig:
        if self.workers and self.address:
            raise ValueError("workers start a cluster, address names one: give one of them")
        if self.exchange and not self.given:
            raise ValueError("exchange is for a cluster: give workers or address too")
        return self

    @property
    def given(self) -> bool:
        """Whether there is a cluster."""
        return bool(self.workers or self.address)


class Paths(Section):
    """Where things lie, from the folder in which the command runs."""

    data: Path = Field(Path("data"), description="artifacts of all stages")
    mlruns: Path = Field(Path("mlruns"), description="MLflow's store")
    remote: str | None = Field(
        None,
        description="a store of artifacts that machines share, as a folder or a URL like"
        " s3://bucket/femtogpt: what is whole there is taken from it, what is made here is added",
    )


@dataclass(frozen=True)
class ConfigOrigin:
    """How a configuration was read; two that differ only in this are equal."""

    path: Path | None = field(default=None, compare=False)  # None: a file in conf/
    changes: tuple[str, ...] = field(default=(), compare=False)  # settings that replace the file's
    is_plain: bool = field(default=False, compare=False)  # as its file in conf/ has it

    def as_dict(self) -> dict[str, Any]:
        """For a manifest (JSON)."""
        path = None if self.path is None else str(self.path)
        return {"path": path, "changes": list(self.changes), "plain": self.is_plain}


class Config(Section):
    """A whole pipeline: from which sources, through which settings, to what."""

    name: str = Field(
        pattern=r"^[\w-]+$", description="the configuration's name: MLflow experiment"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="the one seed of initialisation and order")
    sources: dict[
        Annotated[str, Field(pattern=r"^[\w-]+$")],
        Annotated[SerializeAsAny[SourceConfig], BeforeValidator(_source)],
    ] = Field(min_length=1, description="name to source")
    corpus: CorpusConfig = CorpusConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    samples: SamplesConfig = SamplesConfig()
    cluster: ClusterConfig = ClusterConfig()
    paths: Paths = Paths()
    _origin: ConfigOrigin = PrivateAttr(default=ConfigOrigin())

    @property
    def origin(self) -> ConfigOrigin:
        """How it was read."""
        return self._origin

    def read_from(self, origin: ConfigOrigin) -> Config:
        """Record how it was read."""
        self._origin = origin
        return self

    @model_validator(mode="before")
    @classmethod
    def _dialled(cls, values: Any) -> Any:
        """What is not given of the shape follows from ``model.size``, and the rates from that.

        What is of a wrong type is left alone: it is told as a fault of its own.
        """
        if not isinstance(values, dict):
            return values
        model, train, tokenizer = (
            dict(part) if isinstance(part := values.get(name, {}), Mapping) else None
            for name in ("model", "train", "tokenizer")
        )
        if model is None or train is None or tokenizer is None:
            return values
        if train.get("max_steps") is not None and train.get("epochs") is not None:
            raise ValueError("give train.max_steps or train.epochs, not both")
        vocab_size = tokenizer.get("vocab_size", TokenizerConfig().vocab_size)
        size = model.get("size")
        if isinstance(size, float) and size.is_integer():  # written as 14e6
            size = model["size"] = int(size)
        if isinstance(size, str | int) and isinstance(vocab_size, int):
            model = {**shape(size, vocab_size), **model}
        width, context = (
            model.get(name, ModelConfig.model_fields[name].default) for name in ("width", "context")
        )
        if isinstance(width, int) and isinstance(context, int) and width > 0 < context:
            train = {**recipe(width, context), **train}
        return {**values, "model": model, "train": train}
