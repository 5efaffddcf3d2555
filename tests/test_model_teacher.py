"""A trained model as the teacher of another: what it does to the gradient, and exact resuming."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.disk import file_digest
from femtogpt.errors import UserError
from femtogpt.model.loading import load_model
from femtogpt.model.loss import SoftTargets, linear_cross_entropy
from femtogpt.training.initialization import teacher_origin
from femtogpt.training.loop import train
from femtogpt.training.model_teacher import ModelTeacher
from femtogpt.training.plan import TEACHER_PART, plan
from femtogpt.training.precision import Precision
from femtogpt.training.settings import TrainingSettings
from femtogpt.training.step_memory import measured_peaks
from femtogpt.training.teachers import Teachers, mixed
from femtogpt.training.training_stage import recipe
from tests.test_ngram_teacher import Table
from tests.test_plan import SHAPE
from tests.tiny import (
    VOCAB,
    Process,
    course,
    drawn,
    lively,
    outcome,
    settings,
    shape,
    trained,
    trained_with_stops,
    write_tokens,
)

WIDE = {"width": 32, "layers": 3, "context": 16, "dropout": 0.1}  # a teacher of another shape


def taught(teacher: Path, **changes) -> TrainingSettings:
    """A training with a teacher, which it knows by its weights."""
    config = settings(teacher=str(teacher), **{"teacher_share": 0.7, **changes})
    return config.model_copy(update={"teacher": teacher_origin(teacher)})


def run_of(config: TrainingSettings, tokens, folder: Path) -> Path:
    """A finished run with its settings, as the training stage leaves it."""
    trained(config, tokens, folder)
    config.write(folder)
    return folder


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    from tests.tiny import repetitive

    return repetitive(tmp_path_factory.mktemp("text") / "tokens")


@pytest.fixture(scope="module")
def teacher(text, tmp_path_factory) -> Path:
    return run_of(settings(WIDE), text, tmp_path_factory.mktemp("teacher") / "run")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_the_gradient_is_that_of_cross_entropy_and_divergence(monkeypatch, dtype):
    monkeypatch.setitem(linear_cross_entropy.__globals__["LOGITS_AT_ONCE"], "cpu", 4 * VOCAB)
    model = lively(shape(**WIDE))
    ids, targets = torch.randint(VOCAB, (2, 2, 8), generator=torch.Generator().manual_seed(0))
    hidden = torch.randn(16, 5, requires_grad=True)
    weight = torch.randn(VOCAB, 5, requires_grad=True)
    soft = ModelTeacher(model, dtype).targets(ids, 0.7)
    linear_cross_entropy(hidden, weight, targets.flatten(), soft=soft).backward()
    ours = hidden.grad.clone(), weight.grad.clone()
    hidden.grad = weight.grad = None
    logits = hidden @ weight.T
    with torch.no_grad():
        theirs = model(ids).flatten(0, 1).log_softmax(-1)
    divergence = F.kl_div(logits.log_softmax(-1), theirs, log_target=True, reduction="batchmean")
    (0.3 * F.cross_entropy(logits, targets.flatten()) + 0.7 * divergence).backward()
    near = {} if dtype == torch.float32 else {"rtol": 0.05, "atol": 0.02}
    torch.testing.assert_close(ours, (hidden.grad, weight.grad), **near)


@given(st.lists(st.floats(0.01, 0.5), min_size=2, max_size=2), st.integers(0, 100))
def test_two_teachers_keep_their_shares(shares, seed):
    random = torch.Generator().manual_seed(seed)
    tables = [torch.randn(5, VOCAB, generator=random).softmax(-1) for _ in shares]
    parts = [
        SoftTargets(Table(table.clone()), torch.tensor(share))
        for table, share in zip(tables, shares, strict=True)
    ]
    both = mixed(parts)
    assert float(both.share) == pytest.approx(sum(shares))
    rows = both.share * both.teacher.rows(1, 4)
    expected = sum(share * table[1:4] for share, table in zip(shares, tables, strict=True))
    torch.testing.assert_close(rows, expected)


def test_the_ngram_fades_and_the_model_takes_what_it_leaves(text, teacher):
    config = taught(teacher, ngram_share=0.8)
    teachers = Teachers(config, text, Precision(config.train), compiled=False)
    ids = torch.randint(VOCAB, (1, 8))
    shares = {left: teachers.targets(ids, ids, round(20 * (1 - left))) for left in (1.0, 0.5, 0.0)}
    assert {left: float(soft.share) for left, soft in shares.items()} == pytest.approx(
        {1.0: 0.8 + 0.2 * 0.7, 0.5: 0.4 + 0.6 * 0.7, 0.0: 0.7}
    )
    for soft in shares.values():
        assert soft.teacher.rows(0, 8).sum(1) == pytest.approx(torch.ones(8), abs=1e-5)


@pytest.mark.parametrize("changes", [{}, {"ngram_share": 0.5}], ids=str)
@pytest.mark.parametrize("stops", [(0, 7), (5, 1, 8), (19,)], ids=str)
def test_a_stopped_training_ends_as_if_it_had_not(text, teacher, run, unbroken, stops, changes):
    config = taught(teacher, **changes)
    trained_with_stops(config, text, run, stops)
    assert outcome(run) == unbroken(config)
    assert outcome(run) != unbroken(settings(**changes))


@pytest.mark.slow
def test_a_killed_training_ends_as_if_it_had_not(text, teacher, run, tmp_path):
    config = taught(teacher, max_steps=60)
    with Process(config, text, run) as process:
        process.reach(12)
        process.child.send_signal(signal.SIGKILL)
        process.end()
    with Process(config, text, run) as process:
        assert process.end()[0] == 0
    assert outcome(run) == outcome(trained(config, text, tmp_path / "whole"))


@pytest.mark.parametrize(
    "changes",
    [
        {"micro_batch": 2},
        {"activation_checkpointing": True},
        pytest.param({"compile": True}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_it_teaches_the_same_however_the_batch_is_computed(text, teacher, tmp_path, changes):
    still = {"optimizer": "adamw", "micro_batch": 4}
    lines = []
    for number, how in enumerate([still, {**still, **changes}]):
        config = taught(teacher, **how)
        model = config.model.model_copy(update={"dropout": 0.0})
        config = config.model_copy(update={"model": model})
        lines.append(course(trained(config, text, tmp_path / str(number))))
    for one, other in zip(*lines, strict=True):
        assert other == pytest.approx(one, rel=2e-3)


def test_in_float16_it_teaches_too(text, teacher, tmp_path):
    config = taught(teacher, precision="float16")
    lines = course(trained(config, text, tmp_path / "run"))
    losses = [line["held_out_loss"] for line in lines if "held_out_loss" in line]
    assert losses[-1] < losses[0] - 0.2


@pytest.mark.slow
@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_processes_are_taught_as_one(text, teacher, run, tmp_path, parallel):
    def alike(processes: int) -> TrainingSettings:
        config = taught(teacher, processes=processes, micro_batch=1, parallel=parallel)
        return config.model_copy(update={"model": shape(dropout=0.0)})

    one = course(trained(alike(1), text, tmp_path / "one"))
    with Process(alike(2), text, run) as pair:
        status, logged = pair.end()
    assert status == 0, logged
    for line, other in zip(one, course(run), strict=True):
        assert other["held_out_loss" if "held_out_loss" in line else "train_loss"] == pytest.approx(
            line["held_out_loss" if "held_out_loss" in line else "train_loss"], abs=1e-4
        )


@pytest.mark.slow
def test_what_a_good_teacher_knows_is_learned_in_fewer_steps(tmp_path):
    documents = drawn(210)
    splits = {"train": {"one": documents[:200]}, "held_out": {"one": documents[200:]}}
    much = write_tokens(tmp_path / "much", splits)
    splits["train"] = {"one": documents[:60]}
    tokens = write_tokens(tmp_path / "tokens", splits)
    still = {"width": 32, "dropout": 0.0}
    good = run_of(settings(still, max_steps=150), much, tmp_path / "good")
    for seed in range(2):
        losses = []
        for share in (0.0, 0.8):
            config = settings(still, max_steps=60, teacher=str(good), teacher_share=share)
            config = config.model_copy(update={"seed": seed + 1})
            run = trained(config, tokens, tmp_path / f"{seed}-{share}")
            losses.append(course(run)[-1]["held_out_loss"])
        assert losses[1] < losses[0] - 0.02


def test_a_teacher_that_cannot_teach_is_told_in_a_line(text, teacher, run, tmp_path):
    with pytest.raises(UserError, match=r"there is no trained model in .*: give the folder of a"):
        teacher_origin(tmp_path)
    short = run_of(settings(max_steps=2), text, tmp_path / "short")
    longer = taught(short).model_copy(update={"model": shape(context=16)})
    with pytest.raises(UserError, match=r"sees 8 tokens at once, fewer than model\.context=16"):
        train(longer, text, run)
    config = taught(short)
    (short / "model.safetensors").write_bytes((teacher / "model.safetensors").read_bytes())
    with pytest.raises(UserError, match="has other weights than when this training began"):
        train(config, text, run)
    assert not (run / "model.safetensors").exists()


def test_a_teacher_with_another_tokenizer_is_refused(tokens, run, tmp_path):
    other = run_of(settings(max_steps=2), tokens, tmp_path / "other")
    (other / "tokenizer.model").write_bytes(b"one")
    (tokens.folder / "tokenizer.model").write_bytes(b"other")
    with pytest.raises(
        UserError, match=r"another tokenizer: set tokenizer\.path=.*tokenizer.model"
    ):
        train(taught(other), tokens, run)


def test_the_digest_follows_the_weights_of_the_teacher_and_not_its_place(text, teacher, tmp_path):
    def digest(config: TrainingSettings) -> str:
        return recipe(config, Artifact(text.folder, "tokens", "tokens", "tokens", {})).digest

    moved = tmp_path / "moved"
    moved.mkdir()
    for file in ("settings.json", "model.safetensors"):
        (moved / file).write_bytes((teacher / file).read_bytes())
    assert digest(taught(moved)) == digest(taught(teacher))
    assert (
        len({digest(taught(teacher)), digest(settings(teacher_share=0.7)), digest(settings())}) == 3
    )
    assert digest(taught(teacher, teacher_share=0.6)) != digest(taught(teacher))
    (moved / "model.safetensors").write_bytes(b"other")
    assert digest(taught(moved)) != digest(taught(teacher))
    assert taught(moved).as_dict()["teacher"]["weights"] == file_digest(moved / "model.safetensors")


@pytest.mark.slow
def test_a_plan_counts_the_teacher(text, teacher):
    model, plain = SHAPE, settings().train
    with_teacher = plain.model_copy(update={"teacher": teacher})
    alone, needs = (plan(model, train, 2000, torch.float32) for train in (plain, with_teacher))
    theirs = load_model(teacher, "cpu").config
    assert needs.fixed[TEACHER_PART] == 4 * theirs.parameters(2000)
    assert needs.flops == alone.flops + needs.tokens * theirs.flops_per_token(2000) / 3
    real = max(measured_peaks(model, with_teacher, 2000, 20, torch.float32))
    assert needs.memory(20) - needs.fixed[TEACHER_PART] == pytest.approx(real, rel=0.1)
    three = plan(model, plain.model_copy(update={"generations": 3}), 2000, torch.float32)
    assert three.flops == pytest.approx((3 + 2 / 3) * alone.flops)
