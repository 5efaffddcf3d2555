"""Captions: what comes out of .srt and .vtt, rolling ones first of all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.interviews.captions import parsed
from femtogpt.sources.interviews.turns import joined
from tests.helpers import quick
from tests.interviews import rolled, srt, text_of, youtube

WORDS = ["да", "нет", "ну", "вот", "мы", "поехали", "2024", "утром", "на", "реку", "рыба"]
LINES = st.lists(
    st.lists(st.sampled_from(WORDS), min_size=1, max_size=4).map(" ".join), min_size=1, max_size=30
)
SPEECH = [
    "ну вот мы и поехали на реку",
    "да да да",
    "да да да",
    "да",
    "рыба клевала всю ночь",
    "а утром",
    "а утром пошёл дождь",
]


def heard(text: str) -> list[str]:
    """The words of captions, all paragraphs together."""
    return " ".join(
        p for turn in joined(parsed(text, lambda *_: None).turns) for p in turn.paragraphs
    ).split()


def words(lines: list[str]) -> list[str]:
    return " ".join(lines).split()


@quick
@given(LINES)
def test_youtubes_rolling_captions_give_each_line_once(lines):
    assert heard(youtube(lines)) == words(lines)


@quick
@given(LINES)
def test_rolling_captions_without_their_empty_lines_give_each_line_once(lines):
    bare = "\n".join(line.rstrip() for line in youtube(lines).split("\n"))
    assert heard(bare) == words(lines)


@quick
@given(LINES, st.sampled_from([(True, 2), (False, 2), (False, 3), (False, 4)]))
def test_rolling_captions_in_srt_give_each_line_once(lines, form):
    held, window = form
    assert heard(srt(rolled(lines, held, window))) == words(lines)


@quick
@given(LINES)
def test_rolling_captions_joined_to_one_line_give_each_word_once(lines):
    assert heard(srt(rolled(lines), lay=" ".join)) == words(lines)


@quick
@given(LINES)
def test_captions_that_do_not_roll_give_all_their_lines(lines):
    shown = [(3.0 * number, 3.0 * number + 2, (line,)) for number, line in enumerate(lines)]
    assert heard(srt(shown)) == words(lines)


def test_what_is_said_twice_stays_in_rolling_captions():
    assert heard(youtube(SPEECH)) == words(SPEECH)
    assert heard(srt(rolled(SPEECH))) == words(SPEECH)
    assert heard(srt(rolled(SPEECH, held=False))) == words(SPEECH)
    assert heard(srt(rolled(SPEECH, held=False), lay=" ".join)) == words(SPEECH)


def test_rolling_captions_go_on_after_a_pause():
    pause = youtube(SPEECH).replace("00:00:08", "00:00:48").replace("00:00:09", "00:00:49")
    assert heard(pause) == words(SPEECH)


def test_captions_that_light_up_word_after_word_give_each_line_once():
    line = "мы поехали на реку"
    shown = [
        (number / 2, number / 2 + 0.5, (line.replace(word, f"<u>{word}</u>", 1),))
        for number, word in enumerate(line.split())
    ]
    assert heard(srt(shown)) == line.split()


def test_a_caption_that_overlaps_its_double_is_one():
    assert heard(srt([(0, 2, ("да",)), (1, 3, ("да",)), (3, 4, ("да",))])) == ["да", "да"]


def block(number: int, line: str, times: str | None = None) -> str:
    times = times or f"00:00:{2 * number:02d},000 --> 00:00:{2 * number + 1:02d},500"
    return f"{times}\n{line}\n\n"


def test_captions_become_sentences_and_a_pause_a_paragraph(tmp_path):
    text = block(1, "Мы поехали") + block(2, "на реку.") + block(10, "Рыба\nклевала.")
    assert text_of(tmp_path, "a.srt", text) == "Мы поехали на реку.\nРыба клевала."


def test_a_pause_within_a_sentence_divides_nothing(tmp_path):
    text = block(1, "Вот.") + block(2, "Мы поехали") + block(10, "на реку.")
    assert text_of(tmp_path, "a.srt", text) == "Вот. Мы поехали на реку."


def test_captions_without_full_stops_stay_so_and_are_divided_at_pauses(tmp_path):
    line = "мы поехали на реку и ловили рыбу а потом пошёл дождь"
    text = "".join(block(number, line) for number in (*range(1, 9), 15))
    assert text_of(tmp_path, "a.srt", text) == f"{' '.join([line] * 8)}\n{line}"


def test_long_speech_is_divided_at_the_end_of_sentences(tmp_path):
    text = "".join(block(number, f"Это предложение номер {number}.") for number in range(1, 29))
    paragraphs = text_of(tmp_path, "a.srt", text).split("\n")
    assert len(paragraphs) == 2
    assert all(500 <= len(text) < 600 or text is paragraphs[-1] for text in paragraphs)


@pytest.mark.parametrize(
    "line",
    [
        "{\\an8}Мы поехали",
        '<i>Мы</i> <font color="#fff">поехали</font>',
        "Мы&nbsp;поехали",
        "Мы<00:00:01.500><c.colorE5E5E5> поехали</c>",
        "[музыка] Мы поехали",
        "♪ ла-ла ♪\nМы поехали",
        "(СМЕХ)\nМы поехали",
    ],
)
def test_markup_and_sounds_in_captions_go(line):
    assert heard(block(1, line)) == ["Мы", "поехали"]


def test_numbers_of_captions_go_and_numbers_that_are_said_stay():
    text = f"1\n{block(1, '2024')}2\n{block(2, 'да')}{block(3, '7')}нечто\n{block(4, 'нет')}"
    assert heard(text) == ["2024", "да", "7", "нечто", "нет"]
    assert heard(text.replace("нечто", "intro-2")) == ["2024", "да", "7", "нет"]
    assert heard(f"WEBVTT\n\n{text}") == ["2024", "да", "7", "нет"]  # there it is a name
    tight = "1\n00:00:01,000 --> 00:00:02,000\nда\n2\n00:00:02,000 --> 00:00:03,000\n3\n"
    assert heard(tight) == ["да", "3"]


@pytest.mark.parametrize(
    "times",
    [
        "00:00:01.000 -> 00:00:02.000",
        "00:00:1,0 --> 00:00:2,0",
        "0:01.000 --> 0:02.000 align:start position:0%",
        "00:00:xx,000 --> 00:00:02,000",
        "00:00:01,000 --> конец",
        "00:00:01:000-->00:00:02:000",
    ],
)
def test_a_damaged_line_of_times_is_no_text_and_loses_none(times):
    assert heard(block(0, "до") + block(1, "да", times) + block(2, "после")) == [
        "до",
        "да",
        "после",
    ]


def test_notes_and_styles_are_no_speech(tmp_path):
    vtt = """\
WEBVTT - название
Kind: captions
Language: ru

NOTE заметка
не речь

STYLE
::cue { color: red }

вступление
00:01.000 --> 00:02.000 line:0
Мы поехали

NOTE ещё заметка

REGION
id:bottom

00:02.000 --> 00:03.000
на реку.
"""
    assert text_of(tmp_path, "a.vtt", vtt) == "Мы поехали на реку."


def test_voices_are_speakers(tmp_path):
    vtt = "WEBVTT\n\n" + "\n\n".join(
        f"00:0{second}.000 --> 00:0{second}.900\n{line}"
        for second, line in enumerate(
            [
                "<v Иван Петров>Привет.</v>",
                "<v.loud Мария>Привет,",
                "<v Мария>Иван.",
                "<v иван петров>Да.",
            ]
        )
    )
    assert text_of(tmp_path, "a.vtt", vtt) == (
        "▸ Иван Петров: Привет.\n▸ Мария: Привет, Иван.\n▸ Иван Петров: Да."
    )


def test_names_before_colons_are_speakers_in_captions_too(tmp_path):
    lines = ["ВЕДУЩИЙ: Кто вы?", "Гость: Я пекарь. Скажу так:", "хлеб нужен.", "Ведущий: Да?"]
    text = "".join(block(number, line) for number, line in enumerate(lines, 1))
    assert text_of(tmp_path, "a.srt", text) == (
        "▸ Ведущий: Кто вы?\n▸ Гость: Я пекарь. Скажу так: хлеб нужен.\n▸ Ведущий: Да?"
    )


def test_marks_of_another_speaker_begin_a_paragraph(tmp_path):
    text = block(1, "&gt;&gt; как дела") + block(2, ">> хорошо") + block(3, "спасибо")
    assert text_of(tmp_path, "a.srt", text) == "— как дела\n— хорошо спасибо"
    text = block(1, "- Кто здесь?\n- Я.") + block(2, "Москва") + block(3, "— столица.")
    assert text_of(tmp_path, "a.srt", text) == "— Кто здесь?\n— Я. Москва — столица."


@pytest.mark.parametrize("encoding", ["cp1251", "utf-8-sig", "utf-16"])
def test_captions_in_russian_encodings_with_windows_line_ends_read(tmp_path, encoding):
    text = (block(1, "Мы поехали вчера вечером") + block(2, "на большую реку.")).replace(
        "\n", "\r\n"
    )
    expected = "Мы поехали вчера вечером на большую реку."
    assert text_of(tmp_path, "a.srt", text.encode(encoding)) == expected


def test_a_mark_of_another_speaker_amid_a_rolling_line_begins_a_paragraph(tmp_path):
    lines = ["всем привет с вами канал", "[музыка] &gt;&gt; сегодня о хлебе", "да &gt;&gt; нет"]
    assert text_of(tmp_path, "a.vtt", youtube(lines)) == (
        "всем привет с вами канал\n— сегодня о хлебе да\n— нет"
    )


def test_every_caption_of_a_conference_begins_with_a_name_of_any_form(tmp_path):
    lines = ["Иван: Начнём.", "Мария Петрова (Дом): Да.", "iPhone (2): Меня слышно?", "Иван: Да."]
    text = "WEBVTT\n\n" + "".join(block(number, line) for number, line in enumerate(lines, 1))
    assert text_of(tmp_path, "a.vtt", text) == "\n".join(f"▸ {line}" for line in lines)


def test_names_in_capitals_are_speakers_though_rare(tmp_path):
    film = ["Давно.", "СТАРИК: Кто там?", "- (СМЕЁТСЯ) Я.\n- Кто?", "ЖЕНЩИНА (тихо): Я."]
    text = "".join(block(number, line) for number, line in enumerate([*film, "СТАРИК: Иди."], 1))
    assert text_of(tmp_path, "a.srt", text) == (
        "Давно.\n▸ Старик: Кто там?\n— Я.\n— Кто?\n▸ Женщина: Я.\n▸ Старик: Иди."
    )


def test_names_in_brackets_that_come_again_are_speakers(tmp_path):
    film = ["[Иван] Кто там?", "[звонок] Алло.", "[Анна, тихо] Я.", "[Иван] Да.", "[Анна] Нет."]
    text = "".join(block(number, line) for number, line in enumerate(film, 1))
    assert text_of(tmp_path, "a.srt", text) == (
        "▸ Иван: Кто там? Алло.\n▸ Анна: Я.\n▸ Иван: Да.\n▸ Анна: Нет."
    )


@pytest.mark.parametrize(
    "line",
    [
        "Переводчик: Anna Novikova\nРедактор: Rostislav Golod",
        "Рекламируйте Ваш продукт здесь\nсвяжитесь с www.OpenSubtitles.org сегодня",
        "www.tvsubtitles.net",
        "# Ой, мороз, мороз #",
        "* Ой, мороз *\n* не морозь меня *",
        "<смеётся>",
    ],
)
def test_credits_and_songs_are_no_speech(line):
    assert heard(block(1, line) + block(2, "Мы поехали.")) == ["Мы", "поехали."]


def test_two_dashes_in_a_caption_are_two_speakers_whatever_follows_them(tmp_path):
    shown = [(0.0, 2.0, ("- ну что, едем?", "- едем, конечно."))]
    text = text_of(tmp_path, "a.srt", srt(shown))
    assert [line.strip("—– ") for line in text.split("\n")] == ["ну что, едем?", "едем, конечно."]


def test_tags_that_were_escaped_are_no_text(tmp_path):
    shown = [(0.0, 2.0, ("&lt;i&gt;Куда вы едете?&lt;/i&gt;",))]
    assert text_of(tmp_path, "a.srt", srt(shown)) == "Куда вы едете?"


def test_a_lone_number_that_is_said_last_stays(tmp_path):
    shown = [(0.0, 2.0, ("Сколько их было?",)), (2.0, 4.0, ("40",))]
    assert "40" in text_of(tmp_path, "a.srt", srt(shown))


def test_captions_without_empty_lines_and_numbers_lose_nothing():
    text = "".join(block(number, f"строка {number}").replace("\n\n", "\n") for number in range(3))
    assert heard(text) == ["строка", "0", "строка", "1", "строка", "2"]


def test_several_dashes_in_a_caption_are_several_speakers_whatever_follows(tmp_path):
    text = block(1, "- Точно?\n-...и пошёл.") + block(2, "- ну\n- да-да, &lt;i&gt;вот&lt;/i&gt;")
    assert text_of(tmp_path, "a.srt", text) == "— Точно?\n— ...и пошёл.\n— ну\n— да-да, вот"


DIARIZED = ["Доброе утро.", "Начнём.", "Первый вопрос.", "Хорошо, записываю."]


@pytest.mark.parametrize(
    "form",
    [
        "[SPEAKER_0{}]: {}",
        "[SPEAKER_0{}] {}",
        "SPEAKER_0{}: {}",
        "(Speaker {}): {}",
        "<v Спикер {}>{}",
        "[{}]: {}",
    ],
)
@pytest.mark.parametrize("unnamed", [False, True])
def test_labels_of_diarization_are_speakers(tmp_path, form, unnamed):
    lines = [form.format(number % 2, text) for number, text in enumerate(DIARIZED)]
    if unnamed:  # such a caption continues the turn
        lines.insert(1, "Всем.")
    text = "".join(block(number, line) for number, line in enumerate(lines, 1))
    first = "Доброе утро. Всем." if unnamed else "Доброе утро."
    turns = [f"А: {first}", "Б: Начнём.", "А: Первый вопрос.", "Б: Хорошо, записываю."]
    assert text_of(tmp_path, "a.srt", text) == "\n".join(f"▸ {turn}" for turn in turns)
    for speakers, mark in (("letters", "▸ А:"), ("none", "—")):
        folder = tmp_path / speakers
        assert text_of(folder, "a.srt", text, speakers=speakers).startswith(f"{mark} {first}")


@pytest.mark.parametrize("form", ["[SPEAKER_0{}]:\n{}", "[SPEAKER_0{}]\n{}", "SPEAKER_0{}:\n{}"])
def test_a_label_may_have_a_line_of_its_own(tmp_path, form):
    spoken = [form.format(number % 2, text) for number, text in enumerate(DIARIZED)]
    text = "".join(block(number, line) for number, line in enumerate(spoken, 1))
    turns = ["А: Доброе утро.", "Б: Начнём.", "А: Первый вопрос.", "Б: Хорошо, записываю."]
    assert text_of(tmp_path, "a.srt", text) == "\n".join(f"▸ {turn}" for turn in turns)


def test_a_label_without_words_leaves_nothing_and_one_within_a_line_begins_a_turn(tmp_path):
    text = block(1, "[SPEAKER_00]: Доброе утро. [SPEAKER_01]: Начнём.") + block(2, "[SPEAKER_00]:")
    assert text_of(tmp_path, "a.srt", text) == "▸ А: Доброе утро.\n▸ Б: Начнём."


def test_names_in_brackets_with_a_colon_are_speakers(tmp_path):
    lines = ["[Анна]: Раз.", "[Пётр]: Два.", "[Анна]: Три.", "и ещё.", "[Пётр]: Да."]
    text = "".join(block(number, line) for number, line in enumerate(lines, 1))
    assert text_of(tmp_path, "a.srt", text) == (
        "▸ Анна: Раз.\n▸ Пётр: Два.\n▸ Анна: Три. и ещё.\n▸ Пётр: Да."
    )


@pytest.mark.parametrize(
    "drawn",
    [
        r"{\p1}m 0 0 l 100 0 100 100 0 100{\p0}",
        r"{\an7\pos(0,0)\p1\c&HFF&}m 0 0 b 1.5 -2 3 4 5 6 s 1 2 3 4 5 6 c{\p0}",
        r"{\p4}m 0 0 n 5 5",
        "m 0 0 l 100 0 100 100 0 100",
        "<i>m -3.5 0 l 100 0</i>",
    ],
)
def test_drawings_are_no_speech(tmp_path, drawn):
    text = block(1, drawn) + block(2, r"{\an8}<font color='#fff'>Вторая {\k20}строка.</font>")
    assert text_of(tmp_path, "a.srt", text) == "Вторая строка."
    mixed = block(1, r"{\p1}m 0 0 l 9 9{\p0}И слова{\b1} рядом.")
    assert text_of(tmp_path / "b", "b.srt", mixed) == "И слова рядом."
