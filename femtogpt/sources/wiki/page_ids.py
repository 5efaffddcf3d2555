"""Makes document ids unique within a source, in little memory."""

from __future__ import annotations

from dataclasses import replace

from femtogpt.sources.base import Document

_MAX_PAGE_ID = 1 << 30  # larger ids have no bit; Wikidata's have nine digits


class Ids:
    """Keeps page ids unchanged; a repeated one gets its file's name added.

    A bit per page id instead of a set: the ids of the English Wikipedia fit into 10 MB.
    """

    def __init__(self) -> None:
        self._bits = bytearray()
        self._other_ids: set[str] = set()
        self._repeated = 0

    def unique(self, document: Document, file: str) -> Document:
        """Give the document an id that no earlier one has; deterministic for the same files."""
        if document.id and self._is_new(document.id):
            return document
        self._repeated += 1
        name = f"{document.id} in {file}" if document.id else file
        while not self._is_new(name):
            name = f"{document.id or file}, {self._repeated} in {file}"
            self._repeated += 1
        return replace(document, id=name)

    def _is_new(self, name: str) -> bool:
        """Record an id; whether it had not been seen before."""
        if not (name.isascii() and name.isdigit() and name[0] != "0" and int(name) < _MAX_PAGE_ID):
            new = name not in self._other_ids
            self._other_ids.add(name)
            return new
        byte, bit = divmod(int(name), 8)
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        new = not self._bits[byte] >> bit & 1
        self._bits[byte] |= 1 << bit
        return new
