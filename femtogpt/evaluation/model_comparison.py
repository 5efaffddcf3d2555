"""Several models on one text that none of them has read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import polars as pl

from femtogpt.artifacts.artifact import Artifact, refuse_damaged
from femtogpt.artifacts.inventory import entries
from femtogpt.errors import UserError
from femtogpt.evaluation.baseline import BASELINES, baselines_of
from femtogpt.evaluation.breakdown import Part, parts
from femtogpt.evaluation.document_scores import NAME, held_out_texts, scores_of, table
from femtogpt.evaluation.evaluated_run import EvaluatedRun
from femtogpt.evaluation.intervals import Difference, Figure, figure, paired_difference
from femtogpt.evaluation.read_before import read_before

FEW_NAMES = 3  # of documents that are left out


class Model(Protocol):
    """What has a score for each of some documents."""

    @property
    def name(self) -> str: ...

    def scores(self, texts: pl.DataFrame) -> pl.DataFrame:
        """The scores (SCORES) of documents (TEXTS), in their order."""

    def remarks(self, texts: pl.DataFrame) -> list[str]:
        """What a reader of its figure for these documents has to know."""


@dataclass(frozen=True)
class Scored:
    """A model or a baseline, and its scores (SCORES) of the documents."""

    name: str
    scores: pl.DataFrame

    @cached_property
    def figure(self) -> Figure:
        return figure(self.scores)


@dataclass
class Comparison:
    """Several models on the same documents."""

    text: str  # which documents these are, in words
    models: list[Scored]  # the others are compared with the first
    baselines: list[Scored]
    notes: list[str]  # what was left out, and why

    def differences(self) -> list[Difference]:
        """How much more each other model and each baseline needs than the first model."""
        first, *others = [*self.models, *self.baselines]
        return [paired_difference(first.scores, other.scores) for other in others]

    def parts(self) -> Iterator[Part]:
        """The figures of the whole and its parts."""
        return parts([model.scores for model in self.models])


def compare(
    runs: Sequence[EvaluatedRun],
    others: Sequence[Model],
    texts: pl.DataFrame | None,
    drop_readers: bool = False,
) -> Comparison:
    """The scores of runs and other models on documents (TEXTS) that no run has read.

    By default these are the held-out documents of the first run's corpus. A document that a run has
    read is left out; with ``drop_readers`` the run is, unless it is the first. Raises UserError if
    nothing is left.
    """
    first, notes = runs[0], []
    if own := texts is None:
        texts = first.held_out
    kept, compared = pl.Series([True] * len(texts)), list[EvaluatedRun]()
    for run in runs:
        has_read = _has_read(run, texts)
        names = _documents(texts.filter(has_read))
        if names and drop_readers and run is not first:
            notes.append(f"left out: {run.name}, which was trained on {names}")
            continue
        if names:
            notes.append(f"left out: {names}, since {run.name} was trained on it")
        compared.append(run)
        kept &= ~has_read
    if not kept.any():
        raise UserError(
            "nothing is left to evaluate on, since every document was read in training by one of"
            f" these: {', '.join(run.name for run in compared)}; name another text, or fewer runs"
        )
    texts = texts.filter(kept)
    models: list[Model] = [*compared, *others]
    scored = [Scored(model.name, model.scores(texts)) for model in models]
    notes += [remark for model in models for remark in model.remarks(texts)]
    what = f"the held-out text of {first.name}" if own else "the text given"
    return Comparison(what, scored, list(_baselines(first, texts)) if own else [], notes)


def _has_read(run: EvaluatedRun, texts: pl.DataFrame) -> pl.Series:
    """Which documents are in the train split of a corpus that a run has read, as far as is known.

    The corpus's own held-out ones are not: that was proved when it was built.
    """
    has_read = pl.Series([False] * len(texts))
    for corpus in run.read:
        new = ~texts["text"].is_in(held_out_texts(corpus)["text"].implode())
        if new.any():
            found = iter(read_before(texts.filter(new)["text"].to_list(), corpus))
            has_read |= pl.Series([is_new and next(found) for is_new in new], dtype=pl.Boolean)
    return has_read


def _documents(texts: pl.DataFrame) -> str:
    """Some documents by name, the first few of them, and how many there are."""
    names = [f"{source}/{id}" for source, id in texts.select(*NAME).head(FEW_NAMES).iter_rows()]
    more = len(texts) - len(names)
    return ", ".join(names) + (f" and {more:,} more" if more else "")


def _baselines(run: EvaluatedRun, texts: pl.DataFrame) -> Iterator[Scored]:
    """The newest baselines of a run's corpus and tokens that have scores of all documents."""
    contents = {each.kind: each.content for each in (run.corpus, run.tokens) if each}
    for kind in BASELINES:
        for entry in reversed(entries(run.data)):
            if entry.kind != kind or not entry.finished:
                continue
            inputs = entry.about["inputs"]
            if any(contents.get(name) != content for name, content in inputs.items()):
                continue
            refuse_damaged(entry.path)
            artifact = Artifact.load(entry.path)
            scores = scores_of(artifact)
            if scores is not None and texts.join(scores, NAME, "anti").is_empty():
                title = baselines_of({kind: artifact})[kind].title
                yield Scored(title, table(texts, scores))
                break
