"""The rules' work grows with the text and no faster: operations are counted, at two sizes."""

from __future__ import annotations

from functools import partial

import pytest

from femtogpt.corpus.rules import RULES
from tests.cleaning import clean
from tests.counted import operations

SENTENCE = "Старый мельник вышел на крыльцо{}, поглядел на небо и покачал головой."
SIZES = 40, 160  # parts of a text
GROWTH = 1.1  # of the operations for each character


def book(mark: str, label: str, heading: str, parts: int, part_name: str = "Глава") -> str:
    """A text whose every part has notes, perhaps below a heading."""
    text = []
    for part in range(1, parts + 1):
        sentences = [SENTENCE.format(mark.format(note)) for note in range(1, 8)]
        notes = [f"{label.format(note)} Так говорили в деревне." for note in range(1, 8)]
        text += [f"{part_name} {part}", "", *sentences, "", heading, "", *notes, ""]
    return "\n".join(text)


TEXTS = {
    "square": lambda parts: book("[{}]", "[{}]", "Примечания", parts),
    "plain": lambda parts: book(" {}", "{}", "Примечания", parts),
    "round": lambda parts: book("({})", "({})", "Комментарии", parts),
    "stars": lambda parts: book("*", "*", "Примечания", parts),
    "stories": lambda parts: book("[{}]", "[{}]", "Примечания", parts, "Рассказ"),
    "no heading": lambda parts: book("[{}]", "[{}]", "", parts),
    "no heading, plain": lambda parts: book("{}", "{}", "", parts),
    "numbered lines": lambda parts: book("", "{}", "", parts),
    "numbered lines after marks": lambda parts: book(" {}", "[{}]", "", parts),
    "headings in a row": lambda parts: "Примечания\n\nКонец.\n\n" * 5 * parts,
    "headings without notes": lambda parts: f"{SENTENCE * 9}\n\nПримечания\n\n" * parts,
    "bare numbers": lambda parts: "\n".join(str(n % 900 + 1) for n in range(20 * parts)),
    "one line": lambda parts: "Он взял: 1) хлеба; 2) соли (лат.) 3) воды [4] и 5). " * parts,
    "open brackets": lambda parts: "(слово [слово {слово <слово 1) " * 5 * parts,
    "nested references": lambda parts: "&" + "amp;" * 20 * parts,
    "capitals": lambda parts: "АБВГД" * 20 * parts,
    "hyphens": lambda parts: "\n".join(
        f"сло{'абвгд'[n % 5]}{n}- во и ни-\nчего не-\n" for n in range(5 * parts)
    ),
    "mixed letters": lambda parts: "мoлoкo и xлeб c мacлoм. " * 5 * parts,
    "contents": lambda parts: "Содержание\nПервое\nВторое\n\n" * 5 * parts,
}


@pytest.mark.parametrize("text", TEXTS)
def test_the_work_of_every_rule_grows_with_the_text_and_no_faster(text):
    small, large = (TEXTS[text](parts) for parts in SIZES)
    longer = len(large) / len(small)
    for name in RULES:
        few, many = (operations(partial(clean, of, name), "corpus/rules") for of in (small, large))
        assert many <= GROWTH * longer * max(few, 100), (name, few, many)
