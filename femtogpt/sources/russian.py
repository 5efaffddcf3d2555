"""Scores how Russian a text looks by its letter pairs, in order to detect 8-bit encodings.

The table was counted on ten million letters of the Russian classics.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

# A line per first letter, a digit per second letter, in the order of LETTERS (a space is the edge
# of a word; ё counts as е): log2 of the occurrences per million pairs, divided by 1.5; a dot for
# a pair that does not occur.
LETTERS = " абвгдежзийклмнопрстуфхцчшщъыьэюя"
PAIRS = """\
_ .79989888939899998998676875021748
а 926867778568988368885574675.0.177
б 6724137216.5745707527.42325484116
в 882446806805657856856043462275005
г 6703076006047359.732600031..00000
д 7836248438.5647847557035440366036
е 947788777577889578884366766..0055
ж 6740268307.5226402315..13...040..
з 7857566436.5557605326.0132.365026
и 956867767677888556783477765.00167
й 9000051.100434620165.003440.0.000
к 8905026328.261690756702202..0010.
л 8834558638.6436840747110521068277
м 9832408.1804537844537203413.74016
н 8932459339.6118914667316525087057
о 918988777687888578884564775.00466
п 4700007..7.5604938346003321.55006
р 7956568548.6456843568354454076057
с 874735833708877875696254640368058
т 883725812806537948747234523278146
у 846677576256775166770362765..0274
ф 45.0..5.05.03115052342.0000.23001
х 8605004..5.0545705435.0.02.00.0..
ц 66.40.6.05.401.5.00.50.0.0..50.10
ч 67.10080.706316404086.0.05...5...
ш 57030.70.7.66365310460.0.0.0.6.10
щ 36000.7..60.0.42.2..5....0...3...
ъ 0.....4....0.0....00...........25
ы 805755734375776055662072562...001
ь 9.534460550705731074.224462..0066
э 300022.02.34333032170230.0....0..
ю 806126132003344.1456.133446...030
я 904556556445666044671054535..0.54
"""
BASELINE = 4  # the digit of a random pair; a pair scores by its distance from this
NOT_RUSSIAN, NOT_TEXT = -6, -9  # the score of a pair that Russian, or any text, does not have

# Classes of all other characters.
PUNCTUATION = "«»—–…№“”„’‘\xa0"
RELATED = "іїєґў"  # letters of neighbouring alphabets and of the old Russian one
MARK, RELATED_LETTER, LATIN, OTHER = "-", "і", "l", "?"

INNER_CAPITAL = re.compile("[а-яё][А-ЯЁ]")
LONE_LETTER = re.compile("(?<![А-Яа-яЁё])[А-ЯЁбгдеёжзймнпртфхцчшщъыьэю](?![А-Яа-яЁё])")


def russian(text: str) -> float:
    """Score how Russian a text is: about 4 for plain prose, below 1 for anything not Russian.

    The mean over its characters. Latin words may be left in or out.
    """
    pairs = Counter(pairwise(f" {text} ".translate(_CLASSES)))
    total = sum(_WEIGHTS.get(pair, 0) * count for pair, count in pairs.items())
    total += NOT_TEXT * len(INNER_CAPITAL.findall(text)) - 3 * len(LONE_LETTER.findall(text))
    return total / max(1, len(text))


class _Classes(dict):
    """A table for str.translate that computes each character's class on first use."""

    def __missing__(self, code: int) -> str:
        char = chr(code).lower().replace("ё", "е")
        if char in LETTERS:
            kind = char
        elif char in PUNCTUATION:
            kind = MARK
        elif char in RELATED:
            kind = RELATED_LETTER
        elif char.isascii():
            kind = LATIN if char.isalpha() else " "
        else:
            kind = OTHER
        self[code] = kind
        return kind


def _weights() -> dict[tuple[str, str], int]:
    weights = {}
    for line in PAIRS.splitlines():
        first = line[0].replace("_", " ")
        for second, digit in zip(LETTERS, line[2:], strict=True):
            weights[first, second] = NOT_RUSSIAN if digit == "." else int(digit) - BASELINE
    symmetric = {(MARK, " "): 3, (MARK, MARK): 3, (MARK, LATIN): 1, (OTHER, " "): -2}
    symmetric |= {(OTHER, char): NOT_TEXT for char in (MARK, RELATED_LETTER, LATIN)}
    symmetric |= {(RELATED_LETTER, char): 0 for char in (RELATED_LETTER, MARK, " ")}
    symmetric[RELATED_LETTER, LATIN] = NOT_TEXT
    for letter in LETTERS[1:]:
        symmetric |= {(letter, MARK): 1, (letter, RELATED_LETTER): 0}
        symmetric |= {(letter, LATIN): NOT_TEXT, (letter, OTHER): NOT_TEXT}
    for (first, second), weight in symmetric.items():
        weights[first, second] = weights[second, first] = weight
    return weights


_CLASSES = _Classes()
_WEIGHTS = _weights()
