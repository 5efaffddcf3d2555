"""The results of a sweep: a table, a picture, and the best configuration."""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from femtogpt.artifacts.disk import explain_os_errors, write_atomic
from femtogpt.config_file import nested
from femtogpt.evaluation.metric_registry import RANKING
from femtogpt.sweep.sweep_config import SweepConfig

BASELINE_COLOUR = "0.6"  # gray
TABLE, PICTURE, BEST = "table.md", "sweep.png", "best.yaml"


def write_sweep(sweep: SweepConfig, trials: list[dict[str, Any]], folder: Path) -> None:
    """Write ``table.md``, ``sweep.png`` and, if a trial is complete, ``best.yaml``."""
    with explain_os_errors(folder):
        write_atomic(folder / TABLE, table(sweep, trials).encode())
        picture(sweep, trials, folder / PICTURE)
        ranked = _ranked(trials)
        if ranked and ranked[0]["bits"] is not None:
            write_atomic(folder / BEST, best(sweep, ranked[0]).encode())


def table(sweep: SweepConfig, trials: list[dict[str, Any]]) -> str:
    """The trials as a Markdown table, best first; pruned ones show their best estimate."""
    names, metrics = list(sweep.settings), _metrics(trials)
    heads = [
        "bits per character",
        *names,
        *(name.replace("_", " ") for name in metrics),
        "steps",
        "M tokens",
        "minutes",
        "trial",
    ]
    lines = ["| " + " | ".join(heads) + " |", "|" + " --- |" * len(heads)]
    for trial in _ranked(trials):
        cells = [_bits(trial), *(_value(trial["chosen"][name]) for name in names)]
        values = trial.get("metrics", {})
        cells += [_value(values[name]) if name in values else "" for name in metrics]
        cells += [f"{trial['steps']:,}", f"{trial['tokens'] / 1e6:.2f}"]
        cells += [f"{trial['seconds'] / 60:.1f}", str(trial["number"])]
        lines.append("| " + " | ".join(cells) + " |")
    if baselines := _baselines(trials):
        told = (f"{title}: {_range(low, high)}" for title, (low, high) in baselines.items())
        lines += ["", f"Baselines, in bits per character: {' · '.join(told)}"]
    return "\n".join(lines) + "\n"


def _baselines(trials: list[dict[str, Any]]) -> dict[str, tuple[float, float]]:
    """The least and the most bits per character of each baseline, by title.

    They differ where the sweep varies the text or the tokenizer.
    """
    figures: dict[str, list[float]] = {}
    for trial in trials:
        for title, bits in trial.get("baselines", {}).items():
            figures.setdefault(title, []).append(bits)
    return {title: (min(every), max(every)) for title, every in figures.items()}


def _range(low: float, high: float) -> str:
    shown = f"{low:.3f}", f"{high:.3f}"
    return " to ".join(dict.fromkeys(shown))


def _metrics(trials: list[dict[str, Any]]) -> list[str]:
    """The evaluation metrics of any trial, besides the one that ranks them."""
    names = dict.fromkeys(name for trial in trials for name in trial.get("metrics", {}))
    return [name for name in names if name != RANKING]


def best(sweep: SweepConfig, trial: dict[str, Any]) -> str:
    """The configuration of a trial as YAML for ``make pipeline CONF=…``."""
    path = Path(sweep.config)
    base = str(path.absolute()) if path.suffix in (".yaml", ".yml") else sweep.config
    settings = {"extends": base, "name": path.stem, **nested({**sweep.changes, **trial["chosen"]})}
    text = yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)
    return (
        f"# The best of {sweep.name}: {trial['bits']:.4f} held-out bits per character"
        f" (trial {trial['number']}).\n{text}"
    )


def picture(sweep: SweepConfig, trials: list[dict[str, Any]], path: Path) -> None:
    """Held-out bits per character against each setting, as a PNG; pruned trials are crosses."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = list(sweep.settings)
    columns = min(3, len(names))
    rows = math.ceil(len(names) / columns)
    size = (1 + 3.6 * columns, 3.4 * rows)
    figure, grid = pyplot.subplots(rows, columns, figsize=size, dpi=120, squeeze=False, sharey=True)
    for axes, name in zip(grid.flat, names, strict=False):
        _panel(axes, name, sweep, trials)
        for title, (low, high) in _baselines(trials).items():
            axes.axhspan(low, high, color=BASELINE_COLOUR, linewidth=1)
            label = f"{title}: {_range(low, high)}"
            axes.annotate(label, (0, high), xycoords=axes.get_yaxis_transform(), fontsize=6)
    for axes in grid[:, 0]:
        axes.set_ylabel("held-out bits per character")
    for axes in list(grid.flat)[len(names) :]:
        axes.remove()
    figure.suptitle(sweep.name)
    figure.tight_layout()
    drawing = io.BytesIO()
    figure.savefig(drawing, format="png")
    pyplot.close(figure)
    write_atomic(path, drawing.getvalue())


def _panel(axes: Any, name: str, sweep: SweepConfig, trials: list[dict[str, Any]]) -> None:
    values = sweep.settings[name]
    position: Callable[[Any], float] = float
    labels = None
    if isinstance(values, list):  # side by side, in the sweep's order
        labels = [_value(value) for value in values]
        position = values.index
    elif values.scale == "log":
        axes.set_xscale("log")
    for state, marker, colour in (("complete", "o", "C0"), ("pruned", "x", "C3")):
        points = [
            (position(trial["chosen"][name]), _bits_so_far(trial))
            for trial in trials
            if trial["state"] == state and _bits_so_far(trial) is not None
        ]
        if points:
            axes.scatter(*zip(*points, strict=True), marker=marker, color=colour, label=state)
    ranked = _ranked(trials)
    if ranked and ranked[0]["bits"] is not None:
        axes.axhline(ranked[0]["bits"], color="black", linewidth=0.7, linestyle=":")
    if labels:
        axes.set_xticks(range(len(labels)), labels)
        axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_xlabel(name)
    axes.grid(alpha=0.3)


def _ranked(trials: list[dict[str, Any]]) -> list[dict[str, Any]]:
    def key(trial: dict[str, Any]) -> tuple[bool, float]:
        bits = _bits_so_far(trial)
        return trial["bits"] is None, math.inf if bits is None else bits

    return sorted(trials, key=key)


def _bits_so_far(trial: dict[str, Any]) -> float | None:
    return trial["best_estimate"] if trial["bits"] is None else trial["bits"]


def _bits(trial: dict[str, Any]) -> str:
    if trial["bits"] is not None:
        return f"{trial['bits']:.4f}"
    if trial["state"] == "failed":
        return f"failed: {trial['why'].split(':')[0]}"
    return f"pruned at {trial['best_estimate']:.4f}"


def trial_name(chosen: dict[str, Any]) -> str:
    """The chosen settings in a few words: ``layers 4, width 256``."""
    return ", ".join(f"{name.split('.')[-1]} {_value(value)}" for name, value in chosen.items())


def _value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
