"""Writing against llama.cpp, transformers and the whole window read again at each token.

::

    make bench-generate

All have the same weights, random ones: 5 M parameters and 54 M. They draw with the same settings,
and each measurement is a whole text of ``TOKENS`` tokens, or 16 of them at once. The contenders
take turns, ``--rounds`` times; a ratio is the median over the rounds. Prints a table and writes
``benchmarks/out/generate.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import safetensors.torch
import torch
from llama_server import LlamaServer
from measured_process import machine

from femtogpt.config import ModelConfig
from femtogpt.generation.engine import Engine
from femtogpt.generation.sampling import Sampling
from femtogpt.generation.writing import generate_together
from femtogpt.model.gpt import GPT
from femtogpt.model.loading import load_model
from femtogpt.tokens.tokenizer import TOKENIZER_FILE, train

HERE = Path(__file__).resolve().parent
SHAPES: dict[str, dict[str, Any]] = {
    "5m": {"layers": 4, "width": 256, "heads": 4, "context": 256},
    "54m": {"layers": 10, "width": 640, "heads": 10, "context": 256},
}
VOCABULARY = 8000
TOKENS = {"5m": 200, "54m": 40}  # of each text
BATCH = 16
PROMPT = 8  # tokens
# llama.cpp's own settings: what it is made for. With temperature 0, ours would be compared alone.
SAMPLING = Sampling(temperature=0.8, top_k=40, top_p=0.95, min_p=0.05)
POSITIONS = 20, 250  # whose time per token is compared
Contenders = dict[str, Callable[[], int]]  # each writes, and gives the number of its tokens


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "out/generate.json")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    with TemporaryDirectory() as folder:
        figures = measure(Path(folder), options.rounds, options.threads)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n", "utf-8")
    show(figures)
    print(f"\nwritten: {options.out}")


def measure(folder: Path, rounds: int, threads: int) -> dict[str, Any]:
    figures: dict[str, Any] = {
        "machine": machine(),
        "torch": torch.__version__,
        "threads": threads,
        "skipped": {} if find_spec("transformers") else {"transformers": "it is not installed"},
    }
    for size in SHAPES:
        run = random_model(folder / size, size)
        for texts in (1, BATCH) if size == "54m" else (1,):
            log(f"{size}, {texts} at once")
            contenders = everyone(run, size, texts, threads)
            figures[f"{size}_{texts}"] = in_turn(contenders, rounds)
    engine = Engine(load_model(folder / "54m", "cpu"))
    figures["time_at_positions"] = flatness(engine)
    one_5m, one_54m, many = (figures[name] for name in ("5m_1", "54m_1", f"54m_{BATCH}"))
    figures |= {
        "one_5m_to_llamacpp": ratio(one_5m, "auto", "llama.cpp f32"),
        "one_54m_to_llamacpp": ratio(one_54m, "auto", "llama.cpp f32"),
        "one_54m_float32_to_llamacpp_f32": ratio(one_54m, "float32", "llama.cpp f32"),
        "one_54m_int8_to_llamacpp_q8_0": ratio(one_54m, "int8", "llama.cpp q8_0"),
        "batch16_54m_to_llamacpp": min(
            ratio(many, "float32", "llama.cpp f32"), ratio(many, "int8", "llama.cpp q8_0")
        ),
        "batch16_54m_float32_to_llamacpp_f32": ratio(many, "float32", "llama.cpp f32"),
        "batch16_54m_int8_to_llamacpp_q8_0": ratio(many, "int8", "llama.cpp q8_0"),
        "position_flatness": figures["time_at_positions"]["ratio"],
    }
    return figures


def random_model(run: Path, size: str) -> Path:
    """A run's folder with a model of random weights and a tokenizer; GGUF files beside them."""
    from femtogpt.export.gguf_file import write_gguf

    run.mkdir()
    torch.manual_seed(0)
    config = ModelConfig(**SHAPES[size])
    model = GPT(config, VOCABULARY)
    for weight in model.parameters():
        if weight.ndim == 2:
            torch.nn.init.normal_(weight, std=0.02)
    safetensors.torch.save_file(model.state_dict(), run / "model.safetensors")
    (run / "settings.json").write_text(json.dumps({"model": config.model_dump()}), encoding="utf-8")
    words = ("".join(chr(1072 + int(n)) for n in torch.randint(32, (7,))) for _ in range(9000))
    (run / TOKENIZER_FILE).write_bytes(train(words, VOCABULARY))
    for kind in ("f32", "q8_0"):
        write_gguf(run, run / f"{kind}.gguf", kind)
    return run


def everyone(run: Path, size: str, texts: int, threads: int) -> Contenders:
    """Who writes ``texts`` texts after as many prompts."""
    tokens, model = TOKENS[size], load_model(run, "cpu")
    prompts = torch.randint(300, VOCABULARY, (texts, PROMPT)).tolist()
    contenders: Contenders = {
        name: ours(Engine(model, name), prompts, tokens) for name in ("auto", "float32", "int8")
    }
    for kind in ("f32", "q8_0"):
        server = LlamaServer(run / f"{kind}.gguf", model.config.context, texts, threads)
        contenders[f"llama.cpp {kind}"] = llama(server, prompts, tokens)
    if find_spec("transformers"):
        contenders["transformers"] = transformers(model, prompts, tokens)
    if texts == 1:
        contenders["whole window"] = whole_window(model, prompts[0], tokens)
    return contenders


def ours(engine: Engine, prompts: list[list[int]], tokens: int) -> Callable[[], int]:
    def write() -> int:
        randoms = [torch.Generator().manual_seed(seed) for seed, _ in enumerate(prompts)]
        going = set(range(len(prompts)))
        drawn = generate_together(engine, prompts, tokens, SAMPLING, randoms, None, going)
        return sum(map(len, drawn))

    return write


def llama(server: LlamaServer, prompts: list[list[int]], tokens: int) -> Callable[[], int]:
    how = {name: getattr(SAMPLING, name) for name in ("temperature", "top_k", "top_p", "min_p")}
    return lambda: server.write(prompts, tokens, **how)


def transformers(model: GPT, prompts: list[list[int]], tokens: int) -> Callable[[], int]:
    """Its Qwen3, with ``generate``."""
    from transformers import Qwen3Config, Qwen3ForCausalLM

    shape = model.config
    theirs = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=model.vocab_size,
            hidden_size=shape.width,
            intermediate_size=shape.hidden,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.key_value_heads,
            head_dim=shape.head_size,
            max_position_embeddings=shape.context,
            tie_word_embeddings=True,
        )
    ).eval()
    theirs.model.load_state_dict(model.state_dict())
    how = {name: getattr(SAMPLING, name) for name in ("temperature", "top_k", "top_p", "min_p")}
    how |= {"do_sample": True, "max_new_tokens": tokens, "min_new_tokens": tokens}
    ids = torch.tensor(prompts)

    def write() -> int:
        written = theirs.generate(
            ids, attention_mask=torch.ones_like(ids), pad_token_id=0, eos_token_id=1, **how
        )
        return (written.shape[1] - ids.shape[1]) * len(ids)

    return write


def whole_window(model: GPT, prompt: list[int], tokens: int) -> Callable[[], int]:
    """nanoGPT's way: the whole window is read again for each token."""

    @torch.no_grad()
    def write() -> int:
        random, ids = torch.Generator().manual_seed(0), list(prompt)
        for _ in range(tokens):
            logits = model(torch.tensor([ids[-model.config.context :]]))[0, -1]
            ids.append(SAMPLING.draw(logits, (), random))
        return tokens

    return write


def in_turn(contenders: Contenders, rounds: int) -> dict[str, list[float]]:
    """Tokens per second of each, in each round; a first round to warm up does not count."""
    speeds: dict[str, list[float]] = {name: [] for name in contenders}
    for number in range(rounds + 1):
        for name, write in contenders.items():
            start = time.perf_counter()
            tokens = write()
            if number:
                speeds[name].append(tokens / (time.perf_counter() - start))
    return speeds


def ratio(speeds: dict[str, list[float]], ours: str, theirs: str) -> float:
    """The median over the rounds."""
    pairs = zip(speeds[ours], speeds[theirs], strict=True)
    return statistics.median(mine / other for mine, other in pairs)


def flatness(engine: Engine, repeats: int = 60) -> dict[str, Any]:
    """Milliseconds of a step at POSITIONS, in turn, and the ratio of their medians."""
    begun = {place: engine.begin([[5] * place])[0] for place in POSITIONS}
    times: dict[int, list[float]] = {place: [] for place in POSITIONS}
    for _ in range(repeats):
        for place, texts in begun.items():
            texts.positions = [place]
            start = time.perf_counter()
            engine.step(texts, [5])
            times[place].append(1000 * (time.perf_counter() - start))
    early, late = (statistics.median(times[place]) for place in POSITIONS)
    return {"milliseconds": dict(zip(POSITIONS, (early, late), strict=True)), "ratio": late / early}


def log(line: str) -> None:
    print(f"… {line}", file=sys.stderr, flush=True)


def show(figures: dict[str, Any]) -> None:
    print(f"\n{figures['machine']}, torch {figures['torch']}, {figures['threads']} threads\n")
    print(f"{'tokens per second':24} {'5 M':>10} {'54 M':>10} {f'54 M × {BATCH}':>10}")
    columns = [figures[name] for name in ("5m_1", "54m_1", f"54m_{BATCH}")]
    for name in columns[0]:
        row = (f"{statistics.median(c[name]):.0f}" if name in c else "—" for c in columns)
        print(f"{name:24} " + " ".join(f"{value:>10}" for value in row))
    for name, reason in figures["skipped"].items():
        print(f"{name}: skipped, {reason}")
    print()
    for name, target in (
        ("one_5m_to_llamacpp", "≥ 0.8"),
        ("one_54m_to_llamacpp", "≥ 1"),
        ("one_54m_float32_to_llamacpp_f32", ""),
        ("one_54m_int8_to_llamacpp_q8_0", ""),
        ("batch16_54m_to_llamacpp", "≥ 0.8"),
        ("batch16_54m_float32_to_llamacpp_f32", ""),
        ("batch16_54m_int8_to_llamacpp_q8_0", ""),
        ("position_flatness", "≤ 1.1"),
    ):
        print(f"{name:40} {figures[name]:8.3f}   {target}")


if __name__ == "__main__":
    main()
