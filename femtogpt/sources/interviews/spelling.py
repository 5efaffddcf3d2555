"""Unifies the spellings of speakers' names."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace

from femtogpt.sources.interviews.name_words import SMALL
from femtogpt.sources.interviews.turns import Turn


def key(name: str) -> str:
    """Normalize a name: ignore case, ё, kinds of dashes and surrounding punctuation."""
    folded = name.casefold().replace("ё", "е").replace("–", "-").replace("‑", "-").replace(".", " ")
    return " ".join(folded.strip(" ,:;<>[]()«»\"'*_").split())


def unified(turns: Iterable[Turn]) -> list[Turn]:
    """Give each speaker one spelling: the most frequent one that is not all capitals.

    The letters for question and answer become words if both occur.
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
    mixed_case = {name: count for name, count in counts.items() if not name.isupper()}
    name = max(mixed_case or counts, key=lambda name: counts[name])
    if mixed_case:
        return name
    words = " ".join(word.lower() if word.casefold() in SMALL else word for word in name.split())
    capitalised = re.sub(r"[^\W\d_]{2,}", _capitalised, words)
    return capitalised[:1].upper() + capitalised[1:]


def _capitalised(word: re.Match[str]) -> str:
    """Capitalize a word in capitals; an abbreviation without a vowel («РБК») stays."""
    if word[0].islower() or not re.search("[АЕЁИОУЫЭЮЯAEIOUY]", word[0]):
        return word[0]
    return word[0].capitalize()
