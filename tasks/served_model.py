"""What MLflow loads and serves of a run: after each prompt, the text that its model writes.

MLflow keeps a copy of this file beside the weights and runs it ("models from code"): nothing is
pickled. The copy has femtogpt beside it and nothing of this package.
"""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pandas
from mlflow.exceptions import MlflowException
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel, PythonModelContext

from femtogpt.artifacts.artifact import MANIFEST
from femtogpt.commands.generate import MOST_SEED
from femtogpt.errors import Damaged, UserError
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writer import Writer
from femtogpt.generation.writing import stream


class ServedModel(PythonModel):
    """A trained model that writes."""

    def load_context(self, context: PythonModelContext) -> None:
        """Load the run's weights and tokenizer, which lie beside this file.

        Raises UserError if a file of the model is damaged or missing, or if the tokenizer is
        another's.
        """
        folder = Path(__file__).parent
        if not (folder / MANIFEST).exists():  # it was written with one
            fault = f"{MANIFEST} is missing"
            raise Damaged(f"{folder} is damaged ({fault}): run make pipeline to mend it")
        self.writer = Writer.load(folder, "float32")

    def predict(
        self,
        context: PythonModelContext,
        model_input: pandas.DataFrame,
        params: dict[str, Any] | None = None,
    ) -> pandas.DataFrame:
        """The column ``text`` for the column ``prompt``: the texts without their prompts.

        ``params`` are those of the signature, which MLflow completes. Of several prompts, each has
        the seed after that of the one before. Raises MlflowException for a value out of its range.
        """
        how = dict(params or {})
        tokens, seed, stop = (how.pop(name) for name in ("tokens", "seed", "stop"))
        if "" in stop:
            raise MlflowException.invalid_parameter_value("stop: give the text to stop before")
        try:
            sampling = Sampling(**how)
        except UserError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error
        first = random.randrange(MOST_SEED) if seed is None else seed
        engine, tokenizer = self.writer.engine, self.writer.tokenizer
        texts = []
        for row, prompt in enumerate(model_input["prompt"].fillna("")):
            seed = first + row
            parts = stream(engine, tokenizer, prompt, tokens, sampling, seed, stop)
            texts.append("".join(parts))
        return pandas.DataFrame({"text": texts})


set_model(ServedModel())
