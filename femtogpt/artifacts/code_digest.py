"""Which code a stage consists of: digests of its modules and of all that they import.

Imports are followed statically, those inside functions too, within ``femtogpt`` and the packages
of the named modules (a kind of source may come from another package). A module's digest is that
of its syntax tree, so comments, docstrings, layout and the descriptions of settings do not count.
It is the same on every supported Python: ``ast.dump`` is not.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from femtogpt.artifacts.disk import write_atomic

PRODUCT = "femtogpt"
# Modules whose code does not change what a stage makes. Their imports are not followed.
EXCLUDED_MODULES = frozenset(
    {
        "femtogpt",  # the version's number
        "femtogpt.artifacts",  # stores what the stages make
        "femtogpt.config",  # the values of settings are in the recipe, defaults too
        "femtogpt.config_file",
        "femtogpt.config_origin",
        "femtogpt.quality_config",
        "femtogpt.section",
        "femtogpt.train_config",
        "femtogpt.errors",  # what only people read
        "femtogpt.progress",
        "femtogpt.source_kinds",  # the kinds of a configuration are named as part of its stages
        "femtogpt.sqlite_url",
        "femtogpt.storage",  # where files are, not what is in them
        "femtogpt.terminal",
    }
)
CACHE_FILE = "code-digests.json"
CACHE_FORMAT = 1
# A file edited this recently is not cached: two edits may have the same time of change.
UNSETTLED_SECONDS = 2.0
DIGEST_LENGTH = 12


def code_of(*modules: str) -> Mapping[str, str]:
    """The code that a stage consists of: each module's name to its digest.

    ``modules`` are the stage's own module and those that it reaches in other ways than by import.
    Files are read once per process, at the first call, since the process goes on with that code.
    """
    return _code_of(tuple(dict.fromkeys(modules)))


@cache
def _code_of(modules: tuple[str, ...]) -> Mapping[str, str]:
    packages = dict.fromkeys([PRODUCT, *(name.partition(".")[0] for name in modules)])
    trees = {name: tree for name in packages if (tree := _tree(name)) is not None}
    return MappingProxyType(closure(modules, trees))


@cache
def _tree(package: str) -> CodeTree | None:
    """The code of an installed package, or of a module without one; None if it has no files."""
    if package == "__main__":
        file = getattr(sys.modules["__main__"], "__file__", None)
        return None if file is None else CodeTree(package, Path(file))
    try:
        spec = find_spec(package)
    except (ImportError, ValueError):
        return None
    if spec is not None and spec.submodule_search_locations:
        return CodeTree(package, Path(next(iter(spec.submodule_search_locations))))
    return CodeTree(package, Path(spec.origin)) if spec is not None and spec.origin else None


class CodeTree:
    """The modules of a package's folder (or one file), parsed when needed.

    Results are cached beside the package's bytecode, by path, size and time of change.
    """

    def __init__(self, package: str, folder: Path):
        self.package, self.folder = package, folder
        self.files = {package: folder} if folder.is_file() else dict(_modules(package, folder))
        self._parsed: dict[str, tuple[str, list[str]]] = {}
        self._cached = self._read_cache() if folder.is_dir() else {}
        self._new = False

    def __contains__(self, module: str) -> bool:
        return module in self.files

    def parsed(self, module: str) -> tuple[str, list[str]]:
        """A module's digest, and the names it imports: of modules, or of what is in them."""
        if module not in self._parsed:
            self._parsed[module] = self._cached_or_read(module)
        return self._parsed[module]

    def _cached_or_read(self, module: str) -> tuple[str, list[str]]:
        file = self.files[module]
        stat = file.stat()
        entry = self._cached.get(module)
        if entry and entry[:2] == [stat.st_size, stat.st_mtime_ns]:
            return entry[2], entry[3]
        digest, imports = parse(file.read_bytes(), module, file.name == "__init__.py")
        imports = [name for name in imports if name.partition(".")[0] in (PRODUCT, self.package)]
        if time.time() - stat.st_mtime > UNSETTLED_SECONDS:
            self._cached[module] = [stat.st_size, stat.st_mtime_ns, digest, imports]
            self._new = True
        return digest, imports

    def _read_cache(self) -> dict[str, list[Any]]:
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            kept = json.loads((self.folder / "__pycache__" / CACHE_FILE).read_bytes())
            if kept["format"] == CACHE_FORMAT:
                modules = kept["modules"].items()
                return {name: entry for name, entry in modules if name in self and len(entry) == 4}
        return {}

    def save(self) -> None:
        """Keep what was parsed for the next process, where Python may keep bytecode."""
        if not self._new or sys.dont_write_bytecode or not self.folder.is_dir():
            return
        self._new = False
        text = json.dumps({"format": CACHE_FORMAT, "modules": self._cached})
        with suppress(OSError):  # a folder that cannot be written: it is parsed again next time
            (self.folder / "__pycache__").mkdir(exist_ok=True)
            write_atomic(self.folder / "__pycache__" / CACHE_FILE, text.encode())


def closure(modules: Iterable[str], trees: Mapping[str, CodeTree]) -> dict[str, str]:
    """The digests of these modules and of all that they import, by name.

    ``trees`` are packages by name; imports from others are not followed.
    """
    code: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        for name in _with_parents(waiting.pop()):
            tree = trees.get(name.partition(".")[0])
            if tree is None or name not in tree or name in code or _is_left_out(name):
                continue
            code[name], imports = tree.parsed(name)
            waiting += imports
    for tree in trees.values():
        tree.save()
    return dict(sorted(code.items()))


def parse(source: bytes, module: str, is_package: bool = False) -> tuple[str, list[str]]:
    """The digest of a module's syntax tree and the names that it imports.

    Of code that this Python cannot parse, the digest is that of the bytes.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return hashlib.sha256(source).hexdigest()[:DIGEST_LENGTH], []
    package = module if is_package else module.rpartition(".")[0]
    words: list[str] = []
    imports: dict[str, None] = {}
    _walk(tree, words, imports, package)
    text = "\0".join(words).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:DIGEST_LENGTH], list(imports)


def _walk(node: Any, words: list[str], imports: dict[str, None] | None, package: str) -> None:
    """Append a syntax tree as words, and collect its imports unless ``imports`` is None."""
    if isinstance(node, list):
        for part in node:
            _walk(part, words, imports, package)
        words.append("]")
        return
    if not isinstance(node, ast.AST):
        words.append(_constant(node))
        return
    kind = type(node)
    words.append(kind.__name__)
    if imports is not None and isinstance(node, ast.Import | ast.ImportFrom):
        imports |= dict.fromkeys(_imported(node, package))
    for field in _counted(kind._fields):
        value = getattr(node, field, None)
        if value is None or value == []:  # fields that only newer Pythons have are empty
            continue
        words.append(field)
        if field == "body" and isinstance(node, _WITH_DOCSTRING):
            value = _without_docstring(value)
        elif field == "keywords" and isinstance(node, ast.Call) and _name_of(node.func) == "Field":
            value = [keyword for keyword in value if keyword.arg not in ("description", "title")]
        elif field == "values" and isinstance(node, ast.JoinedStr):
            value = _joined(value)
        if field == "body" and isinstance(node, ast.If) and _name_of(node.test) == "TYPE_CHECKING":
            _walk(value, words, None, package)
        else:
            _walk(value, words, imports, package)
    words.append(")")


_WITH_DOCSTRING = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


@cache
def _counted(fields: tuple[str, ...]) -> list[str]:
    return sorted({*fields} - {"ctx", "kind", "type_comment", "type_ignores"})


def _constant(value: Any) -> str:
    """A constant as ASCII: which characters ``repr`` shows depends on Python's Unicode tables."""
    return f"{type(value).__name__} {hex(value) if type(value) is int else ascii(value)}"


def _without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    match body:
        case [ast.Expr(value=ast.Constant(value=str())), *rest]:
            return rest
    return body


def _joined(values: list[ast.expr]) -> list[Any]:
    """The parts of an f-string with its texts joined: Pythons cut them at different places."""
    parts: list[Any] = []
    for value in values:
        if not isinstance(value, ast.Constant):
            parts.append(value)
        elif parts and isinstance(parts[-1], str):
            parts[-1] += str(value.value)
        elif value.value:
            parts.append(value.value)
    return parts


def _name_of(node: ast.expr) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _imported(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    """The names in an import that may be modules; some may be functions or classes."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
        return
    above = package
    for _ in range(node.level - 1):
        above = above.rpartition(".")[0]
    base = ".".join(filter(None, [above if node.level else "", node.module]))
    yield base
    yield from (f"{base}.{alias.name}" for alias in node.names)


def _modules(package: str, folder: Path) -> Iterator[tuple[str, Path]]:
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if name.isidentifier())
        parts = [package, *Path(path).relative_to(folder).parts]
        for file in sorted(files):
            stem, _, suffix = file.rpartition(".")
            if suffix == "py" and stem.isidentifier():
                name = parts if stem == "__init__" else [*parts, stem]
                yield ".".join(name), Path(path, file)


def _with_parents(module: str) -> Iterator[str]:
    """The packages that Python imports first, and the module: ``a``, ``a.b``, ``a.b.c``."""
    parts = module.split(".")
    yield from (".".join(parts[:end]) for end in range(1, len(parts) + 1))


def _is_left_out(module: str) -> bool:
    """Whether a module is excluded, itself or by a package; ``femtogpt`` excludes only itself."""
    parents = list(_with_parents(module))
    return module in EXCLUDED_MODULES or any(
        name in EXCLUDED_MODULES for name in parents if name != PRODUCT
    )
