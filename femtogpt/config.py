"""Every setting, explained field by field."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PrivateAttr,
    SerializeAsAny,
    model_validator,
)

from femtogpt.config_origin import ConfigOrigin
from femtogpt.quality_config import QualityConfig as QualityConfig
from femtogpt.scaling import dialled, shape
from femtogpt.section import Section as Section
from femtogpt.section import is_count
from femtogpt.source_kinds import validate_source
from femtogpt.train_config import TrainConfig as TrainConfig

PLACES = {"cluster", "paths"}  # sections that say where, and do not change the results


class SourceConfig(Section):
    """The settings of every kind of source; a kind adds its own (see ``femtogpt.sources``)."""

    kind: str = Field(description="the kind of source: sample, files, kaggle, …")
    rules: tuple[str, ...] | None = Field(
        None, description="cleaning rules, by name, in order; default: the standard ones"
    )
    edition: bool = Field(
        False,
        description="the texts are editions: the default rules also remove editors' notes and their"
        " marks, contents, forewords, imprints, title lines and page numbers",
    )
    without: tuple[str, ...] = Field((), description="cleaning rules that do not apply, by name")
    weight: float = Field(
        1.0, gt=0, le=100, description="passes over this source's text per epoch of the mixture"
    )

    @model_validator(mode="after")
    def _chain(self) -> SourceConfig:
        if self.edition and self.rules is not None:
            raise ValueError("edition chooses the default rules, rules names others: give one")
        return self


class CorpusConfig(Section):
    """From documents to the corpus."""

    held_out: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of each source's characters held out, as complete works",
    )
    unit: Literal["work", "chapter"] = Field(
        "work",
        description="what is held out or trained on as a whole; chapter: large works are split at"
        " headings, or else between paragraphs, so that no work dominates",
    )
    min_characters: int = Field(
        200, ge=1, description="shorter documents are rejected (characters after cleaning)"
    )
    min_cyrillic: float = Field(
        0.6, ge=0, le=1, description="smallest share of Cyrillic among a document's letters"
    )
    near_duplicates: float = Field(
        0.7,
        ge=0.3,
        le=1,
        description="a document this similar to an earlier one is removed; 1: only if equal",
    )
    shared_characters: int = Field(
        200,
        ge=50,
        le=10_000,
        description="passages shared with held-out text are removed from train if this long, or"
        " if half as many letters agree",
    )
    quality: QualityConfig = QualityConfig()


class TokenizerConfig(Section):
    """The byte-pair encoding, trained on the train split."""

    path: Path | None = Field(
        None, description="a tokenizer.model to use as it is, with its vocabulary"
    )
    vocab_size: int = Field(
        8000, ge=300, le=65536, description="pieces, including the 256 bytes and special pieces"
    )
    character_coverage: float = Field(
        0.9999,
        gt=0.9,
        le=1,
        description="share of characters with pieces of their own; the rest are bytes",
    )
    special: tuple[str, ...] = Field(
        ("▸",), description="strings kept as one piece; ▸ begins a speaker's turn in interviews"
    )
    sample_characters: int = Field(
        100_000_000,
        ge=1000,
        description="the most characters to train it on, about; sources count by their weights",
    )


class ModelConfig(Section):
    """The shape of the GPT (as Qwen3: RMSNorm, rotary positions, QK norm, SwiGLU, tied head)."""

    size: str | Annotated[int, Field(strict=True)] | None = Field(
        None, description="derives the shape: nano, original, home-8gb, large, or parameters"
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
    context: int = Field(256, ge=8, le=131072, description="tokens that the model sees at once")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of activations zeroed in training")
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
        """The number of parameters for this shape; the head is the embedding."""
        key_values = self.key_value_heads * self.head_size
        attention = 2 * self.width * (self.width + key_values) + 2 * self.head_size
        layer = attention + 3 * self.width * self.hidden + 2 * self.width
        return vocab_size * self.width + self.layers * layer + self.width

    def flops_per_token(self, vocab_size: int) -> float:
        """Floating-point operations of training on one token, without activation checkpointing."""
        attention = 6 * self.layers * self.width * self.context  # causal: half of all pairs
        return 6.0 * self.parameters(vocab_size) + attention


class SamplesConfig(Section):
    """The samples that the trained model writes."""

    prompts: tuple[str, ...] = Field(
        ("",), min_length=1, description="texts to continue; empty: a new document"
    )
    tokens: int = Field(200, ge=1, le=100_000, description="the most new tokens per sample")
    temperature: float = Field(0.8, ge=0, le=10, description="0: always the most likely token")
    top_k: int | None = Field(None, ge=1, description="draw among the k most likely tokens")
    top_p: float = Field(
        0.95, gt=0, le=1, description="draw among the most likely tokens up to this probability"
    )


class BaselinesConfig(Section):
    """Simple models of the same text: a training is worth its time if it ends below them."""

    ngram: Literal[0, 2, 3, 4, 5] = Field(
        4, description="order of the n-gram over the tokenizer's pieces; 0: none"
    )
    ppmd: int = Field(
        12, ge=0, le=64, description="order of PPMd, a compressor that reads characters; 0: none"
    )


class ClusterConfig(Section):
    """Dask workers that clean the texts; by default it is done by processes of this machine."""

    workers: int | None = Field(
        None, ge=1, le=1024, description="start a Dask cluster with so many workers on this machine"
    )
    address: str | None = Field(
        None, pattern=r"^\w+://", description="a running Dask scheduler: tcp://10.0.0.5:8786"
    )
    exchange: str | None = Field(
        None,
        description="where its machines exchange data: a folder that all see, or a URL such as"
        " s3://bucket/exchange; default: paths.data",
    )

    @model_validator(mode="after")
    def _one(self) -> ClusterConfig:
        if self.workers and self.address:
            raise ValueError("workers starts a cluster, address names a running one: give one")
        if self.exchange and not self.given:
            raise ValueError("exchange is for a cluster: give workers or address too")
        return self

    @property
    def given(self) -> bool:
        """Whether there is a cluster."""
        return bool(self.workers or self.address)


class Paths(Section):
    """Folders, relative to the one in which the command runs."""

    data: Path = Field(Path("data"), description="artifacts of all stages")
    mlruns: Path = Field(Path("mlruns"), description="MLflow's store")
    remote: str | None = Field(
        None,
        description="a store of artifacts that machines share, as a folder or a URL such as"
        " s3://bucket/femtogpt: artifacts are taken from it, and those made here are added",
    )


class Config(Section):
    """A pipeline: its sources and the settings of each stage."""

    name: str = Field(
        pattern=r"^[\w-]+$", description="the configuration's name: MLflow experiment"
    )
    seed: int = Field(0, ge=0, lt=2**31, description="seed of initialisation, order and samples")
    sources: dict[
        Annotated[str, Field(pattern=r"^[\w-]+$")],
        Annotated[SerializeAsAny[SourceConfig], BeforeValidator(validate_source)],
    ] = Field(min_length=1, description="name to source")
    corpus: CorpusConfig = CorpusConfig()
    tokenizer: TokenizerConfig = TokenizerConfig()
    model: ModelConfig = ModelConfig()
    train: TrainConfig = TrainConfig()
    samples: SamplesConfig = SamplesConfig()
    baselines: BaselinesConfig = BaselinesConfig()
    memory: bool = Field(
        True,
        description="look up the samples in the training text: its index takes 5 or 6 bytes of"
        " disk for a character",
    )
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
        """Derive what is not given: the shape from ``model.size``, and the rates from the shape.

        Values of a wrong type are left to the validation of their fields.
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
        is_free = train.get("hours") is not None  # see ``femtogpt.training.budget``
        if is_free:
            _check_free(model, train)
        vocab_size = tokenizer.get("vocab_size", TokenizerConfig().vocab_size)
        size = model.get("size")
        if isinstance(size, float) and size.is_integer():  # written as 14e6
            size = model["size"] = int(size)
        if (isinstance(size, str) or is_count(size)) and is_count(vocab_size):
            model = {**shape(size, vocab_size), **model}
        width, context = (
            model.get(name, ModelConfig.model_fields[name].default) for name in ("width", "context")
        )
        is_known = is_count(width) and is_count(context) and width > 0 < context
        if is_known and not is_free:
            train = dialled(train, width, context)
        return {**values, "model": model, "train": train}


def _check_free(model: Mapping[str, Any], train: Mapping[str, Any]) -> None:
    """Raise ValueError if ``train.hours`` leaves open what is already decided."""
    for length in ("max_steps", "epochs"):
        if train.get(length) is not None:
            raise ValueError(f"give train.hours or train.{length}, not both")
    if train.get("init_from") is not None and not {"size", "width", "layers"} & model.keys():
        raise ValueError(
            "train.hours chooses a size, but train.init_from has one: set model.size too"
        )
