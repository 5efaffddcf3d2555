"""Text that was decoded with a wrong encoding: «РџСЂРёРІРµС‚», «Ïðèâåò», «оПХБЕР»."""

from __future__ import annotations

from collections.abc import Iterator

from femtogpt.corpus.text_stats import PUNCTUATION
from femtogpt.corpus.vocabulary import RUSSIAN

DECODED_AS = ("cp1251", "cp1252", "latin-1", "koi8-r", "cp866", "iso8859-5")
ENCODED_IN = ("utf-8", "cp1251", "koi8-r", "cp866", "iso8859-5")
TESTED_CHARACTERS = 1500
MIN_SHARE = 0.15  # of Russian function words: a correctly decoded text has more


def wrong_encoding(text: str, share: float) -> str | None:
    """The mistake which, undone, gives the best Russian, such as "utf-8 read as cp1251".

    None if undoing no mistake gives Russian. ``share`` is that of Russian function words in
    ``text``. Control characters and no-break spaces may have been removed before.
    """
    best, best_share = None, max(MIN_SHARE, 2 * share)
    for mistake, undone in _candidates(text[:TESTED_CHARACTERS]):
        words = [word.strip(PUNCTUATION) for word in undone.lower().split()]
        function_words = [word for word in words if word in RUSSIAN]
        enough = len(set(function_words)) > 2
        if enough and len(function_words) > best_share * len(words):
            best, best_share = mistake, len(function_words) / len(words)
    return best


def _candidates(text: str) -> Iterator[tuple[str, str]]:
    """Each possible mistake, and the text with it undone."""
    for decoded_as in DECODED_AS:
        data = text.encode(decoded_as, "ignore")
        for encoded_in in ENCODED_IN:
            if encoded_in != decoded_as:
                once = data.decode(encoded_in, "ignore")
                yield f"{encoded_in} read as {decoded_as}", once
                if encoded_in == "utf-8":
                    twice = once.encode(decoded_as, "ignore").decode(encoded_in, "ignore")
                    yield f"{encoded_in} read as {decoded_as}, twice", twice
