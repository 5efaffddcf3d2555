#!/usr/bin/env bash
# tokenizers 0.23.3, its ByteFallback decoder, as the tokenizer.json of Llama 2, Mistral and Gemma has
# it, and a text in characters spelt in byte tokens that ends within one, as every answer may.
#
# Expected: the characters that are complete, then a sign for the one that is not; sentencepiece does
# so with the same ids.
# Seen: all characters of the run of byte tokens are lost, the complete ones too: each byte becomes a
# sign U+FFFD. Shown token by token, a character appears and is taken back with the next byte.
# So: hold back an unfinished character oneself before decoding.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check \
    tokenizers==0.23.3 sentencepiece==0.2.3
"$folder/venv/bin/python" - <<'PYTHON'
import io
import random

import sentencepiece as spm
import tokenizers
from tokenizers import Tokenizer, decoders, models

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
pieces = {processor.id_to_piece(number): number for number in range(len(processor))}
tokenizer = Tokenizer(models.BPE(pieces, [], byte_fallback=True, unk_token="<unk>"))
tokenizer.decoder = decoders.Sequence(
    [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
)
TEXT = "кот 東京都"  # three characters that no piece has, of three bytes each
ids = processor.encode(TEXT)
assert all(processor.is_byte(number) for number in ids[-9:])
assert processor.decode(ids) == tokenizer.decode(ids) == TEXT
print("tokenizers", tokenizers.__version__, "sentencepiece", spm.__version__)
texts = {}
for missing in range(5):
    part = ids[: len(ids) - missing]
    texts[missing] = one, other = processor.decode(part), tokenizer.decode(part)
    print(f"without the last {missing}: sentencepiece {one}  tokenizers {other}")
SIGN = "\ufffd"
assert all(text.startswith("кот 東京") for text, _ in list(texts.values())[:4])
assert texts[1][1] == "кот " + 8 * SIGN and texts[2][1] == "кот " + 7 * SIGN
assert texts[3][1] == "кот 東京" and texts[4][1] == "кот " + 5 * SIGN
PYTHON
