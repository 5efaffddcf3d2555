"""Where the run comes from: every artifact back to the files, with their digests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.report.html_parts import (
    Html,
    Number,
    folded,
    joined,
    limited,
    note,
    short,
    table,
    tag,
)
from femtogpt.report.run_facts import RunFacts, manifest_in
from femtogpt.report.wording import Wording

FILES = 60  # rows, over all sources
SOURCES = 30
NAME = 110  # characters
CONTENT = 16  # signs of a digest in the table of artifacts
# In the order in which data flow.
KINDS = ("corpus", "tokenizer", "tokens", "run", "evaluation", "samples", "memory", "ngram", "ppmd")


def lineage(facts: RunFacts, words: Wording) -> Html:
    """The artifacts in the order in which they were made, then the files of the sources."""
    if not facts.artifacts:
        return note(words("stands_alone"))
    raws = dict(list(facts.raws.items())[:SOURCES])
    rows = [
        *(_raw(name, raw, words) for name, raw in raws.items()),
        *(_row(facts.artifacts[kind], words) for kind in KINDS if kind in facts.artifacts),
    ]
    head = [words(name) for name in ("artifact", "made", "made_from", "content", "size")]
    return joined(
        [
            note(words("how_lineage_is_told")),
            table(head, rows),
            limited(len(raws), len(facts.raws), "source", words),
            *_weights(facts, words),
            *_files(raws, words),
        ]
    )


def _row(artifact: Artifact, words: Wording) -> tuple[object, ...]:
    manifest = manifest_in(artifact.path)
    made_from = manifest.get("made_from") or {}
    return (
        tag("code", f"{artifact.kind}/{artifact.digest}"),
        _moment(manifest, words),
        tag("code", ", ".join(list(made_from.values())[:SOURCES])),
        tag("code", artifact.content[:CONTENT], of="digest"),
        Number(words.bytes(_size(manifest))),
    )


def _raw(name: str, raw: Artifact | None, words: Wording) -> tuple[object, ...]:
    if raw is None:
        return (words("source_named", name=short(name, NAME)), words("gone"), "", "", Number(""))
    artifact, made, _, content, size = _row(raw, words)
    origin = joined([short(name, NAME), tag("span", f" {_origin(raw)}", of="note")])
    return (artifact, made, origin, content, size)


def _origin(raw: Artifact) -> str:
    """Where the bytes came from, without the folders of a person's disk."""
    provenance: Mapping[str, Any] = raw.counts.get("provenance") or {}
    named = provenance.get("url") or provenance.get("dataset")
    path = provenance.get("path")
    return short(named or (PurePosixPath(path).name if path else ""), NAME)


def _moment(manifest: Mapping[str, Any], words: Wording) -> str:
    made = manifest.get("made")
    return words.moment(datetime.fromisoformat(made)) if made else ""


def _size(manifest: Mapping[str, Any]) -> int:
    return sum(file["size"] for file in manifest.get("files", {}).values())


def _weights(facts: RunFacts, words: Wording) -> Iterator[Html]:
    """The digest of the weights: with it, a copy elsewhere is recognised."""
    files = facts.manifest.get("files") or {}
    if weights := files.get("model.safetensors"):
        digest = tag("code", weights["sha256"], of="digest")
        yield tag("p", words("weights_are"), " ", digest, of="note")


def _files(raws: Mapping[str, Artifact | None], words: Wording) -> Iterator[Html]:
    """The files of all sources with their sizes and SHA-256."""
    files = [
        (source, name.removeprefix("bytes/"), file)
        for source, raw in raws.items()
        if raw is not None
        for name, file in manifest_in(raw.path).get("files", {}).items()
    ]
    if not files:
        return
    rows = [
        (
            short(source, 40),
            short(name, NAME),
            Number(words.bytes(file["size"])),
            tag("code", file["sha256"], of="digest"),
        )
        for source, name, file in files[:FILES]
    ]
    head = (words("source"), words("file"), words("size"), "SHA-256")
    title = words("files_of_sources", count=len(files))
    yield folded(title, joined([table(head, rows), limited(FILES, len(files), "file", words)]))
