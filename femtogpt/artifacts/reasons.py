"""Why an artifact has to be made, in words: its recipe compared with an earlier one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from femtogpt.artifacts.artifact import Recipe

MAX_LISTED = 3  # reasons, or modules in a reason, that are named; the others are counted
MAX_VALUE_CHARACTERS = 40  # of a value that is shown
_MISSING = object()


def differences(recipe: Recipe, earlier: Mapping[str, Any]) -> list[str]:
    """How a recipe differs from that in a manifest: in settings, inputs and the code if it counts.

    Empty if they do not differ.
    """
    before = earlier.get("config") or {}
    if "code" not in earlier:  # femtogpt 0.1's, which may have had other settings
        before = _shared(before, recipe.config)
    return [
        *_settings(recipe, before),
        *_inputs(recipe, earlier.get("inputs") or {}),
        *(code_differences(recipe, earlier) if recipe.version is None else []),
    ]


def code_differences(recipe: Recipe, earlier: Mapping[str, Any]) -> list[str]:
    """How the code differs, in one phrase or none."""
    before = earlier.get("code")
    if not isinstance(before, Mapping):
        return ["the previous one was made by femtogpt 0.1"] if recipe.code else []
    changed = [name for name in recipe.code if before.get(name, "") not in ("", recipe.code[name])]
    added = [name for name in recipe.code if name not in before]
    removed = [name for name in before if name not in recipe.code]
    if modules := [*changed, *added, *removed]:
        return [f"the code of {listed(modules)} changed"]
    return []


def because(reasons: Iterable[str]) -> str:
    """Reasons as the end of a sentence: ``, because …``."""
    words = listed(reasons)
    return f", because {words}" if words else ""


def listed(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``, ``a, b, c and 4 more``."""
    words = list(words)
    if len(words) > MAX_LISTED:
        words = [*words[:MAX_LISTED], f"{len(words) - MAX_LISTED} more"]
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _settings(recipe: Recipe, before: Mapping[str, Any]) -> Iterator[str]:
    """Each setting that changed; settings with the same phrase are named once."""
    phrases = set()
    for path, old, new in _changes(before, recipe.config):
        name, is_phrase = _named(path, recipe.names)
        phrase = f"{name} changed" if is_phrase else f"{name} {_change(old, new)}"
        if phrase not in phrases:
            phrases.add(phrase)
            yield phrase


def _shared(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """``before`` with the settings of ``after``: one that only one version has did not change."""
    shared = {name: value for name, value in before.items() if name in after}
    for name, value in after.items():
        if isinstance(value, Mapping) and isinstance(shared.get(name), Mapping):
            shared[name] = _shared(shared[name], value)
        shared.setdefault(name, value)
    return shared


def _changes(
    before: Mapping[str, Any], after: Mapping[str, Any], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], Any, Any]]:
    """The leaves in which nested settings differ: path, old and new value."""
    for name in dict.fromkeys([*after, *before]):
        old, new = before.get(name, _MISSING), after.get(name, _MISSING)
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            yield from _changes(old, new, (*above, name))
        elif _plain(old) != _plain(new):
            yield (*above, name), old, new


def _plain(value: Any) -> Any:
    """A value as it is read back from JSON."""
    return list(value) if isinstance(value, tuple) else value


def _named(path: tuple[str, ...], names: Mapping[str, str]) -> tuple[str, bool]:
    """A setting as a person writes it, and whether that is a phrase in place of a name."""
    first, *rest = path
    pattern = names.get(first)
    if pattern is None:
        pattern, rest = names.get("", ""), [*path]
    if "*" in pattern and rest:
        pattern, rest = pattern.replace("*", rest[0]), rest[1:]
    if pattern.startswith("="):
        return pattern[1:], True
    return ".".join([*filter(None, [pattern.rstrip(".")]), *rest]), False


def _change(old: Any, new: Any) -> str:
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        gone = [str(value) for value in old if value not in new]
        come = [str(value) for value in new if value not in old]
        parts = [f"lost {listed(gone)}"] * bool(gone) + [f"gained {listed(come)}"] * bool(come)
        words = " and ".join(parts) if parts else "is in another order"
        return words if len(words) <= 2 * MAX_VALUE_CHARACTERS else "changed"
    if isinstance(new, Mapping) or (old is _MISSING and not _is_short(new)):
        return "is new"
    if isinstance(old, Mapping) or (new is _MISSING and not _is_short(old)):
        return "is no longer there"
    if old is _MISSING:
        return f"is new, {_value(new)}"
    if new is _MISSING:
        return f"is no longer there, it was {_value(old)}"
    if not (_is_short(old) and _is_short(new)):
        return "changed"
    return f"changed from {_value(old)} to {_value(new)}"


def _is_short(value: Any) -> bool:
    return (
        not isinstance(value, list | tuple | Mapping) and len(_value(value)) <= MAX_VALUE_CHARACTERS
    )


def _value(value: Any) -> str:
    """A value as in a configuration's YAML."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != "" else "''"


def _inputs(recipe: Recipe, before: Mapping[str, str]) -> Iterator[str]:
    labels = {
        name: name if artifact.kind == name else f"{artifact.kind} {name}"
        for name, artifact in recipe.inputs.items()
    }
    changed = [
        labels[name]
        for name, artifact in recipe.inputs.items()
        if before.get(name, artifact.content) != artifact.content
    ]
    if changed:
        yield f"{listed(changed)} changed"
    yield from (f"{label} is new" for name, label in labels.items() if name not in before)
    yield from (f"{name} is no longer there" for name in before if name not in labels)
