"""Bits per character: every token of every document once, whatever the batches."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.model.score import Score, eval_sequences, mean_nats, score_shards, spread_evenly
from tests.helpers import examples
from tests.tiny import BOUNDARY, VOCAB, lively, shape, write_shard

CONTEXT = 4
MODEL = lively(shape())
# Around multiples of the context a window more or less is needed.
lengths = st.lists(st.integers(1, 3 * CONTEXT + 2), min_size=1, max_size=5)
few = examples(40)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("shards")


def texts(lengths: list[int], seed: int = 0) -> list[list[int]]:
    random = torch.Generator().manual_seed(seed)
    return [torch.randint(VOCAB, (length,), generator=random).tolist() for length in lengths]


@torch.inference_mode()
def nats_by_hand(document: list[int]) -> float:
    """−log p of each token and of the end, each predicted from what its window holds before it."""
    ids = [BOUNDARY, *document, BOUNDARY]
    total = 0.0
    for position in range(1, len(ids)):
        start = (position - 1) // CONTEXT * CONTEXT
        logits = MODEL(torch.tensor([ids[start:position]]))[0, -1]
        total -= float(logits.log_softmax(-1)[ids[position]])
    return total


class Uniform(torch.nn.Module):
    """Holds all tokens for equally likely, and remembers how many positions it saw at once."""

    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))
        self.seen = []

    def nats(self, ids: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        self.seen.append(ids.numel())
        return math.log(VOCAB) * (targets >= 0)


@few
@given(lengths)
def test_the_score_is_the_sum_over_every_token_and_the_end_of_each_document(folder, lengths):
    documents = texts(lengths)
    shards = [write_shard(folder / "0.bin", documents), write_shard(folder / "1.bin", documents)]
    scores = score_shards(MODEL, shards, CONTEXT)
    expected = [nats_by_hand(document) for document in documents] * 2
    assert [score.nats for _, score in scores] == pytest.approx(expected, rel=1e-5)
    assert [score.tokens for _, score in scores] == [length + 1 for length in lengths] * 2


@few
@given(lengths, st.integers(1, 9))
def test_each_token_is_predicted_once_in_windows_that_do_not_overlap(folder, lengths, context):
    documents = texts(lengths)
    shard = write_shard(folder / "0.bin", documents)
    cut = list(eval_sequences(shard, shard.documents(), context))
    assert all(2 <= len(window.ids) <= context + 1 for window in cut)
    for number, document in enumerate(documents):
        own = [window.ids.tolist() for window in cut if window.document == number]
        assert own[0][0] == BOUNDARY
        assert [id for ids in own for id in ids[1:]] == [*document, BOUNDARY]
        assert [ids[-1] for ids in own[:-1]] == [ids[0] for ids in own[1:]]


@few
@given(lengths)
def test_a_model_that_knows_nothing_needs_the_bits_of_the_vocabulary(folder, lengths):
    shard = write_shard(folder / "0.bin", texts(lengths))
    total = sum((score for _, score in score_shards(Uniform(), [shard], CONTEXT)), Score())
    tokens, characters = sum(lengths) + len(lengths), 3 * sum(lengths) + len(lengths)
    expected = math.log2(VOCAB) * tokens / characters
    assert total.bits_per_character == pytest.approx(expected, rel=1e-6)
    assert total.loss == pytest.approx(math.log(VOCAB), rel=1e-6)
    assert (total.tokens, total.characters, total.documents) == (tokens, characters, len(lengths))


@pytest.mark.parametrize("predictions", [1, 5, 16, 1000])
def test_the_score_does_not_depend_on_what_is_computed_at_once(folder, predictions):
    shard = write_shard(folder / "0.bin", texts([1, 3, 4, 5, 8, 14, 2, 4]))
    alone = [nats_by_hand(document) for document in texts([1, 3, 4, 5, 8, 14, 2, 4])]
    reported = []
    scores = score_shards(MODEL, [shard], CONTEXT, predictions, reported.append)
    assert [score.nats for _, score in scores] == pytest.approx(alone, rel=1e-5)
    assert reported[-1] == shard.tokens - 1


def test_no_more_is_computed_at_once_than_allowed(folder):
    shard = write_shard(folder / "0.bin", texts([14, 3, 9, 1, 30]))
    model = Uniform()
    score_shards(model, [shard], CONTEXT, predictions=10)
    assert 8 <= max(model.seen) <= 10


def test_little_is_computed_for_nothing_in_short_texts(folder):
    random = torch.Generator().manual_seed(0)
    lengths = torch.randint(20, 600, (100,), generator=random).tolist()
    shard = write_shard(folder / "0.bin", texts(lengths))
    model = Uniform()
    score_shards(model, [shard], context=256, predictions=16384)
    assert sum(model.seen) <= 1.06 * (shard.tokens - 1)


def test_an_estimate_over_everything_is_the_score(folder):
    shards = [write_shard(folder / f"{n}.bin", texts([1, 9, 4, 7], seed=n)) for n in range(3)]
    total = sum((score for _, score in score_shards(MODEL, shards, CONTEXT)), Score())
    by_source = {"one": shards[:2], "two": shards[2:]}
    some = spread_evenly(by_source, CONTEXT, tokens=10**6)
    for rows in (1, 3, 100):
        assert mean_nats(MODEL, some, (rows, CONTEXT)) == pytest.approx(total.loss)


@pytest.mark.parametrize("tokens", [100, 500, 1500])
def test_an_estimate_takes_about_the_tokens_asked_for_from_all_over(folder, tokens):
    shards = {f"{n}": [write_shard(folder / f"{n}.bin", [[n] * 499] * 2)] for n in range(2, 6)}
    taken = spread_evenly(shards, CONTEXT, tokens)
    assert sum(len(window.ids) - 1 for window in taken) == pytest.approx(tokens, rel=0.35)
    each = [sum(int(n) in window.ids for window in taken) for n in shards]
    assert max(each) - min(each) <= 1


def test_scores_add_up():
    one, two = Score(10.0, 4, 9, 1, 8.0), Score(6.0, 3, 7, 2, 5.0)
    assert one + two == Score(16.0, 7, 16, 3, 13.0)
    assert (one + two).bits_per_character == pytest.approx(1 / math.log(2))
    assert (one + two).entropy == pytest.approx(13 / 16)
    assert sum([one, two], Score()) == one + two


def test_the_entropy_of_a_whole_is_unknown_where_a_part_is_unknown():
    with_entropy, without_entropy = Score(1.0, 1, 1, 1, 1.0), Score(1.0, 1, 1, 1, None)
    for total in (
        with_entropy + without_entropy,
        without_entropy + with_entropy,
        without_entropy + without_entropy,
    ):
        assert total.entropy is None
        assert total.as_dict()["entropy"] is None
    assert (with_entropy + with_entropy).entropy == 1.0
