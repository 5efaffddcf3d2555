"""A small model that is really trained, with all that a pipeline makes around it."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.config import ModelConfig, SamplesConfig, TokenizerConfig, TrainConfig
from femtogpt.config_origin import ConfigOrigin
from femtogpt.evaluation.evaluate import evaluate
from femtogpt.evaluation.ngram_baseline import score_ngram
from femtogpt.generation.engine import Engine
from femtogpt.generation.samples import write_samples
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writing import generate
from femtogpt.model.gpt import GPT
from femtogpt.model.loading import load_model
from femtogpt.model.score import eval_sequences
from femtogpt.sources.interviews import Interviews
from femtogpt.sources.sample import Sample
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import Tokenizer, train_tokenizer
from femtogpt.training.loop import train
from femtogpt.training.settings import TrainingSettings, resolve
from femtogpt.training.training_stage import run_training
from tests.helpers import config, corpus_of, listed, story

CONTEXT = 72  # so that 64 tokens can be drawn after the first
SPECIAL = ("▸", "[сцена]")


@dataclass(frozen=True)
class Pipeline:
    """The artifacts of a pipeline whose model has learned from stories, verses and a talk."""

    data: Path
    run: Artifact
    tokens: Artifact
    evaluation: Artifact

    @cached_property
    def model(self) -> GPT:
        return load_model(self.run.path, "cpu")

    @cached_property
    def tokenizer(self) -> Tokenizer:
        return Tokenizer.load(self.run.path)

    @torch.no_grad()
    def log_probabilities(self, ids: list[int]) -> torch.Tensor:
        """Those of all pieces after each of the ids, (T, V)."""
        return self.model(torch.tensor([ids]))[0].log_softmax(-1)

    def likeliest(self, ids: list[int], count: int) -> list[int]:
        """The ids that our engine writes at temperature 0."""
        sampling, random = Sampling(temperature=0), torch.Generator()
        return list(generate(Engine(self.model), ids, count, sampling, random, self.tokenizer.eos))

    def held_out(self, predictions: int) -> list[list[int]]:
        """Sequences of held-out ids, with at least so many predictions together.

        llama.cpp's server reads one id less than the context.
        """
        sequences: list[list[int]] = []
        for shards in Tokens(self.tokens.path).shards("held_out").values():
            for shard in shards:
                for sequence in eval_sequences(shard, shard.documents(), CONTEXT - 1):
                    if sum(map(len, sequences)) - len(sequences) < predictions:
                        sequences.append(sequence.ids.tolist())
        return sequences

    def held_out_passages(self, count: int) -> list[str]:
        """Parts of held-out texts."""
        text = "\n".join(self.tokenizer.decode(ids) for ids in self.held_out(10**9))
        draw = random.Random(1)
        starts = (draw.randrange(len(text) - 300) for _ in range(count))
        return [text[start : start + draw.randrange(1, 300)] for start in starts]


def poem(number: int) -> str:
    """Short lines in verses of four."""
    phrases = re.findall(r"[^.,!?:;—\n]{8,40}", story(number, 150))
    verses = [phrases[start : start + 4] for start in range(0, len(phrases), 4)]
    return "\n\n".join("\n".join(line.strip() for line in verse) for verse in verses)


def varied(count: int) -> list[str]:
    """Texts of many kinds, one with many kinds of sign among them; the first is empty."""
    draw = random.Random(0)
    kinds = [
        *(lambda: story(draw.randrange(300), 20), lambda: poem(draw.randrange(300))[:80]),
        lambda: f"— {story(draw.randrange(300), 5)} — сказал он. — И что же?",
        lambda: "".join(draw.choices("ЁёЪъѢѣѵЇїґ́й̆", k=9)),
        lambda: " ".join(draw.choices(("The", "quick", "naïve", "straße", "Łódź", "x_1"), k=4)),
        lambda: str(draw.randrange(10**9)) + draw.choice((",5", " 000", "-й", "%", "²", "½")),
        lambda: draw.choice("  \t\n.…-—*=!«") * draw.randrange(1, 12),
        lambda: "".join(chr(draw.choice((*range(32), 127, 0x85, 0xA0, 0x2028))) for _ in range(5)),
        lambda: "".join(draw.choices("漢字ひらがな한글עבריתعربى😀👩‍👧🇷🇺\u200b\ufeff\ufffd", k=6)),
        lambda: draw.choice((*SPECIAL, "[сцена", "▸▸", "<s>", "<0x41>", "<|im_end|>", "&nbsp;")),
        lambda: chr(draw.choice((*range(0x20, 0x2580), *range(0xE000, 0x11000)))),
    ]
    texts = ["", *(kind() for kind in kinds)]
    while len(texts) < count:
        parts = (draw.choice(kinds)() for _ in range(draw.randrange(1, 5)))
        texts.append(draw.choice(("", " ", "\n")).join(parts))
    return texts


def trained_pipeline(folder: Path) -> Pipeline:
    """Train it: 2 layers × 64 on some 200,000 characters, in seconds."""
    talks = folder / "talks"
    talks.mkdir()
    for number in range(6):
        names = enumerate(("Анна", "Пётр") * 4, 10 * number)
        turns = [f"{who}: {' '.join(story(1000 + seed, 40).split())}" for seed, who in names]
        (talks / f"{number}.txt").write_text("\n\n".join(turns), encoding="utf-8")
    settings = config(
        {
            "stories": Sample(characters=150_000),
            "verses": listed({str(number): poem(number) for number in range(40)}),
            "talks": Interviews(path=talks),
        },
        tokenizer=TokenizerConfig(vocab_size=700, special=SPECIAL),
        model=ModelConfig(layers=2, width=64, heads=2, kv_heads=1, context=CONTEXT),
        train=TrainConfig(
            **{"max_steps": 150, "batch_size": 8, "sample_every": 0, "device": "cpu"},
            **{"precision": "float32", "threads": 1, "compile": False},
            **{"evaluate_every": 150, "evaluate_tokens": 1000, "checkpoint_every": 150},
        ),
        samples=SamplesConfig(prompts=("Жила-была", ""), tokens=40),
    ).read_from(ConfigOrigin(is_plain=True))
    store = Store(folder / "data", config=settings)
    corpus = corpus_of(store, settings)
    tokenizer = train_tokenizer(store, settings, corpus)
    tokens = write_tokens(store, settings, corpus, tokenizer)
    resolved = resolve(settings, Tokens(tokens.path))

    def training(run: Path, shards: Path) -> None:
        train(
            TrainingSettings.model_validate_json((run / "settings.json").read_bytes()),
            Tokens(shards),
            run,
        )

    run = run_training(store, resolved, tokens, training)
    write_samples(store, settings, tokens, run)
    score_ngram(store, settings, tokens)
    return Pipeline(folder / "data", run, tokens, evaluate(store, settings, corpus, tokens, run))
