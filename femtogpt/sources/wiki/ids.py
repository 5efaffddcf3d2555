"""Ids that are unique in a source, in little memory."""

from __future__ import annotations

from dataclasses import replace

from femtogpt.sources.base import Document

_HIGHEST = 1 << 30  # the largest page id that has a bit; Wikidata's have nine digits


class Ids:
    """Keeps page ids as they are; what comes a second time is told apart by its file.

    A bit for each page id and not a set of them: the English Wikipedia's fit in 10 MB.
    """

    def __init__(self) -> None:
        self._bits = bytearray()
        self._others: set[str] = set()
        self._repeated = 0

    def unique(self, document: Document, file: str) -> Document:
        """The document with an id that none had before; the same for the same files."""
        if document.id and self._is_new(document.id):
            return document
        self._repeated += 1
        name = f"{document.id} in {file}" if document.id else file
        while not self._is_new(name):
            name = f"{document.id or file}, {self._repeated} in {file}"
            self._repeated += 1
        return replace(document, id=name)

    def _is_new(self, name: str) -> bool:
        """Whether this id was not seen; it is from now on."""
        if not (name.isascii() and name.isdigit() and name[0] != "0" and int(name) < _HIGHEST):
            new = name not in self._others
            self._others.add(name)
            return new
        byte, bit = divmod(int(name), 8)
        if byte >= len(self._bits):
            self._bits.extend(bytes(byte + 1 - len(self._bits)))
        new = not self._bits[byte] >> bit & 1
        self._bits[byte] |= 1 << bit
        return new
