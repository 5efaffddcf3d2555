"""Comparing arms with a base, seed by seed."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

ENOUGH_SEEDS = 3
ENOUGH_ERRORS = 2.0  # standard deviations of the paired mean that a gain must be worth
FIGURE = "bits_per_character"


def paired_difference(
    ours: Mapping[int, float], theirs: Mapping[int, float]
) -> tuple[float, float]:
    """The mean of ours − theirs over common seeds, and its standard error (0 for one seed)."""
    differences = [ours[seed] - theirs[seed] for seed in ours if seed in theirs]
    mean = statistics.mean(differences)
    if len(differences) == 1:
        return mean, 0.0
    return mean, statistics.stdev(differences) / len(differences) ** 0.5


def mean_ratio(ours: Mapping[int, float], theirs: Mapping[int, float]) -> float:
    """The mean of ours / theirs over the seeds that both have."""
    return statistics.mean(ours[seed] / theirs[seed] for seed in ours if seed in theirs)


def verdict(difference: float, error: float, seeds: int) -> str:
    """Whether a difference in bits per character is a gain, by CONTRIBUTING.md's rule."""
    if seeds < ENOUGH_SEEDS:
        return "too few seeds"
    if abs(difference) < ENOUGH_ERRORS * error or not difference:
        return "no difference"
    return "adopt" if difference < 0 else "worse"


def figures(records: Mapping[int, Mapping[str, Any]], name: str = FIGURE) -> dict[int, float]:
    """A figure of an arm by seed; a training that failed has none."""
    return {seed: record[name] for seed, record in records.items() if "failure" not in record}


def compare(
    records: Mapping[str, Mapping[int, Mapping[str, Any]]], base: str
) -> list[dict[str, Any]]:
    """A row for each arm: its figures, and the paired difference from the arm ``base``."""
    theirs, rows = figures(records[base]), []
    for arm, by_seed in records.items():
        ours = figures(by_seed)
        row: dict[str, Any] = {"arm": arm, "seeds": len(ours), FIGURE: ours}
        row["failures"] = [record["failure"] for record in by_seed.values() if "failure" in record]
        if ours:
            row["mean"] = statistics.mean(ours.values())
            row["deviation"] = statistics.stdev(ours.values()) if len(ours) > 1 else 0.0
            for name in ("steps", "seconds"):
                row[name] = statistics.mean(figures(by_seed, name).values())
        if arm != base and ours.keys() & theirs.keys():
            difference, error = paired_difference(ours, theirs)
            row |= {"difference": difference, "error": error}
            row["verdict"] = verdict(difference, error, len(ours.keys() & theirs.keys()))
        rows.append(row)
    return rows


def shown(rows: list[dict[str, Any]]) -> str:
    """The rows as a table in Markdown."""
    lines = [
        "| arm | n | bits per character | difference from the first | verdict | steps | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        cells = [row["arm"], str(row["seeds"]), "", "", "; ".join(row["failures"]), "", ""]
        if "mean" in row:
            cells[2] = f"{row['mean']:.4f} ± {row['deviation']:.4f}"
            cells[5:] = [f"{row['steps']:,.0f}", f"{row['seconds']:,.0f}"]
        if "difference" in row:
            cells[3] = f"{row['difference']:+.4f} ± {row['error']:.4f}".replace("-", "−")
            cells[4] = "; ".join([row["verdict"], *row["failures"]])
        lines.append(f"| {' | '.join(cells)} |")
    notes = "± of a figure is its standard deviation, ± of a difference the standard error of its"
    return "\n".join([*lines, "", f"{notes} paired mean."])
