"""What Whisper and its kin write: silence, loops, speakers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from femtogpt.sources.interviews.whisper import without_loop
from tests.conftest import SHARED
from tests.interviews import read, text_of


def segment(text: str, start: float = 0, end: float = 1, **fields) -> dict:
    return {"text": f" {text}", "start": start, "end": end, **fields}


def heard(folder: Path, *segments: dict, **settings) -> str:
    content = json.dumps({"text": "", "segments": segments, "language": "ru"})
    return text_of(folder, "a.json", content, **settings)


def test_segments_become_paragraphs_at_pauses_after_sentences(tmp_path):
    text = heard(
        tmp_path,
        segment("Здравствуйте. Мы сегодня", 0, 3),
        segment("говорим о воде.", 6, 8),
        segment("Вода прибывает.", 8.5, 10),
        segment("Начнём.", 13, 14),
    )
    assert text == "Здравствуйте. Мы сегодня говорим о воде. Вода прибывает.\nНачнём."


def test_what_whisper_hears_in_silence_goes_by_its_own_thresholds(tmp_path):
    text = heard(
        tmp_path,
        segment("Речь.", no_speech_prob=0.1, avg_logprob=-0.2),
        segment("Призрак.", no_speech_prob=0.9, avg_logprob=-1.2),
        segment("Тихо, но верно.", no_speech_prob=0.9, avg_logprob=-0.3),
        segment("Неуверенно.", no_speech_prob=0.2, avg_logprob=-1.2),
    )
    assert text == "Речь. Тихо, но верно. Неуверенно."


@pytest.mark.parametrize(
    "credit",
    [
        "Продолжение следует...",
        "Субтитры сделал DimaTorzok",
        "Субтитры создавал DimaTorzok",
        "Субтитры подогнал «Симон»!",
        "Редактор субтитров А.Семкин Корректор А.Егорова",
        "Корректор субтитров А. Кулакова",
        "Спасибо за субтитры Алексею Дубровскому!",
        "ДИНАМИЧНАЯ МУЗЫКА",
        "АПЛОДИСМЕНТЫ",
        "[МУЗЫКА]",
        "[BLANK_AUDIO]",
        "(смех)",
    ],
)
def test_known_hallucinations_and_sounds_go(tmp_path, credit):
    assert heard(tmp_path, segment("Речь."), segment(credit), segment("Ещё.")) == "Речь. Ещё."


@pytest.mark.parametrize("speech", ["Продолжение следует за началом.", "Музыка играла."])
def test_speech_about_such_things_stays(tmp_path, speech):
    assert heard(tmp_path, segment(speech)) == speech


def test_loops_go_and_repeated_words_stay(tmp_path):
    loop = "и я сказал " * 6
    text = heard(
        tmp_path,
        segment("Да, да, да."),
        segment("Да, да, да."),
        segment(f"{loop}что да.", compression_ratio=3.5),
        *[segment("Вот так вот.") for _ in range(9)],
    )
    assert text == "Да, да, да. Да, да, да. и я сказал что да. Вот так вот."


def test_words_that_repeat_are_the_speakers_where_the_text_compresses_as_usual(tmp_path):
    text = "Бежал, бежал, бежал, бежал, бежал, бежал, бежал, бежал и устал."
    assert heard(tmp_path, segment(text, compression_ratio=1.9)) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("да да да", "да да да"),
        ("да " * 20, "да"),
        ("ну вот ну вот ну вот", "ну вот ну вот ну вот"),
        ("Ну вот. " * 5 + "Всё.", "Ну вот. Всё."),
        ("а б в а б в а б в а б в г", "а б в г"),
        ("", ""),
    ],
)
def test_a_loop_is_four_times_the_same_words_or_eight_times_the_same_word(text, expected):
    assert without_loop(text) == expected


def test_speakers_of_whisperx_become_letters_and_double_spaces_go(tmp_path):
    text = heard(
        tmp_path,
        segment("Алло,  здравствуйте.", speaker="SPEAKER_01"),
        segment("Добрый  день.", speaker="SPEAKER_00"),
        segment("Чем  помочь?", speaker="SPEAKER_00"),
        segment("Ничем.", speaker="SPEAKER_01"),
    )
    assert text == "▸ А: Алло, здравствуйте.\n▸ Б: Добрый день. Чем помочь?\n▸ А: Ничем."


def test_a_segment_without_speaker_goes_on_for_the_one_before(tmp_path):
    text = heard(
        tmp_path,
        segment("Кто там?"),
        segment("Это я.", speaker="Почтальон"),
        segment("Принёс письмо."),
        segment("Вам.", speaker="Шарик"),
    )
    assert text == "▸ Почтальон: Кто там? Это я. Принёс письмо.\n▸ Шарик: Вам."


@pytest.mark.parametrize("form", ["[SPEAKER_0{}]: {}", "SPEAKER_0{}: {}", "(Спикер {}) {}"])
@pytest.mark.parametrize("named", [False, True])
def test_a_label_at_the_beginning_of_a_segment_is_its_speaker(tmp_path, form, named):
    spoken = ["Алло.", "Добрый день.", "Это мельница?"]
    segments = [
        segment(form.format(n % 2, text), **({"speaker": f"SPEAKER_0{n % 2}"} if named else {}))
        for n, text in enumerate(spoken)
    ]
    assert heard(tmp_path, *segments) == "▸ А: Алло.\n▸ Б: Добрый день.\n▸ А: Это мельница?"


def test_the_words_speakers_divide_a_segment_by_sentences(tmp_path):
    words = [("Как", 0), ("дела?", 0), ("Всё", 1), ("хорошо,", 0), ("спасибо.", 1)]
    text = heard(
        tmp_path,
        segment(
            "Как дела?  Всё хорошо, спасибо.",
            speaker="SPEAKER_00",
            words=[{"word": word, "speaker": f"SPEAKER_0{number}"} for word, number in words],
        ),
    )
    assert text == "▸ А: Как дела?\n▸ Б: Всё хорошо, спасибо."


def test_another_field_may_name_the_speaker(tmp_path):
    parts = [
        segment("Алло.", speaker="SPEAKER_01", side="Клиент"),
        segment("Да.", speaker="SPEAKER_00", side="Оператор"),
    ]
    assert heard(tmp_path, *parts, speaker_column="side") == "▸ Клиент: Алло.\n▸ Оператор: Да."


def test_the_json_of_whisper_cpp_and_bare_lists_of_segments_read_too(tmp_path):
    parts = [
        {"offsets": {"from": 0, "to": 3000}, "timestamps": {}, "text": " Привет всем."},
        {"offsets": {"from": 9000, "to": 9500}, "text": " Начнём."},
    ]
    cpp = json.dumps({"systeminfo": "x", "transcription": parts})
    assert text_of(tmp_path, "a.json", cpp) == "Привет всем.\nНачнём."
    bare = json.dumps([segment("Раз.", 0, 1), segment("Два.", 1, 2)])
    assert text_of(tmp_path, "a.json", bare) == "Раз. Два."


def test_the_real_files_give_all_their_words(tmp_path):
    folder = SHARED / "interviews"
    if not folder.is_dir():
        pytest.skip(f"the real transcripts are not at hand ({folder})")
    files = {
        name: (folder / name).read_bytes() for name in ("whisper.json", "whisperx-diarized.json")
    }
    plain, diarized = read(tmp_path, files)
    transcript = json.loads(files["whisper.json"])["text"]
    assert plain.text.split() == transcript.split()
    assert plain.speaker is None
    parts = json.loads(files["whisperx-diarized.json"])["segments"]
    spoken = diarized.text.replace("▸ А:", "").replace("▸ Б:", "")
    assert spoken.split() == " ".join(part["text"] for part in parts).split()
    assert diarized.speaker == "А, Б"
    assert [line[:4] for line in diarized.text.split("\n")] == ["▸ А:", "▸ Б:"] * 4
