"""Texts as they come: in any encoding, broken, of one line or of a million empty ones."""

from __future__ import annotations

import random
import re
from pathlib import Path

from femtogpt.sources.encodings import ENCODINGS
from tests.faults.given import Given, Make, beside
from tests.files import as_file, as_folder
from tests.helpers import story

PLAIN = str.maketrans({"—": "-", "–": "-", "«": '"', "»": '"', "…": ".", "\u00a0": " "})
WIDE = ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")
RARE = (
    *("\ue000", "\uf8ff", "\U000f0000", "\u0378", "\U000e0fff", "\uffff", "\ufdd0", "\u200b"),
    *("\u202e", "\u2066", "\u0301", "\u0489", "\ufe0f", "\U0001f600", "\u2028", "\x85", "\x1b"),
)
BROKEN = (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf5\x80\x80\x80", b"\xd0", b"\x98")


def plain(draw: random.Random, words: int = 300) -> str:
    """A story with only the signs that every Russian encoding has."""
    return story(draw.randrange(10**6), words).translate(PLAIN)


def eight_bit(draw: random.Random, folder: Path) -> Given:
    """All Russian encodings of one byte in one folder."""
    whole = {encoding: plain(draw, draw.choice((60, 300, 1500))) for encoding in ENCODINGS}
    as_folder(folder, {f"{name}.txt": text.encode(name) for name, text in whole.items()})
    return Given("in a folder", folder, whole=whole | beside(draw, folder))


def wide(draw: random.Random, folder: Path) -> Given:
    encoding, text = draw.choice(WIDE), story(draw.randrange(10**6), draw.choice((60, 2000)))
    mark = "\ufeff" if draw.random() < 0.5 else ""
    data = (mark + text).encode(encoding)
    odd = draw.random() < 0.3
    as_file(folder / "Широкий.txt", data + b"\n" * odd)
    what = f"{encoding}, {'with' if mark else 'without'} a mark{', and a byte more' * odd}"
    return Given(what, folder, whole={"it": text, **beside(draw, folder)})


def broken(draw: random.Random, folder: Path) -> Given:
    """Some bytes in the middle that are no UTF-8: told, counted, and no other letter is lost."""
    text, count = story(draw.randrange(10**6), 2000), draw.randint(1, 30)
    data = text.encode()
    for _ in range(count):
        made = b""
        # Not in «р», of which it would make «Ѐ»: that has an accent, which cleaning takes.
        while not made or {*made.decode("utf-8", "ignore")} - {*text}:
            place = draw.randrange(len(data) // 4, len(data) * 3 // 4)
            made = data[:place] + draw.choice(BROKEN) + data[place:]
        data = made
    as_file(folder / "Сломанный.txt", data)
    whole = {"it": data.decode("utf-8", "ignore"), **beside(draw, folder)}
    seen = len(re.findall("\ufffd+", data.decode("utf-8", "replace")))
    told, what = (
        (f".txt places with broken bytes, each read as �: {seen}",),
        f"{count} broken places",
    )
    return Given(what, folder, whole=whole, told=told, replaced=seen)


def zeros(draw: random.Random, folder: Path) -> Given:
    text = story(draw.randrange(10**6), 1000)
    data, count = text.encode(), draw.choice((1, 3, 512, 4096))
    place = draw.choice(("at the start", "at the end", "in the middle", "all over"))
    middle = data.index(b"\n", len(data) // 2)
    if place == "all over":
        words = text.split(" ")
        for at in draw.sample(range(len(words)), min(count, 20)):
            words[at] += "\0"
        data = " ".join(words).encode()
    else:
        at = {"at the start": 0, "at the end": len(data), "in the middle": middle}[place]
        data = data[:at] + bytes(count) + data[at:]
    as_file(folder / "Нули.txt", data)
    whole, told = beside(draw, folder), ("Нули",)
    return Given(f"{count} {place}", folder, whole=whole, perhaps={"it": text}, told=told)


def one_line(draw: random.Random, folder: Path) -> Given:
    """A line of up to a few million characters."""
    count = draw.choice((20, 200, 2000))
    text = " ".join(story(draw.randrange(10**6), 150) for _ in range(count)).replace("\n", " ")
    if draw.random() < 0.3:  # not even spaces
        text = text.replace(" ", "")
    as_file(folder / "Строка.txt", text)
    whole, told = beside(draw, folder), ("Строка",)
    what = f"{len(text)} characters"
    return Given(what, folder, whole=whole, perhaps={"it": text}, told=told)


def empty_lines(draw: random.Random, folder: Path) -> Given:
    parts = [story(draw.randrange(10**6), 150) for _ in range(2)]
    line, count = draw.choice(("\n", "\r\n", " \n", "\t\n", "\r")), draw.choice((1000, 1_000_000))
    as_file(folder / "Пусто.txt", (line * count).join(parts))
    whole = {"it": "\n".join(parts), **beside(draw, folder)}
    return Given(f"{count} of {line!r}", folder, whole=whole)


def rare(draw: random.Random, folder: Path) -> Given:
    """Code points that no text should have, between words."""
    text, signs = story(draw.randrange(10**6), 1000), draw.sample(RARE, draw.randint(1, 6))
    words, every = text.split(" "), draw.choice((3, 20, 200))
    mixed = [word + draw.choice(signs) * (at % every == 0) for at, word in enumerate(words)]
    as_file(folder / "Редкие.txt", " ".join(mixed))
    told = ("Редкие",)
    what = f"{', '.join(f'U+{ord(sign):04X}' for sign in signs)} every {every} words"
    return Given(what, folder, whole=beside(draw, folder), perhaps={"it": text}, told=told)


KINDS: dict[str, Make] = {
    "texts in all 8-bit encodings": eight_bit,
    "text in UTF-16 or UTF-32": wide,
    "text with broken bytes": broken,
    "text with zero bytes": zeros,
    "text of one long line": one_line,
    "text of empty lines": empty_lines,
    "text with rare code points": rare,
}
