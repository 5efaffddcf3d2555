"""What a flow is started with: a configuration, and what to change in it.

``Settings`` has the sections and fields of ``femtogpt.config.Config``, with their types, ranges
and descriptions, so that Prefect's form shows them and its server refuses a wrong value before
anything runs. A field that is not given stays as the configuration has it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from copy import deepcopy
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model, model_serializer
from pydantic.fields import FieldInfo

from femtogpt.config import Config
from femtogpt.config_file import range_of

# The form's order: what is changed most comes first. Sources are of many kinds: they stand apart.
ORDER = ("train", "model", "samples", "tokenizer", "corpus", "sources")
SOURCES = Field(
    default_factory=dict,
    title="sources",
    description="names in conf/sources/, or changes: {classics: {weight: 2}}",
)


class Changes(BaseModel):
    """Some of a section's fields: what is not given stands nowhere, not even as null."""

    model_config = ConfigDict(extra="forbid")

    @model_serializer(mode="wrap")
    def _given(self, dump: Any) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if name in self.model_fields_set}


def _changes(model: type[BaseModel], order: Iterable[str] = ()) -> type[Changes]:
    """A model with the fields of another, none of which must be given."""
    fields: dict[str, Any] = {}
    for name in dict.fromkeys([*order, *model.model_fields]):
        field = model.model_fields[name]
        kind = field.annotation
        if name == "sources":
            fields[name] = (list[str] | dict[str, Any], SOURCES)
            continue
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            section = _changes(kind)
            fields[name] = (section, Field(default_factory=section, title=name))
            continue
        own = deepcopy(field)
        own.title, own.description = name, _about(field)
        own.default = None
        own.json_schema_extra = _plain if _is_nullable(kind) else _firm
        fields[name] = (kind | None, own)
    name = f"Change{model.__name__.removesuffix('Config')}"
    return create_model(name, __base__=Changes, __doc__=_unquoted(model.__doc__), **fields)


def _about(field: FieldInfo) -> str:
    """A field's meaning, range and default: a form shows nothing but this beside its name."""
    meaning, known = field.description or "", field.get_default()
    parts = [meaning]
    if allowed := range_of(field):
        parts.append(f"Allowed: {allowed}")
    if not field.is_required() and known is not None and "default:" not in meaning:
        parts.append(f"Default: {json.dumps(known, ensure_ascii=False, default=str)}")
    return ". ".join(filter(None, parts))


def _unquoted(text: str | None) -> str:
    return (text or "").replace("``", "`")


def _is_nullable(kind: Any) -> bool:
    return type(None) in get_args(kind)


def _plain(schema: dict) -> None:
    """Without null as default: a form would give it as a change."""
    schema.pop("default", None)


def _firm(schema: dict) -> None:
    """Without null at all: the field is left out where it is not to change."""
    _plain(schema)
    kinds = [kind for kind in schema.pop("anyOf", ()) if kind != {"type": "null"}]
    schema.update(kinds[0] if len(kinds) == 1 else {"anyOf": kinds} if kinds else {})


Settings = _changes(Config, ORDER)
Settings.__name__ = "Settings"
NOTHING = Settings()
