"""Lines: wrapped prose is joined, verse and letters are not; what stands above a work goes."""

from __future__ import annotations

import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.corpus.rules import STANDARD
from tests.cleaning import CLASSICS, clean, few
from tests.helpers import VERSE

SENTENCES = (
    "Старый мельник вышел на крыльцо, поглядел на небо и покачал головой, как делал всегда.",
    "Никто ему не ответил, только собака, ещё сонная, подняла голову и зевнула.",
    "Туман над рекою рассеялся, и на том берегу показались телега, лошадь и мужик в рубахе.",
    "Мельник подумал, что сегодня непременно будет дождь, и пошёл закрывать окна.",
)
PARAGRAPHS = [" ".join(SENTENCES), " ".join(SENTENCES[::-1]), " ".join(SENTENCES[1:] * 2)]


def wrapped(paragraphs: list[str], width: int, indent: str = "   ") -> str:
    filled = (textwrap.fill(text, width, initial_indent=indent) for text in paragraphs)
    return "\n".join(filled)


@pytest.mark.parametrize("width", [60, 72, 78])
@pytest.mark.parametrize("indent", ["   ", "     "])
def test_hard_wrapped_prose_becomes_paragraphs(width, indent):
    assert clean(wrapped(PARAGRAPHS, width, indent), "paragraphs") == "\n".join(PARAGRAPHS)


@pytest.mark.parametrize("width", [60, 78, 100, 110, 130, 150, 200])
@pytest.mark.parametrize("indent", ["", "    "])
@pytest.mark.parametrize("between", ["\n", "\n\n"], ids=["", "blank lines"])
def test_prose_is_unwrapped_at_any_width(width, indent, between):
    paragraphs = [" ".join(SENTENCES[first:] * 3) for first in range(4)]
    for index in range(4):  # a last line that is full would not show where the paragraph ends
        while len(textwrap.wrap(paragraphs[index], width, initial_indent=indent)[-1]) > width / 2:
            paragraphs[index] += " Так прошло лето."
    lines = [textwrap.fill(text, width, initial_indent=indent) for text in paragraphs * 3]
    assert clean(between.join(lines), "paragraphs") == between.join(paragraphs * 3)


def test_long_paragraphs_of_one_line_stay_apart():
    paragraphs = [" ".join(SENTENCES[first : first + 2]) for first in (0, 1, 2)] * 9
    items = [f"{'абвгдежз'[number % 8]}) {SENTENCES[number % 4].lower()}" for number in range(30)]
    for lines in (paragraphs, items):
        assert clean("\n".join(lines), *STANDARD) == "\n".join(lines)


BREAKS = {"soft hyphen": "\u00ad", "not sign": "\u00ac", "hyphen": "\u2010", "no-break": "\u2011"}


@pytest.mark.parametrize("sign", BREAKS.values(), ids=BREAKS)
@pytest.mark.parametrize(
    ("broken", "joined"),
    [
        ("откладывал газе{}\nту и выходил", "откладывал газету и выходил"),
        ("откладывал газе{}  \n    ту и выходил", "откладывал газету и выходил"),
        ("жил по-{}\nпрежнему там", "жил по-прежнему там"),
        ("жил по{}\nпрежнему там", "жил по-прежнему там"),
        ("видел Моск{}\nву во сне", "видел Москву во сне"),
        ("делали так, что не{}\n\nчего было", "делали так, что нечего было"),
        ("ГАЗЕ{}\nТА ВЫШЛА", "ГАЗЕТА\nВЫШЛА"),
    ],
)
def test_a_word_is_joined_whatever_sign_breaks_it(sign, broken, joined):
    assert clean(broken.format(sign), *STANDARD) == joined


@pytest.mark.parametrize("dash", ["\u2013", "\u2212", "="])
def test_a_dash_at_a_lines_end_breaks_a_word_that_occurs_elsewhere(dash):
    text = f"Он купил газету и откладывал газе{dash}\nту весь день."
    assert clean(text, "line_end_hyphens", "broken_words").endswith("газету весь день.")
    other = f"Он стоял за стеною{dash}\nхолод пробирал его."
    assert clean(other, "line_end_hyphens", "broken_words") == other


def test_signs_that_break_no_word_stay():
    text = "Отрицание ¬\nпишут так: ¬A\n¬B, 10\u00ac\n20"
    assert clean(text, "line_end_hyphens") == text


def test_paragraphs_that_blank_lines_part_stay_apart():
    text = "\n\n".join(wrapped([paragraph], 70, "") for paragraph in PARAGRAPHS)
    assert clean(text, "paragraphs") == "\n\n".join(PARAGRAPHS)


@few
@given(st.permutations(SENTENCES), st.integers(58, 90))
def test_wrapping_takes_no_word(sentences, width):
    text = wrapped([" ".join(sentences), *PARAGRAPHS], width)
    assert clean(text, "paragraphs").split() == text.split()


@pytest.mark.parametrize(
    "word",
    [
        "посмот-рел",
        "из-вестно",
        "по-днялся",
        "обер-нулся",
        "пол-ковник",
        "мес-то",
        "соба-ка",
        "боль-шой",
        "кресть-янин",
        "по-тому",
        "По-этому",
        "по-чему",
        "по-добному",
        "по-литически",
        "что-бы",
        "так-же",
        "да-же",
    ],
)
def test_a_word_that_a_line_end_broke_is_joined(word):
    first, _, rest = word.partition("-")
    text = f"Вечером там {first}-\n{rest} ещё раз."
    assert clean(text, "broken_words") == f"Вечером там {first}{rest} ещё раз."


@pytest.mark.parametrize(
    "word",
    [
        "кто-то",
        "какая-то",
        "что-нибудь",
        "по-прежнему",
        "по-русски",
        "по-моему",
        "по-доброму",
        "по-людски",
        "по-лесному",
        "из-за",
        "во-первых",
        "ну-ка",
        "всё-таки",
        "чуть-чуть",
        "обер-офицер",
        "темно-синий",
        "юго-запад",
        "пол-литра",
        "социально-экономический",
        "русско-английскому",
        "военно-морской",
    ],
)
def test_a_compound_that_a_line_end_broke_keeps_its_hyphen(word):
    first, _, rest = word.partition("-")
    assert clean(f"Вечером там {first}-\n{rest}, да.", "broken_words") == f"Вечером там {word}, да."


def test_a_hyphen_that_ends_a_line_of_verse_joins_nothing():
    text = "Одиночество-\nэто когда\nстою за стеною-\nШутовской маскарад"
    assert clean(text, "broken_words") == text


def test_a_page_break_within_a_word_goes():
    assert (
        clean("делали так, что не-\n\nчего было", "broken_words") == "делали так, что нечего было"
    )


def test_a_play_that_is_wrapped_keeps_its_turns_apart():
    turn = "АННА ПЕТРОВНА. Вы говорите, что приехали из города вчера, а я вас не ждала никак раньше"
    play = f"{turn} среды, и комната ваша не готова, и печь не топлена, и обед совсем не готов вам."
    text = "\n".join(textwrap.fill(line, 70) for line in (play, play.replace("АННА", "ВЕРА"), play))
    assert clean(text, "paragraphs").count("\n") == 2


def test_a_ruler_tells_nothing_of_how_wide_the_lines_are():
    text = f"{'-' * 78}\n{wrapped(PARAGRAPHS, 70)}\n{'-' * 78}"
    assert clean(text, "paragraphs").split("\n")[1:-1] == PARAGRAPHS


def test_words_that_a_line_end_broke_are_joined_and_compounds_keep_their_hyphen():
    text = """\
   Старый мельник вышел на крыльцо, поглядел на небо и покачал голо-
вой, как делал всегда. Никто ему не ответил, и только где-то за ре-
кою пели. Он спросил, нет ли кого во дворе, и подождал, не скажет ли
кто-нибудь слова, но все молчали. Должно быть, подумал он, все по-
прежнему спят, а если кто и встал, то ушёл к реке, и теперь там кто-
то из них поёт, и поёт хорошо, а мне и выйти к ним сегодня нельзя.
"""
    cleaned = clean(text, "paragraphs")
    for word in ("покачал головой,", "за рекою", "кто-нибудь", "все по-прежнему", "там кто-то"):
        assert word in cleaned
    assert cleaned.count("\n") == 1


def test_verse_amid_wrapped_prose_keeps_its_lines():
    verse = "\n".join(f"          {line}" for line in VERSE.split("\n")[:4])
    text = f"{wrapped(PARAGRAPHS, 72)}\n\n{verse}\n\n{wrapped(PARAGRAPHS, 72)}"
    cleaned = clean(text, "paragraphs", "line_edges")
    assert "\n".join(VERSE.split("\n")[:4]) in cleaned
    assert cleaned.startswith(PARAGRAPHS[0])


@pytest.mark.parametrize(
    "text",
    [
        VERSE,
        "\n".join(f"Стих {n},\nи ещё строка стиха,\nи третья строка" for n in range(9)),
        "Анна. Кто здесь?\nСтепан. Это я,\nвот и я.\n" * 5,
        "Милостивый государь!\n\nПишу вам.\n\nостаюсь\nваш покорный слуга\nА. Лунин",
        "Купить:\nсоли,\nхлеба,\nводы,\nмёда",
    ],
    ids=["verse", "small letters", "play", "letter", "list"],
)
def test_lines_that_are_not_wrapped_stay(text):
    assert clean(text, "paragraphs", "broken_lines") == text


def test_a_sentence_broken_by_a_page_end_is_joined_and_a_letters_end_is_not():
    start = f"{SENTENCES[1]} Он рассказывал о том, как дома по вечерам все"
    end = "дверь отворилась, и все гости разом замолчали и встали."
    assert clean(f"{start} тут\n\n{end}", "broken_lines") == f"{start} тут {end}"
    letter = f"{start} и пребываю\nвашим верным другом"
    assert clean(letter, "broken_lines") == letter
    items = f"{start}:\n{end}\n{end}"
    assert clean(items, "broken_lines") == items


def test_verse_keeps_its_lines_and_stanzas_through_the_whole_chain():
    messy = VERSE.replace("\n", " \r\n\t").replace(" ", "\u00a0")
    assert clean(messy, *CLASSICS) == VERSE


@pytest.mark.parametrize(
    "head",
    [
        "Антон Чехов\nТоска\n\n",
        "ЧЕХОВ А. П.\n\nТОСКА\n(Рассказ)\n\n",
        "А. П. Чехов. Тоска\n\n",
        "Тоска\n\n",
        "Антон Павлович Чехов\n\nТОСКА\n\n1886\n\n",
    ],
)
def test_author_and_title_above_a_work_go(head):
    text = "Вечерние сумерки. Крупный мокрый снег лениво кружится около фонарей."
    assert clean(head + text, "title_lines", author="Антон Чехов").strip() == text


@pytest.mark.parametrize(
    "text",
    [
        "Тоска меня томит с утра,\nИ нет мне места на земле,\nИ мне давно уже пора",
        "I\n\nТоска была велика.",
        "Глава первая\n\nВечерние сумерки.",
        "Посвящается А. П. Чехову\n\nВечерние сумерки.",
        "Чехов вышел на крыльцо. Было утро.",
    ],
    ids=["verse", "number", "chapter", "dedication", "a sentence"],
)
def test_what_belongs_to_the_work_stays_above_it(text):
    assert clean(text, "title_lines", author="Антон Чехов") == text


def test_chapters_numbers_are_no_pages():
    paragraph = SENTENCES[0]
    text = "\n".join(f"{n}\n{paragraph}" for n in range(1, 30))
    assert clean(text, "page_numbers") == text
    assert clean(f"{paragraph}\n57\n{paragraph}", "page_numbers") == f"{paragraph}\n{paragraph}"


def test_lines_of_a_web_library_go_from_the_ends_alone():
    text = f"OCR: Иван\n\n{SENTENCES[0]}\n\nИздание было хорошее, и тираж велик.\n\nISBN 5-17-1"
    cleaned = clean(text, "imprints", "blank_lines")
    assert cleaned == f"{SENTENCES[0]}\n\nИздание было хорошее, и тираж велик."


def test_what_a_web_library_and_a_publisher_print_around_a_work_goes():
    ruler = "-" * 76
    text = (
        "Lib.ru/Классика: [Регистрация]\nГод: 1886\nРассказ: Проза\n\nА. П. Чехов.\nТоска\n"
        f"{ruler}\nА. П. Чехов. Полное собрание сочинений.\nТом 4\nМ., «Наука», 1984\n{ruler}\n"
        f"\n{PARAGRAPHS[0]}\n\nРедактор И. Иванова\nСдано в набор 12.03.85.\nТираж 100 000 экз."
    )
    assert clean(text, *CLASSICS) == PARAGRAPHS[0]


def test_an_editor_of_the_story_stays():
    end = "Редактор И. Иванов вошёл и сел.\n\nИздательство «Наука» закрыли.\n\nТираж 3000 пропал."
    text = f"{PARAGRAPHS[0]}\n\n{end}"
    assert clean(text, "imprints") == text


def test_a_numbered_list_of_verses_goes():
    listed = "".join(f"#{n:02} «Первая строка»\n\n" for n in range(1, 12))
    assert clean(f"СТИХИ\n\n{listed}{VERSE}", "contents") == f"СТИХИ\n\n{VERSE}"


@pytest.mark.parametrize("word", ["русско-язычный", "военно-служащий", "научно-сть"])
def test_words_that_only_begin_like_compounds_are_joined(word):
    assert clean(word.replace("-", "-\n"), "broken_words") == word.replace("-", "")
