"""The settings: what a person gave, what was derived from that, and what is as always."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from femtogpt.report.html_parts import Html, folded, joined, note, short, table, tag
from femtogpt.report.run_facts import RunFacts
from femtogpt.report.wording import Wording

VALUE = 160  # characters
SOURCES = 30  # whose weights are told
SHAPE = ("layers", "width", "heads")
# What is derived where it is not given: the setting, and the phrase that says from what.
DERIVED = {
    **{f"model.{name}": "from_size" for name in SHAPE},
    "train.batch_size": "from_width",
    "train.learning_rate": "from_width",
    "train.beta2": "from_batch",
    "train.epochs": "from_parameters",
    "train.max_steps": "from_epochs",
    "train.weight_decay": "from_steps",
    "train.evaluate_every": "part_of_steps",
    "train.checkpoint_every": "part_of_steps",
    "train.sample_every": "part_of_steps",
}
CHOSEN = ("model.size", *(f"model.{name}" for name in SHAPE), "train.max_steps", "train.batch_size")
# Sections of which the artifact of a kind keeps the settings, and which of these it keeps.
KEPT = {
    "corpus": ("held_out", "unit", "min_characters", "min_cyrillic", "near_duplicates"),
    "tokenizer": ("vocab_size", "character_coverage", "special"),
    "samples": ("tokens", "temperature", "top_k", "top_p"),
}


def settings(facts: RunFacts, words: Wording) -> Html:
    """Settings by where they come from."""
    origin = facts.manifest.get("configuration") or {}
    known, every = origin.get("given"), dict(_settings(facts))
    if not every:
        return Html()
    groups: dict[str, list[tuple[object, ...]]] = {"given": [], "derived": [], "default": []}
    changed = {change.partition("=")[0] for change in origin.get("changes", ())}
    for name, value in every.items():
        group = _group(name, value, known, changed, every)
        reason = _reason(name, group, changed, every, words)
        groups[group].append((tag("code", name), shown(value, words), reason))
    parts = [] if known is not None else [note(words("origin_unknown"))]
    heads = {"given": "settings_given", "derived": "settings_derived"}
    for group, title in heads.items():
        if rows := groups[group]:
            parts += [tag("h3", words(title)), table(_head(words), rows)]
    if rows := groups["default"]:
        title = words("settings_default" if known is not None else "other_settings")
        parts.append(folded(title, table(_head(words)[:2], (row[:2] for row in rows))))
    return joined([*parts, *_origins(facts, words)])


def _head(words: Wording) -> list[str]:
    return [words("setting"), words("value"), words("origin")]


def _settings(facts: RunFacts) -> Iterator[tuple[str, Any]]:
    """Every setting that is kept, by its name in a configuration."""
    if "seed" in facts.settings:
        yield "seed", facts.settings["seed"]
    for section in ("model", "train"):
        for name, value in facts.settings.get(section, {}).items():
            yield f"{section}.{name}", value
    for source, weight in [*facts.settings.get("weights", {}).items()][:SOURCES]:
        yield f"sources.{source}.weight", weight
    for kind, names in KEPT.items():
        kept = facts.manifest_of(kind).get("config", {})
        for name in names:
            if name in kept:
                yield f"{kind}.{name}", kept[name]


def _group(
    name: str, value: Any, known: list[str] | None, changed: set[str], every: Mapping[str, Any]
) -> str:
    if name in changed or name in (known or ()):
        return "given"
    derived = name in DERIVED and value is not None
    if known is None or not derived:
        return "default"
    if name.startswith("model.") and every.get("model.size") is None and not _is_chosen(every):
        return "default"
    return "derived"


def _is_chosen(every: Mapping[str, Any]) -> bool:
    """Whether size and length were chosen for a time."""
    return every.get("train.hours") is not None


def _reason(
    name: str, group: str, changed: set[str], every: Mapping[str, Any], words: Wording
) -> str:
    if group == "given":
        return words("from_command" if name in changed else "from_configuration")
    if group == "derived" and _is_chosen(every) and name in CHOSEN:
        return words("chosen_for_hours", time=words.duration(3600 * every["train.hours"]))
    return words(DERIVED[name]) if group == "derived" else ""


def shown(value: Any, words: Wording) -> Html | str:
    """A setting's value as a person reads it."""
    if value is None:
        return tag("span", words("none"), of="note")
    if isinstance(value, bool):
        return words("yes" if value else "no")
    if isinstance(value, int):
        return words.whole(value)
    if isinstance(value, float):
        return words.whole(int(value)) if value.is_integer() else words.significant(value, 4)
    if isinstance(value, list | tuple):
        return short(", ".join(str(part) for part in value), VALUE) or words("none")
    return short(value, VALUE)


def _origins(facts: RunFacts, words: Wording) -> Iterator[Html]:
    """Other runs that this one began with, learned from, or goes on from."""
    rows = [(words("began_with"), it) for it in facts.settings.get("lineage", ())]
    if teacher := facts.settings.get("teacher"):
        rows.append((words("taught_by"), teacher))
    if rows:
        yield tag("h3", words("other_runs"))
        yield table(
            (words("role"), words("weights_digest")),
            [(role, tag("code", str(it.get("weights", "")), of="digest")) for role, it in rows],
        )
    for part in facts.settings.get("continuations", ()):
        yield note(words("goes_on_from", step=part["step"]))
