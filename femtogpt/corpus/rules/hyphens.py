"""Rules for hyphens at a line's end or next to a space, resolved by the text's other words."""

from __future__ import annotations

import re
from collections import Counter

import polars as pl

from femtogpt.corpus.rules.editorial_patterns import LETTER
from femtogpt.corpus.rules.rule_registry import has, map_texts, matches, rule, where
from femtogpt.corpus.vocabulary import RUSSIAN

_LOOSE = re.compile(  # starting with a literal, which re searches for fastest
    r"-(?: (?=\w)|(?<= -)(?=\w))"
)
LONGEST_WORD = 40  # letters
SEARCHES = 30  # for words in a text before all of its words are listed
_BEFORE = re.compile(r"(?<![\w-])(?<!- )[^\W\d_]+(?= ?$)")
_AFTER = re.compile(r"\s*([^\W\d_]+)(?![\w-])")
WORD = re.compile(r"\w+(?:-\w+)*")
_BETWEEN_SPACES = re.compile(r"[\w-]+")
_BROKEN = re.compile(r"-\s{0,4}\n\s*([а-яё]+(?:-[а-яё]+)*)")
_STEM = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*$")
_SHADE = r"(?:син|зел[её]н|красн|ж[её]лт|сер|бел|ч[её]рн|голуб|розов|коричнев|бур|рыж|русы)"
_NO_ADVERB = (  # what goes on after «по» at a line's end in one word: потому, подобному, поэтически
    r"(?:[тсч]|эт|добн|койн|следн|лн|здн|стоянн|чтенн|жил|хож|лез|литич|ложит|слушн|пуляр)[ое]му\b"
    r"|(?:добн|койн|следн|стоянн|чтенн|лезн|ложит|слушн|пуляр|лит|эт)\w*"
)
_SPHERE = (  # begins adjectives with a hyphen: социально-экономический
    r"(?:социально|общественно|научно|учебно|военно|торгово|финансово|политико|историко|культурно"
    r"|физико|химико|медико|русско|англо|франко|немецко|французско|японско|китайско|польско)"
)
_NO_SPHERE = (  # русскоязычный, военнопленный, общественность
    r"(?:язычн|говорящ|сакс|пленн|служащ|обязанн|начальн|ст(?:ью?|и|ей|ям|ями|ях)\b)"
)
_COMPOUND = re.compile(  # words written with a hyphen
    rf"по-(?!{_NO_ADVERB})\w*(?:[ое]му|[сц]ки|ьи)|во?-(?:перв|втор|трет|четв[её]р|пят|шест|седьм)\w+|из-(?:за|под)"
    r"|ко[ей]-\w+|пол-[аеёиоуэюял]\w*|(?:юго|северо)-(?:запад|восто)\w*|обер-(?![нте])\w+"
    r"|(?:вице|штабс|унтер|лейб)-\w+|\w+-(?:либо|нибудь|таки|с)|(\w{3,})-\1|давным-давно"
    rf"|мало-помалу|(?:т[её]мно|светло|ярко|бледно|иссиня)-{_SHADE}\w+"
    rf"|{_SPHERE}-(?!{_NO_SPHERE})\w{{3,}}",
    re.IGNORECASE,
)
_ENCLITICS = frozenset({"то", "ка", "де", "тка", "тко"})
_HOST = re.compile(  # words before an enclitic, other than common ones
    r"(?:как|котор|чь|чей|почему|зачем|отчего|откуда|сколько|кем|чему)\w*"
    r"|ну|дай|давай|по(?:ди|годи|стой|смотри|гляди)|иди|стой|смотри|скажи|возьми|гляди",
    re.IGNORECASE,
)
VERSE_LINE = 45  # characters: a longer line is hardly verse
_SHARED = frozenset({"и", "или", "либо", "да"})  # трёх- или четырёхлетний


# Signs that break a word at a line's end and nowhere else: soft hyphen, ¬, and rare hyphens.
_BREAK_SIGNS = "\u00ac\u00ad\u2010\u2011\u2e17\u2e40\ufe63\uff0d"
_DASH_SIGNS = "\u2013\u2212="  # these do so in some texts: there, the joined word occurs elsewhere
_DASHED = [f"{sign}{end}" for sign in _DASH_SIGNS for end in ("\n", " \n")]
_AT_END = r"[ \t\u00a0]*\n"
_BROKEN_BY_SIGN = rf"(\pL)-?[{_BREAK_SIGNS}]+{_AT_END}([ \t\u00a0\n]{{0,40}}\p{{Ll}})"
_BROKEN_CAPITALS = rf"(\p{{Lu}})-?[{_BREAK_SIGNS}]+{_AT_END}[ \t\u00a0]*(\p{{Lu}}[^\s]*)[ \t]*"
_BROKEN_BY_DASH = re.compile(rf"([^\W\d_]+)[{_DASH_SIGNS}][ \t]*\n(?=[ \t\u00a0]*([а-яё]+))")


@rule(
    "Он откладывал газе\u00ad\nту и шёл за по\u00ac\nчтой.",
    "Он откладывал газе-\nту и шёл за по-\nчтой.",
    needs="a letter before the sign, and a next line that begins with a letter",
    keeps_letters=True,
)
def line_end_hyphens(text: pl.Expr) -> pl.Expr:
    """Write the sign that breaks a word at a line's end as a hyphen: soft hyphen, ¬, ‐, ‑."""
    text = where(matches(rf"[{_BREAK_SIGNS}]{_AT_END}"), _with_hyphens, text)
    return where(has(*_DASHED), _with_dashes_resolved, text)


def _with_dashes_resolved(text: pl.Expr) -> pl.Expr:
    dashed = rf"\p{{Ll}}[{_DASH_SIGNS}][ \t]*\n[ \t\u00a0]*\p{{Ll}}"
    return map_texts(matches(dashed), _without_dashes, text)


def _with_hyphens(text: pl.Expr) -> pl.Expr:
    text = text.str.replace_all(_BROKEN_BY_SIGN, "$1-\n$2")
    return text.str.replace_all(_BROKEN_CAPITALS, "$1$2\n")  # later rules join small letters only


def _without_dashes(text: str) -> str:
    words = _words_of(text)

    def hyphen(broken: re.Match[str]) -> str:
        stem, tail = broken[1].lower(), broken[2]
        breaks = stem + tail in words or f"{stem}-{tail}" in words
        return f"{broken[1]}-\n" if breaks else broken[0]

    return _BROKEN_BY_DASH.sub(hyphen, text)


def _words_of(text: str) -> set[str]:
    """The words of a text in lower case, with their hyphens."""
    return set(WORD.findall(text.lower()))


@rule(
    "Он вышел и посмот-\nрел, нет ли кого-\nнибудь.\nОдиночество-\nэто когда",
    "Он вышел и посмотрел, нет ли кого-нибудь.\nОдиночество-\nэто когда",
    needs="a hyphen that ends a line, and a next line that begins with a small letter",
    keeps_letters=True,
)
def broken_words(text: pl.Expr) -> pl.Expr:
    """Join words broken at the end of a line or page; compounds keep their hyphen."""
    return map_texts(has("-\n", "- \n"), _joined, text)


def _joined(text: str) -> str:
    words: Counter[str] = Counter()
    pieces, at = [], 0
    for broken in _BROKEN.finditer(text):
        stem = _STEM.search(text[max(at, broken.start() - LONGEST_WORD) : broken.start()])
        if not stem:
            continue
        words = words or Counter(WORD.findall(text.lower()))
        tail = broken[1]
        word = join_broken_word(stem[0], tail, words)
        narrow = broken.start() - text.rfind("\n", 0, broken.start()) <= VERSE_LINE
        verse = narrow and broken[0].count("\n") == 1 and tail in RUSSIAN - _ENCLITICS
        if verse and "-" not in word and not words[word.lower()] and word.lower() not in RUSSIAN:
            continue  # the hyphen stands for a dash
        pieces += [text[at : broken.start() - len(stem[0])], word]
        at = broken.end()
    return "".join([*pieces, text[at:]])


def join_broken_word(stem: str, line: str, words: Counter[str]) -> str:
    """A word broken at the end of a line, joined with the next line, which begins with a word.

    ``words`` are those of the text, in lower case. Compounds keep their hyphen.
    """
    match = WORD.match(line)
    head = match[0].lower() if match else ""
    last = stem.rpartition("-")[2].lower()
    if words[f"{stem}-{head}".lower()]:
        keeps = True
    elif words[f"{stem}{head}".lower()] or f"{stem}{head}".lower() in RUSSIAN:  # по-\nэтому
        keeps = False
    elif head in _ENCLITICS:
        keeps = last in RUSSIAN or words[last] > 1 or _HOST.fullmatch(last) is not None
    else:
        both = words[last] > 1 and words[head] > 1
        keeps = both or _COMPOUND.fullmatch(f"{last}-{head}") is not None
    return f"{stem}-{line}" if keeps else f"{stem}{line}"


@rule(
    "Старый мель- ник молчал- никто не ответил. «Чудак ты, мельник! Кто молчал? Никто».",
    "Старый мельник молчал — никто не ответил. «Чудак ты, мельник! Кто молчал? Никто».",
    needs="the joined word, or both parts, elsewhere in the text",
    keeps_letters=True,
)
def loose_hyphens(text: pl.Expr) -> pl.Expr:
    """Remove a hyphen and space inside a word that occurs elsewhere; between words, use a dash."""
    return map_texts(_has_loose, _resolved, text)


def _has_loose(text: pl.Expr) -> pl.Expr:
    """Whether a hyphen has a space on one side; two tests, as a single one would be slower."""
    after = text.str.contains(rf"[{LETTER}]- [{LETTER}]")
    return after | text.str.contains(rf"[{LETTER}] -[{LETTER}]")


def _resolved(text: str) -> str:
    words = _Words(text)
    pieces, at = [], 0
    for hyphen in _LOOSE.finditer(text):
        position = hyphen.start()
        before = _BEFORE.search(text[max(at, position - LONGEST_WORD) : position])
        after = _AFTER.match(text, position + 1, position + LONGEST_WORD)
        if not before or not after or text[position - 1 : position + 2] == " - ":
            continue
        between = _between(words, before[0], after[1])
        if between is not None:
            pieces += [text[at:position].removesuffix(" "), between]
            at = after.start(1)
    return "".join([*pieces, text[at:]])


class _Words:
    """The words of a text with only spaces and punctuation around.

    The first few are searched for in the text: a set of all takes as long as many searches.
    """

    def __init__(self, text: str):
        self.text = text
        self._searches = 0
        self._all: set[str] = set()

    def __contains__(self, word: str) -> bool:
        self._searches += 1
        if self._searches <= SEARCHES:
            return self._search(word)
        if not self._all:  # found in each token once
            self._all = set(_BETWEEN_SPACES.findall(" ".join(set(self.text.split()))))
        return word in self._all

    def _search(self, word: str) -> bool:
        at = self.text.find(word)
        while at >= 0:
            end = at + len(word)
            around = self.text[max(0, at - 1) : at] + self.text[end : end + 1]
            if not _BETWEEN_SPACES.search(around):
                return True
            at = self.text.find(word, end)
        return False


def _between(words: _Words, before: str, after: str) -> str | None:
    """What belongs between two parts; None if the text's words do not show it."""
    if before + after in words:
        return ""
    if after in _SHARED or len(after) < 2 or (len(before) < 2 and before not in "яЯ"):
        return None
    return " — " if before in words and after in words else None
