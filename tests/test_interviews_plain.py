"""«Имя: реплика»: which beginnings of lines are speakers, and what continues a turn."""

from __future__ import annotations

import zipfile
from collections import Counter
from pathlib import Path

import pytest

from femtogpt.sources.interviews import Interviews
from femtogpt.sources.interviews.speaker_names import dash_named, opening, speakers, split
from tests.conftest import SHARED
from tests.helpers import PROSE
from tests.interviews import read, text_of


@pytest.fixture
def plays(tmp_path) -> Path:
    path = SHARED / "interviews" / "dialogue-turns.zip"
    if not path.is_file():
        pytest.skip(f"the plays are not at hand ({path})")
    with zipfile.ZipFile(path) as archive:
        archive.extractall(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("Г-жа Простакова: Кафтан весь испорчен.", "Г-жа Простакова"),
        ("ВЕДУЩИЙ: Добрый вечер.", "ВЕДУЩИЙ"),
        ("И. И. Иванов: Добрый.", "И. И. Иванов"),
        ("Корр.: Как вас зовут?", "Корр."),
        ("**Анна:** Анна.", "Анна"),
        ("**Анна**: Анна.", "Анна"),
        ("Софья (входя): Вы здесь?", "Софья"),
        ("Софья [тихо] : Вы здесь?", "Софья"),
        ("1-й крестьянин: Да уж подождём.", "1-й крестьянин"),
        ("[00:12:05] Анна: Да.", "Анна"),
        ("00:12 Анна: Да.", "Анна"),
        ("[00:12.000 --> 00:15.000] Спикер 2: Да.", "Спикер 2"),
        ("Анна (00:12): Да.", "Анна"),
        ("Анна Крутова 01:02:03", "Анна Крутова"),
        ("Вопрос № 3: Кто вы?", "Вопрос"),
        ("За сценой голос Кучумова: Дома барыня?", "Голос Кучумова"),
        ("Варравин, Расплюев: Ах!", "Варравин, Расплюев"),
        ("В 12:30 мы встретились.", None),
        ("Подробности на https://example.org: там всё.", None),
        ("https://example.org", None),
        ("он сказал: пойдём", None),
        ("Стоял туман. Мельник вышел: рано.", None),
        ("Кто здесь?: никого", None),
        ("Мама шила. Соседка, бывало, придёт: «Дай соли».", None),
        ("Е.АЛЬБАЦ: Добрый вечер.", "Е. АЛЬБАЦ"),
        ("Просто строка без двоеточия", None),
    ],
)
def test_a_name_is_told_by_its_shape(line, name):
    found = opening(line)
    assert (found.name if found else None) == name


def test_a_beginning_is_no_speaker_because_it_has_a_colon(tmp_path):
    talk = """\
Ведущий: Откуда вы?
Крутова: Из Твери. Отец говорил так: «Хлеб: всему голова».
И сказал он: пойдём.
Итак: мука, вода, соль.
В 12:30 на рынке.
Толстой писал: всё смешалось.
Пример: ржаная мука.
Смотрите: вот она.
https://example.org/hleb: рецепт.
Ведущий: А потом?
Крутова: Потом уехали.
"""
    [document] = read(tmp_path, {"a.txt": talk})
    assert document.speaker == "Ведущий, Крутова"
    assert "\nПример: ржаная мука.\n" in document.text


def test_prose_with_colons_is_no_dialogue():
    prose = """\
Было утро, и над рекою стоял туман.
Пример: лес стоит, шумит.
Мельник вышел на крыльцо и сказал: быть дождю.
Например: роса на траве.
Пример: река течёт.
Собака зевнула, потянулась и побежала вперёд.
""".splitlines()
    assert speakers(prose) == frozenset()


def test_a_glossary_is_no_dialogue():
    words = PROSE.title().split()[:12]
    assert speakers([f"{word.strip('.,')}: что-то старинное." for word in words]) == frozenset()


def test_a_role_or_a_pair_may_speak_once(tmp_path):
    talk = """\
Анна: Здравствуй, Борис, давно не виделись с тобой.
Долго я тебя ждала.
Борис: Здравствуй.
Анна: Пойдём?
И мы пошли.
Слуга: Кушать подано.
Анна и Борис: Идём!
Борис: Пора.
"""
    [document] = read(tmp_path, {"a.txt": talk})
    assert document.speaker == "Анна, Борис, Слуга, Анна и Борис"


def test_question_and_answer_by_letters_with_full_stops(tmp_path):
    talk = "В. Где вы жили?\nО. В Твери. В. Петров, сосед, тоже.\nВ. Долго?\nО. Да.\n"
    assert text_of(tmp_path, "a.txt", talk) == (
        "▸ Вопрос: Где вы жили?\n▸ Ответ: В Твери. В. Петров, сосед, тоже.\n"
        "▸ Вопрос: Долго?\n▸ Ответ: Да."
    )


def test_names_in_capitals_with_full_stops_are_speakers(tmp_path):
    play = "СОФЬЯ. Вы здесь?\nПЁТР (входя). Здесь!\nСОФЬЯ. Давно?\nПЁТР. Давно.\nНЯНЯ. Ах!"
    assert text_of(tmp_path, "a.txt", play) == (
        "▸ Софья: Вы здесь?\n▸ Пётр: Здесь!\n▸ Софья: Давно?\n▸ Пётр: Давно.\n▸ Няня: Ах!"
    )


def test_initials_at_the_start_of_lines_are_not_question_and_answer(tmp_path):
    talk = "Анна: Кто был?\nБорис: Все.\nВ. Петров пришёл.\nО. Иванова тоже.\nАнна: Да?\nБорис: Да."
    [document] = read(tmp_path, {"a.txt": talk})
    assert document.speaker == "Анна, Борис"


DASHED = """\
Анна — Здравствуйте. Откуда вы приехали?
Пётр Ильич — Из Твери.
Мы там жили — все четверо.
Анна (смеясь) – И долго?
1-й гость - Тридцать лет.
Пётр Ильич — Да — тридцать!
1-й гость - «Тверь» — хороший город.
"""


def test_names_with_a_dash_for_the_colon_are_speakers(tmp_path):
    assert text_of(tmp_path, "a.txt", DASHED).split("\n") == [
        "▸ Анна: Здравствуйте. Откуда вы приехали?",
        "▸ Пётр Ильич: Из Твери.",
        "Мы там жили — все четверо.",
        "▸ Анна: И долго?",
        "▸ 1-й гость: Тридцать лет.",
        "▸ Пётр Ильич: Да — тридцать!",
        "▸ 1-й гость: «Тверь» — хороший город.",
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ["Абак — счёты.", "Бином — сумма.", "Абак — доска. А бином?", "Бином — двучлен."],
        ["Абак — Счёты.", "Бином — Сумма?", "Вектор — Стрела.", "Граф — Точки."],
        [
            "Спартак — Динамо 2:1",
            "Зенит — Спартак 0:0",
            "Спартак — Зенит 1:1",
            "Зенит — Динамо 3:1",
        ],
        ["Она — Вера?", "Он — Пётр.", "Она — Анна?", "Он — Илья.", "Но — Илья."],
        [*PROSE.split("\n"), "Анна — Да?", "Вера — Нет.", "Анна — Да.", "Вера — Нет."],
    ],
)
def test_a_dash_makes_no_speaker_of_definitions_fixtures_and_prose(lines):
    assert dash_named(lines) == lines


@pytest.mark.parametrize("dash", ["—", "–", "-"])
def test_the_real_plays_keep_nearly_all_their_turns_with_dashes(plays, dash):
    for path in sorted(plays.glob("*.txt")):
        lines = path.read_text(encoding="utf-8").splitlines()
        meant = speakers(lines)
        colons = [split(line, meant) for line in lines]
        dashes = dash_named([line.replace(": ", f" {dash} ", 1) for line in lines])
        known = speakers(dashes)
        same = sum(split(line, known) == turn for line, turn in zip(dashes, colons, strict=True))
        assert same > 0.93 * len(lines), path.name


def test_headings_of_a_play_and_its_list_of_persons_are_no_speech(tmp_path):
    play = """\
МЕЛЬНИЦА

ДЕЙСТВУЮЩИЕ ЛИЦА
Фома, мельник, человек пожилой и степенный, но большой охотник до споров и до чая.
Марфа, жена его.

ДЕЙСТВИЕ ПЕРВОЕ
Явление I
Комната. Фома сидит у окна, чинит невод и смотрит на реку, над которой стоит туман.

Фома (вздыхает): Скучно!
Марфа: Скучно. (Уходит.)

ЯВЛЕНИЕ II
Те же и Марфа.

Фома: Вернулась?
(Пауза.)
Марфа (в сторону): Вернулась.
Конец первого действия.
Занавес
"""
    assert text_of(tmp_path, "a.txt", play) == (
        "▸ Фома: Скучно!\n▸ Марфа: Скучно.\n▸ Фома: Вернулась?\n▸ Марфа: Вернулась."
    )


def test_an_introduction_is_kept_without_a_mark(tmp_path):
    lead = "Сегодня мы говорим о том, как печь хлеб и почему он не всегда поднимается."
    talk = f"Выпуск 12\n\n{lead}\n\nВедущий: Итак?\nГость: Да.\nВедущий: Спасибо!"
    assert text_of(tmp_path, "a.txt", talk).split("\n")[:2] == [lead, "▸ Ведущий: Итак?"]


def test_fields_at_the_top_tell_about_the_interview(tmp_path):
    talk = (
        "Гость: Анна Крутова\nДата: 12 марта 2021 года\nСсылка: https://example.org/12\n\n"
        "Ведущий: Откуда вы?\nКрутова: Из Твери.\nВедущий: Давно?\nГость: Здравствуйте.\n"
    )
    [document] = read(tmp_path, {"a.txt": talk})
    assert (document.author, document.year) == ("Анна Крутова", 2021)
    assert document.url == "https://example.org/12"
    assert document.speaker == "Ведущий, Крутова, Гость"


def test_lines_broken_at_a_width_are_joined(tmp_path):
    talk = """\
Журналист: Расскажите, пожалуйста, как вы построили этот дом и сколько
времени у вас ушло на то, чтобы закончить крышу?

Мастер: Крышу я делал два лета. Сначала лес привезли сырой, и пришлось
ждать, пока он высохнет; потом заболел брат, и я остался один. Но ничего,
справился.

Зимой мы уже топили печь.

Журналист: А окна?

Мастер: Резал сам.
"""
    text = text_of(tmp_path, "a.txt", talk)
    assert len(text.split("\n")) == 5
    assert "и сколько времени у вас" in text
    assert "справился.\nЗимой мы уже топили печь.\n▸ " in text


def test_verse_keeps_its_lines(tmp_path):
    talk = "Анна: Спой.\nБорис: Над полем тихий свет зари,\nИ в роще голос соловья;\nАнна: Да."
    assert "зари,\nИ в роще" in text_of(tmp_path, "a.txt", talk)


def test_a_dialogue_in_dashes_is_question_and_answer_where_one_side_asks(tmp_path):
    talk = "— Как вы пришли?\n— Случайно.\nСосед позвал.\n— Трудно было?\n— Нет.\n"
    assert text_of(tmp_path, "a.txt", talk) == (
        "▸ Вопрос: Как вы пришли?\n▸ Ответ: Случайно.\nСосед позвал.\n"
        "▸ Вопрос: Трудно было?\n▸ Ответ: Нет."
    )


def test_a_dialogue_in_dashes_of_unknown_sides_keeps_its_dashes(tmp_path):
    talk = "- Пойдём.\n- Куда? Зачем?\n- К реке.\n- Хорошо.\n"
    assert text_of(tmp_path, "a.txt", talk) == "— Пойдём.\n— Куда? Зачем?\n— К реке.\n— Хорошо."


def test_times_on_lines_of_their_own_go_and_times_that_are_said_stay(tmp_path):
    talk = "Анна: Когда?\n0:05\nБорис: 12:30\n1:02:03\nАнна: Да.\nБорис: Да."
    assert "Анна: Когда?\n▸ Борис: 12:30\n▸ Анна" in text_of(tmp_path, "a.txt", talk)


def test_a_name_on_a_line_of_its_own_begins_a_turn(tmp_path):
    talk = """\
Иван Смирнов  0:03
Привет всем.

Спикер 2  0:15
Добрый день.

Иван Смирнов  1:02:33
Пока.

Спикер 2  1:03:00
Пока.
"""
    assert text_of(tmp_path, "a.txt", talk) == (
        "▸ Иван Смирнов: Привет всем.\n▸ А: Добрый день.\n▸ Иван Смирнов: Пока.\n▸ А: Пока."
    )


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8-sig", "utf-16", "koi8-r"])
def test_russian_encodings_and_windows_line_ends_read_alike(tmp_path, encoding):
    talk = (
        "Мельник: Здравствуй, кума. Что нового у вас на мельнице слышно?\r\n"
        "Кума: Да ничего. Вода прибывает, и мука дорожает с каждым днём.\r\n"
        "Мельник: Это плохо.\r\n"
    )
    assert text_of(tmp_path, "a.txt", talk.encode(encoding)).count("▸ ") == 3


def test_every_line_of_the_real_plays_is_a_turn_of_a_real_speaker(plays):
    documents = {document.id: document for document in Interviews(path=plays).documents(plays)}
    assert len(documents) == 15
    lines, marked = 0, 0
    for name, document in documents.items():
        raw = (plays / f"{name}.txt").read_text(encoding="utf-8")
        assert document.fault is None
        before = Counter(word for word in raw.replace("<", " ").split() if word.isalpha())
        after = Counter(word for word in document.text.split() if word.isalpha())
        assert sum((after - before).values()) < 0.001 * sum(before.values())
        lines += sum(1 for line in raw.splitlines() if line.strip())
        marked += len(document.text.split("\n"))
    assert lines - 20 <= marked <= lines
    speakers = documents["griboyedov-gore-ot-uma"].speaker.split(", ")
    assert len(speakers) == 31
    assert {"Чацкий", "Графиня внучка", "Г. N", "1-я княжна", "Голос Софии"} <= set(speakers)
    assert "Г-жа Простакова" in documents["fonvizin-nedorosl"].speaker
    assert documents["griboyedov-molodye-suprugi"].speaker == (
        "Арист, Эльмира, Сафир, Сафир и Эльмира"
    )


def test_a_paper_that_asks_is_a_speaker_and_the_line_of_who_recorded_it_goes(tmp_path):
    talk = (
        "«Афиша»: Где вы родились?\nАнна: В Твери.\n«Афиша»: Давно?\nАнна: Давно.\n"
        "Беседовал Иван Петров"
    )
    text = text_of(tmp_path, "a.txt", talk)
    assert text.startswith("▸ Афиша: Где вы родились?\n▸ Анна: В Твери.")
    assert "Беседовал" not in text


def test_any_dash_may_stand_between_a_name_with_initials_and_what_is_said(tmp_path):
    talk = "А.П. Лунин ― Вы здесь?\nАнна ― Да.\nА.П. Лунин ― Давно?\nАнна ― Нет.\n"
    assert text_of(tmp_path, "a.txt", talk).split("\n")[1] == "▸ Анна: Да."


@pytest.mark.parametrize("number", ["{}. ", "{}) ", "{}\t", "{:03d} "])
@pytest.mark.parametrize("first", [1, 57])
def test_turns_may_be_numbered(tmp_path, caplog, number, first):
    turns = ["Анна: Когда начали?", "Пётр: В мае.", "Анна: А кончили?", "Пётр: В августе."]
    lines = [f"{number.format(first + index)}{turn}" for index, turn in enumerate(turns)]
    text = text_of(tmp_path, "a.txt", "\n".join(lines))
    assert text == "\n".join(f"▸ {turn}" for turn in turns)
    assert "numbers of questions and turns left out: 1" in caplog.text


def test_numbers_that_do_not_count_the_turns_stay(tmp_path):
    shopping = "1. Мука белая.\n2. Соль мелкая.\n3. Сахар.\n4. Мёд."
    turns = ["Анна: Что купить?", f"Пётр: Список.\n{shopping}", "Анна: Хорошо.", "Пётр: Да."]
    text = text_of(tmp_path, "a.txt", "\n".join(turns))
    assert text == "\n".join(f"▸ {turn}" for turn in turns)
