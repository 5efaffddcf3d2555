"""No standard rule takes a letter or a digit of the text: what goes, goes where a source asks."""

from __future__ import annotations

import html
import textwrap
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from femtogpt.corpus.rules import EDITION, OF_EDITIONS, RULES, STANDARD
from femtogpt.corpus.rules.lookalikes import TO_CYRILLIC
from tests.cleaning import MARKS, NASTY, clean, cleaned, few, texts, thorough

WORDS = (
    *(
        "мельник",
        "река",
        "и",
        "не",
        "что",
        "кто-то",
        "Тоска",
        "Чехов",
        "ЗИМА",
        "ещё",
        "за\u0301мок",
    ),
    *(
        "1812",
        "5",
        "3,5",
        "10:30",
        "1-2",
        "№ 7",
        "x²",
        "½",
        "IV",
        "XXв",
        "IT-отдел",
        "café",
        "vous",
    ),
    *("слово[1]", "слово[12]", "a[1]", "b[i]", "слово*", "слово (1)", "слово{3}", "слово1", "м²"),
    *("(слово)", "[слово]", "<слово>", "a<b", "<a>", "<<3>>", "сл[ово]", "«так»", '"так"', "[...]"),
    *("R&D;", "a & b", "cпасибо", "мол\u00f3чный", "ко­за", "т. е.", "стр. 5", "(лат.)", "(франц.)"),
    *("http://example.ru/a1", "[править]", "Ред.", "кое- где", "да- нет", "5 - 7", "--", " — "),
)
HEADINGS = (
    *(
        "Глава 1",
        "Глава 2",
        "1",
        "2",
        "57",
        "337",
        "[3]",
        "I",
        "II.",
        "* * *",
        "*",
        "-----",
        "ТОСКА",
    ),
    *("Примечания", "ПРИМЕЧАНИЯ", "Комментарии", "Содержание", "Сноски:", "О романе", "Литература"),
    *(
        "Тоска",
        "А. П. Чехов",
        "Антон Чехов",
        "(Рассказ)",
        "1886",
        "OCR: Иван",
        "ISBN 5-17",
        "© Лена",
    ),
    *("Том 4", "#01 Стих", "Действующие лица", "Шаг 1.", "Продукты", "Спикер 1:", "Москва, 1984"),
)
LABELS = (
    *(
        "1. ",
        "2. ",
        "1) ",
        "2) ",
        "[1] ",
        "[2] ",
        "1 ",
        "2 ",
        "* ",
        "** ",
        "(1) ",
        "{1} ",
        "<<1>> ",
    ),
    *(
        "а) ",
        "б) ",
        "• ",
        "- ",
        "— ",
        "#01 ",
        "§ 3. ",
        "12:05 ",
        "1* ",
        "¹ ",
        "↑ ",
        "    ",
        "Анна. ",
    ),
)


def sentence(words: list[str]) -> str:
    return f"{' '.join(words)}.".replace("..", ".")


sentences = st.lists(st.sampled_from(WORDS), min_size=1, max_size=9).map(sentence)
paragraphs = st.lists(sentences, min_size=1, max_size=4).map(" ".join)
wrapped = st.builds(textwrap.fill, paragraphs.map(lambda text: text * 3), st.integers(50, 200))
lines = st.one_of(
    paragraphs,
    wrapped,
    st.sampled_from(HEADINGS),
    st.builds(str.__add__, st.sampled_from(LABELS), sentences),
    sentences.map(lambda text: text.replace(" ", ",\n", 2)),
)
documents = st.lists(
    st.tuples(lines, st.sampled_from(["\n", "\n\n"])), min_size=1, max_size=12
).map(lambda parts: "".join(line + end for line, end in parts))


def letters(text: str) -> str:
    """The letters and digits of a text, alike whatever the script, raised or with an accent."""
    plain = unicodedata.normalize("NFKD", text).translate(TO_CYRILLIC)
    return "".join(char for char in plain if unicodedata.category(char)[0] in "LN")


def exactly(text: str) -> str:
    """The letters and digits of a text as they are, in an order of their own."""
    return "".join(sorted(char for char in text if unicodedata.category(char)[0] in "LN"))


@thorough
@given(documents)
@example("Глава 1\n\nОна ушла[1].\n\nПримечания\n\n[1] Так звали соседей (франц.).\n")
@example("OCR: Иван\n\nТоска\n\nТоска велика.\n\nISBN 5-17\n")
def test_the_standard_chain_keeps_every_letter_and_digit_in_order(text):
    assert letters(clean(text, *STANDARD)) == letters(text)


@pytest.mark.parametrize("name", STANDARD)
def test_each_standard_rule_keeps_every_letter_and_digit_in_order(name):
    @few
    @given(documents)
    def keeps(text):
        assert letters(clean(text, name)) == letters(text)

    keeps()


@thorough
@given(documents)
def test_no_letter_goes_when_references_are_decoded(text):
    escaped = html.escape(text).replace("—", "&mdash;").replace("é", "&#233;")
    assert letters(clean(escaped, *STANDARD)) == letters(text)


PARAGRAPH = "Вечером мы долго сидели на крыльце и говорили о прошедшем лете и о соседях."
VERSES = "\n".join(f"[{n}] И сказал он: хорошо здесь жить, и поставлю я дом." for n in range(1, 9))
RECIPE = (
    "Пирог\n\nШаг 1. Замесите тесто и дайте ему постоять.\n\n1 стакан муки просейте отдельно.\n\n"
    "Шаг 2. Нашинкуйте капусту.\n\n2 ложки масла оставьте.\n\n1\n\n1 яйцо взбейте с солью.\n\n2\n\n"
    "2 яйца сварите вкрутую."
)
POEM = "1\n\nНад полем тихий свет зари,\nИ в роще голос соловья;\n\n2\n\nЕщё не смолкли эти дни."
KINDS = {
    "numbered verses": f"Глава 1\n\n{VERSES}\n\nГлава 2\n\n{VERSES}\n\nГлава 3\n\n{VERSES}",
    "verses without chapters": f"{VERSES}\n\n{PARAGRAPH}",
    "recipe": RECIPE,
    "poem": POEM,
    "indexes": f"Возьмём a[1], затем a[2] и x[12].\n\n{PARAGRAPH}\n\nСложим a[1] и a[2].",
    "clauses": "\n".join(
        f"{n}. Сторона обязуется уплатить долг.\n{n}.1. Срок — 5 дней." for n in range(1, 6)
    ),
    "transcript": "\n".join(f"{n} Спикер {n % 2 + 1}: {PARAGRAPH}" for n in range(1, 7)),
    "steps": "\n".join(f"{n} Откройте окно номер {n}.\t{n * 10} мин" for n in range(1, 6)),
    "questions": "\n\n".join(f"{n}) Сколько будет {n} и {n}?\n\n{PARAGRAPH}" for n in range(1, 5)),
    "dates": f"В 1812 году.\n\n1 мая он уехал.\n\n2 мая вернулся.\n\n3 мая умер.\n\n{PARAGRAPH}",
}


@pytest.mark.parametrize("chain", [STANDARD, EDITION], ids=["standard", "edition"])
@pytest.mark.parametrize("kind", KINDS)
def test_numbers_of_the_text_itself_stay_even_in_editions(kind, chain):
    assert letters(clean(KINDS[kind], *chain)) == letters(KINDS[kind])


@pytest.mark.parametrize(
    "text",
    [
        f"Об этом писали много [1], [2].\n\n{PARAGRAPH}\n\nЛитература\n\n"
        "[1] Иванов И. И. Реки. М., 1984.\n[2] Петров П. П. Озёра. Л., 1990.",
        f"{PARAGRAPH}\n\nПримечания\n\n1. Дом стоял на горе.\n\n{PARAGRAPH}\n\n{PARAGRAPH}",
        f"Содержание\n\nТоска\nУтро\nВечер\n\nТоска\n\n{PARAGRAPH}",
        f"Тоска\n\nРедактор И. Иванова\n\n{PARAGRAPH}\n\nТираж 100 экз.",
    ],
    ids=["bibliography", "notes", "contents", "imprint"],
)
def test_a_source_that_is_no_edition_keeps_what_looks_like_one(text):
    assert letters(clean(text, *STANDARD)) == letters(text)


def test_the_rules_of_editions_are_in_their_chain_alone():
    assert {name for name, rule in RULES.items() if rule.of_editions} == OF_EDITIONS
    assert set(EDITION) - OF_EDITIONS == set(STANDARD)


@pytest.mark.parametrize("name", [name for name, rule in RULES.items() if rule.keeps_letters])
def test_a_rule_that_says_so_keeps_the_letters_of_any_text(name):
    @few
    @given(st.one_of(texts(NASTY), texts(MARKS), st.lists(st.text(), min_size=1, max_size=10)))
    def holds(documents):
        after = cleaned(documents, (name,))
        assert [exactly(text) for text in after] == [exactly(text) for text in documents]

    holds()
