"""Reading configurations.

A configuration is a YAML file in ``conf/``; its sources are YAML files in ``conf/sources/``.
A setting is overridden by ``section.field=value``, with the value in YAML.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from femtogpt.config import PLACES, Config
from femtogpt.config_origin import ConfigOrigin
from femtogpt.errors import UserError, nearest
from femtogpt.source_kinds import source_kinds

MAX_SHOWN = 100  # characters of an override that cannot be read
_NAMED = re.compile(r"[^\W\d][\w.-]*=")
CONF = Path(__file__).resolve().parent.parent / "conf"
_SHAPE = ("layers", "width", "heads", "kv_heads", "feed_forward")
_NIGHT = ("train", "hours_without_card")
REPLACED_SETTINGS = {
    **{("model", name): (_NIGHT,) for name in _SHAPE},
    ("model", "size"): (*(("model", name) for name in _SHAPE), _NIGHT),
    ("train", "epochs"): (("train", "max_steps"), ("train", "hours"), _NIGHT),
    ("train", "max_steps"): (("train", "epochs"), ("train", "hours"), _NIGHT),
    ("train", "hours"): (
        _NIGHT,
        *(("train", name) for name in ("max_steps", "epochs", "batch_size", "patience")),
        *(("model", name) for name in ("size", *_SHAPE, "dropout")),
    ),
}


def read_source(name: str, conf: Path = CONF) -> dict:
    """The settings in ``conf/sources/<name>.yaml``. Raises UserError if there are none."""
    return _read_yaml(_find(name, conf / "sources", "source"))


def load_config(
    name: str,
    overrides: Iterable[str] = (),
    archive: Path | None = None,
    conf: Path = CONF,
    changes: Mapping[str, Any] | None = None,
) -> Config:
    """Read a configuration by name (``sample``: ``conf/sample.yaml``) or by path.

    ``overrides`` are ``section.field=value``, and ``changes`` the same as nested settings;
    ``archive`` is given to the source that can be read from one. Raises UserError, in one line, if
    the file is missing, a key is misspelt (the nearest one is named) or a value is out of range.
    """
    path = _find(name, conf, "configuration")
    settings = {"name": name_of(path), **_extended(path, conf)}
    _name_sources(settings, conf)
    if archive is not None:
        _give_archive(settings, archive)
    sources = settings.get("sources")
    named = set(sources) if isinstance(sources, dict) else set()
    replaced = [*leaves(changes or {}), *map(_read_override, overrides)]
    _change(settings, [(key, whole(value, key)) for key, value in replaced])
    _name_sources(settings, conf)
    _check_sources(settings, named)
    try:
        config = Config.model_validate(settings)
        return config.read_from(_origin(path, conf, replaced, settings))
    except ValidationError as error:
        faults = [_fault(fault) for fault in error.errors()]
        raise UserError(f"configuration {path.name}: " + "; ".join(faults)) from error


def with_hours(config: Config, hours: float) -> Config:
    """A configuration that trains for some hours, whatever length and size its file gives.

    What is set beside the file stays.
    """
    given = {tuple(key.split(".")) for key in config.origin.given}
    sections = {"model": config.model, "train": config.train}
    settings: dict[str, Any] = {
        name: {
            field: value
            for field, value in section.model_dump(mode="json").items()
            if (name, field) in given
        }
        for name, section in sections.items()
    }
    set_beside = {change.partition("=")[0] for change in config.origin.changes}
    kept = [(key, value) for key, value in leaves(settings) if key in set_beside]
    _change(settings, [("train.hours", hours), *kept])
    return config.model_copy(
        update={name: type(sections[name]).model_validate(settings[name]) for name in sections}
    )


def name_of(path: Path) -> str:
    """A file's name as that of a configuration, which folders and commands have too.

    What is no letter, digit or - becomes -: ``мои книги.yaml`` is ``мои-книги``.
    """
    return re.sub(r"[^\w-]+", "-", path.stem).strip("-") or "unnamed"


def _origin(
    path: Path, conf: Path, replaced: list[tuple[str, Any]], settings: Mapping[str, Any]
) -> ConfigOrigin:
    """How a configuration was read; where files are kept is no change of it."""
    changes = tuple(f"{key}={value}" for key, value in replaced if key.split(".")[0] not in PLACES)
    elsewhere = None if path.resolve().parent == conf.resolve() else path.resolve()
    elsewhere_told = {*PLACES, "sources", "name"}
    sections = {name: part for name, part in settings.items() if name not in elsewhere_told}
    given = tuple(sorted(key for key, value in leaves(sections) if value is not None))
    return ConfigOrigin(elsewhere, changes, elsewhere is None and not changes, given)


def _name_sources(settings: dict, conf: Path) -> None:
    """Replace a list of sources' names by their settings."""
    if isinstance(settings.get("sources"), list):
        settings["sources"] = {
            str(source): read_source(str(source), conf) for source in settings["sources"]
        }


def _extended(path: Path, conf: Path, below: tuple[Path, ...] = ()) -> dict:
    """The settings of a file, merged over those of the configuration that it ``extends``."""
    own = _read_yaml(path)
    if "extends" not in own:
        return own
    base = _find(str(own.pop("extends")), conf, f"{path.name}: configuration to extend")
    if base in (*below, path):
        raise UserError(f"{path} extends {base.stem}, which extends {path.stem} again")
    settings = _extended(base, conf, (*below, path))
    for section, fields in own.items():
        for field in fields if isinstance(fields, dict) else ():
            _put_aside(settings, section, field)
    return _merged(settings, own)


def _merged(below: dict, above: dict) -> dict:
    """Nested settings of both; those of ``above`` win, and lists are replaced as a whole."""
    both = dict(below)
    for name, value in above.items():
        deep = isinstance(value, dict) and isinstance(below.get(name), dict)
        both[name] = _merged(below[name], value) if deep else value
    return both


def _put_aside(settings: dict, section: str, field: str) -> None:
    """Remove the settings that this field replaces (see REPLACED_SETTINGS)."""
    for other, aside in REPLACED_SETTINGS.get((section, field), ()):
        if isinstance(fields := settings.get(other), dict):
            settings[other] = {name: fields[name] for name in fields if name != aside}


def _give_archive(settings: dict, archive: Path) -> None:
    """Give an archive to the only source that can be read from one."""
    kinds = source_kinds()
    sources = settings.get("sources")
    takers = [
        source
        for source in (sources.values() if isinstance(sources, dict) else ())
        if isinstance(source, dict)
        and str(source.get("kind")) in kinds
        and "archive" in kinds[source["kind"]].load().model_fields
        and source.get("dataset")
    ]
    if len(takers) != 1:
        raise UserError(
            f"ARCHIVE={archive}: {len(takers) or 'no'} sources of this configuration can be read"
            " from an archive; it takes one: set sources.<name>.archive=… instead"
        )
    takers[0]["archive"] = whole(str(archive), "ARCHIVE")


def _check_sources(settings: dict, named: set[str]) -> None:
    """Raise UserError for a source that only an override names: it is misspelt."""
    sources = settings.get("sources")
    for name, source in sources.items() if isinstance(sources, dict) else ():
        if name not in named and isinstance(source, dict) and "kind" not in source:
            raise UserError(f"sources.{name} is no source{nearest(str(name), named)}")


def _find(name: str, folder: Path, what: str) -> Path:
    whole(name, what)
    if name.endswith((".yaml", ".yml")):
        if (path := Path(name)).is_file():
            return path
        raise UserError(
            f"{what} {name}: there is no such file; give a name from {folder} or a path"
        )
    path = folder / f"{name}.yaml"
    if not path.is_file():
        names = sorted(file.stem for file in folder.glob("*.yaml"))
        raise UserError(
            f"{what} {name!r} is unknown{nearest(name, names)}; there are: {', '.join(names)}"
        )
    return path


def _read_yaml(path: Path) -> dict:
    class Strict(yaml.SafeLoader):
        """Refuses repeated keys, of which YAML would silently keep the last."""

        def construct_mapping(self, node: Any, deep: bool = False) -> dict:
            keys = [key.value for key, _ in node.value]
            for key in keys:
                if keys.count(key) > 1:
                    raise yaml.YAMLError(f"{key} stands twice in line {node.start_mark.line + 1}")
            return super().construct_mapping(node, deep)

    with _yaml_faults(f"{path} is not YAML"):
        value = yaml.load(path.read_text(encoding="utf-8"), Strict)
        if not isinstance(value, dict):
            raise UserError(f"{path} must hold settings as 'key: value' lines")
        return whole(value, f"{path}:")


@contextmanager
def _yaml_faults(problem: str) -> Iterator[None]:
    """Raise UserError for what is no YAML, or no value: a month 13, ``0x_``, a list in itself."""
    try:
        yield
    except RecursionError:
        raise UserError(f"{problem}: it is nested too deeply, or stands in itself") from None
    except (yaml.YAMLError, ValueError, AttributeError) as error:  # the last of ``!!timestamp x``
        raise UserError(f"{problem}: {' '.join(str(error).split())}") from error


def whole(value: Any, where: str) -> Any:
    """A setting whose texts have whole characters only.

    JSON writes a rare character as two halves, which are joined: ``"\\ud83d\\ude00"`` is 😀. Raises
    UserError for one half alone, which no file can hold, and for bytes that are no UTF-8.
    """
    if isinstance(value, Mapping):
        inside = f"{where} " if where.endswith(":") else f"{where}."
        return {whole(key, where): whole(item, f"{inside}{key}") for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [whole(item, where) for item in value]
    if not isinstance(value, str):
        return value
    try:
        return value.encode("utf-16", "surrogatepass").decode("utf-16")
    except UnicodeDecodeError:
        shown = where.encode("utf-8", "backslashreplace").decode()
        raise UserError(
            f"{shown}: {value!a} has half a character, or bytes that are not"
            " UTF-8: write the whole character, or rename the file"
        ) from None


def leaves(changes: Mapping[str, Any], above: str = "") -> Iterable[tuple[str, Any]]:
    """Nested settings as ``section.field`` and value; a source is one value."""
    for name, value in changes.items():
        is_leaf = not isinstance(value, Mapping) or "kind" in value
        yield from [(above + name, value)] if is_leaf else leaves(value, f"{above}{name}.")


def _read_override(override: str) -> tuple[str, Any]:
    """The key and the value of ``section.field=value``."""
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise UserError(f"override {override!r}: write section.field=value, as train.max_steps=200")
    with _yaml_faults(f"override {override[:MAX_SHOWN]!r}: the value is not YAML"):
        return key, _number(whole(yaml.safe_load(whole(value, key)), key))


def split_overrides(line: str) -> list[str]:
    """The overrides in one line, as ``SET`` of make has them: each begins with ``name=``.

    A value may hold spaces (``paths.data=/my disk/data seed=1``), and in YAML's quotes and brackets
    also what looks like another override.
    """
    starts, depth, quote, before = [0], 0, "", " "
    for at, sign in enumerate(line):
        begins_value = before in "=[{,:" or before.isspace()  # a quote elsewhere is an apostrophe
        if quote:
            quote = "" if sign == quote and before != "\\" else quote
        elif sign in "\"'" and begins_value:
            quote = sign
        elif sign in "[{" and (depth or begins_value):
            depth += 1
        elif sign in "]}" and depth:
            depth -= 1
        elif not depth and before.isspace() and _NAMED.match(line, at):
            starts.append(at)
        before = sign
    ends = [*starts[1:], len(line)]
    pieces = (line[start:end].strip() for start, end in zip(starts, ends, strict=True))
    return [piece for piece in pieces if piece]


def read_overrides(overrides: Iterable[str]) -> dict[str, Any]:
    """Overrides ``section.field=value`` as key to value, for ``changes`` of ``load_config``."""
    return dict(map(_read_override, overrides))


def nested(changes: Mapping[str, Any]) -> dict[str, Any]:
    """Turn ``section.field`` to value into nested settings."""
    settings: dict[str, Any] = {}
    _change(settings, [*changes.items()])
    return settings


def read_named(name: str, folder: Path, what: str) -> tuple[Path, dict]:
    """The path and settings of a YAML file, found by its name in a folder or by its path."""
    path = _find(name, folder, what)
    return path, _read_yaml(path)


def _change(settings: dict, changes: list[tuple[str, Any]]) -> None:
    """Set each ``a.b.c`` in nested settings, and remove settings that it replaces.

    Unknown keys are left to the validation.
    """
    for key, value in changes:
        section, _, field = key.partition(".")
        if value is not None:
            _put_aside(settings, section, field)
    for key, value in changes:
        *parents, last = key.split(".")
        section_settings = settings
        for parent in parents:
            section_settings = section_settings.setdefault(parent, {})
            if not isinstance(section_settings, dict):
                raise UserError(f"{key}: {parent} has no fields")
        section_settings[last] = value


def _number(value: Any) -> Any:
    """The number in a text such as 1e-3, which YAML 1.1 does not read as one."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            pass
    return value


def _fault(fault: Any) -> str:
    """A validation error in words: the field, its value, its range or the nearest name."""
    loc = [str(part) for part in fault["loc"]]
    field = ".".join(loc)
    match fault["type"]:
        case "extra_forbidden":
            return f"{field} is no setting{nearest(loc[-1], _fields(loc[:-1]))}"
        case "missing":
            return f"{field} is missing"
        case "value_error":
            return f"{field + ': ' if field else ''}{fault['ctx']['error']}"
    message = fault["msg"].lower().replace("input ", "it ")
    return f"{field} is {fault['input']!r}: {message}{_range(loc)}"


def _model_at(loc: list[str]) -> type[BaseModel] | None:
    """The section in which a validation error is."""
    if loc[:1] == ["sources"]:
        return None
    model: Any = Config
    for part in loc:
        model = model.model_fields[part].annotation if part in model.model_fields else None
        if not (isinstance(model, type) and issubclass(model, BaseModel)):
            return None
    return model


def _fields(loc: list[str]) -> list[str]:
    if loc[:1] == ["sources"]:
        fields = {name for kind in source_kinds().values() for name in kind.load().model_fields}
        return sorted(fields)
    model = _model_at(loc)
    return list(model.model_fields) if model else []


def _range(loc: list[str]) -> str:
    """The allowed range of a field, in words."""
    model = _model_at(loc[:-1])
    if model is None or loc[-1] not in model.model_fields:
        return ""
    allowed = range_of(model.model_fields[loc[-1]])
    return f" (allowed: {allowed})" if allowed else ""


def range_of(field: FieldInfo) -> str:
    """The values that a field allows, such as ``≥ 0 and < 1``; empty if it has no bounds."""
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    return " and ".join(
        f"{sign} {getattr(bound, name):,}"
        for bound in field.metadata
        for name, sign in signs.items()
        if getattr(bound, name, None) is not None
    )
