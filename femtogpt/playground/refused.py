"""What the page cannot have, as a word that it says in the person's language."""

from __future__ import annotations

from typing import Literal

Why = Literal[
    "bad request",  # no such request, or values outside their ranges
    "bad door",  # from another page or host
    "gone",  # no such run, or no longer
    "half-finished",  # a run that is still in training, or was stopped
    "damaged",  # a run whose files do not match its manifest
    "no name",  # of a speaker in a dialogue
    "no such pair",  # the server was started anew, or it is long ago
    "unfinished",  # a vote on texts that are not written to their end
    "not kept",  # a vote that cannot be written to the disk
    "failed",  # whatever else
]


class Refused(Exception):
    """A request that is not carried out."""

    def __init__(self, why: Why, detail: str = ""):
        """``detail``: for a person, in English."""
        super().__init__(why, detail)
        self.why, self.detail = why, detail

    def as_dict(self) -> dict[str, str]:
        return {"why": self.why, "detail": self.detail}
