"""How Russian a text looks, by its pairs of letters: it tells the encoding of the bytes.

The table counts the pairs in ten million letters of the Russian classics.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import pairwise

# A line for each first letter, a digit for each second one, in the order of LETTERS (a space is
# the edge of a word; ё counts as е): log2 of the pairs in a million, divided by 1.5; a dot where
# there is none.
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
USUAL = 4  # of these digits, for a pair drawn blindly; a pair counts by how far it is from that
NEVER, ODD = -6, -9  # for a pair that Russian does not have, and for one that no text has

# Classes of all other characters.
MARKS = "«»—–…№“”„’‘\xa0"
KINDRED = "іїєґў"  # of the neighbours' alphabets, and of the old Russian one
MARK, KIN, LATIN, OTHER = "-", "і", "l", "?"

HUMPED = re.compile("[а-яё][А-ЯЁ]")  # a capital within a word
LONE = re.compile("(?<![А-Яа-яЁё])[А-ЯЁбгдеёжзймнпртфхцчшщъыьэю](?![А-Яа-яЁё])")  # a letter alone


def russian(text: str) -> float:
    """How Russian the words of a text are: 4 for plain prose, below 1 for what is not Russian.

    The mean over its characters. Latin words may be left in or out.
    """
    pairs = Counter(pairwise(f" {text} ".translate(_CLASSES)))
    total = sum(_WEIGHTS.get(pair, 0) * count for pair, count in pairs.items())
    total += ODD * len(HUMPED.findall(text)) - 3 * len(LONE.findall(text))
    return total / max(1, len(text))


class _Classes(dict):
    """Each character's class, as str.translate asks for it."""

    def __missing__(self, code: int) -> str:
        char = chr(code).lower().replace("ё", "е")
        if char in LETTERS:
            kind = char
        elif char in MARKS:
            kind = MARK
        elif char in KINDRED:
            kind = KIN
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
            weights[first, second] = NEVER if digit == "." else int(digit) - USUAL
    both = {(MARK, " "): 3, (MARK, MARK): 3, (MARK, LATIN): 1, (OTHER, " "): -2}
    both |= {(OTHER, other): ODD for other in (MARK, KIN, LATIN)}
    both |= {(KIN, other): 0 for other in (KIN, MARK, " ")} | {(KIN, LATIN): ODD}
    for letter in LETTERS[1:]:
        both |= {(letter, MARK): 1, (letter, KIN): 0, (letter, LATIN): ODD, (letter, OTHER): ODD}
    for (first, second), weight in both.items():
        weights[first, second] = weights[second, first] = weight
    return weights


_CLASSES = _Classes()
_WEIGHTS = _weights()
