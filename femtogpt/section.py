"""What all groups of settings have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, TypeGuard, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

LARGEST = 10**12  # of a number without a bound of its own: no disk here holds, no run does so many
_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
}


class Section(BaseModel):
    """A group of settings: unknown keys are errors, and values never change.

    A switch is no number and a number no switch, though Python takes True for 1: YAML reads a bare
    ``yes`` or ``on`` as true, where another word was meant.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @field_validator("*", mode="before")
    @classmethod
    def _of_its_kind(cls, value: Any, info: ValidationInfo) -> Any:
        field = cls.model_fields[info.field_name or ""]
        kinds = list(_kinds(field.annotation))
        is_bounded = any(hasattr(bound, "le") or hasattr(bound, "lt") for bound in field.metadata)
        for one in _scalars(value):
            if not any(_may_be(kind, one) for kind in kinds):
                wanted = " or ".join(dict.fromkeys(map(_in_words, kinds)))
                raise ValueError(f"it is {_shown(one)}, and has to be {wanted}")
            if not is_bounded and isinstance(one, int | float) and abs(one) > LARGEST:
                raise ValueError(f"it is too large to be meant (allowed: ≤ {LARGEST:,})")
        return value


def is_count(value: Any) -> TypeGuard[int]:
    """Whether a value that is not validated yet can be a whole number of something."""
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) <= LARGEST


def _kinds(annotation: Any) -> Iterator[Any]:
    """The types in an annotation, and the values of its literals, but for None."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _kinds(get_args(annotation)[0])
    elif origin is Literal:
        yield annotation
    elif origin in (Union, UnionType) or origin in (tuple, list, set, frozenset):
        for part in get_args(annotation):
            yield from _kinds(part)
    elif annotation not in (None, NoneType, Ellipsis):
        yield annotation


def _scalars(value: Any) -> Iterator[bool | int | float | bytes]:
    """The switches, numbers and bytes in a value, which pydantic would take for one another."""
    if isinstance(value, bool | int | float | bytes):
        yield value
    elif isinstance(value, list | tuple):
        for one in value:
            yield from _scalars(one)


def _may_be(kind: Any, value: bool | int | float | bytes) -> bool:
    """Whether a value may be of a kind; its range, and whether it is whole, are not looked at."""
    if get_origin(kind) is Literal:
        return any(type(one) is type(value) and one == value for one in get_args(kind))
    if isinstance(value, int | float) and not isinstance(value, bool) and kind in (int, float):
        return True
    return kind is type(value) or kind not in _WORDS  # sections and the like judge for themselves


def _in_words(kind: Any) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(map(str, get_args(kind)))
    return _WORDS.get(kind, "settings")


def _shown(value: bool | int | float | bytes) -> str:
    if isinstance(value, bool):
        return "true (or yes, on)" if value else "false (or no, off)"
    if isinstance(value, bytes):
        return "bytes"
    return f"the number {value:.6g}" if abs(value) <= LARGEST else "a large number"
