"""Rules for editors' words in brackets: remove translations and notes, keep supplied words.

«maestro di casa [дворецкий (итал.)]» has a note; «кричали, чтобы [они] ушли» and «Пет<ербургские>
вед<омости>» have words that the editor supplied. Which of the two a bracket contains is decided by
its text and the text before it, and if that is not enough, by most brackets of the document.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import LANGUAGE, reads_as_note
from femtogpt.corpus.rules.rule_registry import map_lines, map_texts, rule

LONGEST_NOTE = 2000  # characters in brackets; a longer text was opened by a misprint
NOTE_SHARE = 0.6  # of the document's brackets, from which on an ambiguous one is taken for a note
SHORT_WORD = 3  # letters of a word that is no translation: «в», «не», «был»
_BRACKETS = (  # starting with a literal, which re searches for fastest
    re.compile(rf"\[([^\[\]]{{1,{LONGEST_NOTE}}})\]"),
    re.compile(rf"\{{([^{{}}]{{1,{LONGEST_NOTE}}})\}}"),
    re.compile(rf"<([^\s<>][^<>]{{0,{LONGEST_NOTE}}})>"),
)
_FROM = re.compile(  # (от фр. petit verre), also with OCR errors
    rf"[({{][^(){{}}]{{0,14}}?{LANGUAGE}\b|[(]фp|Искажен|\bПрим(?:еч)?\b", re.IGNORECASE
)
_EDITORIAL = re.compile(  # words of editors about a text and of dictionaries about a word
    r"\b(?:значит|называ(?:ется|ют|лся)|говорят|выпущен|пропущен|описк|рукопис|в тексте|текст"
    r" обрыв|обрывается|зачеркнуто|далее (?:было|следует)|(?:^|\W)было: |вместо:|см\.|издани|сюжет)"
    r"|вариант[ы ]",
    re.IGNORECASE,
)
_DEFINES = re.compile(r"[^—–-]{2,40} [—–-]{1,2} ")  # Ликторы — служители
_ALONE = re.compile(rf"{LANGUAGE}\.?|так!|sic!?|\S*книги\d*", re.IGNORECASE)
_LATIN = re.compile(r"[A-Za-zÀ-ÿ][^\w\n]*\s?$")
_NAMES = ("лат", "франц", "фр", "нем", "англ", "итал", "греч", "польск")  # of languages
_LANGUAGE_ENDS = tuple(f"{name}.)" for name in _NAMES)
_NOTE_END = re.compile(rf"(?:(\((?:искаж\. ?)?)|[—–-] ?){LANGUAGE}\.\)$")
NOTE_LINE = 160  # characters of a line that is a note, at most


@rule(
    "Он позвал maestro di casa [дворецкого (итал.)] и курил tabac {табак}.\nVenena — яд (лат.).\n",
    "Он позвал maestro di casa и курил tabac.\n",
    needs="a language, an editor or a definition in the brackets, or a Latin word before them",
    of_editions=True,
)
def bracketed_notes(text: pl.Expr) -> pl.Expr:
    """Remove translations and notes in brackets, and lines that are notes ending in «(лат.)»."""
    return map_texts(_bracketed, _without_notes, text)


def _bracketed(text: pl.Expr) -> pl.Expr:
    ending = rf"(?:\((?:искаж\. ?)?|[—–-] ?)(?:{'|'.join(_NAMES)})\.\)"
    return text.str.contains(r"[\[{<]") | text.str.contains(ending)


@rule(
    "Мы кричали, чтобы [они] ушли; «Пет<ербургские> вед<омости>»; у Е⟨рако⟩ва",
    "Мы кричали, чтобы они ушли; «Петербургские ведомости»; у Еракова",
    needs="a bracket within a word or around Russian words, left by bracketed_notes",
    keeps_letters=True,
    of_editions=True,
)
def conjectures(text: pl.Expr) -> pl.Expr:
    """Keep the words that an editor supplied in brackets, and remove the brackets."""
    return map_lines(r"[\[<{⟨]", _supplied, text)


def _without_notes(text: str) -> str:
    before = ""
    while before != text:  # notes may be nested
        before, text = text, _cut_notes(text)
    cuts = [cut for end in _ends_of(text, ".)") if (cut := _note_around(text, end))]
    return _cut(text, sorted(cuts)) if cuts else text


def _cut_notes(text: str) -> str:
    brackets = [match for pattern in _BRACKETS for match in pattern.finditer(text)]
    brackets = [bracket for bracket in brackets if _is_words(bracket[1])]
    if not brackets:
        return text
    verdicts = [_is_note(text, bracket) for bracket in brackets]
    certain = sum(verdict is True for verdict in verdicts)
    usual = len(brackets) > 2 and certain >= NOTE_SHARE * len(brackets)
    notes = [
        bracket
        for bracket, verdict in zip(brackets, verdicts, strict=True)
        if verdict or (verdict is None and usual)
    ]
    return _cut(text, sorted(_with_mark(text, *note.span()) for note in notes))


def _ends_of(text: str, string: str) -> Iterator[int]:
    """The position after each occurrence of a string."""
    start = text.find(string)
    while start >= 0:
        yield start + len(string)
        start = text.find(string, start + 1)


def _with_mark(text: str, start: int, end: int) -> tuple[int, int]:
    """The span of a note with the spaces and the star before it."""
    offset = max(0, start - 80)
    before = text[offset:start].rstrip().removesuffix("*").rstrip(" \u00a0")
    return offset + len(before), end


def _note_around(text: str, end: int) -> tuple[int, int] | None:
    """The line or bracket that «(лат.)» or «— лат.)», ending at ``end``, shows to be a note."""
    ending = (
        _NOTE_END.search(text[max(0, end - 24) : end])
        if text.endswith(_LANGUAGE_ENDS, 0, end)
        else None
    )
    if ending is None:
        return None
    farthest = max(0, end - LONGEST_NOTE)
    start = text.rfind("\n", farthest, end) + 1 or farthest
    stop = text.find("\n", end, end + LONGEST_NOTE)
    stop = min(len(text), end + LONGEST_NOTE) if stop < 0 else stop
    if ending[1] and stop - start <= NOTE_LINE and not text[end:stop].strip(" .\u00a0"):
        return start, min(stop + 1, len(text))
    closed = end + 1 if ending[1] else end  # (так поспишь (нем.))
    if text[closed - 1 : closed] != ")":
        return None
    opening, depth = end - len(ending[0]), 1
    while opening > start and depth:
        opening -= 1
        depth += {")": 1, "(": -1}.get(text[opening], 0)
    return None if depth else _with_mark(text, opening, closed)


def _cut(text: str, spans: list[tuple[int, int]]) -> str:
    pieces, at = [], 0
    for start, end in spans:
        if start >= at:
            pieces.append(text[at:start])
            if text[start - 1 : start].isalnum() and text[end : end + 1].isalnum():
                pieces.append(" ")
        at = max(at, end)
    return "".join([*pieces, text[at:]])


def _is_words(inside: str) -> bool:
    return any(char.isalpha() for char in inside) and "\n\n" not in inside


def _is_note(text: str, bracket: re.Match[str]) -> bool | None:
    """Whether a bracket is a note; None if it may be one or words supplied by the editor."""
    inside, opening = bracket[1].strip(), bracket.start()
    square, angle = bracket[0][0] == "[", bracket[0][0] == "<"
    before = text[max(0, opening - 60) : opening].rstrip(" \u00a0*\n")
    if reads_as_note(inside) or _FROM.search(inside) or _EDITORIAL.search(inside):
        return True
    if not angle and _DEFINES.match(inside):
        return True
    if inside[0] == "*" or _ALONE.fullmatch(inside):
        return True
    if text[opening - 1 : opening].isalpha():  # Подраж[ание]
        return False
    cyrillic = sum("а" <= char.lower() <= "я" for char in inside)
    if not 2 * cyrillic > sum(char.isalpha() for char in inside):
        return False
    if _LATIN.search(before) and not (angle and text[opening - 1 : opening].isspace()):
        return True
    first = inside.lstrip('*«"„')[:1]
    if first.isupper() and first == inside[0] and before[-1:].isalpha() and not angle:
        return True  # a sentence within a sentence
    if not square and not angle:
        return True if first.isupper() and first == inside[0] else None
    if angle or len(inside) <= SHORT_WORD:
        return False
    return None


_SUPPLIED = re.compile(
    r"[\[<⟨{](?:(?<=\[)([^\[\]\n]{1,1000})\]|(?<=<)([^\s<>][^<>\n]{0,1000})>"
    r"|(?<=⟨)([^⟨⟩\n]{1,100})⟩|(?<=\{)([^{}\n]* [^{}\n]*)\})"
)
_RUSSIAN = re.compile(r"[А-Яа-яЁё]|^[.…\-–—]+$")


def _supplied(text: str) -> str:
    def bare(bracket: re.Match[str]) -> str:
        inside = bracket[bracket.lastindex or 0]
        start, end = bracket.span()
        before, after = text[start - 1 : start], text[end : end + 1]
        glued = before.isalpha() and after.isalpha() and len(inside) > 2
        if before == "<" or not (_RUSSIAN.search(inside) or glued):
            return bracket[0]
        return inside.strip().rstrip("?") if before.isalpha() else inside.strip()

    return _SUPPLIED.sub(bare, text)
