"""What the page may ask for. Runs are named, never addressed by a path."""

from __future__ import annotations

import dataclasses
import random
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from femtogpt.playground.votes import Better

if TYPE_CHECKING:
    from femtogpt.generation.sampling import Sampling

RunName = Annotated[str, Field(max_length=100)]
Text = Annotated[str, Field(max_length=100_000)]
SEEDS = 2**31


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Writing(_Body):
    """How to write; what is outside its range, ``Sampling`` says."""

    characters: int = Field(600, ge=1, le=5000)
    temperature: float = 0.8
    top_k: int | None = None
    top_p: float = 0.95
    min_p: float = 0.0
    repetition_penalty: float = 1.0

    def sampling(self) -> Sampling:
        """Raises UserError for a value outside its range. Imports torch, which takes seconds."""
        from femtogpt.generation.sampling import Sampling

        names = [field.name for field in dataclasses.fields(Sampling)]
        return Sampling(**{name: getattr(self, name) for name in names})


class _Seeded(Writing):
    seed: int | None = Field(None, ge=0, lt=SEEDS)

    def seed_or_any(self) -> int:
        return random.randrange(SEEDS) if self.seed is None else self.seed


class Continue(_Seeded):
    """One or two runs continue a beginning."""

    runs: list[RunName] = Field(min_length=1, max_length=2)
    prompt: Text = ""


class Compare(Writing):
    """Two runs do so, and nobody knows who is who."""

    runs: Annotated[list[RunName], Field(min_length=2, max_length=2)]
    prompt: Text = ""

    def settings(self) -> dict[str, Any]:
        return self.model_dump(exclude={"runs", "prompt", "characters"})


class Spoken(_Body):
    """A turn of a dialogue."""

    speaker: Annotated[str, Field(max_length=100)]
    text: Text


class Talk(_Seeded):
    """A run answers as a speaker."""

    run: RunName
    turns: list[Spoken] = Field(max_length=500)
    speaker: Annotated[str, Field(max_length=100)]


class AboutText(_Body):
    """What a run knows of a text."""

    run: RunName
    text: Annotated[str, Field(max_length=20_000)]


class CastVote(_Body):
    better: Better


class TwoRuns(_Body):
    runs: Annotated[list[RunName], Field(min_length=2, max_length=2)]
