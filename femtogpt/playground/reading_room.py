"""What the page's requests come down to: runs found, models asked one after another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from femtogpt.playground.blind_pairs import BlindPairs
from femtogpt.playground.choices import Choice, beginnings, knows_turns
from femtogpt.playground.loaded_models import LoadedModel, LoadedModels
from femtogpt.playground.lockstep import Parts, lockstep
from femtogpt.playground.refused import Refused
from femtogpt.playground.request_bodies import AboutText, Talk, Writing
from femtogpt.playground.verbatim import marks
from femtogpt.playground.vote_file import VoteFile
from femtogpt.playground.votes import tally
from femtogpt.sources.interviews.turns import SPEAKER, Turn, joined, written

Result = TypeVar("Result")
TOKENS_A_CHARACTER = 4  # at most: the bytes of a character that has no piece


class ReadingRoom:
    """The runs of a data folder, those of them that are loaded, and the votes.

    What takes time is done in a thread, one thing after another (``in_turn``): a token of one
    window, then one of the next, so that two windows write at once and neither waits for long.
    """

    def __init__(self, data: Path, choices: Callable[[], list[Choice]]):
        """``choices`` lists the runs as they are now."""
        self.data, self.choices = data, choices
        self.closing = False  # once it is true, no text goes on
        self.votes = VoteFile(data)
        self.pairs = BlindPairs(self.votes)
        self._models = LoadedModels()
        self._turn = anyio.Lock()  # those who wait get it in their order

    async def in_turn(self, work: Callable[..., Result], *arguments: Any) -> Result:
        """The result of some work in a thread, when nothing else is being done."""
        async with self._turn:
            return await anyio.to_thread.run_sync(work, *arguments)

    def listing(self) -> list[dict[str, Any]]:
        """The runs, the newest first, each with what the page offers for it."""
        return [
            {
                **asdict(choice),
                "beginnings": beginnings(self.data / choice.name, self.data),
                "turns": knows_turns(self.data / choice.name, self.data),
            }
            for choice in reversed(self.choices())
        ]

    def _folder(self, name: str) -> Path:
        """The folder of a finished run in the list. Raises Refused for any other name."""
        for choice in self.choices():
            if choice.name == name:
                if choice.state != "finished":
                    raise Refused("half-finished", f"{name}: {choice.state}")
                return self.data / name
        raise Refused("gone", name)

    def _model(self, name: str) -> LoadedModel:
        return self._models.take(self._folder(name))

    def write(
        self,
        runs: Sequence[str],
        prompt: str,
        how: Writing,
        seeds: Sequence[int],
        stop: Sequence[str] = (),
    ) -> Parts:
        """Texts of several runs at once, in parts: the number of a run and what it adds.

        Raises Refused, or UserError for a setting outside its range.
        """
        sampling = how.sampling()
        from femtogpt.generation.writing import stream

        writers = [self._model(name).writer for name in runs]
        most = how.characters * TOKENS_A_CHARACTER
        texts = [
            stream(writer.engine, writer.tokenizer, prompt, most, sampling, seed, stop)
            for writer, seed in zip(writers, seeds, strict=True)
        ]
        return lockstep(texts, how.characters)

    def answer(self, talk: Talk, seed: int) -> Parts:
        """A run's turn in a dialogue: until it would begin the next one."""
        from femtogpt.generation.dialogue import named

        said = joined(Turn(turn.speaker, tuple(turn.text.split("\n"))) for turn in talk.turns)
        speaker = named(talk.speaker)
        if speaker is None:
            raise Refused("no name")
        begun = f"{SPEAKER} {speaker}:"
        prompt = "\n".join(filter(None, [written(said, "names"), begun]))
        return self.write([talk.run], prompt, talk, [seed], stop=[f"\n{SPEAKER}"])

    def pieces(self, about: AboutText) -> list[dict[str, Any]]:
        """How surprising each piece of a text is to a run."""
        loaded = self._model(about.run)
        from femtogpt.generation.surprise import surprises

        tokenizer = loaded.writer.tokenizer
        return [asdict(piece) for piece in surprises(loaded.model, tokenizer, about.text)]

    def marks(self, about: AboutText) -> list[dict[str, Any]] | None:
        """The stretches of a text that stand in what a run was trained on; None if unknown."""
        return marks(self._folder(about.run), self.data, about.text)

    def score(self, names: Sequence[str]) -> dict[str, Any]:
        """What the votes between two runs say of the first."""
        first, second = names
        return asdict(tally(self.votes.read(), first, second))
