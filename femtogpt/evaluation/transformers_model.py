"""A model of the library transformers, on this machine's disk, by our definition of the score.

transformers is not a dependency: it is imported when such a model is named. A document goes from
the token that begins a text for this model (or else the one that ends it) to the one that ends it,
which counts too. Sequences are of the model's context, of LONGEST tokens at most, and do not
overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import torch
import torch.nn.functional as F

from femtogpt.errors import UserError
from femtogpt.evaluation.score_texts import EncodedTexts, score_texts
from femtogpt.model.loading import find_device
from femtogpt.model.loss import IGNORED
from femtogpt.model.score import PREDICTIONS

LONGEST = 1024  # tokens at once: a home computer has no memory for the logits of more
LOGITS = 1 << 28  # at once
INSTALL = "it needs the library transformers: pip install transformers==5.24.0"


class TransformersModel:
    """A causal language model in a folder.

    Raises UserError if the folder holds none, or if transformers is not installed.
    """

    def __init__(self, folder: Path):
        if not folder.is_dir():
            raise UserError(
                f"--model {folder}: there is no such folder, and nothing is downloaded: name one"
                " on this disk"
            )
        try:
            library: Any = import_module("transformers")
        except ImportError as error:
            raise UserError(f"--model {folder}: {INSTALL}") from error
        library.logging.set_verbosity_error()
        library.logging.disable_progress_bar()
        # Left out, the second has it ask on a terminal whether to run a folder's code.
        closed = {"local_files_only": True, "trust_remote_code": False}
        try:
            self.tokenizer: Any = library.AutoTokenizer.from_pretrained(
                folder, **closed, split_special_tokens=True
            )
            model, loading = library.AutoModelForCausalLM.from_pretrained(
                folder, **closed, dtype=torch.float32, output_loading_info=True
            )
        except (OSError, ValueError, KeyError, ImportError, RuntimeError) as error:
            reason = str(error).strip().splitlines()[0].rstrip(" :")
            raise UserError(
                f"{folder} holds no model that transformers loads ({reason}): name another folder"
            ) from error
        if missing := sorted(loading["missing_keys"]):  # they would be drawn at random
            raise UserError(f"{folder} lacks weights: {', '.join(missing[:3])}; copy it again")
        self.name = str(folder)
        self.model: Any = model.to(find_device("auto")).eval()
        self.end: int | None = self.tokenizer.eos_token_id
        start = self.tokenizer.bos_token_id
        self.start: int | None = self.end if start is None else start
        if self.start is None:
            raise UserError(
                f"{folder}: its tokenizer has no token that begins or ends a text: name another"
                " model"
            )
        self.context = min(LONGEST, getattr(model.config, "max_position_embeddings", LONGEST))

    def parameters(self) -> Iterator[torch.nn.Parameter]:
        parameters: Iterator[torch.nn.Parameter] = self.model.parameters()
        return parameters

    def nats(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss in nats of each target, (B, T); 0 for those of IGNORED."""
        logits = self.model(ids, use_cache=False).logits.float()
        losses = F.cross_entropy(
            logits.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none"
        )
        return losses.view(targets.shape)

    def scores(self, texts: pl.DataFrame) -> pl.DataFrame:
        """The scores (SCORES) of documents (TEXTS)."""
        ids = [np.array(self._encode(text), np.int64) for text in texts["text"]]
        documents = list(zip(ids, texts["characters"], strict=True))
        encoded = EncodedTexts.of(documents, self.start or 0, self.end)
        vocabulary = self.model.get_output_embeddings().weight.shape[0]
        predictions = min(PREDICTIONS, max(1, LOGITS // vocabulary))
        return score_texts(texts, encoded, self, self.context, self.name, predictions)

    def remarks(self, texts: pl.DataFrame) -> list[str]:
        """What a reader of its figure has to know.

        A tokenizer that drops capitals, for one, leaves its model an easier text to predict.
        """
        remarks = [f"what {self.name} was trained on is not known: it may have read the text"]
        changed = sum(self._decode(self._encode(text)) != text for text in texts["text"])
        if changed:
            remarks.append(
                f"the tokenizer of {self.name} does not give back {changed} of {len(texts)}"
                " documents as they are: its figure is of another text"
            )
        return remarks

    def _encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False, verbose=False)
        return ids

    def _decode(self, ids: list[int]) -> str:
        text: str = self.tokenizer.decode(ids, clean_up_tokenization_spaces=False)
        return text
