"""The diagram in docs/architecture.md, drawn from the imports.

``python -m tests.architecture`` prints it, ``--write`` puts it into the page.
"""

from __future__ import annotations

import ast
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/architecture.md"
BEGIN, END = "<!-- drawn by make architecture -->\n", "<!-- end of the drawing -->"
BASE = "settings"  # the node of these modules directly in femtogpt/
BASE_MODULES = (
    *("errors", "scaling", "source_kinds", "section", "quality_config", "train_config"),
    *("config_origin", "config", "config_file"),
    *("scaling_law", "storage", "sqlite_url", "progress", "terminal", "parallel", "processor"),
)
LAYERS = {"femtogpt": "femtogpt: the library", "tasks": "tasks: Prefect, MLflow", "flows": "flows"}
Graph = dict[str, set[str]]  # a node to the nodes that it imports


@cache
def imported_names(file: Path) -> frozenset[str]:
    """The dotted names that a file imports, those inside functions included."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


def rooms() -> list[str]:
    """The packages in femtogpt/."""
    return sorted(file.parent.name for file in (ROOT / "femtogpt").glob("*/__init__.py"))


def own_modules() -> list[str]:
    """The modules directly in femtogpt/ that are nodes of their own, above some rooms."""
    names = (file.stem for file in (ROOT / "femtogpt").glob("[!_]*.py"))
    return sorted(set(names) - set(BASE_MODULES))


def node_of(name: str) -> str | None:
    """The node of a module by its dotted name; None if it is not part of the project."""
    layer, _, rest = name.partition(".")
    if layer != "femtogpt":
        return layer if layer in LAYERS else None
    room = rest.partition(".")[0]
    if not room or room.startswith("__"):  # the bare package, or its version
        return None
    return room if room in (*rooms(), *own_modules()) else BASE


def import_graph() -> Graph:
    """Which node imports which."""
    graph: Graph = {}
    for layer in LAYERS:
        for file in sorted((ROOT / layer).rglob("*.py")):
            node = node_of(".".join(file.relative_to(ROOT).with_suffix("").parts))
            if node is not None:
                nodes = {node_of(name) for name in imported_names(file)} - {None, node}
                graph.setdefault(node, set()).update(nodes)
    return graph


def reachable(graph: Graph, start: str) -> set[str]:
    """The nodes that ``start`` imports, directly or through others."""
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += graph[node]
    return seen


def reduced(graph: Graph) -> Graph:
    """The graph without the arrows that follow from others (its transitive reduction)."""
    return {
        node: {
            target
            for target in targets
            if not any(target in reachable(graph, other) for other in targets - {target})
        }
        for node, targets in graph.items()
    }


def floors(graph: Graph) -> list[list[str]]:
    """The nodes by the length of the longest way down. Raises ValueError for a circle."""
    for node in graph:
        if node in reachable(graph, node):
            raise ValueError(f"{node} imports itself by way of others")
    heights: dict[str, int] = {}

    def height(node: str) -> int:
        if node not in heights:
            heights[node] = 1 + max((height(target) for target in graph[node]), default=-1)
        return heights[node]

    storeys: list[list[str]] = [[] for _ in range(1 + max(map(height, graph)))]
    for node in sorted(graph):
        storeys[heights[node]].append(node)
    return storeys


def drawing() -> str:
    """The Mermaid diagram and the floors, as they belong into the page."""
    graph = import_graph()
    own = [node for node in sorted(graph) if node not in LAYERS]
    lines = ["```mermaid", "flowchart TD"]
    lines += [f'  {layer}["{LAYERS[layer]}"]' for layer in ("flows", "tasks")]
    lines += [f'  subgraph femtogpt["{LAYERS["femtogpt"]}"]', *(f"    {node}" for node in own)]
    lines += ["  end"]
    arrows = reduced(graph)
    lines += [
        f"  {node} --> {target}" for node in sorted(arrows) for target in sorted(arrows[node])
    ]
    lines += ["```", "", "| floor | |", "| --- | --- |"]
    storeys = list(enumerate(floors(graph)))
    lines += [f"| {number} | {', '.join(nodes)} |" for number, nodes in reversed(storeys)]
    return "\n".join(lines) + "\n"


def drawn(page: str) -> str:
    """The part of the page between the marks."""
    return page.partition(BEGIN)[2].partition(END)[0]


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        text = PAGE.read_text(encoding="utf-8")
        PAGE.write_text(text.replace(BEGIN + drawn(text), BEGIN + drawing()), encoding="utf-8")
    else:
        print(drawing(), end="")
