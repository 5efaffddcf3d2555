"""Names in their several spellings."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from femtogpt.sources.interviews.turns import Turn
from femtogpt.sources.interviews.words import SMALL


def key(name: str) -> str:
    """The same for all spellings of a name: case, ё, dashes and punctuation around do not count."""
    folded = name.casefold().replace("ё", "е").replace("–", "-").replace("‑", "-").replace(".", " ")
    return " ".join(folded.strip(" ,:;<>[]()«»\"'*_").split())


def unified(turns: Iterable[Turn]) -> list[Turn]:
    """One spelling for each speaker: the commonest that is not all in capitals.

    The letters of question and answer become words where both are there.
    """
    turns = list(turns)
    spellings: dict[str, Counter[str]] = {}
    for turn in turns:
        if turn.speaker is not None:
            spellings.setdefault(key(turn.speaker), Counter())[turn.speaker] += 1
    names = {name: _spelling(counts) for name, counts in spellings.items()}
    for question, answer in (("в", "о"), ("q", "a"), ("q", "а")):
        if question in names and answer in names:
            names |= {question: "Вопрос", answer: "Ответ"}
    return [
        replace(turn, speaker=names[key(turn.speaker)]) if turn.speaker is not None else turn
        for turn in turns
    ]


def _spelling(counts: Counter[str]) -> str:
    mixed = {name: count for name, count in counts.items() if not name.isupper()}
    name = max(mixed or counts, key=lambda name: (mixed or counts)[name])
    if mixed:
        return name
    words = " ".join(word.lower() if word.casefold() in SMALL else word for word in name.split())
    written = re.sub(r"[^\W\d_]{2,}", _capitalised, words)
    return written[:1].upper() + written[1:]


def _capitalised(word: re.Match[str]) -> str:
    """A word in capitals as a name is written; «РБК», without a vowel, stays."""
    if word[0].islower() or not re.search("[АЕЁИОУЫЭЮЯAEIOUY]", word[0]):
        return word[0]
    return word[0].capitalize()
