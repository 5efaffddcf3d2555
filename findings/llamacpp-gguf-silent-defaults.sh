#!/usr/bin/env bash
# llama.cpp (xllamacpp 2026.10.11549) reading a GGUF whose tokenizer is a sentencepiece model and
# which leaves out the optional keys, since this model has no such tokens or settings.
#
# Expected: a key that is not there stands for what is not there: no token is added to a prompt, no
# space is put before it; ids are sentencepiece's.
# Seen: without tokenizer.ggml.add_space_prefix, a space is put before every text; without
# bos_token_id and add_bos_token, id 1 is put first, whatever piece that is (a line end here). It
# loads without a word. With add_space_prefix=false and add_bos_token=false ids are right.
# So: an export writes all of these keys, also those that say "none".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    xllamacpp==2026.10.11549 gguf==0.19.0 sentencepiece==0.2.3 numpy==2.4.6
"$folder/venv/bin/python" - "$folder" 2>/dev/null <<'PYTHON'
import io
import json
import random
import sys
import urllib.request
from importlib.metadata import version
from pathlib import Path

import numpy as np
import sentencepiece as spm
import xllamacpp
from gguf import GGUFWriter, TokenType

draw = random.Random(1)
words = "кот дом окно снег письмо город река вечер старый новый".split()
sentences = [" ".join(draw.choices(words, k=9)) + "." for _ in range(2000)]
model = io.BytesIO()
spm.SentencePieceTrainer.train(
    sentence_iterator=iter(sentences),
    model_writer=model,
    model_type="bpe",
    vocab_size=340,
    byte_fallback=True,
    normalization_rule_name="identity",
    remove_extra_whitespaces=False,
    add_dummy_prefix=False,
    user_defined_symbols=["\n"],
    bos_id=-1,
    minloglevel=2,
)
pieces = spm.SentencePieceProcessor(model_proto=model.getvalue())
SIZE, WIDTH, HEAD, HIDDEN = pieces.get_piece_size(), 64, 32, 128


def kind(number: int) -> TokenType:
    if pieces.is_unknown(number):
        return TokenType.UNKNOWN
    if pieces.is_control(number):
        return TokenType.CONTROL
    if pieces.is_byte(number):
        return TokenType.BYTE
    return TokenType.USER_DEFINED if pieces.id_to_piece(number) == "\n" else TokenType.NORMAL


def write(path: Path, **settings: bool) -> None:
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
    writer.add_token_list([pieces.id_to_piece(number) for number in range(SIZE)])
    writer.add_token_scores([pieces.get_score(number) for number in range(SIZE)])
    writer.add_token_types([kind(number) for number in range(SIZE)])
    for name, value in settings.items():
        getattr(writer, f"add_{name}")(value)
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


def prompt_ids(path: Path, text: str) -> list[int]:
    """What llama.cpp's server, on a free port of 127.0.0.1, makes of a prompt."""
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    parameters.n_ctx, parameters.n_parallel = 256, 1
    parameters.hostnames, parameters.port = ["127.0.0.1"], 0
    parameters.verbosity = -1
    server = xllamacpp.Server(parameters)
    body = json.dumps({"content": text, "add_special": True}).encode()
    header = {"Content-Type": "application/json"}
    request = urllib.request.Request(server.listening_address + "/tokenize", body, header)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)["tokens"]


TEXT = "кот дом"
right = pieces.encode(TEXT)
ids = {}
for name, settings in {
    "no optional key": {},
    "add_space_prefix": {"add_space_prefix": False},
    "both keys": {"add_space_prefix": False, "add_bos_token": False},
}.items():
    path = Path(sys.argv[1]) / f"{len(ids)}.gguf"
    write(path, **settings)
    ids[name] = prompt_ids(path, TEXT)
print("xllamacpp", version("xllamacpp"), "gguf", version("gguf"))
print(f"{'sentencepiece':18}", right, pieces.encode(TEXT, out_type=str))
for name, found in ids.items():
    print(f"{name:18}", found, [pieces.id_to_piece(number) for number in found])
assert pieces.id_to_piece(1) == "\n" and pieces.bos_id() == -1
assert ids["no optional key"] == [1, *pieces.encode(f" {TEXT}")]
assert ids["add_space_prefix"] == [1, *right]
assert ids["both keys"] == right
PYTHON
