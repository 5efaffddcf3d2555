"""A trained model as an evaluation sees it: its corpus, and what it makes of any documents."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import polars as pl

from femtogpt.artifacts.artifact import MANIFEST, Artifact, refuse_damaged
from femtogpt.artifacts.inventory import entries
from femtogpt.artifacts.lookup import made_from
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.errors import UserError
from femtogpt.evaluation.around_run import found
from femtogpt.evaluation.document_scores import COUNTS, NAME, held_out_texts, scores_of, table
from femtogpt.evaluation.evaluate import evaluate
from femtogpt.parallel import workers
from femtogpt.training.continuation import read_settings

# No configuration changes an evaluation, unless a metric of one's own reads it.
ANY = Config.model_validate({"name": "evaluate", "sources": {"any": {"kind": "sample"}}})


@dataclass(frozen=True)
class EvaluatedRun:
    """A run's folder. Raises UserError if it is an artifact with a damaged or missing file."""

    path: Path

    def __post_init__(self) -> None:
        refuse_damaged(self.path)

    @property
    def name(self) -> str:
        """As ``femtogpt runs`` names it; a folder that is no artifact by its path."""
        return f"run/{self.path.name}" if self._artifact else str(self.path)

    @property
    def data(self) -> Path:
        """The data folder that an artifact is in."""
        return self.path.resolve().parents[1]

    @cached_property
    def _artifact(self) -> Artifact | None:
        return Artifact.load(self.path) if (self.path / MANIFEST).exists() else None

    @cached_property
    def tokens(self) -> Artifact | None:
        """The token shards that it was trained on; None if they are no longer there."""
        return self._artifact and found(made_from, self._artifact, "tokens", self.data)

    @cached_property
    def corpus(self) -> Artifact | None:
        """The corpus that it was trained on; None if it is no longer there."""
        return self.tokens and found(made_from, self.tokens, "corpus", self.data)

    @cached_property
    def read(self) -> list[Artifact]:
        """The corpora that it was trained on, and those of the models that it learned from."""
        models = [self, *filter(None, self._ancestors)]
        corpora = [
            corpus for run in models for corpus in ([run.corpus] if run is self else run.read)
        ]
        return list({corpus.content: corpus for corpus in corpora if corpus}.values())

    @cached_property
    def _ancestors(self) -> list[EvaluatedRun | None]:
        """The models whose weights it went on from, and its teacher; None: no longer there."""
        settings = read_settings(self.path)
        if settings is None:
            return []
        origins = [*settings.lineage, *([settings.teacher] if settings.teacher else [])]
        return [self._with_weights(origin["weights"]) for origin in origins]

    def _with_weights(self, checksum: str) -> EvaluatedRun | None:
        for entry in entries(self.data):
            files = entry.about.get("files", {}).values() if entry.kind == "run" else ()
            if any(file["sha256"] == checksum for file in files):
                with suppress(UserError):
                    return EvaluatedRun(entry.path)
        return None

    @cached_property
    def held_out(self) -> pl.DataFrame:
        """The held-out documents of its corpus. Raises UserError without a corpus."""
        if self.corpus is None:
            raise UserError(
                f"the corpus of {self.name} is gone, so its held-out text is not known: name a file"
                " or folder to evaluate it on"
            )
        return held_out_texts(self.corpus)

    def scores(self, texts: pl.DataFrame) -> pl.DataFrame:
        """The scores (SCORES) of documents (TEXTS).

        Those of its own held-out documents are its evaluation's, which is made where there is none
        yet. Raises UserError if there is no sound model or tokenizer.
        """
        known = None if self.corpus is None else self._known(texts)
        if known is None or known["bits"].null_count() == len(texts):
            return self._scored(texts)
        new = texts.filter(known["bits"].is_null())
        if not new.is_empty():
            known = known.update(self._scored(new).select(*NAME, *COUNTS), NAME)
        return table(texts, known)

    def remarks(self, texts: pl.DataFrame) -> list[str]:
        """What a reader of its figure has to know."""
        if self._is_known:
            return []
        return [f"a part of what {self.name} was trained on is gone: it may have read the text"]

    @property
    def _is_known(self) -> bool:
        """Whether all that it was trained on is there."""
        models = self._ancestors
        return self.corpus is not None and all(model and model._is_known for model in models)

    def _known(self, texts: pl.DataFrame) -> pl.DataFrame:
        """Names with the tokens and bits that its evaluation has for these texts, or null."""
        own, names = self.held_out, texts.select(*NAME, "text")
        if names.join(own, "text", "semi").is_empty():
            return names.select(*NAME, *(pl.lit(None, kind).alias(n) for n, kind in COUNTS.items()))
        scores = own.select(*NAME, "text").join(self._evaluation(), NAME)
        counted = scores.unique("text", maintain_order=True).select("text", *COUNTS)
        return names.join(counted, "text", "left", maintain_order="left").drop("text")

    def _evaluation(self) -> pl.DataFrame:
        """The scores in its evaluation, which is made if it is not up to date."""
        assert self.corpus and self.tokens and self._artifact
        made = evaluate(Store(self.data), ANY, self.corpus, self.tokens, self._artifact)
        scores = scores_of(made)
        assert scores is not None, "an evaluation that is up to date has them"
        return scores

    def _scored(self, texts: pl.DataFrame) -> pl.DataFrame:
        """The scores of texts that no evaluation has."""
        from femtogpt.evaluation.score_texts import EncodedTexts, score_texts
        from femtogpt.model.loading import load_model
        from femtogpt.tokens.tokenizer import Tokenizer

        model = load_model(self.path)
        tokenizer = Tokenizer.of_model(self.path, model.vocab_size)
        ids = tokenizer.encode_documents(texts["text"].to_list(), workers())
        documents = list(zip(ids, texts["characters"], strict=True))
        encoded = EncodedTexts.of(documents, tokenizer.eos, tokenizer.eos)
        return score_texts(texts, encoded, model, model.config.context, self.name)
