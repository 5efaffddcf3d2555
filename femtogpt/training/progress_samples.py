"""What the model writes while it is trained: how it learns, to be read."""

from __future__ import annotations

from itertools import dropwhile, takewhile
from pathlib import Path

import torch

from femtogpt.config import SamplesConfig, TrainConfig
from femtogpt.generation.sampling import generate
from femtogpt.model.gpt import GPT
from femtogpt.tokens.tokenizer import TOKENIZER_FILE, Tokenizer

TOKENS = 80  # of a sample: enough to see how it writes, too few to take time


class Sampler:
    """Has the model begin a new document now and then, always with the same draws."""

    def __init__(self, tokens: Path, config: TrainConfig, seed: int):
        """``tokens``: a folder of token shards; without a tokenizer in it there are no samples."""
        self.every, self.evaluate_every = config.sample_every, config.evaluate_every
        self.seed = seed
        some = self.every and (tokens / TOKENIZER_FILE).is_file()
        self.tokenizer = Tokenizer.load(tokens) if some else None

    def is_due(self, step: int, last: bool) -> bool:
        """Whether to write at the estimate of a step.

        That is at the first one after every so many steps, at the first and the ``last`` of all.
        """
        if self.tokenizer is None:
            return False
        return last or step // self.every > (step - self.evaluate_every) // self.every

    def write(self, model: GPT) -> str:
        """The text; it changes with the weights alone. All processes of a training call it."""
        how = SamplesConfig()
        start = self.tokenizer.eos
        random = torch.Generator(model.embed_tokens.weight.device).manual_seed(self.seed)
        model.eval()
        # Not compiled, as each token more would be a shape of its own. Not ended by what is drawn:
        # processes with parts of one model (FSDP) must read equally often.
        with torch.compiler.set_stance("force_eager"):
            drawn = generate(model, [start], TOKENS, how.temperature, how.top_k, how.top_p, random)
            ids = list(drawn)
        model.train()
        # Of the first document that is not empty: an untrained model may end one at once.
        begun = dropwhile(lambda id: id == start, ids)
        return self.tokenizer.decode(list(takewhile(lambda id: id != start, begun)))
