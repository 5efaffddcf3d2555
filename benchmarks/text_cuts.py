"""Token shards cut from others: without some works, to choose by them, or with less text.

They are ordinary folders of token shards, which any build can read, and are made once.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np

from femtogpt.corpus.split import held_out_ids
from femtogpt.tokens.shards import INDEX, Tokens
from femtogpt.tokens.shards import _ShardWriter as ShardWriter  # renamed, all shards were made anew
from femtogpt.tokens.tokenizer import TOKENIZER_FILE

VALIDATION_SHARE = 0.05  # of each source's characters, as for the held-out split
STRETCH_TOKENS = 2048  # tokens in a row that are kept or dropped together
Splits = dict[str, dict[str, dict[str, Any]]]  # of the index: split to source to its counts


def content_hash(tokens: Tokens) -> str:
    """A hash of the ids and documents of the shards, wherever their folder is."""
    total = hashlib.sha256(json.dumps(tokens.index, sort_keys=True).encode())
    for split in tokens.index["splits"]:
        for shards in tokens.shards(split).values():
            for shard in shards:
                total.update(shard.ids.tobytes())
                total.update(shard.path.with_suffix(".json").read_bytes())
    return total.hexdigest()[:16]


def validation_cut(tokens: Tokens, folder: Path, share: float = VALIDATION_SHARE) -> Tokens:
    """The train split in two: whole works to choose by, as the held-out split, and the rest.

    The held-out works themselves are left out. Works are chosen as those were, by the stable hash
    of ``femtogpt.corpus.split``. Raises SystemExit if no source has two works.
    """

    def cut(made: Path) -> Splits:
        splits: Splits = {"train": {}, "held_out": {}}
        for source, shards in tokens.shards("train").items():
            entries = [entry for shard in shards for entry in shard.documents()]
            chosen = held_out_ids(
                source, [(entry.id, entry.characters) for entry in entries], share
            )
            for split in ("train", "held_out") if chosen else ("train",):
                writer = _writer(tokens, made / split / source)
                for shard in shards:
                    for entry in shard.documents():
                        if (entry.id in chosen) == (split == "held_out"):
                            ids = shard.ids[entry.start + 1 : entry.start + 1 + entry.tokens]
                            writer.add(ids, entry.id, entry.characters, entry.entropy_bits)
                splits[split][source] = writer.close()
        if not splits["held_out"]:
            raise SystemExit(f"{tokens.folder}: no source has two works, so none can be spared")
        return splits

    return _made_once(tokens, folder, cut)


def text_cut(tokens: Tokens, folder: Path, count: int) -> Tokens:
    """About ``count`` tokens of the train split, in stretches spread over all of it.

    Each stretch is a document, or several if one ends within it, with a proportional share of the
    source's characters. The held-out split stays. Raises SystemExit if there is not so much text.
    """
    total = tokens.total("train")
    if count > total:
        raise SystemExit(f"the train split has {total:,} tokens: text={count} is more")

    def cut(made: Path) -> Splits:
        train = {}
        for source, shards in tokens.shards("train").items():
            part = tokens.index["splits"]["train"][source]
            writer = _writer(tokens, made / "train" / source)
            for shard in shards:
                share = max(1, round(count * (shard.tokens - 1) / total))
                length = min(STRETCH_TOKENS, share)
                stretches = round(share / length)
                for start in np.linspace(1, shard.tokens - length, stretches).astype(int):
                    stretch = shard.ids[start : start + length]
                    for piece in np.split(stretch, np.flatnonzero(stretch == tokens.eos)):
                        ids = piece[piece != tokens.eos]
                        if len(ids):
                            characters = round(len(ids) * part["characters"] / part["tokens"])
                            writer.add(ids, str(writer.documents), characters, None)
            train[source] = writer.close()
        shutil.copytree(tokens.folder / "held_out", made / "held_out")
        return {"train": train, "held_out": tokens.index["splits"]["held_out"]}

    return _made_once(tokens, folder, cut)


def _writer(tokens: Tokens, folder: Path) -> ShardWriter:
    return ShardWriter(folder, tokens.index["dtype"], tokens.eos)


def _made_once(tokens: Tokens, folder: Path, cut: Callable[[Path], Splits]) -> Tokens:
    """The shards in ``folder``, which appears with all that ``cut`` writes or not at all."""
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        made = Path(mkdtemp(dir=folder.parent))
        index = {**tokens.index, "splits": cut(made)}
        (made / INDEX).write_text(json.dumps(index, ensure_ascii=False, indent=1), encoding="utf-8")
        if (tokens.folder / TOKENIZER_FILE).exists():
            shutil.copy(tokens.folder / TOKENIZER_FILE, made)
        made.rename(folder)
    return Tokens(folder)
