"""An export from beginning to end: the files, the card, and what a person is told."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import gguf

from femtogpt.artifacts.disk import write_atomic
from femtogpt.errors import UserError
from femtogpt.export.card import Card
from femtogpt.export.destination import explained, new_file, new_folder
from femtogpt.export.gguf_file import VERSION, names_like_signs, write_gguf_model
from femtogpt.export.huggingface import write_hf_model
from femtogpt.export.known_of_run import RunFacts, facts_of
from femtogpt.export.model_card import SHOWN, model_card
from femtogpt.export.ollama import FIRST_LINE, modelfile
from femtogpt.export.sample_texts import Memorised, memorised, write_texts
from femtogpt.export.trained_model import TrainedModel

EXPORTS = Path("exports")
CARD, MODELFILE = "README.md", "Modelfile"
LOOKED_UP = 10  # texts of which it is told how much stands verbatim in the train split
log = logging.getLogger(__name__)


def export_hf(run: Path, to: Path | None, type: str) -> Iterator[str]:
    """Export a run for transformers, by default below EXPORTS; yields lines on what was done.

    Raises UserError if there is no model in the run's folder, or if ``to`` cannot be written.
    """
    model, facts = TrainedModel.load(run), facts_of(run)
    folder = to or EXPORTS / f"{facts.name}-hf"
    with new_folder(folder) as partial:
        write_hf_model(model, partial, type, facts.samples)
        count = LOOKED_UP if facts.text_index else SHOWN
        samples = write_texts(run, facts.samples, facts.seed, count)
        known = memorised(facts.text_index, samples)
        card = Card(facts, model.shape, len(model.vocabulary.pieces), samples, known)
        (partial / CARD).write_text(model_card(card), encoding="utf-8")
    yield f'written: {folder}; load it with AutoModelForCausalLM.from_pretrained("{folder}")'
    yield _of_memory(known)
    _warn(facts)


def export_gguf(run: Path, to: Path | None, type: str) -> Iterator[str]:
    """Export a run for llama.cpp and Ollama; yields lines on what was done.

    ``to`` is a file that ends in .gguf or a folder, by default one below EXPORTS. The Modelfile
    comes beside it. Raises UserError as ``export_hf``.
    """
    model, facts = TrainedModel.load(run), facts_of(run)
    to = to or EXPORTS / f"{facts.name}-gguf"
    file = to if to.suffix.lower() == ".gguf" else to / f"{facts.name}-{type}.gguf"
    recipe = file.with_name(MODELFILE)
    _check_files(file, recipe)
    with new_file(file) as partial:
        write_gguf_model(model, partial, type, facts.name)
    with explained(recipe):
        write_atomic(recipe, modelfile(file.name, model.shape.context, facts.samples).encode())
    yield f"written: {file}, and {recipe}: ollama create {facts.name} -f {recipe}"
    if facts.text_index:
        samples = write_texts(run, facts.samples, facts.seed, LOOKED_UP)
        yield _of_memory(memorised(facts.text_index, samples))
    else:
        yield _of_memory(None)
    _warn(facts)
    for name in names_like_signs(model.vocabulary):
        log.warning("warning: llama.cpp may take the piece %s for the end of a text", name)


def _of_memory(known: Memorised | None) -> str:
    if known is None:
        return "memory: not looked up, as there is no index of the training texts"
    return (
        f"memory: of {known.texts} texts that it wrote, {known.share:.1%} of the characters are in"
        " stretches of 50 or more that stand verbatim in the training texts; the longest"
        f" stretch of any length has {known.longest:,}"
    )


def _warn(facts: RunFacts) -> None:
    if facts.private:
        log.warning(
            "warning: the training texts hold conversations of people (%s), and the model may"
            " repeat what was said in them: do not pass it on without their consent",
            ", ".join(facts.private),
        )


def _check_files(file: Path, recipe: Path) -> None:
    """Raise UserError if one of these exists and is not of an export."""
    if file.parent.is_file():
        raise UserError(
            f"{file.parent} is a file: with --to name a folder, or a file that ends in .gguf"
        )
    if file.exists() and not _is_ours(file):
        raise UserError(f"{file} was not written by femtogpt export: name another file with --to")
    try:
        first, *_ = recipe.read_text(encoding="utf-8").split("\n")
    except FileNotFoundError:
        return
    except (OSError, UnicodeDecodeError):
        first = ""
    if first != FIRST_LINE:
        raise UserError(
            f"{recipe} was not written by femtogpt export: name another folder with --to"
        )


def _is_ours(file: Path) -> bool:
    try:
        return VERSION in gguf.GGUFReader(file).fields
    except (OSError, ValueError, LookupError):
        return False
