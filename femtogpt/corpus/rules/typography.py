"""Rules for punctuation: one kind each of dash, ellipsis and number sign.

They follow А. Э. Мильчин, Л. К. Чельцова, «Справочник издателя и автора»: an em dash with spaces
between words, with a space after it at the start of direct speech, without spaces between numbers;
a hyphen inside words; … for three dots, but ?.. and !..
"""

from __future__ import annotations

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import LETTER
from femtogpt.corpus.rules.rule_registry import has, matches, replacement, rule, where

_HYPHEN = r"(^|[ \t\n])-([ \t\n]|$)"
_ENDING = (  # of words in dictionaries: «стол, -а, м.», «дом, -ов; -ам»
    r"(?:[аеиуыюя]|[оеё][вкм]|[ыи][йе]|[аоеыия][яе]|а[мхт]|[иеё]т|ью|ца|ист|изм|ость)[,;.)\n]"
)
_END = rf"[{LETTER}0-9»)]{{2}}"  # of a sentence, unlike an initial: С.-Петербург
_PARTICLE = r"(?:то|ка|нибудь|либо|таки|де|с|тко|тка)"


@rule(
    "- Да,- сказал он – и ушёл -- по-русски, в 1812-1813 годах;--\nа там\u2212холод, \u22125°",
    "— Да, — сказал он — и ушёл — по-русски, в 1812—1813 годах; —\nа там—холод, \u22125°",
    needs="a dash, or a hyphen beside a space, a line's edge or punctuation",
    keeps_letters=True,
)
def dashes(text: pl.Expr) -> pl.Expr:
    """Convert dashes to em dashes, with spaces between words and without between numbers."""
    text = where(has("\u2010", "\u2011", "\u2212"), _from_rare, text)
    text = where(matches(r"[ =(\[≤≥]\u2013[0-9]"), _with_minus, text)
    text = where(matches(f", -{_ENDING}"), _with_endings, text)
    text = where(has("--"), _from_double, text)
    text = text.str.replace_all(r"[\u2012\u2013\u2015]", "—")
    text = where(_has_hyphens, _from_hyphens, text)
    text = where(has(".—"), replacement(rf"({_END}\.)—([{LETTER}])", "$1 — $2"), text)
    text = _replaced(
        text,
        (r"([^\s—(\[«„\"-])— ", "$1 — "),  # spaces on both sides of a dash that has one
        (r"([^\s—(\[«„\"-])—\n", "$1 —\n"),
        (rf"([,!?…;:])—([{LETTER}])", "$1 — $2"),
        (rf"(^|\n| )—([{LETTER}0-9«„\"…])", "$1— $2"),
        (rf"(^|[^\d{LETTER}.,/—-])(\d{{1,4}})-(\d{{1,4}})([^\d{LETTER}/—-]|$)", "$1$2—$3$4"),
    )
    return where(has("\u2011"), replacement("\u2011", "-"), text)


def _with_endings(text: pl.Expr) -> pl.Expr:
    """Mark the hyphens of endings, which are no dashes, by another sign."""
    ending = (rf"([,;] )-({_ENDING})", "$1\u2011$2")
    return _replaced(text, ending, ending)  # again: two that share a mark need two passes


def _with_minus(text: pl.Expr) -> pl.Expr:
    """Convert an en dash before a number that no dash can stand there for: «от –10», «–5 °С»."""
    before = (
        r"(?:^|[^\pL])(?:[Оо]т|[Дд]о|[Нн]иже|[Вв]ыше|[Оо]коло|[Пп]ри|[Вв]|[Нн]а|[Кк]) |[=(\[≤≥] ?"
    )
    text = text.str.replace_all(rf"({before})\u2013([0-9])", "$1\u2212$2")
    return text.str.replace_all(r"([\pL,:] )\u2013([0-9]{1,3}(?:[.,][0-9]+)? ?°)", "$1\u2212$2")


def _from_rare(text: pl.Expr) -> pl.Expr:
    """Convert Unicode hyphens, and a minus sign without a number after it."""
    text = text.str.replace_all(r"[\u2010\u2011]", "-")
    return text.str.replace_all("\u2212+([^0-9\u2212]|$)", "—$1")


def _from_double(text: pl.Expr) -> pl.Expr:
    text = text.str.replace_all(rf"(\p{{Ll}}{{2}})--([{LETTER}])", "$1 — $2")
    return text.str.replace_all("-{2,}", "—")


def _has_hyphens(text: pl.Expr) -> pl.Expr:
    """Whether a hyphen is not inside a word."""
    spaced = has(" -", "- ", "\n-", "-\n", *(f"{mark}-" for mark in ',.!?…»");:'))(text)
    return spaced | text.str.starts_with("-") | text.str.ends_with("-")


def _from_hyphens(text: pl.Expr) -> pl.Expr:
    """Convert hyphens that stand for a dash, and rejoin those separated from their word."""
    text = where(matches(rf" -[{LETTER}]"), _from_spaced, text)
    text = where(has(".-"), replacement(rf"({_END}\.)-(\p{{Lu}})", "$1 — $2"), text)
    text = where(has("»-"), replacement(rf"([!?…]»)-([{LETTER}])", "$1 — $2"), text)
    verse = replacement(r"((?:^|[\s«(])[а-яё]+)-(\n[А-ЯЁ«])", "$1 —$2")  # not Римский-\nКорсаков
    text = where(has("-\n"), verse, text)
    text = where(has("- «", "- „"), replacement(rf"([{LETTER}])- ([«„])", "$1 — $2"), text)
    return _replaced(
        text,
        (rf"([{LETTER}])- ({_PARTICLE}(?:[^{LETTER}]|$))", "$1-$2"),
        (r"[ ]- ", " — "),  # the commonest; faster without groups
        (r"\n- ", "\n— "),
        (_HYPHEN, "${1}—${2}"),
        (_HYPHEN, "${1}—${2}"),  # again: two that share a space need two passes
        (r"([,.!?…;:»\")])-([ \t\n]|$)", "$1 —$2"),
        (rf"([,!?…])-([{LETTER}])", "$1 — $2"),
        (rf"(^|\n)-([{LETTER}])", "$1— $2"),
    )


def _from_spaced(text: pl.Expr) -> pl.Expr:
    text = text.str.replace_all(rf"([,.!?…;:»\")]) -([{LETTER}])", "$1 — $2")
    text = where(_torn, replacement(rf"([{LETTER}]) -([{LETTER}])", "$1-$2"), text)
    return text.str.replace_all(rf"([{LETTER}]) -({_PARTICLE}(?:[^{LETTER}]|$))", "$1-$2")


def _replaced(text: pl.Expr, *pairs: tuple[str, str]) -> pl.Expr:
    for pattern, value in pairs:
        text = text.str.replace_all(pattern, value)
    return text


def _torn(text: pl.Expr) -> pl.Expr:
    """Whether a text regularly has a space before a hyphen: «кто -то», «дале -ко»."""
    return text.str.count_matches(rf"[{LETTER}] -[{LETTER}]") > 20


@rule(
    "Как... Что?... Нет!…. Да!.. «...Вот» . . . . .",
    "Как… Что?.. Нет!.. Да!.. «…Вот» …",
    needs="three dots or more, or a row of five dashes",
    keeps_letters=True,
)
def ellipses(text: pl.Expr) -> pl.Expr:
    """Convert three or more dots, or a row of dots or dashes, to …; after ? and ! to two dots."""
    row = replacement(r"(?m)^[ \t]*[-—](?:[ \t]+[-—]){4,}[ \t]*$", "…")
    text = where(has("- - - - -", "— — — — —"), row, text)
    text = text.str.replace_all(r"\.(?:[ \u00a0]?\.){4,}|\.{3,}|…[.…]+", "…")
    text = where(has("… …", "… ."), replacement(r"…(?: [.…]+)+( |\n|$)", "…$1"), text)
    text = where(has("……", "….", ".…"), replacement(r"…[.…]+|\.+…[.…]*", "…"), text)
    return text.str.replace_all(r"([?!])(?:…|\.{3,})", "$1..")


@rule(
    "Нет , не надо ! Он ( тот ) ушёл .",
    "Нет, не надо! Он (тот) ушёл.",
    needs="a space between a word and a mark that follows it",
    keeps_letters=True,
)
def punctuation(text: pl.Expr) -> pl.Expr:
    """Remove spaces before punctuation and inside brackets and quotation marks."""
    return where(matches(r" [,;:!?)»“]| \.[\s»]|[(«„] "), _close, text)


def _close(text: pl.Expr) -> pl.Expr:
    for mark in ",;:!?":  # one by one: a single string is the fastest to search for
        closed = replacement(rf"([{LETTER}0-9»“)]) [{mark}]", f"${{1}}{mark}")
        text = where(has(f" {mark}"), closed, text)
    text = text.str.replace_all(rf"([{LETTER}0-9»“)]) (\.(?:[\s»]|$))", "$1$2")
    text = text.str.replace_all(rf"([(«„]) +([{LETTER}])", "$1$2")
    for mark in ")»“":
        closed = replacement(rf"([{LETTER}0-9.,!?…]) [{mark}]", f"${{1}}{mark}")
        text = where(has(f" {mark}"), closed, text)
    return text


@rule(
    "Палата No 6, дом N3",
    "Палата № 6, дом № 3",
    needs="N or No before a digit",
)
def number_signs(text: pl.Expr) -> pl.Expr:
    """Convert No 6 and N 6 to № 6."""
    text = text.str.replace_all(r"(^|[^\p{Latin}\d])N[oо]?\.?[ \u00a0]?(\d)", "${1}№ $2")
    return text.str.replace_all(r"№\u00a0?(\d)", "№ $1")


@rule(
    "d'Artagnan, C`est, О'Нил, 'так'",
    "d’Artagnan, C’est, О’Нил, 'так'",
    needs="a letter on both sides",
    keeps_letters=True,
)
def apostrophes(text: pl.Expr) -> pl.Expr:
    """Convert an apostrophe between letters to ’."""
    text = where(has("`", "´"), replacement(rf"([{LETTER}])[`´]([{LETTER}])", "$1’$2"), text)
    return text.str.replace_all(rf"([{LETTER}])'([{LETTER}])", "$1’$2")
