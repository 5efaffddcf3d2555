#!/usr/bin/env bash
# llama.cpp's server (xllamacpp 2026.10.11549), `/completion` with `n_probs`, and a character that the
# vocabulary has no piece for, so that it is spelt in byte tokens: here "о" and "т" in two each.
#
# Expected: `completion_probabilities` has an entry for each generated token, as `tokens` has.
# Seen: of a character in bytes, only the last byte has an entry, which bears the whole character's
# text; with one that is not finished when the answer ends, there is none, and an answer of only such
# tokens has no `completion_probabilities` at all. OpenAI's `logprobs` is then null.
# So: the sum of these log-probabilities is not the text's; ask for one token at a time, or use ids.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    xllamacpp==2026.10.11549 gguf==0.19.0 numpy==2.4.6
"$folder/venv/bin/python" - "$folder/model.gguf" 2>/dev/null <<'PYTHON'
import json
import sys
import urllib.request
from importlib.metadata import version

import numpy as np
import xllamacpp
from gguf import GGUFWriter, TokenType

BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
PIECES = ["<unk>", *BYTES, "▁", "к"]
SIZE, WIDTH, HEAD, HIDDEN = len(PIECES), 64, 32, 128


def write(path: str) -> None:
    """A one-layer model of random weights with this vocabulary."""
    writer = GGUFWriter(path, "qwen3")
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(WIDTH // HEAD)
    writer.add_head_count_kv(WIDTH // HEAD)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_tokenizer_model("llama")
    writer.add_token_list(PIECES)
    writer.add_token_scores([0.0] * SIZE)
    kinds = [TokenType.UNKNOWN, *[TokenType.BYTE] * 256, TokenType.NORMAL, TokenType.NORMAL]
    writer.add_token_types(kinds)
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(0)
    writer.add_add_bos_token(False)
    writer.add_add_space_prefix(False)
    shapes = {
        "token_embd": (SIZE, WIDTH),
        "output_norm": (WIDTH,),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        "blk.0.attn_q_norm": (HEAD,),
        "blk.0.attn_k_norm": (HEAD,),
        **{f"blk.0.attn_{name}": (WIDTH, WIDTH) for name in ("q", "k", "v", "output")},
        **{f"blk.0.ffn_{name}": (HIDDEN, WIDTH) for name in ("gate", "up")},
        "blk.0.ffn_down": (WIDTH, HIDDEN),
    }
    random_numbers = np.random.default_rng(0)
    for name, shape in shapes.items():
        weights = random_numbers.standard_normal(shape).astype(np.float32)
        writer.add_tensor(f"{name}.weight", weights)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


write(sys.argv[1])
parameters = xllamacpp.CommonParams()
parameters.model.path = sys.argv[1]
parameters.n_ctx, parameters.n_parallel = 256, 1
parameters.hostnames, parameters.port = ["127.0.0.1"], 0  # a free port
parameters.verbosity = -1
server = xllamacpp.Server(parameters)


def ask(route: str, **body: object) -> dict:
    header = {"Content-Type": "application/json"}
    address = server.listening_address + route
    request = urllib.request.Request(address, json.dumps(body).encode(), header)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


def generate(tokens: int) -> tuple[list[str], list[str] | None]:
    """The tokens of an answer that a grammar holds to "кот", and the texts of the entries."""
    answer = ask(
        "/completion",
        prompt="к",
        grammar='root ::= "от"',
        n_predict=tokens,
        n_probs=1,
        return_tokens=True,
        temperature=0,
    )
    entries = answer.get("completion_probabilities")
    return (
        [PIECES[token] for token in answer["tokens"]],
        None if entries is None else [entry["token"] for entry in entries],
    )


print("xllamacpp", version("xllamacpp"), "gguf", version("gguf"))
seen = {}
for count in (1, 2, 3, 4):
    seen[count] = generate(count)
    print(f"{count} tokens:", *seen[count][0], " probabilities of:", seen[count][1])
    assert len(seen[count][0]) == count
entries = {count: texts for count, (_, texts) in seen.items()}
assert entries == {1: None, 2: ["о"], 3: ["о"], 4: ["о", "т"]}
openai = ask(
    "/v1/completions",
    prompt="к",
    grammar='root ::= "от"',
    max_tokens=1,
    logprobs=1,
    temperature=0,
)
print("OpenAI's logprobs of 1 token:", openai["choices"][0]["logprobs"])
assert openai["choices"][0]["logprobs"] is None
PYTHON
