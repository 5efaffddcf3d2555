"""Notes of editors go with the marks that point to them; numbers of the text itself stay."""

from __future__ import annotations

import pytest

from femtogpt.corpus.rules import EDITION
from tests.cleaning import clean

PARAGRAPH = "Вечером мы долго сидели на крыльце и говорили о прошедшем лете и о соседях."


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("слово[12] и дело [3], конец[*].", "слово и дело, конец."),
        ("слово{3} и дело {4}.", "слово и дело."),
        ("слово<<4>>, дело", "слово, дело"),
        ("слово[1]слово", "слово слово"),
        ("начало», «конец»² и слово¹.", "начало», «конец» и слово."),
        ("он ушёл*. Она осталась *.", "он ушёл. Она осталась."),
        ("город(1), река(2) и лес(13).", "город, река и лес."),
    ],
)
def test_marks_that_point_to_notes_go(text, cleaned):
    assert clean(text, "footnote_marks") == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "в [12345] году, массив a[i] и {множество}",
        "князь Р***, графиня **, город N*",
        "площадь 20 м², объём 3 м³, x²",
        "*так* и *не иначе*",
        "f(1), f(2), f(3)",
        "пункт (1), пункт (2), пункт (3)",
        "повторить(2) раза",
        "в 1812 году, 5 рублей, глава 3",
        "* * *",
    ],
)
def test_signs_that_are_no_marks_stay(text):
    assert clean(text, "footnote_marks") == text


@pytest.mark.parametrize("heading", ["Примечания", "ПРИМЕЧАНИЯ", "Комментарии", "Сноски:"])
@pytest.mark.parametrize("label", ["{}", "[{}]", "({})", "{})", "{{{}}}", "↑"])
def test_notes_gathered_below_a_heading_go_with_their_marks(heading, label):
    notes = "\n".join(f"{label.format(n)} Так называли соседей в деревне." for n in (1, 2))
    text = f"Он сказал Adieu[1] и вышел[2].\n\n{PARAGRAPH * 9}\n\n{heading}\n\n{notes}"
    cleaned = clean(text, "gathered_notes", "footnote_marks", "blank_lines")
    assert cleaned == f"Он сказал Adieu и вышел.\n\n{PARAGRAPH * 9}"


def test_a_note_under_a_page_goes_and_the_sentence_that_it_broke_is_joined():
    text = f"{PARAGRAPH} Adieu 1, сказал он и\n1\nпрощайте (франц.).\n\nвышел вон."
    cleaned = clean(text, "gathered_notes", "blank_lines")
    assert "франц" not in cleaned
    assert "Adieu, сказал он и" in cleaned
    assert cleaned.endswith("вышел вон.")


@pytest.mark.parametrize(
    "text",
    [
        f"1\n\n{PARAGRAPH}\n\n2\n\n{PARAGRAPH}\n\n3\n\n{PARAGRAPH}",
        f"Глава 1\n\n{PARAGRAPH}\n\nГлава 2\n\n{PARAGRAPH}",
        f"Купить:\n1. Хлеба\n2. Соли\n3. Воды\n\n{PARAGRAPH}",
        f"1) во-первых, хлеба;\n2) во-вторых, соли.\n\n{PARAGRAPH}",
        f"3 мая. {PARAGRAPH}\n\n4 мая. {PARAGRAPH}",
        f"{PARAGRAPH}\n\n* * *\n\n{PARAGRAPH}",
        f"Примечания к прошлому лету\n\n{PARAGRAPH}\n\n{PARAGRAPH}",
    ],
    ids=["chapters", "headings", "list", "items", "dates", "stars", "a title that says notes"],
)
def test_numbered_parts_of_the_work_itself_stay(text):
    assert clean(text, "gathered_notes", "footnote_marks") == text


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("Он звал maestro di casa [дворецкого (итал.)].", "Он звал maestro di casa."),
        ("Вот tabac {табак}.", "Вот tabac."),
        ("[Прим. автора] Он ушёл.", " Он ушёл."),
    ],
)
def test_translations_in_brackets_go(text, cleaned):
    assert clean(text, "bracketed_notes") == cleaned


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("кричали, чтобы [они] ушли", "кричали, чтобы они ушли"),
        ("Пет<ербургские> вед<омости>", "Петербургские ведомости"),
        ("у Е⟨рако⟩ва", "у Еракова"),
    ],
)
def test_words_that_an_editor_supplied_stay_without_their_brackets(text, cleaned):
    assert clean(text, "bracketed_notes", "conjectures") == cleaned


def test_brackets_of_the_author_stay():
    text = "Он (по-французски) сказал: bonjour (и поклонился). Иван (1840—1901) был дед."
    assert clean(text, "bracketed_notes", "conjectures", "footnote_marks") == text


def test_raised_and_braced_labels_are_labels():
    assert clean("Так¹, adieu².\n\n¹ Да.\n² Прощайте (фр.).", *EDITION) == "Так, adieu."
    assert clean("Adieu{1}.\n\n{1} Прощайте (фр.).", *EDITION) == "Adieu."
    html = "Кто там?<sup>1</sup> Пять м<sup>2</sup>."
    assert clean(html, *EDITION) == "Кто там? Пять м²."


def test_notes_with_stars_do_not_hide_the_numbered_ones_below_them():
    text = f"Он знал*. Adieu 1, сказал он, sapienti sat 2.\n{PARAGRAPH}\n\n*\nКто? — Ред.\n"
    notes = "1\nпрощайте (франц.).\n2\nумному достаточно (лат.)."
    cleaned = clean(text + notes, "gathered_notes", "blank_lines")
    assert cleaned == f"Он знал. Adieu, сказал он, sapienti sat.\n{PARAGRAPH}"


def test_a_mark_after_a_word_that_ends_in_n_or_o_goes():
    text = "Mme Lebrun 1, il trionfo 2.\n1\nдама (франц.).\n2\nтриумф (итал.)."
    assert clean(text, "gathered_notes", "blank_lines") == "Mme Lebrun, il trionfo."


def test_links_to_edit_a_wiki_go():
    text = f"Тоска[править | править код]\n\n{PARAGRAPH}[1]\n\nПримечания[править]\n\n↑ Так."
    assert clean(text, *EDITION, title=None, author=None) == f"Тоска\n\n{PARAGRAPH}"


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("сюркуп1 и grand-père2 (слово3).", "сюркуп и grand-père (слово)."),
        ("ПОСЛЕ ГРОЗЫ1\n\nvieux 3, да…»(13)", "ПОСЛЕ ГРОЗЫ\n\nvieux, да…»"),
        ("сказала (1) она (2).", "сказала она."),
        ("писал:*\nКарл XII*, да", "писал:\nКарл XII, да"),
    ],
)
def test_marks_go_even_if_no_notes_are_found(text, cleaned):
    assert clean(text, "stray_marks") == cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Глава 5. Дом 3. Пушкин2 ноября приехал.",
        "Он взял: 1) хлеба; 2) соли (на рубль 5).",
        "признаки: (1) тёплый, (2) мягкий и (3) сырой",
        "*так* и *не иначе*, графиня N*, князь Р***",
        "в 18** году, x² и 2x2 = 4, le 9 octobre, № 5",
        "Матф. гл. XVIII, ст. 21",
    ],
)
def test_numbers_and_stars_of_the_text_are_no_stray_marks(text):
    assert clean(text, "stray_marks") == text


def test_titles_above_notes_at_the_end_of_a_book_go_with_them():
    notes = "1\nТо есть лгать. (Прим. автора.)\n\n"
    text = f"Вий\n\n{PARAGRAPH}\n\nНос\n\n{PARAGRAPH}\n\nВий\n\n{notes}Нос\n\n{notes}"
    cleaned = clean(text, "gathered_notes", "blank_lines")
    assert cleaned == f"Вий\n\n{PARAGRAPH}\n\nНос\n\n{PARAGRAPH}"


@pytest.mark.parametrize("part", ["Глава {}", "Рассказ {}", "{}"])
@pytest.mark.parametrize("form", ["[{}]", "({})", "{{{}}}", "<<{}>>"])
def test_notes_below_each_part_of_a_book_take_no_text_with_them(part, form):
    sentences = "\n".join(
        f"Он назвал её соседкою{form.format(n)}. {PARAGRAPH * 9}" for n in (1, 2, 3)
    )
    notes = "\n".join(f"{form.format(n)} Так говорили в деревне." for n in (1, 2, 3))
    parts = [f"{part.format(n)}\n\n{sentences}\n\nПримечания\n\n{notes}\n\n" for n in range(1, 9)]
    cleaned = clean("".join(parts), "gathered_notes", "footnote_marks")
    assert cleaned.count("соседкою. Вечером") == 3 * 8
    assert cleaned.count("соседях.") == 3 * 8 * 9
    assert "в деревне" not in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "Возьмём a[1] и b[12], x_{2} и y^{3}.",
        "[1] Первое.\n[2] Второе.\n[3] Третье.",
        "Начало.\n{4} Четвёртое.\n{5} Пятое.",
    ],
)
def test_indexes_and_numbers_of_lines_are_no_marks(text):
    assert clean(text, "footnote_marks") == text
