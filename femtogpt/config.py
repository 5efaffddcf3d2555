"""Every setting, explained field by field, and how a configuration is read.

A configuration is a YAML file in ``conf/``; its sources are YAML files in ``conf/sources/``.
A setting is overridden in one way: ``section.field=value``, with the value written as in YAML.

YAML is imported where it is read: training alone, on a bare machine, needs none.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from femtogpt.errors import UserError

CONF = Path(__file__).resolve().parent.parent / "conf"
SOURCE_KINDS = "femtogpt.sources"  # the entry-point group in which kinds of source are found


class Section(BaseModel):
    """A group of settings: unknown keys are errors, values do not change after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class SourceConfig(Section):
    """What every kind of source has; a kind adds its own settings (see ``femtogpt.sources``)."""

    kind: str = Field(description="what kind of source it is: sample, files, kaggle, …")
    rules: tuple[str, ...] = Field((), description="cleaning rules, by name, in order")
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
        raise ValueError(f"kind {kind!r} is unknown{_nearest(str(kind), kinds)}")
    return kinds[kind].load().model_validate(value)


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


class TokenizerConfig(Section):
    """The byte-pair encoding, trained on the train split."""

    vocab_size: int = Field(
        8000, ge=300, le=65536, description="pieces, the 256 bytes and special pieces included"
    )
    character_coverage: float = Field(
        0.9999, gt=0.9, le=1, description="share of characters that get pieces; the rest are bytes"
    )


class ModelConfig(Section):
    """The shape of the GPT (Qwen3's: RMSNorm, rotary positions, QK norm, SwiGLU, tied head)."""

    layers: int = Field(4, ge=1, le=200)
    width: int = Field(256, ge=8, le=16384, description="size of the residual stream")
    heads: int = Field(4, ge=1, le=256, description="query heads; width must be a multiple")
    kv_heads: int | None = Field(
        None, ge=1, le=256, description="key and value heads (grouped queries); default: heads"
    )
    feed_forward: int | None = Field(
        None, ge=8, description="hidden size of SwiGLU; default: 8/3 width, rounded up to 64"
    )
    context: int = Field(256, ge=8, le=131072, description="positions the model sees, in tokens")
    dropout: float = Field(0.0, ge=0, lt=1)
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


class TrainConfig(Section):
    """Training: how long, how fast, how safe."""

    max_steps: int = Field(1000, ge=1, description="optimiser steps")
    batch_size: int = Field(32, ge=1, description="windows of one context length per step")
    micro_batch: int | None = Field(
        None, ge=1, description="windows computed at once (the rest accumulate); default: all"
    )
    optimizer: Literal["muon", "adamw"] = Field(
        "muon", description="muon: Muon for hidden matrices, AdamW for the rest; adamw: AdamW alone"
    )
    learning_rate: float = Field(3e-3, gt=0, le=1, description="peak rate of AdamW")
    muon_learning_rate: float = Field(0.02, gt=0, le=1, description="peak rate of Muon")
    weight_decay: float = Field(0.1, ge=0, le=10, description="decoupled, on matrices alone")
    warmup: float = Field(0.02, ge=0, le=1, description="share of steps in which the rate rises")
    decay: float = Field(0.5, ge=0, le=1, description="share of steps, the last, in which it falls")
    clip: float = Field(1.0, gt=0, description="largest norm of the gradient")
    device: str = Field("auto", pattern=r"^(auto|cpu|cuda(:\d+)?)$", description="auto, cpu, cuda")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto: what the device does best; float16 scales the loss"
    )
    threads: int | None = Field(None, ge=1, description="CPU threads; default: torch's choice")
    checkpoint_every: int = Field(100, ge=1, description="steps")
    checkpoint_minutes: float = Field(
        10.0, gt=0, description="also after so many minutes, where steps are slow"
    )
    keep_checkpoints: int = Field(2, ge=1, description="the newest so many are kept")
    evaluate_every: int = Field(100, ge=1, description="steps between held-out estimates")
    evaluate_tokens: int = Field(
        65536, ge=1, description="held-out tokens in an estimate, spread over the whole"
    )

    @model_validator(mode="after")
    def _divides(self) -> TrainConfig:
        if self.batch_size % self.windows:
            raise ValueError(
                f"batch_size {self.batch_size} must be a multiple of micro_batch {self.windows}"
            )
        if self.warmup + self.decay > 1:
            raise ValueError(f"warmup {self.warmup} + decay {self.decay} must be at most 1")
        return self

    @property
    def windows(self) -> int:
        """Windows computed at once."""
        return self.micro_batch or self.batch_size


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


class Paths(Section):
    """Where things lie, from the folder in which the command runs."""

    data: Path = Field(Path("data"), description="artifacts of all stages")
    mlruns: Path = Field(Path("mlruns"), description="MLflow's store")


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
    paths: Paths = Paths()

    @field_validator("sources", mode="before")
    @classmethod
    def _named(cls, value: Any) -> Any:
        """A list of names stands for the files of those names in ``conf/sources``."""
        if isinstance(value, list):
            return {str(name): read_source(str(name)) for name in value}
        return value


def read_source(name: str, conf: Path = CONF) -> dict:
    """The settings in ``conf/sources/<name>.yaml``; UserError if there are none."""
    return _read_yaml(_find(name, conf / "sources", "source"))


def load_config(
    name: str, overrides: Iterable[str] = (), archive: Path | None = None, conf: Path = CONF
) -> Config:
    """Read a configuration by name (``sample``: ``conf/sample.yaml``) or by path.

    ``overrides`` are ``section.field=value``; ``archive`` is given to the source that can be
    read from one. Raises UserError, in one line, where the file is missing, a key is misspelt
    (the nearest right one is named) or a value is out of range.
    """
    path = _find(name, conf, "configuration")
    settings = {"name": path.stem, **_read_yaml(path)}
    if isinstance(settings.get("sources"), list):
        settings["sources"] = {
            str(source): read_source(str(source), conf) for source in settings["sources"]
        }
    if archive is not None:
        _give_archive(settings, archive)
    named = set(settings.get("sources") or ())
    for override in overrides:
        _override(settings, override)
    _check_sources(settings, named)
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors()]
        raise UserError(f"configuration {path.name}: " + "; ".join(faults)) from error


def _give_archive(settings: dict, archive: Path) -> None:
    """Give an archive to the one source that can be read from one."""
    kinds = source_kinds()
    sources = settings.get("sources")
    takers = [
        source
        for source in (sources.values() if isinstance(sources, dict) else ())
        if isinstance(source, dict)
        and str(source.get("kind")) in kinds
        and "archive" in kinds[source["kind"]].load().model_fields
        and source.get("dataset")
    ]
    if len(takers) != 1:
        raise UserError(
            f"ARCHIVE={archive}: {len(takers) or 'no'} sources of this configuration can be read"
            " from an archive; it takes one: set sources.<name>.archive=… instead"
        )
    takers[0]["archive"] = str(archive)


def _check_sources(settings: dict, named: set[str]) -> None:
    """UserError for a source that only an override knows, which has no kind: it is misspelt."""
    sources = settings.get("sources")
    for name, source in sources.items() if isinstance(sources, dict) else ():
        if name not in named and isinstance(source, dict) and "kind" not in source:
            raise UserError(f"sources.{name} is no source{_nearest(str(name), named)}")


def _find(name: str, folder: Path, what: str) -> Path:
    if name.endswith((".yaml", ".yml")):
        if (path := Path(name)).is_file():
            return path
        raise UserError(
            f"{what} {name}: there is no such file; give a name from {folder} or a path"
        )
    path = folder / f"{name}.yaml"
    if not path.is_file():
        names = sorted(file.stem for file in folder.glob("*.yaml"))
        raise UserError(
            f"{what} {name!r} is unknown{_nearest(name, names)}; there are: {', '.join(names)}"
        )
    return path


def _read_yaml(path: Path) -> dict:
    import yaml

    class Strict(yaml.SafeLoader):
        """Refuses a key that stands twice: YAML's reader would keep the last in silence."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict:
            keys = [key.value for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise yaml.YAMLError(f"{key} stands twice in line {node.start_mark.line + 1}")
            return super().construct_mapping(node, deep)

    try:
        value = yaml.load(path.read_text(encoding="utf-8"), Strict)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        where = " ".join(str(error).split())
        raise UserError(f"{path} is not YAML: {where}") from error
    if not isinstance(value, dict):
        raise UserError(f"{path} must hold settings as 'key: value' lines")
    return value


def _override(settings: dict, override: str) -> None:
    """Set ``a.b.c=value`` in nested settings; unknown keys are left to the validation."""
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise UserError(f"override {override!r}: write section.field=value, as train.max_steps=200")
    import yaml

    *parents, last = key.split(".")
    place = settings
    for parent in parents:
        place = place.setdefault(parent, {})
        if not isinstance(place, dict):
            raise UserError(f"override {override!r}: {parent} has no fields")
    try:
        place[last] = _number(yaml.safe_load(value))
    except yaml.YAMLError as error:
        raise UserError(f"override {override!r}: the value is not YAML") from error


def _number(value: Any) -> Any:
    """YAML 1.1 reads 1e-3 as text: take it as the number that a person means."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    return value


def _fault(fault: Any) -> str:
    """One validation fault in words: the field, the value, the range or the nearest right name."""
    loc = [str(part) for part in fault["loc"]]
    field = ".".join(loc)
    match fault["type"]:
        case "extra_forbidden":
            return f"{field} is no setting{_nearest(loc[-1], _fields(loc[:-1]))}"
        case "missing":
            return f"{field} is missing"
        case "value_error":
            return f"{field + ': ' if field else ''}{fault['ctx']['error']}"
    message = fault["msg"].lower().replace("input ", "it ")
    return f"{field} is {fault['input']!r}: {message}{_range(loc)}"


def _model_at(loc: list[str]) -> type[BaseModel] | None:
    """The section that a location of a fault lies in."""
    if loc[:1] == ["sources"]:
        return None
    model: Any = Config
    for part in loc:
        model = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
    return model


def _fields(loc: list[str]) -> list[str]:
    if loc[:1] == ["sources"]:
        fields = {name for kind in source_kinds().values() for name in kind.load().model_fields}
        return sorted(fields)
    model = _model_at(loc)
    return list(model.model_fields) if model else []


def _range(loc: list[str]) -> str:
    """The whole allowed range of a field, so that the next try is right."""
    model = _model_at(loc[:-1])
    if model is None or loc[-1] not in model.model_fields:
        return ""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    bounds = [
        f"{sign} {getattr(bound, name)}"
        for bound in model.model_fields[loc[-1]].metadata
        for name, sign in signs.items()
        if getattr(bound, name, None) is not None
    ]
    return f" (allowed: {' and '.join(bounds)})" if bounds else ""


def _nearest(name: str, names: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(names), n=1, cutoff=0.5)
    return f"; did you mean {close[0]!r}?" if close else ""
