"""Samples that the model writes while it is trained, to see how it learns."""

from __future__ import annotations

from collections.abc import Callable
from itertools import dropwhile, takewhile
from pathlib import Path

import torch

from femtogpt.config import SamplesConfig
from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.text_stream import TextStream
from femtogpt.generation.writing import generate
from femtogpt.model.gpt import GPT
from femtogpt.tokens.tokenizer import TOKENIZER_FILE, Tokenizer
from femtogpt.training.observers import Evaluation, Moment, Observer
from femtogpt.training.settings import ResolvedTrainConfig

SAMPLE_TOKENS = 80  # of a sample: enough to see how it writes, too few to take time


class Sampler(Observer):
    """Has the model begin a new document now and then, always with the same random draws."""

    def __init__(
        self,
        tokens: Path,
        config: ResolvedTrainConfig,
        seed: int,
        publish: Callable[[str], None] = lambda text: None,
    ):
        """``tokens``: a folder of token shards; without a tokenizer in it there are no samples."""
        self.every, self.evaluate_every = config.sample_every, config.evaluate_every
        self.seed, self.publish = seed, publish
        wanted = self.every and (tokens / TOKENIZER_FILE).is_file()
        self.tokenizer = Tokenizer.load(tokens) if wanted else None

    def on_evaluation(self, moment: Moment, evaluation: Evaluation) -> None:
        """Write a sample at the first evaluation after every ``sample_every`` steps.

        And at milestones: the first and the last evaluation.
        """
        if self.tokenizer is None or evaluation.diverged:
            return
        previous = moment.step - self.evaluate_every
        if evaluation.is_milestone or moment.step // self.every > previous // self.every:
            self.publish(self.write(evaluation.model))

    def write(self, model: GPT) -> str:
        """The text of a sample. It depends on the weights alone; every process calls it."""
        assert self.tokenizer is not None
        sampling = Sampling.of(SamplesConfig())
        random = torch.Generator(model.embed_tokens.weight.device).manual_seed(self.seed)
        eos = self.tokenizer.eos
        drawn = list(generate(Engine(model), [eos], SAMPLE_TOKENS, sampling, random))
        # The first document that is not empty: an untrained model may end one at once.
        begun = dropwhile(lambda id: id == eos, drawn)
        text = TextStream(self.tokenizer)
        return "".join(text.add(id) for id in takewhile(lambda id: id != eos, begun)) + text.rest()
