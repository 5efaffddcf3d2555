"""Muon: torch's own steps, in any format, several matrices at once."""

from __future__ import annotations

import pytest
import torch

from femtogpt.training import muon
from femtogpt.training.muon import Muon, orthogonalize

SHAPES = [(16, 16), (48, 16), (16, 48), (16, 16), (1, 8), (16, 16)]


def weights(seed: int = 0) -> list[torch.nn.Parameter]:
    random = torch.Generator().manual_seed(seed)
    return [torch.nn.Parameter(torch.randn(shape, generator=random)) for shape in SHAPES]


@pytest.mark.parametrize("together", [1, 256, 1 << 23])
def test_steps_go_where_torchs_own_go(monkeypatch, together):
    monkeypatch.setattr(muon, "STACKED_NUMBERS", together)
    ours, theirs = weights(), weights()
    settings = {"lr": 0.02, "weight_decay": 0.1}
    one = Muon(ours, torch.bfloat16, **settings)
    other = torch.optim.Muon(theirs, **settings)
    random = torch.Generator().manual_seed(1)
    for _ in range(4):
        for mine, its in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=random)
            its.grad = mine.grad.clone()
        one.step()
        other.step()
    for start, mine, its in zip(weights(), ours, theirs, strict=True):
        way, its_way = (mine - start).flatten(), (its - start).flatten()
        assert torch.nn.functional.cosine_similarity(way, its_way, dim=0) > 0.97
        assert 0.9 < way.norm() / its_way.norm() < 1.5, "torch takes a lone value to 0.7"
        mean, its_mean = (of.state[w]["momentum_buffer"] for of, w in ((one, mine), (other, its)))
        assert torch.equal(mean, its_mean)


@pytest.mark.parametrize("together", [1, 256, 1 << 23])
def test_all_but_the_iterations_is_torchs_own(monkeypatch, together):
    monkeypatch.setattr(muon, "STACKED_NUMBERS", together)
    monkeypatch.setattr(
        "torch.optim._muon._zeropower_via_newtonschulz",
        lambda update, *rest: orthogonalize(update[None], torch.float32)[0],
    )
    ours, theirs = weights(), weights()
    settings = {"lr": 0.02, "weight_decay": 0.1}
    one, other = Muon(ours, torch.float32, **settings), torch.optim.Muon(theirs, **settings)
    random = torch.Generator().manual_seed(1)
    for _ in range(4):
        for mine, its in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=random)
            its.grad = mine.grad.clone()
        one.step()
        other.step()
    for mine, its in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, its, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
def test_singular_values_come_near_one_in_every_format(dtype, scale):
    """Also for gradients that are tiny or huge; float16 has neither."""
    random = torch.Generator().manual_seed(2)
    matrices = scale * torch.randn(3, 64, 24, generator=random)
    found = orthogonalize(matrices, dtype)
    values = torch.linalg.svdvals(found.float())
    assert values.min() > 0.88 and values.max() < (1.3 if dtype == torch.bfloat16 else 1.12)
    # The directions stay: what it gives goes with the matrix as its orthogonal factor does.
    u, _, v = torch.linalg.svd(matrices, full_matrices=False)
    assert (
        torch.nn.functional.cosine_similarity(found.float().flatten(1), (u @ v).flatten(1)).min()
        > 0.95
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_a_gradient_of_zeros_is_no_step(dtype):
    assert torch.equal(
        orthogonalize(torch.zeros(2, 8, 4), dtype), torch.zeros(2, 8, 4, dtype=dtype)
    )


def test_a_weight_without_a_gradient_stays_as_it_is():
    (still, moved, *_) = given = weights()
    before = still.detach().clone()
    moved.grad = torch.ones_like(moved)
    Muon(given, torch.float32, lr=0.1).step()
    assert torch.equal(still, before)
    assert not torch.equal(moved, weights()[1])
