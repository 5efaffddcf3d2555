"""A copy of the product whose code can be edited, and the line as another process runs it."""

from __future__ import annotations

import importlib
import io
import os
import re
import runpy
import shutil
import sys
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stderr, redirect_stdout
from functools import cache
from multiprocessing import get_context
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SMALL = """
sources:
  stories: {kind: sample, characters: 60000}
corpus: {held_out: 0.1}
tokenizer: {vocab_size: 600}
model: {layers: 1, width: 32, heads: 2, context: 32}
train: {max_steps: 60, batch_size: 4}
"""
# The line as the flows run it, without Prefect and MLflow; training writes what it leaves.
LINE = """
import json, logging, sys
import numpy
from safetensors.numpy import save_file
from femtogpt.artifacts.again import made_again
from femtogpt.artifacts.store import Store
from femtogpt.config_file import load_config
from femtogpt.corpus.build import build_corpus
from femtogpt.sources.fetch import fetch
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import train_tokenizer
from femtogpt.training.settings import resolve
from femtogpt.training.training_stage import run_training

def trained(run, tokens):
    line = {"step": 60, "tokens": 7680, "seconds": 1.0, "train_loss": 4.0}
    (run / "metrics.jsonl").write_text(json.dumps(line) + "\\n")
    if "stop" in sys.argv:
        raise KeyboardInterrupt
    save_file({"head": numpy.zeros(4, numpy.float32)}, run / "model.safetensors")

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s", force=True)
again = [word[6:] for word in sys.argv if word.startswith("again=")]
config = load_config(sys.argv[1], [word for word in sys.argv[2:] if "." in word])
store = Store.of(config)
with made_again(again):
    raws = {name: fetch(store, name, source) for name, source in config.sources.items()}
    corpus = build_corpus(store, config, raws)
    tokenizer = train_tokenizer(store, config, corpus)
    tokens = write_tokens(store, config, corpus, tokenizer)
    run_training(store, resolve(config, Tokens(tokens.path)), tokens, trained)
"""


@cache
def process() -> ProcessPoolExecutor:
    """The process that runs the code of copies; to be shut down.

    It imports polars once, which takes longer than most commands.
    """
    return ProcessPoolExecutor(1, get_context("spawn"))


def printed(folder: Path, *command: str) -> str:
    """What a module prints, or LINE, that is run with the code in a folder, all of it loaded anew.

    Raises RuntimeError if it fails; that it is stopped is no failure.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "femtogpt"]:
        del sys.modules[name]
    importlib.invalidate_caches()
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    module, *sys.argv[1:] = command
    with redirect_stdout(io.StringIO()) as output, redirect_stderr(io.StringIO()) as errors:
        try:
            if module == LINE:
                exec(LINE, {"__name__": "__main__"})
            else:
                runpy.run_module(module, run_name="__main__")
        except SystemExit as end:
            if end.code:
                raise RuntimeError(errors.getvalue()) from end
        except KeyboardInterrupt:
            if "stop" not in command:
                raise
        finally:
            sys.path.remove(str(folder))
    return output.getvalue()


class EditedCopy:
    """A folder with the product's code, a configuration and its data."""

    def __init__(self, folder: Path):
        self.folder, self.data = folder, folder / "data"
        self.config = folder / "small.yaml"

    @classmethod
    def create(cls, folder: Path, text: str = SMALL) -> EditedCopy:
        """A fresh copy of the product, with a configuration and no data."""
        for name in ("femtogpt", "conf"):
            ignore = shutil.ignore_patterns("__pycache__")
            shutil.copytree(ROOT / name, folder / name, ignore=ignore)
        copy = cls(folder)
        copy.config.write_text(text, encoding="utf-8")
        return copy

    def clone(self, folder: Path) -> EditedCopy:
        """The same once more, data and all."""
        shutil.copytree(self.folder, folder)
        return EditedCopy(folder)

    def edit(self, file: str, old: str, new: str) -> None:
        """Replace a text in a file of the code, or in the configuration."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")

    def add(self, file: str) -> None:
        """Add a line of code to a file."""
        with (self.folder / file).open("a", encoding="utf-8") as code:
            code.write("\nEDITED = 1\n")

    def make(self, *words: str) -> dict[str, str]:
        """Run the line up to the training; each stage's line."""
        return self._lines(LINE, str(self.config), "paths.data=data", *words)

    def why(self, *words: str, data: str = "data", remote: Path | None = None) -> dict[str, str]:
        """What ``femtogpt why`` says of each stage."""
        overrides = ["--set", f"paths.data={data}", *([f"paths.remote={remote}"] if remote else [])]
        command = ["femtogpt.cli", "why", "--config", str(self.config), *words, *overrides]
        return self._lines(*command)

    def _lines(self, *command: str) -> dict[str, str]:
        output = process().submit(printed, self.folder, *command).result(timeout=120)
        lines = re.findall(r"^(raw stories|\w+): (.*)$", output, re.MULTILINE)
        varying = r" in \d+\.\d s|\(?data/[^ )]*\)?"
        return {stage: re.sub(varying, "", line) for stage, line in lines}
