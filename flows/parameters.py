"""What a flow is started with: a configuration, and what to change in it.

``Settings`` has the sections and fields of ``femtogpt.config.Config``, with their types, ranges
and descriptions, so that Prefect's form shows them and its server refuses a wrong value before
anything runs. A field that is not given stays as the configuration has it.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, Field, create_model, model_serializer
from pydantic.fields import FieldInfo

from femtogpt.config import Config

APART = {"sources"}  # of many kinds


class Changes(BaseModel):
    """Some of a section's fields: what is not given stands nowhere, not even as null."""

    model_config = ConfigDict(extra="forbid")

    @model_serializer(mode="wrap")
    def _given(self, dump: Any) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if name in self.model_fields_set}


def _changes(model: type[BaseModel], **more: Any) -> type[Changes]:
    """A model with the fields of another, none of which must be given."""
    fields: dict[str, Any] = dict(more)
    for name, field in model.model_fields.items():
        if name in APART:
            continue
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            section = _changes(kind)
            fields[name] = (section, Field(default_factory=section))
            continue
        own = deepcopy(field)
        own.description = ". ".join(filter(None, [field.description, _default(field)]))
        own.default = None
        own.json_schema_extra = _plain if _is_nullable(kind) else _firm
        fields[name] = (kind | None, own)
    name = f"Change{model.__name__.removesuffix('Config')}"
    return create_model(name, __base__=Changes, __doc__=model.__doc__, **fields)


def _default(field: FieldInfo) -> str:
    known = field.get_default()
    return "" if field.is_required() or known is None else f"Where nothing is said: {known}"


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


Settings = _changes(
    Config,
    sources=(
        list[str] | dict[str, Any],
        Field(
            default_factory=dict,
            description="names in conf/sources/, or changes: {classics: {weight: 2}}",
        ),
    ),
)
Settings.__name__ = "Settings"
NOTHING = Settings()
