"""Writing text: sampling with temperature, top-k and top-p, and the stage that keeps samples."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from femtogpt.artifact import Artifact, Recipe, Store
from femtogpt.config import Config
from femtogpt.tokens.tokenizer import Tokenizer

if TYPE_CHECKING:
    import torch

    from femtogpt.model.gpt import GPT

VERSION = 1
FILE = "samples.json"


def write_samples(store: Store, config: Config, tokens: Artifact, run: Artifact) -> Artifact:
    """Have a run's final weights go on from each prompt: ``samples.json`` and ``samples.md``."""
    settings = {**config.samples.model_dump(mode="json"), "seed": config.seed}
    recipe = Recipe("samples", VERSION, settings, {"run": run, "tokens": tokens})

    def build(folder: Path) -> dict:
        from femtogpt.training.loop import load

        model, tokenizer = load(run.path, config.train.device), Tokenizer.load(tokens.path)
        samples = []
        for number, prompt in enumerate(config.samples.prompts):
            text = write(
                model,
                tokenizer,
                prompt,
                tokens=config.samples.tokens,
                temperature=config.samples.temperature,
                top_k=config.samples.top_k,
                top_p=config.samples.top_p,
                seed=config.seed + number,
            )
            samples.append({"prompt": prompt, "text": text})
        (folder / FILE).write_text(
            json.dumps(samples, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        pages = (
            (f"**{sample['prompt']}**" if sample["prompt"] else "") + sample["text"]
            for sample in samples
        )
        (folder / "samples.md").write_text("\n\n---\n\n".join(pages) + "\n", encoding="utf-8")
        return {"samples": len(samples)}

    return store.make(recipe, build)


def write(
    model: GPT,
    tokenizer: Tokenizer,
    prompt: str = "",
    tokens: int = 200,
    temperature: float = 0.8,
    top_k: int | None = None,
    top_p: float = 1.0,
    seed: int = 0,
) -> str:
    """What the model writes after ``prompt``, up to ``tokens`` tokens or the document's end."""
    import torch

    random = torch.Generator(device=model.embed_tokens.weight.device).manual_seed(seed)
    ids = [tokenizer.boundary, *tokenizer.encode(prompt)]
    drawn = generate(model, ids, tokens, temperature, top_k, top_p, random, tokenizer.boundary)
    # Decoded together with the prompt: a character may be spelled in bytes across both.
    return tokenizer.decode([*ids, *drawn])[len(prompt) :]


def generate(
    model: GPT,
    ids: list[int],
    tokens: int,
    temperature: float,
    top_k: int | None,
    top_p: float,
    random: torch.Generator,
    end: int | None = None,
) -> Iterator[int]:
    """Draw up to ``tokens`` ids after ``ids``, which are not empty; stops before ``end``.

    Each layer sees the last ``context`` positions; of a longer prompt, the last ``context`` ids
    are read.
    """
    import torch

    from femtogpt.model.gpt import Cache

    device = model.embed_tokens.weight.device
    context = model.config.context
    cache = Cache(model.config.layers, context)
    new = ids[-context:]
    for _ in range(tokens):
        with torch.inference_mode():
            logits = model(torch.tensor([new], device=device), cache=cache)[0, -1].float()
            drawn = draw(logits, temperature, top_k, top_p, random)
        if drawn == end:
            return
        yield drawn
        new = [drawn]


def draw(
    logits: torch.Tensor,
    temperature: float,
    top_k: int | None,
    top_p: float,
    random: torch.Generator,
) -> int:
    """One id from logits (V,): of the ``top_k`` likeliest, then of the fewest that hold ``top_p``.

    Temperature 0 takes the likeliest. Nucleus sampling: Holtzman et al. 2020.
    """
    import torch

    if temperature == 0:
        return int(logits.argmax())
    logits = logits - logits.max()  # so that a tiny temperature overflows to −∞ alone
    chances, ids = torch.softmax(logits / temperature, dim=-1).sort(descending=True)
    if top_k is not None:
        chances, ids = chances[:top_k], ids[:top_k]
        chances = chances / chances.sum()
    before = chances.cumsum(0) - chances
    chances = chances.where(before < top_p, 0.0)  # the likeliest one always stays
    return int(ids[torch.multinomial(chances, 1, generator=random)])
