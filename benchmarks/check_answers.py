"""Parts of the check of a card: a trained model says the same there as on the CPU."""

from __future__ import annotations

import time

import torch
from check_setup import Report, Setup
from made_tokens import SOURCE

from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writing import generate
from femtogpt.model.files import WEIGHTS_FILE
from femtogpt.model.gpt import GPT
from femtogpt.model.loading import load_model
from femtogpt.model.score import Score, score_shards
from femtogpt.training.precision import Precision

SAME_BITS = 1e-3  # bits per character
SAME_LOGITS = 1e-3
NEAR_BITS = 0.02  # in a format of fewer digits


def evaluation(setup: Setup, report: Report) -> None:
    """Bits per character of the held-out text: the CPU's, and nearly that in the card's format."""
    on_cpu, here = _models(setup)
    expected, found = (_score(setup, model).bits_per_character for model in (on_cpu, here))
    report.note(bits_per_character=found, on_the_cpu=expected)
    report.most("difference from the CPU, bits per character", abs(found - expected), SAME_BITS)
    precision = Precision(setup.settings(setup.model(), 1, precision="auto").train)
    with precision.autocast():
        near = _score(setup, here).bits_per_character
    report.most(f"the same in {precision.name}", abs(near - expected), NEAR_BITS)


def generation(setup: Setup, report: Report) -> None:
    """The likeliest text is the CPU's; its logits are those without a cache; a seed repeats."""
    on_cpu, here = _models(setup)
    tokens = 16 if setup.is_dry else 200  # within the context
    prompt = setup.tokens.shards("held_out")[SOURCE][0].ids[:16].tolist()
    expected, _ = _written(on_cpu, prompt, tokens)
    found, _ = _written(here, prompt, tokens)
    first = next(
        (n for n, pair in enumerate(zip(expected, found, strict=True)) if len({*pair}) > 1), tokens
    )
    report.note(same_tokens=first, of_tokens=tokens)
    if first < tokens:  # the two likeliest were as good as equal, or it is wrong
        best = _logits(on_cpu, [*prompt, *expected[:first]])[-1].topk(2).values
        report.most("lead of the CPU's choice where they part", float(best[0] - best[1]), 1e-3)
    else:
        report.least("tokens as on the CPU", first, tokens)
    text = [*prompt, *found]
    difference = (_logits(here, text).cpu() - _logits(on_cpu, text)).abs().max()
    report.most("difference of the logits from the CPU's", float(difference), SAME_LOGITS)
    choices = _logits(here, text)[len(prompt) - 1 : -1].cpu()
    lead = choices.amax(1) - choices.gather(1, torch.tensor(found)[:, None])[:, 0]
    report.most("what the cache changes, in logits", float(lead.max()), SAME_LOGITS)
    drawn = [_written(here, prompt, tokens, temperature=0.8, top_p=0.95) for _ in range(2)]
    report.holds("the same seed draws the same", drawn[0][0] == drawn[1][0])
    report.note(tokens_per_second=tokens / drawn[1][1])


def _models(setup: Setup) -> tuple[GPT, GPT]:
    """A model trained on the device for some steps, on the CPU and there."""
    run = setup.work / "answers"
    if not (run / WEIGHTS_FILE).exists():
        setup.run("answers", setup.settings(setup.model(), 30))
    return load_model(run, "cpu"), load_model(run, setup.device)


def _score(setup: Setup, model: GPT) -> Score:
    shards = [shard for parts in setup.tokens.shards("held_out").values() for shard in parts]
    scores = score_shards(model, shards, model.config.context)
    return sum((score for _, score in scores), Score())


def _written(
    model: GPT, prompt: list[int], tokens: int, temperature: float = 0.0, top_p: float = 1.0
) -> tuple[list[int], float]:
    """The ids after a prompt, and the seconds that they took."""
    random = torch.Generator(model.embed_tokens.weight.device).manual_seed(0)
    start = time.perf_counter()
    sampling = Sampling(temperature=temperature, top_p=top_p)
    ids = list(generate(Engine(model), prompt, tokens, sampling, random))
    return ids, time.perf_counter() - start


@torch.no_grad()
def _logits(model: GPT, ids: list[int]) -> torch.Tensor:
    """The logits after each of the ids, (T, V), without a cache."""
    device = model.embed_tokens.weight.device
    logits: torch.Tensor = model(torch.tensor([ids], device=device))[0]
    return logits.float()
