"""The model: what it may see, where positions count, and that it is Qwen3's."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.config import ModelConfig
from femtogpt.model import gpt
from femtogpt.model.gpt import GPT, rotate
from tests.helpers import quick
from tests.tiny import BOUNDARY, VOCAB, lively, shape


def text(length: int, seed: int = 0, rows: int = 1) -> torch.Tensor:
    return torch.randint(VOCAB, (rows, length), generator=torch.Generator().manual_seed(seed))


def qwen3(weights: dict[str, torch.Tensor], config: ModelConfig, ids: list[int]) -> torch.Tensor:
    """Qwen3 by its published definition, token by token and head by head, in float64."""
    weights = {name: weight.double() for name, weight in weights.items()}
    size, share = config.head_size, config.heads // config.key_value_heads

    def norm(x, name):
        return x / (x.pow(2).mean() + 1e-6).sqrt() * weights[f"{name}.weight"]

    def turn(x, position):
        y = torch.empty_like(x)
        for i in range(size // 2):
            angle = position * config.rope_theta ** (-2 * i / size)
            a, b = x[i], x[i + size // 2]
            y[i] = a * math.cos(angle) - b * math.sin(angle)
            y[i + size // 2] = b * math.cos(angle) + a * math.sin(angle)
        return y

    stream = [weights["embed_tokens.weight"][token] for token in ids]
    for number in range(config.layers):
        layer = f"layers.{number}"

        def project(x, name, layer=layer):
            return weights[f"{layer}.{name}.weight"] @ x

        queries, keys, values = [], [], []
        for position, x in enumerate(stream):
            x = norm(x, f"{layer}.input_layernorm")
            q, k, v = (project(x, f"self_attn.{part}_proj").split(size) for part in "qkv")
            queries.append([turn(norm(h, f"{layer}.self_attn.q_norm"), position) for h in q])
            keys.append([turn(norm(h, f"{layer}.self_attn.k_norm"), position) for h in k])
            values.append(v)
        for position, x in enumerate(stream):
            heads = []
            for head in range(config.heads):
                seen = range(position + 1)
                scores = [queries[position][head] @ keys[j][head // share] for j in seen]
                chances = (torch.stack(scores) / size**0.5).softmax(0)
                heads.append(sum(chances[j] * values[j][head // share] for j in seen))
            x = x + project(torch.cat(heads), "self_attn.o_proj")
            y = norm(x, f"{layer}.post_attention_layernorm")
            gate, up = project(y, "mlp.gate_proj"), project(y, "mlp.up_proj")
            stream[position] = x + project(gate * torch.sigmoid(gate) * up, "mlp.down_proj")
    return torch.stack([weights["embed_tokens.weight"] @ norm(x, "norm") for x in stream])


@pytest.mark.parametrize("kv_heads", [1, 2, 4])
def test_the_model_computes_what_qwen3_computes(kv_heads):
    config = shape(kv_heads=kv_heads, rope_theta=50.0)
    model = lively(config)
    ids = text(8)
    expected = qwen3(model.state_dict(), config, ids[0].tolist())
    assert expected.std() > 0.5
    torch.testing.assert_close(model(ids)[0].double(), expected, rtol=0, atol=2e-5)


def test_the_weights_have_the_names_of_qwen3s():
    attention = [f"self_attn.{name}" for name in ("q_norm", "k_norm")]
    attention += [f"self_attn.{name}_proj" for name in "qkvo"]
    block = [*attention, "input_layernorm", "post_attention_layernorm"]
    block += [f"mlp.{name}_proj" for name in ("gate", "up", "down")]
    expected = {f"layers.{number}.{name}.weight" for number in range(2) for name in block}
    names = set(GPT(shape(layers=2), VOCAB).state_dict())
    assert names == expected | {"embed_tokens.weight", "norm.weight"}


def test_a_later_token_changes_no_earlier_logit():
    model = lively(shape())
    ids = text(8)
    before = model(ids)
    for position in range(8):
        changed = ids.clone()
        changed[0, position] = (changed[0, position] + 1) % VOCAB
        after = model(changed)
        assert torch.equal(after[0, :position], before[0, :position])
        assert (after[0, position:] - before[0, position:]).abs().amax(-1).min() > 1e-4


def test_only_the_distance_between_positions_counts():
    q, k, angles = torch.randn(2, 16), torch.randn(2, 16), torch.rand(8).repeat(2)

    def at(position):
        return (position * angles).cos(), (position * angles).sin()

    near, far = (rotate(q, *at(p + 5)) @ rotate(k, *at(p)).T for p in (3, 90))
    torch.testing.assert_close(near, far, rtol=0, atol=1e-4)
    assert (rotate(q, *at(9)) @ rotate(k, *at(3)).T - near).abs().max() > 1e-2
    model, ids = lively(shape()), text(8)
    swapped = ids[:, [1, 0, 2, 3, 4, 5, 6, 7]]
    assert (model(swapped)[0, -1] - model(ids)[0, -1]).abs().max() > 1e-3


@quick
@given(
    layers=st.integers(1, 4),
    heads=st.sampled_from([1, 2, 4]),
    head_size=st.sampled_from([8, 12, 16]),
    feed_forward=st.none() | st.integers(8, 100),
    vocab_size=st.integers(2, 500),
    data=st.data(),
)
def test_the_parameters_are_those_of_the_formula(
    layers, heads, head_size, feed_forward, vocab_size, data
):
    kv_heads = data.draw(st.sampled_from([None, *(n for n in (1, 2, 4) if heads % n == 0)]))
    config = ModelConfig(
        layers=layers,
        width=heads * head_size,
        heads=heads,
        kv_heads=kv_heads,
        feed_forward=feed_forward,
    )
    with torch.device("meta"):
        model = GPT(config, vocab_size)
    assert config.parameters(vocab_size) == model.parameter_count()


@pytest.mark.parametrize("width", [64, 256, 1024])
def test_an_untrained_model_holds_all_tokens_for_about_equally_likely(width):
    torch.manual_seed(0)
    model = GPT(ModelConfig(layers=2, width=width, heads=4, context=64), vocab_size=8000)
    ids = torch.randint(8000, (2, 65))
    with torch.inference_mode():
        loss = float(model(ids[:, :-1], ids[:, 1:]))
    assert loss == pytest.approx(math.log(8000), abs=0.5)


def test_the_loss_is_the_mean_over_the_targets_that_count():
    model = lively(shape())
    ids, targets = text(8, rows=3), text(8, seed=1, rows=3)
    targets[0, :5] = targets[2] = -100
    likelihoods = model(ids).detach().log_softmax(-1)
    counted = [
        (row, position) for row in range(3) for position in range(8) if targets[row, position] >= 0
    ]
    expected = -sum(float(likelihoods[row, p, targets[row, p]]) for row, p in counted) / 11
    assert float(model(ids, targets).detach()) == pytest.approx(expected, rel=1e-5)


def test_dropout_works_in_training_and_not_in_reading():
    model = lively(shape(dropout=0.5))
    ids = text(8)
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.allclose(model(ids), model(ids), atol=0.1)


@pytest.mark.parametrize("how", ["plain", "in blocks", "computed again"])
def test_with_a_boundary_nothing_of_other_documents_is_seen(monkeypatch, how):
    if how == "in blocks":  # as when compiled on a processor
        monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
        monkeypatch.setattr(gpt, "QUERY_BLOCK", 7)
    model = lively(shape(layers=3, context=48))
    model.eos, model.recompute = BOUNDARY, how == "computed again"
    random = torch.Generator().manual_seed(3)
    one, two = (torch.randint(2, VOCAB, (1, length), generator=random) for length in (20, 11))
    other = torch.randint(2, VOCAB, (1, 20), generator=random)
    start = torch.full((1, 1), BOUNDARY)
    read = model.read(torch.cat([start, one, start, two], dim=1))[:, 21:]
    torch.testing.assert_close(
        read, model.read(torch.cat([start, other, start, two], dim=1))[:, 21:]
    )
    model.eos = None
    blind = model.read(torch.cat([start, one, start, two], dim=1))[:, 21:]
    assert (read - blind).abs().max() > 0.01
    model.eos = BOUNDARY
    alone = model.read(torch.cat([start, two], dim=1))
    torch.testing.assert_close(read, alone, rtol=1e-4, atol=1e-4)  # positions are relative
