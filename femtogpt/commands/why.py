"""``femtogpt why``: which stages would run, and why."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from femtogpt.artifacts.again import kinds_of
from femtogpt.artifacts.reasons import because
from femtogpt.config_file import load_config
from femtogpt.pipeline_stages import WOULD_BE_MADE, Verdict, verdicts

SAME_RESULT_NOTE = (
    "(If a stage's result is the same as before, the stages after it stay up to date.)"
)


def why(
    config: str, overrides: Iterable[str] = (), stage: str | None = None, archive: str = ""
) -> Iterator[str]:
    """A line for each stage of a configuration's pipeline, or of the one named.

    Nothing is made, and the network is used only to ask a shared store (``paths.remote``) that is
    not a folder what it has. Raises UserError for an unknown stage.
    """
    kinds = kinds_of([stage]) if stage else None
    loaded = load_config(config, overrides, Path(archive) if archive else None)
    follows = False
    for verdict in verdicts(loaded):
        if kinds is None or verdict.stage.kind in kinds:
            yield line_of(verdict)
            follows |= any(reason.endswith(WOULD_BE_MADE) for reason in verdict.state.reasons)
    if follows:
        yield SAME_RESULT_NOTE


def line_of(verdict: Verdict) -> str:
    """A verdict as a line."""
    name, state = verdict.stage.name, verdict.state
    if verdict.error:
        return f"{name}: would fail: {verdict.error}"
    if state.artifact is not None:
        return f"{name}: up to date ({state.artifact.path}){verdict.note}"
    if verdict.elsewhere is not None:
        return f"{name}: would be taken from the shared store{because(state.reasons)}"
    if state.partial is not None:
        return f"{name}: would go on{because(state.reasons)} ({state.partial}){verdict.note}"
    return f"{name}: would be made{because(state.reasons)}"
