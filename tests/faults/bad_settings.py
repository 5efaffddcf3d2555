"""Configurations and files of sources that are wrong: types, keys, tabs, things YAML alone has."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.faults.given import Given, Make, texts
from tests.files import as_folder

GOOD: dict[str, Any] = {
    "seed": 1,
    "corpus": {"held_out": 0.1, "min_characters": 100, "near_duplicates": 0.8},
    "tokenizer": {"vocab_size": 400},
    "model": {"layers": 1, "width": 32, "heads": 2, "context": 32},
    "train": {"max_steps": 30, "batch_size": 4, "device": "cpu", "compile": False},
}
LARGEST = 10**12  # that a number can be meant to be
MAY_BE_NONE = {("train", "max_steps")}
FILES = ("моя.yaml", "mine.yaml", "source ")  # one of them is named by what is told of a file
OTHERS: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        -1,
        0,
        1.5,
        10**30,
        10**400,
        float("nan"),
        float("inf"),
        "",
        "много",
        [],
        {},
        [[]],
    ),
    *([1, 2], {"a": 1}, "2026-11-30", {"kind": "files"}, "1e999", "\ue000", ["x"] * 3, b"bytes"),
)
ODD = (
    *("", "# только слова\n", "просто слово\n", "- один\n- два\n", "42\n", "{", "a: b: c\n"),
    *("? [a]\n: 1\n", "? {a: 1}\n: 1\n", "1: 2\n", "null: 1\n", "seed: 2001-99-99\n"),
    *("seed: 0x_\n", "seed: 0b_\n", "seed: !!int x\n", "seed: !!float x\n", "seed: *none\n"),
    *("a: &a [*a]\n", "a: &a {b: *a}\n", "seed: !!binary '?'\n", "seed: !!python/name:os.x\n"),
    *("seed: !!timestamp x\n", "%YAML 9.9\n---\nseed: 1\n", "seed: 1\n---\nseed: 2\n"),
    *("seed: 1\nseed: 2\n", "<<: 1\n", "<<: [1]\n", "<<: {seed: 1}\n", "seed: !x 1\n"),
    *("extends: нет\n", "extends: [a]\n", "extends: 1\n", "extends: null\n", "name: [a]\n"),
    *("[" * 3000, "{a: " * 3000, "a:\n" + "- " * 3000, "seed: " + "9" * 5000 + "\n", "seed: ~\n"),
    *("\ufeffseed: 1\n", "seed: '\\0'\n", 'seed: "\\ud83d"\n', "seed: \x00\n", "seed: 1\r\n"),
    *("sources: !!set {a, b}\n", "sources: !!omap [a: 1]\n", "sources: !!pairs [a: 1]\n"),
)
HARMLESS = ("", "# только слова\n", "<<: {seed: 1}\n")  # after settings
CONTENTS = (b"\xff\xfe", b"\xd0", bytes(100), "seed: 1\nимя: я\n".encode("cp1251"), b"PK\x03\x04")


def places(value: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The path of each setting, sections too."""
    for name, inner in value.items():
        yield (*above, name)
        if isinstance(inner, dict):
            yield from places(inner, (*above, name))


def settings(draw: random.Random, folder: Path) -> dict[str, Any]:
    as_folder(folder / "тексты", dict(texts(draw, 4)))
    source = {"kind": "files", "path": str(folder / "тексты"), "weight": 1.0}
    return {"sources": {"mine": source}, **copy.deepcopy(GOOD)}


def changed(value: dict[str, Any], place: tuple[str, ...], to: Any) -> None:
    *above, last = place
    for name in above:
        value = value[name]
    value[last] = to


def fits(place: tuple[str, ...], to: Any, good: Any) -> bool:
    """Whether a value is of the type that a setting has; ``good`` is one that it may have."""
    if to is None:
        return place in MAY_BE_NONE
    if isinstance(good, dict):
        return to == {} and len(place) == 1  # all at their defaults
    if isinstance(good, bool):
        return type(to) is bool
    if isinstance(good, str):
        return isinstance(to, str)
    kinds = (int,) if isinstance(good, int) else (int, float)
    return type(to) in kinds and abs(to) <= LARGEST


def as_configuration(folder: Path, value: dict[str, Any] | str | bytes, what: str) -> Given:
    """A configuration to load and, if that goes, to make the corpus of."""
    path = folder / "моя.yaml"
    if isinstance(value, dict):
        value = yaml.safe_dump(value, allow_unicode=True)
    path.write_bytes(value if isinstance(value, bytes) else value.encode("utf-8"))
    return Given(what, path, kind="configuration", may_stop=True, told=FILES)


def as_source(folder: Path, value: dict[str, Any] | str | bytes, what: str) -> Given:
    """A file of a source, which a configuration beside it names."""
    (folder / "sources").mkdir()
    given = as_configuration(folder / "sources", value, what)
    given.path.rename(folder / "sources/mine.yaml")
    given.path = folder / "моя.yaml"
    given.path.write_text("sources: [mine]\n", encoding="utf-8")
    given.what = f"{what}, in a source"
    return given


def either(draw: random.Random, folder: Path, change: Callable[[dict[str, Any]], str]) -> Given:
    """The configuration or the source's file with a change, drawn."""
    value = settings(draw, folder)
    if draw.random() < 0.7:
        return as_configuration(folder, value, change(value))
    source = value["sources"]["mine"]
    return as_source(folder, source, change(source))


def wrong_type(draw: random.Random, folder: Path) -> Given:
    """A value that is not of its setting's type has to be refused, and the setting named."""
    found: list[Any] = []

    def change(value: dict[str, Any]) -> str:
        place, to = draw.choice(list(places(value))), draw.choice(OTHERS)
        found.extend((place, fits(place, to, at(value, place))))
        changed(value, place, to)
        return f"{'.'.join(place)} is {str(to)[:40]}"

    given = either(draw, folder, change)
    place, is_right = found
    given.told = (place[-1], *(["source "] if place == ("sources",) else []))
    given.refused = not is_right
    return given


def unknown_key(draw: random.Random, folder: Path) -> Given:
    """A key that is none has to be named."""
    key = draw.choice(("trian", "ключ", "max_step", "a b", "Seed", "x" * 300, "-", "a.b"))

    def change(value: dict[str, Any]) -> str:
        inner = [place for place in places(value) if isinstance(at(value, place), dict)]
        place = draw.choice([(), *(place for place in inner if place != ("sources",))])
        changed(value, (*place, key), draw.choice(OTHERS))
        return f"{'.'.join(place)} has {key[:10]!r}"

    given = either(draw, folder, change)
    given.told, given.refused = (key,), True
    return given


def at(value: Any, place: tuple[str, ...]) -> Any:
    for name in place:
        value = value[name]
    return value


def with_tabs(draw: random.Random, folder: Path) -> Given:
    """Read as if they were spaces, or refused."""

    def tabbed(value: dict[str, Any]) -> str:
        lines = yaml.safe_dump(value, allow_unicode=True).split("\n")
        for number in draw.sample(range(len(lines)), draw.randint(1, len(lines))):
            spaces = len(lines[number]) - len(lines[number].lstrip(" "))
            form = draw.choice(("instead of spaces", "after the colon", "at the end"))
            if form == "instead of spaces":
                lines[number] = "\t" * (spaces // 2) + lines[number][spaces:]
            elif form == "after the colon":
                lines[number] = lines[number].replace(": ", ":\t", 1)
            else:
                lines[number] += "\t"
        return "\n".join(lines)

    value = settings(draw, folder)
    if draw.random() < 0.7:
        given = as_configuration(folder, tabbed(value), "tabs")
        given.settings = value
    else:
        given = as_source(folder, tabbed(value["sources"]["mine"]), "tabs")
        given.settings = {"sources": value["sources"]}
    return given


def no_settings(draw: random.Random, folder: Path) -> Given:
    """What YAML allows and no configuration is, and what is no YAML at all."""
    odd = draw.choice((*ODD, *ODD, *CONTENTS))
    good = yaml.safe_dump(settings(draw, folder), allow_unicode=True)
    make = as_configuration if draw.random() < 0.7 else as_source
    if isinstance(odd, str) and draw.random() < 0.3:
        given = make(folder, f"{good}{odd}", f"settings and {odd[:30]!r}")
        given.refused = odd not in HARMLESS
    else:
        given = make(folder, odd, repr(odd[:30]))
        given.refused = True
    return given


KINDS: dict[str, Make] = {
    "settings of a wrong type": wrong_type,
    "settings with unknown keys": unknown_key,
    "settings with tabs": with_tabs,
    "settings that are none": no_settings,
}
