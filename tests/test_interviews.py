"""Interviews as a source: the form of turns, who is shown, ids, and files that cannot be read."""

from __future__ import annotations

import gzip
import json
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.errors import UserError
from femtogpt.sources.interviews import SPEAKER, Interviews
from femtogpt.sources.interviews.spelling import unified
from femtogpt.sources.interviews.turns import Turn, joined, shown, written
from tests.helpers import quick
from tests.interviews import read, text_of

TALK = """\
Мельник: Здравствуй, кума. Что нового?
Кума: Да ничего. Вода прибывает.
МЕЛЬНИК: Это хорошо.

Значит, будем молоть.
Кума: Будем.
"""
NAMES = st.one_of(st.none(), st.sampled_from(["Мельник", "Кума", "А: Б", "▸", "  Дед  Фома "]))
LINES = st.text(st.sampled_from("аб ▸:—\n\t.?"), max_size=20)
TURNS = st.lists(st.builds(Turn, NAMES, st.lists(LINES, max_size=3).map(tuple)), max_size=8)


def form(turns: list[Turn], speakers: str = "names") -> str:
    return written(shown(joined(unified(turns)), speakers), speakers)


def test_a_turn_is_a_line_with_mark_and_name_and_further_paragraphs_follow(tmp_path):
    assert text_of(tmp_path, "a.txt", TALK) == (
        "▸ Мельник: Здравствуй, кума. Что нового?\n"
        "▸ Кума: Да ничего. Вода прибывает.\n"
        "▸ Мельник: Это хорошо.\n"
        "Значит, будем молоть.\n"
        "▸ Кума: Будем."
    )


def test_letters_stand_for_names_by_order_of_appearance(tmp_path):
    [document] = read(tmp_path, {"a.txt": TALK}, speakers="letters")
    assert [line[:4] for line in document.text.split("\n") if line[0] == SPEAKER] == [
        "▸ А:",
        "▸ Б:",
        "▸ А:",
        "▸ Б:",
    ]
    assert document.speaker == "А, Б"


def test_with_more_speakers_than_letters_numbers_follow_the_letters():
    turns = [Turn(f"Имя {number}", ("Да.",)) for number in range(60)]
    names = [line.split(":")[0] for line in form(turns, "letters").split("\n")]
    assert len(set(names)) == 60
    assert names[0] == "▸ А"
    assert names[-1].endswith("2")


def test_without_speakers_a_turn_begins_with_a_dash(tmp_path):
    [document] = read(tmp_path, {"a.txt": TALK}, speakers="none")
    assert document.text.startswith("— Здравствуй, кума. Что нового?\n— Да ничего.")
    assert SPEAKER not in document.text
    assert document.speaker is None


def test_names_that_a_machine_gave_become_letters(tmp_path):
    talk = "SPEAKER_00: Алло.\nSPEAKER_01: Да, слушаю.\nSPEAKER_00: Это мельница?\nМаша: Да."
    assert text_of(tmp_path, "a.txt", talk) == (
        "▸ А: Алло.\n▸ Б: Да, слушаю.\n▸ А: Это мельница?\n▸ Маша: Да."
    )


def test_the_mark_in_the_text_itself_fakes_no_speaker(tmp_path):
    talk = "Мельник: Вот\n▸ Кума: мука\nКума: Где?\nМельник: Там ▸ тут.\nКума: А."
    text = text_of(tmp_path, "a.txt", talk)
    assert text.count(SPEAKER) == 4
    assert "› " in text


@quick
@given(TURNS)
def test_turns_can_be_told_again_from_the_text(turns):
    expected = joined(unified(turns))
    found: list[tuple[str | None, list[str]]] = []
    for line in filter(None, form(turns).split("\n")):
        if line.startswith(SPEAKER):
            name, text = line.removeprefix("▸ ").split(": ", 1)
            found.append((name, [text]))
        elif found:
            found[-1][1].append(line)
        else:
            found.append((None, [line]))
    counts = [(turn.speaker, len(turn.paragraphs)) for turn in expected]
    without = [(name, count) for name, count in counts if name is not None]
    assert [name for name, _ in found if name is not None] == [name for name, _ in without]
    assert sum(len(texts) for _, texts in found) == sum(count for _, count in counts)


def test_one_speakers_spellings_become_one():
    turns = [Turn(name, ("Да.",)) for name in ("ПЁТР", "Анна", "Петр", "анна.", "Петр", "РБК")]
    names = [turn.speaker for turn in unified(turns)]
    assert names == ["Петр", "Анна", "Петр", "Анна", "Петр", "РБК"]
    turns = [Turn(name, ("Да.",)) for name in ("Е. АЛЬБАЦ", "Е.АЛЬБАЦ")]
    assert {turn.speaker for turn in unified(turns)} == {"Е. Альбац"}
    capitals = [
        Turn(name, ("Да.",)) for name in ("Г-ЖА ПРОСТАКОВА", "ЛИЗА И СОФЬЯ ПЕТРОВА-ВОДКИНА")
    ]
    names = [turn.speaker for turn in unified(capitals)]
    assert names == ["Г-жа Простакова", "Лиза и Софья Петрова-Водкина"]


def test_a_document_is_a_file_and_its_id_the_path_without_suffix(tmp_path):
    documents = read(tmp_path, {"б/разговор.txt": TALK, "а.md": "**А?**\n\nБ.\n\n**В?**\n\nГ."})
    assert [(document.id, document.title) for document in documents] == [
        ("а", "а"),
        ("б/разговор", "разговор"),
    ]
    assert documents[1].speaker == "Мельник, Кума"


def test_files_that_differ_in_the_suffix_alone_keep_it_in_their_ids(tmp_path):
    captions = "1\n00:00:01,000 --> 00:00:02,000\nЗдравствуйте.\n"
    documents = read(tmp_path, {"a.txt": TALK, "a.srt": captions, "b.txt": TALK})
    assert [document.id for document in documents] == ["a.srt", "a.txt", "b"]


def test_an_archive_of_interviews_reads_as_a_folder(tmp_path):
    (tmp_path / "talk.txt").write_text(TALK, encoding="utf-8")
    raw = tmp_path / "raw"
    raw.mkdir()
    with tarfile.open(raw / "talks.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "talk.txt", "talks/talk.txt")
    [document] = Interviews(path=raw).documents(raw)
    assert document.id == "talks/talk"
    assert document.text.startswith("▸ Мельник: ")


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.txt", "Было утро.\nМельник сказал: быть дождю.\n", "no turns «Имя: реплика» found"),
        ("a.txt", "", "the file is empty"),
        ("a.txt", b"\x00\x01\x02" * 50, "not text in a known encoding"),
        ("a.md", "# Заметка\n\nПросто текст.\n", "no dialogue found"),
        ("a.srt", "Просто текст.\n", "no captions found"),
        ("a.json", '{"segments": [{"te', "the JSON is damaged"),
        ("a.json", '{"name": "x", "version": 1}', "it has name, version"),
        ("a.json", "[]", "there is no speech in it"),
        ("a.json", "[" * 100_000, "the JSON is damaged"),
        ("a.jsonl", "{сломано}\n", "line 1 is no JSON"),
        ("a.csv", "speaker,text,end\nМельник,Да,и,вот\n", "the CSV is damaged"),
        ("a.csv", "speaker,text\n", "the CSV has no rows"),
    ],
)
def test_a_file_that_cannot_be_read_is_rejected_with_the_reason(tmp_path, name, content, reason):
    [document] = read(tmp_path, {name: content})
    assert document.text == ""
    assert reason in document.fault


def test_one_file_that_cannot_be_read_leaves_the_others(tmp_path):
    documents = read(tmp_path, {"a.json": "{", "b.txt": TALK, "c.md": ""})
    assert [document.fault is None for document in documents] == [False, True, False]


def test_a_folder_without_any_transcript_says_what_is_read(tmp_path):
    with pytest.raises(UserError, match=r"give \.csv, \.html, \.json"):
        read(tmp_path, {"a.pdf": "x"})


def test_half_a_character_is_a_mark_in_the_text(tmp_path):
    turns = [{"role": "user", "text": "Да\ud800нет"}, {"role": "bot", "text": "И\ud83d\ude00"}]
    text = text_of(tmp_path, "a.json", json.dumps({"turns": turns}))
    assert text == "▸ Пользователь: Да\ufffdнет\n▸ Ассистент: И😀"


FILES = {
    "a.txt": TALK,
    "b.md": "---\ntitle: О воде\n---\n**Где вода?**\n\nВ *реке*.\n\n> Да.\n\n**А мука?**\n\n- Вот.",
    "c.vtt": "WEBVTT\n\n00:01.000 --> 00:02.000\n<v Кума>Вода<00:00:01.500><c> прибыла</c>\n",
    "d.json": json.dumps({"segments": [{"text": " Вода.", "start": 0, "end": 1, "speaker": "S1"}]}),
    "e.jsonl": '{"messages": [{"role": "user", "content": "Вода?"}]}\n{"id": 2, "turns": []}\n',
    "f.csv": "имя;реплика\nКума;Вода\nМельник;Мука\n",
}


@quick
@given(
    st.sampled_from(sorted(FILES)),
    st.integers(0, 200),
    st.binary(max_size=6),
    st.integers(0, 12),
)
def test_damage_anywhere_gives_documents_or_one_clear_error(
    tmp_path_factory, name, position, junk, cut
):
    data = FILES[name].encode()
    damaged = data[:position] + junk + data[position + cut :]
    try:
        documents = read(tmp_path_factory.mktemp("damaged"), {name: damaged})
    except UserError as error:
        assert "set text_column" in str(error)
        return
    assert documents
    for document in documents:
        assert (document.text == "") == (document.fault is not None)


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_file_cut_off_anywhere_never_stops_the_reading(tmp_path, name):
    data = FILES[name].encode()
    for end in range(0, len(data), 7):
        try:
            assert read(tmp_path, {name: data[:end]})
        except UserError as error:
            assert "set text_column" in str(error)


def test_a_compressed_file_reads_as_the_file_itself(tmp_path):
    documents = read(tmp_path, {"a.txt.gz": gzip.compress(TALK.encode()), "b.txt": TALK})
    assert [document.id for document in documents] == ["a", "b"]
    assert documents[0].text == documents[1].text


def test_an_archive_that_cannot_be_opened_is_rejected_and_the_others_read(tmp_path):
    documents = read(tmp_path, {"a.zip": b"PK\x03\x04 broken", "b.txt": TALK, "c.txt": TALK})
    assert [bool(document.fault) for document in documents] == [True, False, False]


def test_a_list_beside_the_files_tells_titles_authors_and_years(tmp_path):
    info = "name,title,author,year\nтрек,О воде,А. Крутова,1999\n"
    [document] = read(tmp_path, {"info.csv": info, "трек.txt": TALK})
    assert (document.title, document.author, document.year) == ("О воде", "А. Крутова", 1999)
