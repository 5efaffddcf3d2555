"""Token shards of a made-up text, where there is no corpus and nothing to read one with.

After each id one of a few others follows, some of them often, so that a model learns it at once.
"""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from femtogpt.tokens.shards import INDEX, Tokens
from femtogpt.tokens.shards import _ShardWriter as ShardWriter  # renamed, all shards were made anew

EOS = 1
FOLLOWERS = 8  # ids that may follow an id
DOCUMENT_TOKENS = 500
CHARACTERS_PER_TOKEN = 4
SOURCE = "made"


def made_tokens(folder: Path, vocab_size: int, tokens: int, seed: int = 0) -> Tokens:
    """Shards in ``folder``, of about ``tokens`` tokens to train on and an eighth of that held out.

    They are made once: the folder appears whole.
    """
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(dir=folder.parent))
        random = np.random.default_rng(seed)
        # Zipf's law: low ids are frequent.
        frequency = 1 / np.arange(1, vocab_size - EOS)
        followers = (
            EOS
            + 1
            + random.choice(
                vocab_size - EOS - 1, (vocab_size, FOLLOWERS), p=frequency / frequency.sum()
            )
        )
        splits = {}
        for split, count in (("train", tokens), ("held_out", tokens // 8)):
            writer = ShardWriter(made / split / SOURCE, "<u2", EOS)
            for number in range(max(1, count // DOCUMENT_TOKENS)):
                ids = _document(followers, random)
                writer.add(ids, str(number), CHARACTERS_PER_TOKEN * len(ids), None)
            splits[split] = {SOURCE: writer.close()}
        index = {"dtype": "<u2", "vocab_size": vocab_size, "boundary": EOS, "splits": splits}
        (made / INDEX).write_text(json.dumps(index), encoding="utf-8")
        made.rename(folder)
    return Tokens(folder)


def _document(followers: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Ids of one document, (DOCUMENT_TOKENS,)."""
    choices = random.geometric(0.5, DOCUMENT_TOKENS).clip(max=FOLLOWERS) - 1
    ids = [EOS]
    for choice in choices:
        ids.append(int(followers[ids[-1], choice]))
    return np.array(ids[1:])
