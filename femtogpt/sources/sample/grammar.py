"""Russian inflection for the sample stories: nouns, adjectives, past tense, prepositions.

Paradigms are a handful of ending rows plus the Russian spelling rules. Anything that does not
follow from the dictionary form (fleeting vowels, irregular plurals, «в лесу») is spelt out in the
lexicon, so this module holds rules and no exceptions for single nouns.

A case code is one letter: ``n g d a i p`` (nominative, genitive, dative, accusative,
instrumental, prepositional) and ``l`` (locative after «в» and «на»); capitals are the plural.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

VOWELS = "аеёиоуыэюя"
VELARS = "гкх"
SIBILANTS = "жшчщ"
GENDERS = "mfnp"  # masculine, feminine, neuter, plural only

# Endings by declension: the six singular cases, then N G D I P. "-" means no ending and "*" a form
# that depends on animacy; the accusative plural always depends on it and has no column.
_ENDINGS = {
    "hard": "- а у * ом е ы ов ам ами ах",  # стол
    "soft": "ь я ю * ем е и ей ям ями ях",  # конь
    "iot": "й я ю * ем е и ев ям ями ях",  # чай
    "a": "а ы е у ой е ы - ам ами ах",  # лампа
    "ya": "я и е ю ей е и ь ям ями ях",  # яблоня
    "third": "ь и и ь ью и и ей ям ями ях",  # тетрадь
    "o": "о а у о ом е а - ам ами ах",  # окно
    "e": "е я ю е ем е я ей ям ями ях",  # поле
    "mya": "я ени ени я енем ени ена ён енам енами енах",  # время
}
_CODES = ["n", "g", "d", "a", "i", "p", "N", "G", "D", "I", "P"]
_CLASS_BY_LETTER = {"ь": "soft", "й": "iot", "а": "a", "я": "ya", "о": "o", "е": "e"}
_GENDER_MARKS = {"м": "m", "ж": "f", "с": "n", "мн": "p"}


@dataclass(frozen=True)
class Noun:
    """A noun with all its forms by case code; ``at`` is its preposition of place, «в» or «на».

    Nouns are equal if they are the same word.
    """

    word: str
    forms: Mapping[str, str] = field(compare=False)
    gender: str = field(compare=False)
    animate: bool = field(compare=False)
    at: str = field(compare=False)


def _join(stem: str, ending: str, stressed: bool) -> str:
    """Join stem and ending by the spelling rules; ``stressed``: the stress is on the ending."""
    if ending == "-":
        return stem
    last, first = stem[-1], ending[0]
    if last in VELARS + SIBILANTS and first == "ы":
        first = "и"
    elif last in SIBILANTS + "ц" and first in "яю":
        first = {"я": "а", "ю": "у"}[first]
    elif last in SIBILANTS + "ц" and first == "о" and ending in ("ом", "ой", "ов"):
        first = "о" if stressed else "е"
    elif last in SIBILANTS and ending == "ем" and stressed:
        first = "о"
    elif last == "и" and ending == "е":
        first = "и"  # о станции, в здании
    elif first == "е" and stressed and ending in ("ем", "ей", "ев"):
        first = "ё"
    return stem + first + ending[1:]


def noun(entry: str) -> Noun:
    """Parse one lexicon entry: ``word gender [stem] [code=form ...]``.

    The gender is «м», «ж», «с» or «мн» (plural only; the word is then the plural), with a "+" for
    animate nouns and a "'" for stressed endings. The stem is needed only if it is not the word
    without its ending. A nominative plural ``N=`` also sets the stem of the plural; ``at=на`` sets
    the preposition of place. Raises ValueError where a form would have to be guessed.
    """
    word, mark, *rest = entry.split()
    explicit = dict(item.split("=") for item in rest if "=" in item)
    stems = [item for item in rest if "=" not in item]
    gender = _GENDER_MARKS[mark.rstrip("'+")]
    animate, stressed, at = "+" in mark, "'" in mark, explicit.pop("at", "в")
    if word.endswith(tuple("уюэ")) or "несклоняемое" in stems:
        return Noun(word, {code: word for code in "ngdaiplNGDAIPL"}, gender, animate, at)

    kind = _CLASS_BY_LETTER.get(word[-1], "hard")
    if gender == "f" and kind == "soft":
        kind = "third"
    elif gender == "n" and kind == "ya":
        kind = "mya"
    stem = stems[0] if stems else word if kind == "hard" else word[:-1]
    rows = dict(zip(_CODES, _ENDINGS[kind].split(), strict=True))
    if kind == "hard" and stem[-1] in SIBILANTS:
        rows["G"] = "ей"
    if kind in ("ya", "e") and stem[-1] == "и":
        rows["G"] = "й"
    forms = {
        code: _join(stem, ending, stressed and (code, ending) != ("G", "ей"))
        for code, ending in rows.items()
        if ending != "*"
    }
    forms["n"] = word

    plural = word if gender == "p" else explicit.get("N")
    bare = forms["G"].removesuffix("ь")
    doubtful = rows["G"] in ("-", "ь") and not set(bare[-2:]) & set(VOWELS)  # a fleeting vowel?
    doubtful |= kind == "e" and stem[-1] in SIBILANTS + "ць"
    doubtful |= gender == "p"
    if plural:
        doubtful |= plural.endswith("ья") or gender == "n"
    if doubtful and "G" not in explicit:
        raise ValueError(f"the genitive plural must be given: {entry}")
    if plural:
        soft = plural[-1] == "я" or (plural[-1] == "и" and plural[-2] not in VELARS + SIBILANTS)
        for code, ending in {"D": "м", "I": "ми", "P": "х"}.items():
            forms[code] = plural[:-1] + ("я" if soft else "а") + ending
        forms["N"] = plural
    forms |= explicit

    if kind in ("hard", "soft", "iot"):
        forms.setdefault("a", forms["g" if animate else "n"])
    forms["A"] = forms["G" if animate else "N"]
    forms.setdefault("l", forms["p"])
    forms["L"] = forms["P"]
    if gender == "p":
        forms |= {code.lower(): forms[code] for code in "NGDAIPL"}
    return Noun(word, forms, gender, animate, at)


def nouns(text: str) -> tuple[Noun, ...]:
    """Parse entries separated by commas or line ends."""
    entries = text.replace("\n", ",").split(",")
    return tuple(noun(entry) for entry in entries if entry.strip())


def agreement(item: Noun, code: str) -> str:
    """Return the key in ``adjective()`` of the form that agrees with a noun in this case."""
    if code.isupper() or item.gender == "p":
        code = code.upper()
        if code == "A":
            code = "G" if item.animate else "N"
        return {"N": "p", "G": "pg", "P": "pg", "L": "pg", "D": "pd", "I": "pi"}[code]
    if code == "n":
        return item.gender
    if item.gender == "f":
        return "fa" if code == "a" else "fo"
    if code == "a":
        return "g" if item.gender == "m" and item.animate else item.gender
    return "l" if code == "p" else code


def adjective(lemma: str) -> dict[str, str]:
    """Return all forms of an adjective by agreement key."""
    stem, ending = lemma[:-2], lemma[-2:]
    soft = ending == "ий" and stem[-1] not in VELARS
    i = "и" if soft or stem[-1] in VELARS + SIBILANTS else "ы"
    o = "е" if soft else "о"
    a, u = ("я", "ю") if soft and stem[-1] not in SIBILANTS else ("а", "у")
    forms = {"m": ending, "f": a + "я", "n": o + "е", "p": i + "е"}
    forms |= {"g": o + "го", "d": o + "му", "i": i + "м", "l": o + "м"}
    forms |= {"fa": u + "ю", "fo": o + "й", "pg": i + "х", "pd": i + "м", "pi": i + "ми"}
    return {key: stem + form for key, form in forms.items()}


def adjectives(text: str) -> tuple[dict[str, str], ...]:
    """Return the forms of several adjectives, given by dictionary forms separated by spaces."""
    return tuple(adjective(lemma) for lemma in text.split())


def past(masculine: str) -> dict[str, str]:
    """Derive the past tense by gender from the masculine: «пришёл», «принёс», «улыбнулся»."""
    verb = masculine.removesuffix("ся")
    if verb.endswith("шёл"):
        stem = verb[:-2] + "л"
    elif verb.endswith("ёл"):
        stem = verb[:-2] + "ел"  # привёл, привела
    elif verb.endswith("л"):
        stem = verb
    else:
        stem = verb[:-2] + verb[-2:].replace("ё", "е") + "л"  # принёс, принесла; помог, помогла
    tail = "сь" if masculine.endswith("ся") else ""
    return {"m": masculine, "f": stem + "а" + tail, "n": stem + "о" + tail, "p": stem + "и" + tail}


def pasts(text: str) -> tuple[dict[str, str], ...]:
    """Return the past tense of several verbs, given by masculine forms separated by spaces."""
    return tuple(past(verb) for verb in text.split())


_AGREEING = {  # words other than past tenses that agree in gender: masculine, f, n, plural
    row.split()[0]: row.split()
    for row in (
        "он она оно они",
        "его её его их",
        "него неё него них",
        "ему ей ему им",
        "нему ней нему ним",
        "ним ней ним ними",
        "нём ней нём них",
        "сам сама само сами",
        "рад рада радо рады",
        "готов готова готово готовы",
        "доволен довольна довольно довольны",
        "счастлив счастлива счастливо счастливы",
        "весел весела весело веселы",
        "спокоен спокойна спокойно спокойны",
    )
}


def agree(masculine: str, gender: str) -> str:
    """Put a pronoun, short adjective or past tense from the masculine into another gender."""
    if gender == "m":
        return masculine
    lower = masculine.lower()
    row = _AGREEING.get(lower)
    form = row[GENDERS.index(gender)] if row else past(lower)[gender]
    return form if masculine == lower else form.capitalize()


def preposition(word: str, following: str) -> str:
    """Choose the form of «в», «с», «к» or «о» before this word; others stay unchanged."""
    first, second = following[0], following[1:2]
    cluster = bool(second) and second not in VOWELS + "ь"
    if word == "с" and ((first in "сзшж" and cluster) or first == "щ" or following[:2] == "мн"):
        return "со"
    if word == "в" and ((first in "вф" and cluster) or following.startswith("двор")):
        return "во"
    if word == "о" and first in "аоуэи":
        return "об"
    if word in ("к", "в") and following.startswith(("мне", "всем", "всей")):
        return word + "о"
    return word
