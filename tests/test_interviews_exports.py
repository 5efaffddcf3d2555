"""Transcripts as services and messengers export them: times, names on lines of their own."""

from __future__ import annotations

import json

import pytest

from tests.interviews import read, text_of

SAID = [
    ("Иван Петров", "Добрый день, коллеги. Начинаем: пора."),
    ("Мария", "Добрый день. Я готова."),
    ("Иван Петров", "Тогда первый вопрос."),
    ("Мария", "Бюджет готов."),
]
EXPECTED = "\n".join(f"▸ {name}: {text}" for name, text in SAID)


def laid(form: str) -> str:
    """The turns in a form, a minute each."""
    return "".join(form.format(name, text, number) for number, (name, text) in enumerate(SAID))


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("otter.txt", "{0}  0:0{2}  \n{1}\n\n"),
        ("below.txt", "{0}\n00:0{2}:00\n{1}\n\n"),
        ("alone.txt", "{0}\n{1}\n\n"),
        ("sonix.txt", "{0}: [00:0{2}:00] {1}\n\n"),
        ("android.txt", "12.03.2024, 10:0{2} - {0}: {1}\n"),
        ("iphone.txt", "[12.03.2024, 10:0{2}:15] {0}: {1}\n"),
        ("telegram.txt", "{0}, [12.03.2024 10:0{2}]\n{1}\n\n"),
        ("bold.md", "**{0}**\n\n{1}\n\n"),
        ("dash.md", "**{0}** — {1}\n\n"),
    ],
)
def test_names_are_told_in_the_forms_of_services(tmp_path, name, form):
    text = laid(form)
    if name == "dash.md":  # of dashes, questions alone show that it is no glossary
        text = text.replace("вопрос.", "вопрос?")
    assert text_of(tmp_path, name, text).replace("?", ".") == EXPECTED


def test_a_name_with_a_time_counts_though_it_comes_once(tmp_path):
    text = (
        laid("{0}  0:0{2}\n{1}\n\n") + "Speaker 3  0:09\nДа.\n\nTranscribed by https://otter.ai\n"
    )
    assert text_of(tmp_path, "a.txt", text) == f"{EXPECTED}\n▸ А: Да."


def test_headings_and_lists_of_persons_are_no_names_alone(tmp_path):
    story = "Утро\n\nБыло раннее утро.\n\nВечер\n\nБыл вечер, и стоял туман.\n\n"
    persons = "Иван Петров\n\nМария\n\nИван Петров\n\nМария\n\n"
    for document in read(tmp_path, {"story.txt": story, "persons.txt": persons}):
        assert document.fault == "no turns «Имя: реплика» found, and no dialogue in dashes"


def test_what_stands_above_a_transcript_is_no_speaker(tmp_path):
    head = "Файл: интервью_01.mp3\nДлительность: 01:02:03\n\n"
    text = text_of(tmp_path, "a.txt", f"{head}И: Кто вы?\nР: <смеётся> Пекарь.\nИ: Да?\nР: Да.\n")
    assert text == "▸ И: Кто вы?\n▸ Р: Пекарь.\n▸ И: Да?\n▸ Р: Да."


def test_numbered_questions_and_headings_that_ask_without_a_mark_are_questions(tmp_path):
    text = "### 1. Откуда вы?\n\nИз Твери.\n\n### 2. Давно?\n\nДа.\n\n### 3. Расскажите.\n\nБыло.\n"
    assert text_of(tmp_path, "a.md", text) == (
        "▸ Вопрос: Откуда вы?\n▸ Ответ: Из Твери.\n▸ Вопрос: Давно?\n▸ Ответ: Да.\n"
        "▸ Вопрос: Расскажите.\n▸ Ответ: Было."
    )


def test_whisper_of_transformers_is_read_with_and_without_speakers(tmp_path):
    chunks = [
        {"timestamp": [0.0, 2.0], "text": " Добрый день."},
        {"timestamp": [2.0, None], "text": " Да."},
    ]
    transcription = {"text": " Добрый день. Да.", "chunks": chunks}
    assert text_of(tmp_path, "a.json", json.dumps(transcription)) == "Добрый день. Да."
    named = [{**chunk, "speaker": f"SPEAKER_0{n}"} for n, chunk in enumerate(chunks)]
    text = text_of(tmp_path / "b", "b.json", json.dumps({**transcription, "speakers": named}))
    assert text == "▸ А: Добрый день.\n▸ Б: Да."


def test_a_text_alone_from_whisper_is_read(tmp_path):
    answer = {"task": "transcribe", "language": "russian", "text": "Добрый день.", "segments": []}
    assert text_of(tmp_path, "a.json", json.dumps(answer)) == "Добрый день."


@pytest.mark.parametrize(
    "names",
    [("И.ВОРОБЬЕВА –", "А.ПЕТРОВ –"), ("О. ВОРОБЬЕВА ―", "А. ПЕТРОВ ―"), ("«Афиша»:", "А. П.:")],
)
def test_the_press_names_who_speaks_with_initials_dashes_and_quotation_marks(tmp_path, names):
    asks, answers = names
    lines = [f"{asks} Вы поёте?", f"{answers} Давно.", f"{asks} Нравится?", f"{answers} Да."]
    text = text_of(tmp_path, "a.txt", "\n".join([*lines, "Беседовала Анна Иванова"]))
    assert [line.partition(": ")[2] for line in text.split("\n")] == [
        *("Вы поёте?", "Давно.", "Нравится?", "Да."),
    ]
    assert len(set(line.partition(": ")[0] for line in text.split("\n"))) == 2


def test_labels_of_diarization_in_a_text_are_speakers_though_they_come_once(tmp_path):
    text = "[SPEAKER_00]: Доброе утро.\n[SPEAKER_01]: Начнём.\nС вопроса.\n[SPEAKER_00]: Когда?\n"
    assert text_of(tmp_path, "a.txt", text) == (
        "▸ А: Доброе утро.\n▸ Б: Начнём.\nС вопроса.\n▸ А: Когда?"
    )
