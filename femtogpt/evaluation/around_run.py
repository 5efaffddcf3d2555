"""The artifacts around a run: what it was made from, and what was made of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.lookup import made_from, made_of
from femtogpt.errors import Damaged, UserError
from femtogpt.evaluation.baseline import NGRAM, PPMD
from femtogpt.memorisation import index_stage, memory_stage

FROM = (("run", "tokens"), ("tokens", "corpus"), ("tokens", "tokenizer"))
OF = (
    *(("run", "evaluation"), ("run", "samples"), ("samples", memory_stage.KIND)),
    *(("tokens", NGRAM), ("corpus", PPMD), ("corpus", index_stage.KIND)),
)


def around(run: Path) -> dict[str, Artifact]:
    """By kind, the run in a folder, what it was made from, and the newest of what was made of it.

    What is no longer there is left out; of a folder without a manifest, all. Raises Damaged if a
    file of one of them is damaged.
    """
    artifact = found(Artifact.load, run)
    if artifact is None:
        return {}
    data, known = run.resolve().parents[1], {"run": artifact}
    for look, pairs in ((made_from, FROM), (made_of, OF)):
        for of, kind in pairs:
            if of in known and (other := found(look, known[of], kind, data)):
                known[kind] = other
    return known


def found(look: Callable[..., Artifact], *what: object) -> Artifact | None:
    """What is looked for; None if it is not there. Raises Damaged if it is damaged."""
    try:
        return look(*what)
    except Damaged:
        raise
    except (UserError, OSError, ValueError, KeyError):
        return None
