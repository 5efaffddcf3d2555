"""``femtogpt runs``: the trained models of a data folder, and those in training."""

from __future__ import annotations

import json
import logging
import textwrap
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from femtogpt.artifacts.disk import file_digest
from femtogpt.artifacts.inventory import Entry, entries, is_busy
from femtogpt.artifacts.lines import read_lines
from femtogpt.commands.table import millions, table
from femtogpt.model.files import SETTINGS_FILE
from femtogpt.training.metrics import BITS, METRICS_FILE, read_metrics

SHORTEST = 6  # digits of a name
TRAINING = "training now"  # how the state of a run begins that a process trains
SETTINGS_CHARACTERS = 48  # of a configuration and its changes, in the table
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """A trained model, or one in training."""

    name: str
    short: str  # the beginning of its digest that no other run has, as ``--run`` takes it
    configuration: str | None
    changes: list[str]  # settings that were not the configuration's
    layers: int
    width: int
    parameters: int | None
    sources: list[str]
    tokens: int | None  # of the text, once
    held_out_bits_per_character: float | None
    is_estimate: bool  # on a part of the held-out text
    date: str  # when it ended or, if it has not, wrote last
    state: str

    @property
    def is_training(self) -> bool:
        """Whether a process trains it at present."""
        return self.state.startswith(TRAINING)


def runs(data: Path) -> list[Run]:
    """The trainings in a data folder, the newest last."""
    found = entries(data)
    trainings = (entry for entry in found if entry.kind == "run" and not entry.is_leftover)
    begun = [(entry, settings) for entry in trainings if (settings := _settings(entry)) is not None]
    digests = [entry.digest for entry, _ in begun]
    return [
        _run(data, entry, _short(entry.digest, digests), settings, found)
        for entry, settings in begun
    ]


def _short(digest: str, digests: list[str]) -> str:
    for length in range(SHORTEST, len(digest)):
        if sum(other.startswith(digest[:length]) for other in digests) == 1:
            return digest[:length]
    return digest


def _settings(entry: Entry) -> dict[str, Any] | None:
    """The settings of a training; None if it has not begun, or if they are damaged."""
    file = entry.path / SETTINGS_FILE
    if not file.exists():
        return None
    known = entry.about.get("files", {}).get(SETTINGS_FILE)
    with suppress(OSError, ValueError):
        if known is None or file_digest(file) == known["sha256"]:
            settings: dict[str, Any] = json.loads(file.read_bytes())
            return settings
    log.warning("%s is left out, its settings are damaged: make pipeline mends it", entry.name)
    return None


def _run(
    data: Path, entry: Entry, short: str, settings: dict[str, Any], found: Iterable[Entry]
) -> Run:
    counts = entry.about.get("counts") or {}
    lines: list[dict[str, Any]] = []
    with suppress(OSError, ValueError):
        lines = read_metrics(entry.path / METRICS_FILE)
    bits = _evaluated(entry, found) if entry.finished else None
    estimates = [line[BITS] for line in lines if BITS in line]
    return Run(
        name=entry.name.replace(".partial", "").replace("/.", "/"),
        short=short,
        configuration=entry.configuration.get("name") or _user(data, entry),
        changes=list(entry.configuration.get("changes") or ()),
        layers=settings["model"]["layers"],
        width=settings["model"]["width"],
        parameters=counts.get("parameters"),
        sources=list(settings.get("weights") or {}),
        tokens=_text(entry, found),
        held_out_bits_per_character=bits if bits is not None else next(reversed(estimates), None),
        is_estimate=bits is None and bool(estimates),
        date=entry.made.astimezone().strftime("%Y-%m-%d %H:%M"),
        state=_state(data, entry, settings, lines),
    )


def _user(data: Path, entry: Entry) -> str | None:
    """The configuration that used a run last, where version 0.1 did not record who made it."""
    lines = read_lines(data).items()
    return next((name for name, line in lines if entry.key in line.last.values()), None)


def _state(data: Path, entry: Entry, settings: dict[str, Any], lines: list[dict[str, Any]]) -> str:
    if entry.finished:
        return "finished"
    step = lines[-1]["step"] if lines else 0
    progress = f"step {step:,} of {settings['train']['max_steps']:,}"
    return f"{TRAINING}, {progress}" if is_busy(data, entry) else f"half-finished at {progress}"


def _evaluated(run: Entry, found: Iterable[Entry]) -> float | None:
    """Held-out bits per character of the newest evaluation of a run."""
    content = run.about.get("content")
    for entry in reversed(list(found)):
        if entry.kind == "evaluation" and entry.finished and _input(entry, "run") == content:
            bits: float | None = entry.about["counts"].get("held_out_bits_per_character")
            return bits
    return None


def _text(run: Entry, found: Iterable[Entry]) -> int | None:
    """Tokens of the text that a model was trained on."""
    content = _input(run, "tokens")
    for entry in found:
        if entry.kind == "tokens" and entry.finished and entry.about.get("content") == content:
            tokens: int | None = entry.about["counts"].get("train_tokens")
            return tokens
    return None


def _input(entry: Entry, name: str) -> Any:
    return (entry.about.get("inputs") or {}).get(name)


def listing(found: list[Run], data: Path) -> str:
    """The runs as a table."""
    if not found:
        return f"{data} holds no trained model yet: make pipeline trains one"
    rows = [
        (
            run.short,
            "—" if run.is_training else run.date,
            _shortened(run),
            f"{run.layers} × {run.width}"
            + (f", {millions(run.parameters)}" if run.parameters else ""),
            ", ".join(run.sources)
            + (f", {millions(run.tokens)} tokens" if run.tokens is not None else ""),
            _bits(run),
            run.state,
        )
        for run in found
    ]
    head = ("run", "ended", "configuration", "model", "text", "held out, bits/char", "state")
    return table(head, rows)


def _shortened(run: Run) -> str:
    """Its configuration, and what was changed of it."""
    words = " ".join([run.configuration or "—", *run.changes])
    return textwrap.shorten(words, SETTINGS_CHARACTERS, placeholder=" …")


def _bits(run: Run) -> str:
    if run.held_out_bits_per_character is None:
        return "—"
    return f"{'≈ ' if run.is_estimate else ''}{run.held_out_bits_per_character:.3f}"


def as_json(found: list[Run]) -> str:
    """The runs for programs."""
    return json.dumps([asdict(run) for run in found], ensure_ascii=False)
