"""The templates that carry visible text; all others are removed.

``TABLE`` maps their names to the text they become in the article. Names are compared without case
and with spaces for underscores. Examples:

======================================  ==========================================
in the dump                             in the text
======================================  ==========================================
{{s|5 мая}}, {{nobr|…}}, {{comment|…}}  5 мая: the first argument
{{lang|fr|Paris}}, {{цвет|red|…}}       Paris: the second argument
{{lang-lt|Lietuva}}                     лит. Lietuva; outside Russian only Lietuva
{{нп5|Дом|доме|en|House}}               доме: the text of the link to a missing article
{{цитата|Текст|Автор}}                  Текст
{{число|65300|км²}}, {{formatnum:…}}    65 300 км²
{{дата|2000|7|25}}, {{СС3|25.7.2000}}   25 июля 2000
{{OldStyleDate|12 мая|1880|30 апреля}}  30 апреля (12 мая) 1880
{{дробь|3|4}}, {{e|6}}                  3/4, ·10⁶
{{convert|5|km|mi}}                     5 km
{{nihongo|Айкидо|合気道|айкидо}}        Айкидо (合気道, айкидо)
{{bt-ruslat|Дуб|Quercus}}               Дуб (лат. Quercus)
{{ударение}}, {{тире}}, {{nbsp}}        a stress mark, a dash, a space
{{М.}}, {{СПб.}}                        themselves
{{PAGENAME}}                            the page's title
======================================  ==========================================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from femtogpt.sources.wiki.hidden_tags import literal
from femtogpt.sources.wiki.language_labels import LABELS, MONTHS

SUPERSCRIPT = str.maketrans("0123456789+-−–n", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁻ⁿ")
_PIPE = re.compile(r"\|(?![^\[\]]{0,300}\]\])")  # not one inside [[a link|its text]]
_NAMED = re.compile(r"\s*([\w .-]{1,30}?)\s*=")
_NUMBER = re.compile(r"\d{1,4}")


@dataclass
class Call:
    """A template call: normalized name and arguments."""

    name: str
    language: str  # of the wiki, such as "ru"
    title: str  # of the page
    positional: list[str] = field(default_factory=list)
    named: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, number: int) -> str:
        """Return a positional argument, counted from 1; empty if missing."""
        return self.positional[number - 1] if number <= len(self.positional) else ""


Expansion = Callable[[Call], str]


def expanded(content: str, language: str, title: str) -> str:
    """Expand a template to its visible text; ``content`` is the text between {{ and }}."""
    name, pipe, rest = content.partition("|")
    name = name.replace("_", " ").strip().casefold()
    if ":" in name:  # formatnum:1000 and {{Шаблон:s|…}}
        prefix, _, after = name.partition(":")
        if prefix in TABLE:
            call = Call(prefix, language, title, [content.partition(":")[2].strip()])
            return TABLE[prefix](call)
        name = after.strip()
    expansion = TABLE.get(name)
    if expansion is None:
        if name.startswith(("lang-", "мова-")):
            expansion = _labelled
        elif not pipe and _ABBREVIATION.fullmatch(content.strip()):
            return content.strip()
        else:
            return ""
    return expansion(_call(name, rest if pipe else None, language, title))


_ABBREVIATION = re.compile(r"\w{1,5}\.")  # a city in book lists: {{М.}}


def _call(name: str, rest: str | None, language: str, title: str) -> Call:
    call = Call(name, language, title)
    for argument in [] if rest is None else _PIPE.split(rest):
        key = _NAMED.match(argument)
        if key is None:
            call.positional.append(argument.strip())
            continue
        value = argument[key.end() :].strip()
        if key[1].isascii() and key[1].isdigit() and 0 < int(key[1]) < 10:
            call.positional += [""] * (int(key[1]) - len(call.positional))
            call.positional[int(key[1]) - 1] = value
        else:
            call.named[key[1].casefold()] = value
    return call


def _first(call: Call) -> str:
    return call[1]


def _second(call: Call) -> str:
    return call[2] or call[1]


def _last(call: Call) -> str:
    return next((value for value in reversed(call.positional) if value), "")


def _always(text: str) -> Expansion:
    return lambda call: text


def _labelled(call: Call) -> str:
    """Expand {{lang-lt|Lietuva}}; {{lang-lt2|…}} has no label."""
    code = call.name.partition("-")[2]
    label = LABELS.get(code) if call.language == "ru" and call[1] else None
    return f"{label} {call[1]}" if label else call[1]


def _missing_article(call: Call) -> str:
    text = call.named.get("текст") or call.named.get("text") or call.named.get("lt")
    if not text and call.name not in ("ill", "interlanguage link"):  # whose 2nd is a language
        text = call[2]
    return text or call[1] or call.named.get("надо", "")


def _quotation(call: Call) -> str:
    named = (call.named.get(key) for key in ("текст", "цитата", "text", "quote"))
    return call[1] or next((value for value in named if value), "")


def _number(call: Call) -> str:
    """Format a number in groups of three digits from 10 000 on, with its unit."""
    integer, mark, fraction = call[1].replace("\u00a0", "").replace(" ", "").partition(",")
    if not mark:
        integer, mark, fraction = integer.partition(".")
    digits = integer.lstrip("-−+")
    if digits.isdigit() and len(digits) > 4:
        integer = integer[: len(integer) - len(digits)] + f"{int(digits):,}".replace(",", " ")
    elif not digits.isdigit():
        integer, mark, fraction = call[1], "", ""
    separator = "," if mark and call.language != "en" else mark
    unit = call[2] if re.match(r"[^\W\d]", call[2]) else ""
    return f"{integer}{separator}{fraction} {unit}".strip()


def _date(call: Call) -> str:
    """Write out a date given in numbers as day, month, year or year, month, day."""
    numbers = [part for value in call.positional for part in re.split(r"[.-]", value)]
    numbers = [number for number in numbers if _NUMBER.fullmatch(number)][:3]
    months = MONTHS.get(call.language)
    if months is None or len(numbers) < 3:
        return " ".join(call.positional[:3]) if len(numbers) < 3 else ""
    day, month, year = numbers if len(numbers[0]) < 3 else reversed(numbers)
    if not 1 <= int(month) <= 12:
        return ""
    return f"{int(day)} {months[int(month) - 1]} {year}"


def _old_style_date(call: Call) -> str:
    """Give the day by the old calendar and, in parentheses, by the new one."""
    if call[1].isdigit():  # {{OldStyleDate|26|апреля|1795|15}}
        new, old, rest = call[1], call[4], f"{call[2]} {call[3]}"
    else:
        new, old, rest = call[1], call[3], call[2]
    return f"{old} ({new}) {rest}" if old else f"{new} {rest}"


def _fraction(call: Call) -> str:
    *integer, numerator, denominator = ["", "1", *call.positional][-max(2, len(call.positional)) :]
    return " ".join([*integer, f"{numerator}/{denominator}"])


def _power_of_ten(call: Call) -> str:
    return "·10" + call[1].translate(SUPERSCRIPT)


def _converted(call: Call) -> str:
    """Keep a measure without its conversion to other units; a range has four arguments."""
    is_range = call[2] in ("to", "and", "or", "by", "x", "-", "–")
    return " ".join(call.positional[: 4 if is_range else 2])


def _with_original(call: Call) -> str:
    original = ", ".join(filter(None, call.positional[1:3]))
    return f"{call[1]} ({original})" if call[1] and original else call[1] or original


def _listed(call: Call) -> str:
    return ", ".join(filter(None, call.positional))


def _joined(call: Call) -> str:
    return "".join(call.positional)


def _table(*rows: tuple[Expansion, str]) -> dict[str, Expansion]:
    """Build a table from rows of an expansion and comma-separated names."""
    return {name.strip(): expansion for expansion, names in rows for name in names.split(",")}


TABLE: dict[str, Expansion] = _table(
    (
        _first,
        "s, сс, nobr, nowrap, нобр, нет переноса, неразрывно, comment, abbr, подсказка, tooltip,"
        " small, smaller, мелкий, мелкий шрифт, big, large, larger, крупный, center, strong, em,"
        " год, флагификация, flagcountry, flag, unicode, юникод, iast, иврит, math, mvar, var, sc,"
        " smallcaps, sic, так в тексте, нет аи 2, нет аи2, angbr, vr, sub, sup, lc, uc, ucfirst,"
        " lcfirst, plainlist, flatlist, стихи, poemquote, начало стиха, linktext, visible anchor,"
        " якорь с текстом, key, клавиша, клавіша, смалл, малый, опечатка, не переносить",
    ),
    (
        _second,
        "lang, langi, цвет, color, font color, colour, script, rtl-lang, фон, hover, colored text,"
        " мр, мс",
    ),
    (_last, "transl, translit, columns-list, кол-список"),
    (
        _missing_article,
        "не переведено, не переведено 2, не переведено 3, не переведено 4, не переведено 5, нп,"
        " нп1, нп2, нп3, нп4, нп5, iw, iw2, ill, interlanguage link, не перекладено,"
        " не перекладено 2, нет статьи",
    ),
    (_quotation, "цитата, цитата2, quote, blockquote, cquote, цитата-рамка, rquote, цитування"),
    (_number, "число, num, nts, formatnum, val, formatprice, format price"),
    (_date, "дата, date, dts, сс3, др, дс, дн, дата рождения, дата смерти, birth date, death date"),
    (_date, "birth date and age, death date and age, start date, end date, дата начала"),
    (_old_style_date, "oldstyledate, сс2, старый стиль, дата по старому стилю"),
    (_fraction, "дробь, frac, fraction, sfrac, простая дробь"),
    (_power_of_ten, "e, е"),
    (_converted, "convert, cvt"),
    (_with_original, "nihongo, нихонго, яп"),
    (lambda call: f"{call[1]} (лат. {call[2]})" if call[2] else call[1], "bt-ruslat"),
    (lambda call: f"{call[1]} {call[2]}".strip(), "btname"),
    (_joined, "chem, chem2, хим, химическая формула"),
    (_listed, "hlist, unbulleted list, ubl, ublist"),
    (lambda call: "\u0301" if call.language != "en" else "'", "ударение, удар, '"),
    (lambda call: call.title, "pagename, имя страницы, fullpagename, basepagename"),
    (_always(" — "), "тире, мдаш, mdash, —, --, длинное тире, spaced mdash"),
    (_always("—"), "mdashb"),
    (_always("–"), "ndash, ндаш"),
    (_always(" – "), "snd, spaced ndash, spnd"),
    (_always(" "), "nbsp, space, пробел, thinsp, нбсп, -, clear inline"),
    (_always(" • "), "•, ·, ・, bull, middot, *, точка"),
    (_always(literal("=")), "="),  # not the sign of a named argument
    (_always("’"), "ʼ, апостроф, ’"),
    (_always("’s"), "'s"),
    (_always("№"), "номер, numero, №"),
    (_always("π"), "pi"),
    (_always("°C"), "°c, c°, градус цельсия, градус цельсію, градус цельсія"),
    (_always("°"), "°, градус"),
    (_always("нар."), "нар, нар., н"),
    (_always("руб."), "рубль, руб, ₽"),
    (_always("€"), "евро, euro, €"),
)
