"""What of a transcript is no speech: it is told by kind, and nothing else goes."""

from __future__ import annotations

import pytest

from tests.interviews import read, srt_time, text_of

TALK = "Врач: Добрый день.\nПациент: Здравствуйте.\n{}\nВрач: Что болит?\nПациент: Голова.\n"
LONG = "А потом мы долго шли домой по снегу и говорили о хлебе и о том, что будет завтра."


@pytest.mark.parametrize(
    ("between", "log"),
    [
        (f"Глава 2\n{LONG}", "headings left out: 1 (6 letters)"),
        (f"## Детство\n{LONG}", "headings left out: 1 (7 letters)"),
        (f"Эпилог.\n\n{LONG}", "headings left out: 1 (6 letters)"),
        (f"Часть первая\n{LONG}", "headings left out: 1 (11 letters)"),
        (f"00:12:05\n{LONG}", "time marks left out: 1 (6 letters)"),
        (f"Расшифровка завершена через 5 мин\n{LONG}", "footers of services left out: 1 (29"),
        (f"(смеётся)\n{LONG}", "remarks left out: 1 (7 letters)"),
    ],
)
def test_speech_goes_on_below_what_is_no_speech(tmp_path, caplog, between, log):
    text = text_of(tmp_path, "a.txt", TALK.format(between))
    assert f"Здравствуйте.\n{LONG}\n▸ Врач: Что болит?" in text
    assert log in caplog.text


@pytest.mark.parametrize(
    "line",
    [
        "Те же люди пришли ко мне и остались.",
        "Мы пели ♪ и шли домой.",
        "2 * 3 * 4 — это 24.",
        "Эпилог был длинный.",
        "Глава 2 мне нравится больше.",
        "Расшифровка была готова.",
    ],
)
def test_speech_that_looks_like_something_else_stays(tmp_path, line):
    text = text_of(tmp_path, "a.txt", TALK.format(line))
    assert f"Здравствуйте.\n{line.replace(' ♪', '')}\n" in text


@pytest.mark.parametrize(
    "line", ["Шаг 5 -> 6, и готово.", "а <сбоку> дом", "2 * 3 * 4 — это 24.", "# 1 и # 2 — номера."]
)
def test_speech_in_captions_that_looks_like_something_else_stays(tmp_path, line):
    captions = "".join(
        f"{number}\n{srt_time(number)} --> {srt_time(number + 0.9)}\n{text}\n\n"
        for number, text in enumerate(("Вот так.", line, "Да."), 1)
    )
    assert text_of(tmp_path, "a.srt", captions) == f"Вот так. {line} Да."


def test_names_in_brackets_are_no_addresses_of_links(tmp_path):
    text = "[Врач]: Здравствуйте.\n\n[Пациент]: Да.\n\n[Врач]: Жалуетесь?\n\n[Пациент]: Нет.\n"
    assert text_of(tmp_path, "a.md", text) == (
        "▸ Врач: Здравствуйте.\n▸ Пациент: Да.\n▸ Врач: Жалуетесь?\n▸ Пациент: Нет."
    )
    link = "[Ты]: https://a.ru/b\n"
    assert "a.ru" not in text_of(tmp_path / "b", "a.md", f"{text}\n{link}")


@pytest.mark.parametrize("heading", ["Явление 2", "Действие второе.", "Картина III", "Акт 2"])
def test_descriptions_of_scenes_in_plays_are_left_out_and_told(tmp_path, caplog, heading):
    text = text_of(tmp_path, "a.txt", TALK.format(f"{heading}\nТе же и слуга.\n{LONG}"))
    assert (
        text
        == "▸ Врач: Добрый день.\n▸ Пациент: Здравствуйте.\n▸ Врач: Что болит?\n▸ Пациент: Голова."
    )
    assert "scene descriptions left out: 1 (62 letters)" in caplog.text
    assert "headings left out: 2" in caplog.text


@pytest.mark.parametrize(
    ("lead", "kept"),
    [
        ("Мы встретились утром.", "Мы встретились утром."),
        ("Это было давно…\n\nОн ждал.", "Это было давно…\nОн ждал."),
        (f"О хлебе\n\n{LONG}", LONG),
        ("# Беседа с врачом\n\nОн ждал.", "Он ждал."),
        ("Разговор с врачом", None),
        ("Текст: Анна Белова\nФото автора", None),
    ],
)
def test_sentences_above_the_first_turn_stay_and_titles_are_told(tmp_path, caplog, lead, kept):
    text = text_of(tmp_path, "a.txt", f"{lead}\n\n{TALK.format('Да.')}")
    first, _, _ = text.partition("\n▸ " if kept else "▸ Врач: Добрый")
    assert first == (kept or "")
    assert ("left out" in caplog.text) == (kept is None or len(lead) > len(kept) + 1)


@pytest.mark.parametrize("name", ["a.txt", "a.md"])
def test_turns_between_rules_are_no_front_matter(tmp_path, name):
    text = (
        "---\nВрач: Добрый день.\n\nПациент: Здравствуйте.\n\n---\n\nВрач: Да?\n\nПациент: Нет.\n"
    )
    assert "▸ Врач: Добрый день.\n▸ Пациент: Здравствуйте." in text_of(tmp_path, name, text)


@pytest.mark.parametrize(
    ("lines", "speech"),
    [
        ("Мы поехали.\nСубтитры сделал DimaTorzok", "Мы поехали."),
        ("Субтитры сделал DimaTorzok\nа мы поехали.", "а мы поехали."),
        ("Мы поехали. Субтитры сделал DimaTorzok", "Мы поехали."),
        ("Мы поехали.\nРедактор субтитров А.Семкин\nКорректор А.Егорова", "Мы поехали."),
        ("Редактор субтитров А.Семкин Корректор А.Егорова", ""),
        ("Продолжение\nследует...", ""),
        ("Субтитры создавало сообщество Amara.org", ""),
    ],
)
def test_speech_beside_a_credit_stays(tmp_path, caplog, lines, speech):
    captions = "".join(
        f"{number}\n{srt_time(number)} --> {srt_time(number + 0.9)}\n{text}\n\n"
        for number, text in enumerate(("Вот так.", lines), 1)
    )
    assert text_of(tmp_path, "a.srt", captions) == f"Вот так. {speech}".strip()
    assert "credits left out: 1" in caplog.text


@pytest.mark.parametrize(
    ("extra", "log"),
    [
        ("```\nx = 1\n```", "code left out: 1 (2 letters)"),
        ("| Год | Хлеб |\n| - | - |\n| 1905 | 2 |", "tables within a text left out: 4"),
        ("![Старый дом](a.jpg)", "captions of pictures left out: 1 (9 letters)"),
        ("<div>Подписаться</div>", "HTML that is no prose left out: 1 (11 letters)"),
        ("Слово[^1].\n\n[^1]: Из книги.", "footnotes left out: 2"),
        ("### Детство", "headings left out: 1 (7 letters)"),
    ],
)
def test_what_markdown_has_besides_speech_is_told(tmp_path, caplog, extra, log):
    text = f"**Откуда вы?**\n\nИз Твери.\n\n{extra}\n\n**Давно?**\n\nДа.\n"
    text_of(tmp_path, "a.md", text)
    assert log in caplog.text


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "a.csv",
            "speaker,text,summary\nА,Привет!,Они встретились утром у реки.\nБ,Да.,\nА,Ну.,\n",
        ),
        (
            "a.jsonl",
            '{"turns": [{"name": "А", "text": "Да."}], "note": "Они встретились утром у реки."}\n'
            * 2,
        ),
        (
            "a.json",
            '[{"speaker": "А", "text": "Да."}, {"speaker": "Б", "text":'
            ' {"parts": ["Они встретились утром у реки."]}}, {"speaker": "А", "text": "Нет."}]',
        ),
    ],
)
def test_texts_in_fields_that_are_not_read_are_told(tmp_path, caplog, name, content):
    read(tmp_path, {name: content})
    assert "texts in columns or fields that are not read" in caplog.text


@pytest.mark.parametrize("html", ["<p>Да.</p>", "<P class='a'>Да.</P>", "<p>\nДа.\n</p>"])
def test_short_paragraphs_of_html_in_markdown_are_speech(tmp_path, html):
    text = f"**Откуда вы?**\n\nИз Твери.\n\n{html}\n\n**Давно?**\n\nДавно.\n"
    assert "Из Твери.\nДа.\n▸" in text_of(tmp_path, "a.md", text)


@pytest.mark.parametrize(
    ("name", "content", "kinds"),
    [
        ("a.srt", "1\n00:00:01,000 --> 00:00:02,000\n[музыка]\n", "remarks left out: 1"),
        ("a.csv", "speaker,text\nА,(смеётся)\nБ,[пауза]\n", "remarks left out: 2"),
        ("a.json", '{"segments": [{"text": "♪ ля-ля ♪", "start": 0}]}', "songs left out: 1"),
    ],
)
def test_a_file_without_speech_says_what_there_is_instead(tmp_path, name, content, kinds):
    [document] = read(tmp_path, {name: content})
    assert document.fault == f"there is no speech in it ({kinds})"


def test_the_summary_of_a_folder_counts_all_its_files(tmp_path, caplog):
    files = {f"{number}.txt": TALK.format("(смеётся)") for number in range(3)}
    read(tmp_path, files)
    assert caplog.messages == [
        f"{tmp_path}: mended or left out while reading: .txt remarks left out: 3 (21 letters)"
    ]
