"""The samples stage: texts that the trained model writes after each prompt."""

from __future__ import annotations

import json
from pathlib import Path

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.code_digest import code_of
from femtogpt.artifacts.store import Store
from femtogpt.config import Config
from femtogpt.tokens.tokenizer import Tokenizer

SAMPLES_FILE = "samples.json"


def write_samples(store: Store, config: Config, tokens: Artifact, run: Artifact) -> Artifact:
    """Continue each prompt with a run's final weights: ``samples.json`` and ``samples.md``."""

    def build(folder: Path) -> dict[str, int]:
        # Imported here: torch takes seconds, and the samples may be up to date.
        from femtogpt.generation.engine import Engine
        from femtogpt.generation.sampling import Sampling
        from femtogpt.generation.writing import write
        from femtogpt.model.loading import load_model

        engine = Engine(load_model(run.path, config.train.device))
        tokenizer = Tokenizer.load(tokens.path)
        how = config.samples
        sampling = Sampling.of(how)
        samples = []
        for number, prompt in enumerate(how.prompts):
            seed = config.seed + number
            text = write(engine, tokenizer, prompt, how.tokens, sampling, seed)
            samples.append({"prompt": prompt, "text": text})
        (folder / SAMPLES_FILE).write_text(
            json.dumps(samples, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        pages = (
            (f"**{sample['prompt']}**" if sample["prompt"] else "") + sample["text"]
            for sample in samples
        )
        (folder / "samples.md").write_text("\n\n---\n\n".join(pages) + "\n", encoding="utf-8")
        return {"samples": len(samples)}

    return store.make(recipe(config, tokens, run), build)


def recipe(config: Config, tokens: Artifact, run: Artifact) -> Recipe:
    """What determines the samples."""
    return Recipe(
        "samples",
        code_of(__name__),
        {**config.samples.model_dump(mode="json"), "seed": config.seed},
        {"run": run, "tokens": tokens},
        names={"": "samples", "seed": "seed"},
    )
