"""Finding an artifact without the settings that made it. What is found is whole."""

from __future__ import annotations

from pathlib import Path

from femtogpt.artifacts.artifact import MANIFEST, Artifact, refuse_damaged
from femtogpt.errors import Damaged, UserError


def find(kind: str, where: str | None, data: Path) -> Artifact:
    """An artifact of this kind: in a folder, for a configuration's sources, or the newest.

    ``where`` is a folder, a configuration (its name or path) or None. A configuration is
    recognised by the sources of the corpus. Raises UserError if there is none, Damaged if a file of
    it is damaged.
    """
    if where and (Path(where) / MANIFEST).is_file():
        artifact = _load(Path(where))
        if artifact.kind != kind:
            raise UserError(f"{where} is of the kind {artifact.kind}; give a folder of {kind}")
        return _whole(artifact)
    candidates = _newest_first(kind, data)
    if where:
        from femtogpt.config_file import load_config

        sources = sorted(load_config(where).sources)
        candidates = [artifact for artifact in candidates if _sources(artifact, data) == sources]
    if not candidates:
        name = where or "sample"
        raise UserError(
            f"{data}: there is no {kind}{f' of {where}' if where else ''}"
            f" yet; make pipeline CONF={name} makes it"
        )
    return _whole(candidates[0])


def _whole(artifact: Artifact) -> Artifact:
    refuse_damaged(artifact.path)
    return artifact


def _newest_first(kind: str, data: Path) -> list[Artifact]:
    artifacts = [_load(path.parent) for path in (data / kind).glob(f"[!.]*/{MANIFEST}")]
    return sorted(artifacts, key=_moment, reverse=True)


def _moment(artifact: Artifact) -> tuple[str, int]:
    """When an artifact was made; the manifest has only whole seconds."""
    return artifact.manifest["made"], (artifact.path / MANIFEST).stat().st_mtime_ns


def made_from(artifact: Artifact, name: str, data: Path, kind: str | None = None) -> Artifact:
    """The input ``name`` of an artifact; its kind is ``kind``, by default ``name``.

    It is recognised by its content. Raises UserError if it no longer exists, Damaged if a file of
    it is damaged.
    """
    return _whole(named_in(artifact, name, data, kind))


def named_in(artifact: Artifact, name: str, data: Path, kind: str | None = None) -> Artifact:
    """As ``made_from``, by the manifests alone: its files are not read."""
    content = artifact.manifest["inputs"][name]
    for other in _newest_first(kind or name, data):
        if other.content == content:
            return other
    raise UserError(
        f"{artifact.path} was made from {kind or name} {name!r}, which is no longer in {data}:"
        " run make pipeline again"
    )


def made_of(artifact: Artifact, kind: str, data: Path) -> Artifact:
    """The newest artifact of a kind that has this one as an input.

    Raises UserError without one, Damaged if a file of it is damaged.
    """
    for other in _newest_first(kind, data):
        if other.manifest["inputs"].get(artifact.kind) == artifact.content:
            return _whole(other)
    raise UserError(f"{data} has no {kind} of {artifact.path}: run make pipeline again")


def _sources(artifact: Artifact, data: Path) -> list[str]:
    """The names of the sources from which an artifact was made, by way of its corpus."""
    try:
        corpus = artifact if artifact.kind == "corpus" else named_in(artifact, "corpus", data)
    except UserError:
        return []
    return sorted(corpus.manifest["config"]["sources"])


def _load(path: Path) -> Artifact:
    try:
        return Artifact.load(path)
    except (OSError, ValueError) as error:
        raise Damaged(
            f"{path} is not an artifact ({error}): delete it and run make pipeline"
        ) from error
