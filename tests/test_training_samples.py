"""What a model writes while it is trained: when, with which weights, and at no other cost."""

from __future__ import annotations

import pytest
import torch

from femtogpt.config import TrainConfig
from femtogpt.errors import Stopped
from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writing import write
from femtogpt.model.gpt import GPT
from femtogpt.model.loading import load_model
from femtogpt.tokens.tokenizer import Tokenizer
from femtogpt.training.loop import train
from femtogpt.training.metrics import SAMPLE
from femtogpt.training.progress_samples import SAMPLE_TOKENS, Sampler
from tests.tiny import (
    course,
    outcome,
    readable,
    samples,
    settings,
    shape,
    stop_after,
    trained,
)


@pytest.fixture
def tokens(tmp_path):
    return readable(tmp_path / "tokens")


@pytest.mark.parametrize(
    ("every", "steps"),
    [
        (1, [0, 4, 8, 12, 16, 18]),
        (4, [0, 4, 8, 12, 16, 18]),
        (6, [0, 8, 12, 18]),  # at the estimate after step 6, and not before
        (100, [0, 18]),
        (0, []),
    ],
)
def test_it_writes_at_the_estimate_after_every_so_many_steps_at_first_and_last(
    tokens, run, every, steps
):
    train(settings(max_steps=18, sample_every=every), tokens, run)
    assert list(samples(run)) == steps


def test_where_patience_ends_a_training_the_last_sample_is_of_its_end(tokens, run):
    steep = {"learning_rate": 0.3, "optimizer": "adamw", "decay": 0.0, "weight_decay": 0.0}
    train(settings(max_steps=400, patience=1, sample_every=1000, **steep), tokens, run)
    end = course(run)[-1]["step"]
    assert end < 400
    assert list(samples(run)) == [0, end]


@pytest.mark.parametrize("document_mask", [False, True])
def test_what_it_wrote_is_what_the_weights_write_their_average_where_there_is_one(
    tokens, run, document_mask
):
    config = settings(ema=0.9, sample_every=10, document_mask=document_mask)
    (run / "settings.json").write_text(config.model_dump_json())
    train(config, tokens, run)
    tokenizer = Tokenizer.load(tokens.folder)
    text = write(
        Engine(load_model(run, "cpu")), tokenizer, "", SAMPLE_TOKENS, Sampling(top_p=0.95), 7
    )
    first, *_, last = samples(run).values()
    assert last == text != first


@pytest.mark.parametrize("changes", [{"ema": 0.9}, {"precision": "bfloat16"}], ids=str)
def test_the_training_is_the_same_without_samples(tokens, tmp_path, changes):
    lines, weights = outcome(
        trained(settings(sample_every=4, **changes), tokens, tmp_path / "with")
    )
    without = outcome(trained(settings(**changes), tokens, tmp_path / "without"))
    assert ([line for line in lines if SAMPLE not in line], weights) == without


@pytest.mark.parametrize("stops", [(0, 7), (5, 1, 1, 8), (20,)], ids=str)
def test_a_stopped_training_has_written_the_same_as_one_that_was_not(tokens, run, tmp_path, stops):
    config = settings(sample_every=4, checkpoint_every=6, ema=0.9)
    for steps in stops:
        if sum(stops) < 20:
            with pytest.raises(Stopped):
                train(config, tokens, run, stop_after(steps))
    train(config, tokens, run)
    assert len(samples(run)) == 6
    assert outcome(run) == outcome(trained(config, tokens, tmp_path / "unbroken"))


def test_a_killed_training_has_written_the_same_as_one_that_was_not(tokens, run, tmp_path):
    """What came after the checkpoint is cut off, in the middle of a line or not."""
    config = settings(sample_every=4, checkpoint_every=6)
    with pytest.raises(Stopped):
        train(config, tokens, run, stop_after(9))
    with (run / "metrics.jsonl").open("ab") as file:
        file.write('{"step": 12, "tokens": 384, "seconds": 1, "time": 1, "sample": "не'.encode())
    train(config, tokens, run)
    assert outcome(run) == outcome(trained(config, tokens, tmp_path / "unbroken"))


@pytest.mark.slow
def test_nothing_is_compiled_for_samples(tokens, tmp_path):
    graphs = {}
    for every in (0, 4):
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        config = settings(compile=True, max_steps=8, sample_every=every)
        graphs[every] = outcome(trained(config, tokens, tmp_path / str(every)))
        graphs[every] += (dict(torch._dynamo.utils.counters["stats"]),)
    lines, weights, stats = graphs[4]
    assert stats["unique_graphs"] > 0
    assert ([line for line in lines if SAMPLE not in line], weights, stats) == graphs[0]


def test_tokens_without_a_tokenizer_are_trained_on_without_samples(tokens, run):
    (tokens.folder / "tokenizer.model").unlink()
    train(settings(sample_every=4), tokens, run)
    assert course(run)[-1]["step"] == 20
    assert not samples(run)


def test_by_default_it_writes_five_times_after_the_first():
    for steps, every in ((1, 1), (5, 1), (6, 2), (450, 90), (1499, 300)):
        assert TrainConfig(max_steps=steps).sample_every == every
        assert TrainConfig(max_steps=steps, sample_every=None).sample_every == every
    assert TrainConfig(max_steps=450, sample_every=0).sample_every == 0
    with pytest.raises(ValueError):
        TrainConfig(max_steps=450, sample_every=-1)


def test_a_document_that_ends_at_once_is_no_sample(tokens):
    """An untrained model says again what it reads: after a document's start, its end."""
    tokenizer = Tokenizer.load(tokens.folder)
    torch.manual_seed(0)
    model = GPT(shape(), tokenizer.size).eval()
    seeds = range(25)
    assert any(
        not write(Engine(model), tokenizer, "", SAMPLE_TOKENS, Sampling(top_p=0.95), seed)
        for seed in seeds
    )
    config = settings(sample_every=4).train
    assert all(Sampler(tokens.folder, config, seed).write(model) for seed in seeds)
