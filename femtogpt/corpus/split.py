"""Which works are held out: whole ones, by a stable hash, up to a share of the characters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

LARGEST = 1 / 4  # of the held-out target: a held-out part of one novel would measure that novel
CLOSE = 0.9  # of the target: past it, only the shortest works would still fit


def held_out(source: str, documents: Sequence[tuple[str, int]], share: float) -> set[str]:
    """The ids of a source's held-out documents.

    ``documents`` are (id, characters) pairs; ``share`` of their characters is aimed at. The
    order of taking is a hash of (source, id): it depends neither on other sources nor on the
    order of documents. At least one document is held out and one is left, where there are two.
    """
    if len(documents) < 2:
        return set()

    def order(document: tuple[str, int]) -> bytes:
        return hashlib.sha256(f"{source}\n{document[0]}".encode()).digest()

    target = share * sum(characters for _, characters in documents)
    taken, total = set(), 0
    ordered = sorted(documents, key=order)
    for largest in (LARGEST * target, target):  # large works only where small ones do not suffice
        for name, characters in ordered:
            if total >= CLOSE * target:
                break
            if name not in taken and characters <= largest and total + characters <= target:
                taken.add(name)
                total += characters
    if not taken:  # every work is large: the smallest overshoots least
        smallest = min(documents, key=lambda document: (document[1], order(document)))
        taken.add(smallest[0])
    return taken
