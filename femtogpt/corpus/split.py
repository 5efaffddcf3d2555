"""Choose the held-out works: whole ones, by a stable hash, up to a share of the characters."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

LARGE_WORK = 1 / 4  # of the target: a held-out split that is one novel would measure that novel
CLOSE_ENOUGH = 0.9  # of the target: beyond it, only the shortest works would still fit


def held_out_ids(source: str, documents: Sequence[tuple[str, int]], share: float) -> set[str]:
    """The ids of a source's held-out documents.

    ``documents`` are (id, characters) pairs; the target is ``share`` of their characters. Documents
    are taken in the order of a hash of (source, id), which depends neither on other sources nor on
    the order of the documents. If there are two or more, at least one is held out and one is not.
    """
    if len(documents) < 2:
        return set()

    def order(document: tuple[str, int]) -> bytes:
        return hashlib.sha256(f"{source}\n{document[0]}".encode()).digest()

    target = share * sum(characters for _, characters in documents)
    taken, total = set(), 0
    ordered = sorted(documents, key=order)
    for limit in (LARGE_WORK * target, target):  # large works only if small ones do not suffice
        for id, characters in ordered:
            if total >= CLOSE_ENOUGH * target:
                break
            if id not in taken and characters <= limit and total + characters <= target:
                taken.add(id)
                total += characters
    if not taken:  # every work is large: the smallest overshoots least
        smallest = min(documents, key=lambda document: (document[1], order(document)))
        taken.add(smallest[0])
    return taken
