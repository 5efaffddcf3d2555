#!/usr/bin/env bash
# sentencepiece 0.2.3, trained for lossless text: identity normalisation, byte fallback, no removal
# of spaces.
#
# Expected: decode(encode(text)) == text for every text, which is what byte fallback is for.
# Seen: of all 1,112,064 Unicode characters exactly one does not come back: U+2581 (a lower one
# eighth block, as progress bars have it) becomes a space, since it is sentencepiece's own sign for
# one. It is not spelled in bytes although bytes could spell it.
# So: spell U+2581 in byte pieces oneself, and expect llama.cpp and transformers to read it otherwise.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sentencepiece==0.2.3
"$folder/venv/bin/python" - <<'PYTHON'
import io
import random

import sentencepiece as spm

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
characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code <= 0xDFFF]
texts = [f"кот{character}дом" for character in characters]
changed = [
    (f"U+{ord(character):04X}", decoded)
    for character, text, decoded in zip(
        characters, texts, processor.decode(processor.encode(texts)), strict=True
    )
    if decoded != text
]
print("sentencepiece", spm.__version__)
print(f"{len(characters):,} characters between two words; changed: {changed}")
assert changed == [("U+2581", "кот дом")]
assert processor.encode("\u2581") == processor.encode(" ")
PYTHON
