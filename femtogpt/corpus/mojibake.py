"""Text that was decoded in a wrong encoding: «РџСЂРёРІРµС‚», «Ïðèâåò», «оПХБЕР»."""

from __future__ import annotations

from collections.abc import Iterator

from femtogpt.corpus.text_stats import MARKS
from femtogpt.corpus.vocabulary import RUSSIAN

READ_AS = ("cp1251", "cp1252", "latin-1", "koi8-r", "cp866", "iso8859-5")
WRITTEN_IN = ("utf-8", "cp1251", "koi8-r", "cp866", "iso8859-5")
TRIED = 1500  # characters
LEAST = 0.15  # of Russian function words: a text put right has more


def mistake(text: str, share: float) -> str | None:
    """Which mistake, undone, makes the best Russian of the text; None if none does.

    ``share`` is that of Russian function words in the text as it is. For people: "UTF-8 read as
    cp1251". What cleaning took away (control characters, no-break spaces) need not be there.
    """
    best, most = None, max(LEAST, 2 * share)
    for name, undone in _undone(text[:TRIED]):
        words = [word.strip(MARKS) for word in undone.lower().split()]
        found = [word for word in words if word in RUSSIAN]
        if len(set(found)) > 2 and len(found) > most * len(words):
            best, most = name, len(found) / len(words)
    return best


def _undone(text: str) -> Iterator[tuple[str, str]]:
    for read_as in READ_AS:
        data = text.encode(read_as, "ignore")
        for written_in in WRITTEN_IN:
            if written_in != read_as:
                once = data.decode(written_in, "ignore")
                yield f"{written_in} read as {read_as}", once
                if written_in == "utf-8":
                    twice = once.encode(read_as, "ignore").decode(written_in, "ignore")
                    yield f"{written_in} read as {read_as}, twice", twice
