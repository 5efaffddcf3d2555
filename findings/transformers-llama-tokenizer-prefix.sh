#!/usr/bin/env bash
# transformers 5.24.0 reading a sentencepiece model that has no dummy prefix.
#
# Expected: the class that tokenizer_config.json names reads the model file's own setting
# (add_dummy_prefix = false) and gives sentencepiece's ids.
# Seen: with LlamaTokenizer, the class for such models, a space is put before every text: nearly all
# ids differ, without a warning. With no class named at all, or with PreTrainedTokenizerFast, the
# same file gives the right ids; with LlamaTokenizer, add_prefix_space=false has to be said again.
# So: an export compares ids with sentencepiece's on texts that do not begin with a space.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    transformers==5.24.0 tokenizers==0.23.3 sentencepiece==0.2.3 protobuf==7.36.2
HF_HUB_OFFLINE=1 TRANSFORMERS_VERBOSITY=error "$folder/venv/bin/python" - "$folder" <<'PYTHON'
import io
import json
import random
import sys
from pathlib import Path

import sentencepiece as spm
import transformers
from transformers import AutoTokenizer

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
    minloglevel=2,
)
processor = spm.SentencePieceProcessor(model_proto=model.getvalue())
texts = [" ".join(draw.choices(words, k=3)) for _ in range(1000)]


def wrong(configuration: dict) -> int:
    """Texts of which transformers gives other ids than sentencepiece."""
    place = Path(sys.argv[1]) / f"tokenizer-{draw.random()}"
    place.mkdir()
    (place / "tokenizer.model").write_bytes(model.getvalue())
    (place / "tokenizer_config.json").write_text(json.dumps(configuration))
    tokenizer = AutoTokenizer.from_pretrained(place)
    return sum(
        tokenizer.encode(text, add_special_tokens=False) != processor.encode(text)
        for text in texts
    )


llama = {"tokenizer_class": "LlamaTokenizer", "legacy": False, "add_bos_token": False}
counts = {
    "LlamaTokenizer": wrong(llama),
    "LlamaTokenizer, add_prefix_space false": wrong({**llama, "add_prefix_space": False}),
    "no class": wrong({}),
    "PreTrainedTokenizerFast": wrong({"tokenizer_class": "PreTrainedTokenizerFast"}),
}
print("transformers", transformers.__version__, "sentencepiece", spm.__version__)
for name, count in counts.items():
    print(f"{name:40} {count:5,} of {len(texts):,} texts with other ids")
assert counts["LlamaTokenizer"] == len(texts)
assert sum(counts.values()) == len(texts), "the other three agree with sentencepiece"
PYTHON
