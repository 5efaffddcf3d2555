"""A GGUF file in llama.cpp: the same ids, the same probabilities, the same texts."""

from __future__ import annotations

import pytest
import torch

from femtogpt.export.gguf_file import write_gguf
from femtogpt.model.score import EvalSequence, sequence_nats
from tests.exports import CONTEXT, Pipeline, varied

xllamacpp = pytest.importorskip("xllamacpp", reason="llama.cpp as a wheel is for Linux and macOS")

from tests.llama import Llama  # noqa: E402

SPACE_SIGN = "\u2581"
POEM = "Жила-была старая пряха,\nОна носила с собой\n"


@pytest.fixture(scope="module")
def llama(trained, tmp_path_factory):
    """llama.cpp with the model in a type."""
    folder, servers = tmp_path_factory.mktemp("gguf"), {}

    def of(type: str) -> Llama:
        if type not in servers:
            file = folder / f"{type}.gguf"
            write_gguf(trained.run.path, file, type)
            servers[type] = Llama(file, CONTEXT)
        return servers[type]

    return of


def test_texts_have_our_ids(trained: Pipeline, llama):
    texts = varied(1000) + trained.held_out_passages(200)
    assert SPACE_SIGN not in "".join(texts)
    server = llama("f32")
    for text in texts:
        assert server.ids(text) == trained.tokenizer.encode(text), text


@pytest.mark.parametrize("text", ["a</s>b", "<unk>", "<s>", "[EOT]", "<|im_end|>", "<0x0A>"])
def test_names_of_pieces_in_a_text_are_text(trained: Pipeline, llama, text):
    ids = trained.tokenizer.encode(text)
    assert llama("f32").ids(text) == ids
    answer = llama("f32").complete(text, 1)  # which begins a document
    assert answer["tokens_evaluated"] == 1 + len(ids)


def test_the_sign_of_a_space_is_read_as_a_space(trained: Pipeline, llama):
    """llama.cpp cannot tell them apart; ids of ours that spell it are decoded all the same."""
    assert llama("f32").ids(f"у{SPACE_SIGN}реки") == trained.tokenizer.encode("у реки")
    ids = trained.tokenizer.encode(f"у{SPACE_SIGN}реки")
    assert llama("f32").ask("/detokenize", tokens=ids)["content"] == f"у{SPACE_SIGN}реки"


def test_probabilities_are_ours(trained: Pipeline, llama):
    prompt = [trained.tokenizer.eos, *trained.tokenizer.encode("Жила-была")]
    size = trained.tokenizer.size
    answer = llama("f32").complete(prompt, 16, n_probs=size)
    ids = prompt + answer["tokens"]
    ours = trained.log_probabilities(ids[:-1])[len(prompt) - 1 :]
    theirs = torch.empty_like(ours)
    for row, token in zip(theirs, answer["completion_probabilities"], strict=True):
        for piece in token["top_logprobs"]:
            row[piece["id"]] = piece["logprob"]
    torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-3)


def test_it_writes_what_we_write(trained: Pipeline, llama):
    for prompt in ("", "Жила-была", POEM):  # 64 tokens after the first
        ids = [trained.tokenizer.eos, *trained.tokenizer.encode(prompt)]
        count = min(64, CONTEXT - len(ids))
        ours = trained.likeliest(ids, count)
        answer = llama("f32").complete(prompt, count)
        assert answer["tokens"] == ours and len(ours) == count
        assert answer["content"] == trained.tokenizer.decode(ours)


@pytest.mark.parametrize("type", ["f16", "q8_0"])
def test_smaller_types_cost_less_than_half_a_percent(trained: Pipeline, llama, type):
    sequences = trained.held_out(2000)
    batch = [EvalSequence(0, torch.tensor(ids).numpy()) for ids in sequences]
    ours = float(sequence_nats(trained.model, batch).sum())
    server = llama(type)
    theirs = -sum(
        server.log_probability(ids[:place], ids[place])
        for ids in sequences
        for place in range(1, len(ids))
    )
    assert theirs == pytest.approx(ours, rel=0.005)


def test_line_ends_are_kept_and_end_nothing(trained: Pipeline, llama):
    """The line end is the piece that llama.cpp would take for the end of a text."""
    server = llama("q8_0")
    answers = [
        server.complete(POEM, 40, temperature=1, seed=seed, top_k=0, min_p=0) for seed in range(8)
    ]
    assert all(answer["prompt"].count("\n") == 2 for answer in answers)
    went_on = [answer for answer in answers if answer["stop_type"] == "limit"]  # not at </s>
    assert all(answer["tokens_predicted"] == 40 for answer in went_on)
    assert max(answer["content"].count("\n") for answer in went_on) >= 2


def test_a_chat_window_goes_on_with_the_text(trained: Pipeline, llama):
    server = llama("f32")
    chat = server.ask(
        "/v1/chat/completions",
        messages=[{"role": "user", "content": POEM}],
        **{"max_tokens": 20, "temperature": 0},
    )
    (choice,) = chat["choices"]
    assert choice["message"]["content"] == server.complete(POEM, 20)["content"]
    assert chat["usage"]["prompt_tokens"] == 1 + len(trained.tokenizer.encode(POEM))
