"""Comparisons in which a person does not know who wrote what until they have voted."""

from __future__ import annotations

import random
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from femtogpt.playground.refused import Refused
from femtogpt.playground.vote_file import VoteFile
from femtogpt.playground.votes import Better, Vote

MOST = 200  # pairs kept; of those that nobody has voted on, too


@dataclass
class Pair:
    """Two continuations side by side."""

    runs: tuple[str, str]  # on the left and on the right
    prompt: str
    sampling: dict[str, Any]
    characters: int
    seeds: tuple[int, int]
    texts: list[str] = field(default_factory=lambda: ["", ""])
    finished: bool = False
    vote: Vote | None = None

    def seen(self) -> dict[str, Any]:
        """What a person may see now: the names only once they have voted."""
        known = {"runs": self.runs, "better": self.vote.better} if self.vote else {}
        return {
            "prompt": self.prompt,
            "texts": self.texts,
            "finished": self.finished,
            **known,
        }


class BlindPairs:
    """The pairs of this start of the program. Their ids are random and say nothing."""

    def __init__(self, file: VoteFile):
        self.file = file
        self._pairs: OrderedDict[str, Pair] = OrderedDict()

    def begin(
        self, runs: tuple[str, str], prompt: str, sampling: dict[str, Any], characters: int
    ) -> tuple[str, Pair]:
        """A new pair in random order, and its id."""
        order = random.SystemRandom()
        left, right = order.sample(runs, 2)
        seeds = order.randrange(2**31), order.randrange(2**31)
        pair = Pair((left, right), prompt, sampling, characters, seeds)
        name = secrets.token_urlsafe(12)
        self._pairs[name] = pair
        while len(self._pairs) > MOST:
            self._pairs.popitem(last=False)
        return name, pair

    def find(self, name: str) -> Pair:
        """The pair with an id. Raises Refused if there is none."""
        if name not in self._pairs:
            raise Refused("no such pair")
        return self._pairs[name]

    def vote(self, name: str, better: Better) -> Pair:
        """Keep a vote, the first on this pair: a second one changes nothing.

        Raises Refused for a pair that is not written to its end, and UserError where the vote
        cannot be kept.
        """
        pair = self.find(name)
        if not pair.finished:
            raise Refused("unfinished")
        if pair.vote is None:
            left, right = pair.texts
            vote = Vote(
                datetime.now(UTC).isoformat(timespec="seconds"),
                pair.runs,
                pair.prompt,
                pair.sampling,
                pair.characters,
                pair.seeds,
                (left, right),
                better,
            )
            self.file.add(vote)
            pair.vote = vote
        return pair
