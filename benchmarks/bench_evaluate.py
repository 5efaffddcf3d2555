"""The speed of scoring documents, to that of the forward pass in a bare loop.

::

    python benchmarks/bench_evaluate.py [--repetitions 7]

One model with random weights, 4 × 256 with a context of 256 and a vocabulary of 8,000. The bare
loop computes the logits of full sequences, without a loss, as many at once as are fastest. Scored
are made-up works of 2,500 tokens, and short texts of 20 to 600: their sequences are of all lengths
up to the context. A ratio is of tokens per second, padding not counted; both sides take turns, and
the median over the turns counts. Prints a table, and writes ``benchmarks/out/evaluate.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from femtogpt.config import ModelConfig
from femtogpt.model.gpt import GPT
from femtogpt.model.score import score_shards
from femtogpt.tokens.shards import Shard
from femtogpt.tokens.shards import _ShardWriter as ShardWriter

OUT = Path(__file__).parent / "out/evaluate.json"
SHAPE = ModelConfig(layers=4, width=256, heads=4, context=256)
VOCABULARY, EOS = 8000, 1
ROWS = (8, 32)  # sequences at once in the bare loop
TOKENS = 8_192  # of each kind of text
KINDS: dict[str, Callable[[np.random.Generator], int]] = {
    "works": lambda draw: 2_500,
    "short": lambda draw: int(draw.integers(20, 600)),
}


def shard(folder: Path, kind: str) -> Shard:
    """A shard of made-up documents, about TOKENS in all."""
    draw, writer = np.random.default_rng(0), ShardWriter(folder / kind, "<u2", EOS)
    left = TOKENS
    while left > 0:
        ids = draw.integers(2, VOCABULARY, KINDS[kind](draw))
        writer.add(ids, str(left), 3 * len(ids), None)
        left -= len(ids)
    (size,) = writer.close()["shards"]
    return Shard(folder / kind / "00000.bin", size, "<u2")


@torch.no_grad()
def bare(model: GPT, ids: torch.Tensor) -> float:
    """Tokens per second of the forward pass over ids (N, B, T), batch by batch."""
    start = time.perf_counter()
    for batch in ids:
        model(batch)
    _wait()
    return ids.numel() / (time.perf_counter() - start)


def scored(model: GPT, text: Shard) -> float:
    """Tokens per second of scoring."""
    start = time.perf_counter()
    scores = score_shards(model, [text], SHAPE.context)
    return sum(score.tokens for _, score in scores) / (time.perf_counter() - start)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def measure(repetitions: int) -> dict[str, float]:
    """The ratios, and the speeds behind them."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    torch.manual_seed(0)
    model = GPT(SHAPE, VOCABULARY).to(device).eval()
    stream = torch.randint(VOCABULARY, (TOKENS // SHAPE.context, SHAPE.context), device=device)
    bare(model, stream[None, :8])
    fastest = max(ROWS, key=lambda rows: bare(model, _batches(stream, rows)))
    batches = _batches(stream, fastest)
    speeds: dict[str, list[float]] = {"forward": [], **{kind: [] for kind in KINDS}}
    ratios: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with TemporaryDirectory() as folder:
        texts = {kind: shard(Path(folder), kind) for kind in KINDS}
        for kind in KINDS:
            scored(model, texts[kind])
        speeds["forward"].append(bare(model, batches))
        for _ in range(repetitions):
            for kind, text in texts.items():
                before = speeds["forward"][-1]
                speeds[kind].append(scored(model, text))
                speeds["forward"].append(bare(model, batches))
                ratios[kind].append(2 * speeds[kind][-1] / (before + speeds["forward"][-1]))
    medians = {f"{kind}_to_forward": statistics.median(values) for kind, values in ratios.items()}
    tokens = {f"tokens_per_second_{name}": statistics.median(v) for name, v in speeds.items()}
    return {**medians, **tokens, "rows": fastest, "threads": torch.get_num_threads()}


def _batches(stream: torch.Tensor, rows: int) -> torch.Tensor:
    return stream.view(-1, rows, stream.shape[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--repetitions", type=int, default=7)
    result = measure(parser.parse_args().repetitions)
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(result, indent=1), encoding="utf-8")
    for name, value in result.items():
        print(f"{name:32} {value:,.3f}" if value < 10 else f"{name:32} {value:,.0f}")


if __name__ == "__main__":
    main()
