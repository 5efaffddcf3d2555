"""The parameters of a flow: a configuration, and what to change in it.

``Settings`` has the sections and fields of ``femtogpt.config.Config``, with their types, ranges and
descriptions, so that Prefect's form shows them and its server refuses a wrong value before anything
runs. A field that is left out keeps the configuration's value.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, Field, create_model, model_serializer
from pydantic.fields import FieldInfo

from femtogpt.config import Config
from femtogpt.config_file import range_of
from femtogpt.section import Section

# The form's order: what is changed most comes first. Sources are of many kinds and have one field.
ORDER = ("train", "model", "samples", "baselines", "tokenizer", "corpus", "sources")
SOURCES: Any = Field(
    default_factory=dict,
    title="sources",
    description="names in conf/sources/, or changes: {classics: {weight: 2}}",
)


class Changes(Section):
    """Some fields of a section. Those not given are left out when it is written, not null."""

    @model_serializer(mode="wrap")
    def _given(self, dump: Any) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if name in self.model_fields_set}


def _changes_of(model: type[BaseModel], order: Iterable[str] = ()) -> type[Changes]:
    """A model with the fields of another, all of them optional."""
    fields: dict[str, Any] = {}
    for name in dict.fromkeys([*order, *model.model_fields]):
        field = model.model_fields[name]
        kind: Any = field.annotation
        if name == "sources":
            fields[name] = (list[str] | dict[str, Any], SOURCES)
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            section = _changes_of(kind)
            fields[name] = (section, Field(default_factory=section, title=name))
            continue
        optional = deepcopy(field)
        optional.title, optional.description = name, _describe(field)
        optional.default = None
        optional.json_schema_extra = _drop_default if _is_nullable(kind) else _drop_null
        fields[name] = (kind | None, optional)
    name = f"Change{model.__name__.removesuffix('Config')}"
    return create_model(name, __base__=Changes, __doc__=_unquote(model.__doc__), **fields)


def _describe(field: FieldInfo) -> str:
    """A field's meaning, range and default: all that a form shows beside its name."""
    meaning, default = field.description or "", field.get_default()
    parts = [meaning]
    if allowed := range_of(field):
        parts.append(f"Allowed: {allowed}")
    if not field.is_required() and default is not None and "default:" not in meaning:
        parts.append(f"Default: {json.dumps(default, ensure_ascii=False, default=str)}")
    return ". ".join(filter(None, parts))


def _unquote(text: str | None) -> str:
    return (text or "").replace("``", "`")


def _is_nullable(kind: Any) -> bool:
    return type(None) in get_args(kind)


def _drop_default(schema: dict[str, Any]) -> None:
    """Remove the default null: a form would send it as a change."""
    schema.pop("default", None)


def _drop_null(schema: dict[str, Any]) -> None:
    """Remove null altogether: a field that is not to change is left out."""
    _drop_default(schema)
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    schema.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


if TYPE_CHECKING:
    Settings = Changes  # a type checker cannot know a class that is created at run time
else:
    Settings = _changes_of(Config, ORDER)
    Settings.__name__ = "Settings"
NO_CHANGES = Settings()
