"""Interviews as a kind of source: who speaks is kept in a form that a model can learn."""

from femtogpt.sources.interviews.interviews_source import Interviews
from femtogpt.sources.interviews.turns import SPEAKER

__all__ = ["SPEAKER", "Interviews"]
