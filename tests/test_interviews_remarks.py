"""Remarks are removed; ordinary parentheses stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.interviews import remarks
from tests.helpers import quick


def cleaned(text: str, machine: bool = False) -> str:
    return remarks.cleaned(text, lambda *_: None, machine)


def spoken(lines: list[str]) -> tuple[str, ...]:
    return remarks.spoken(lines, lambda *_: None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Да (смеётся), конечно.", "Да, конечно."),
        ("Да. (Смеётся.) Нет.", "Да. Нет."),
        ("Вот [смех в зале] так.", "Вот так."),
        ("Вот (пауза) так.", "Вот так."),
        ("Спасибо! [аплодисменты]", "Спасибо!"),
        ("[тревожная музыка] Идём.", "Идём."),
        ("Идём. [Music]", "Идём."),
        ("Он сказал (неразборчиво) вчера.", "Он сказал вчера."),
        ("В деревне [название неразборчиво] жил.", "В деревне жил."),
        ("*вздыхает* Ну вот.", "Ну вот."),
        ("Прощай! (Уходит, хлопнув дверью.)", "Прощай!"),
        ("Скучно. (Громко.) Скучно!", "Скучно. Скучно!"),
        ("Иди. (С улыбкой.) Иди.", "Иди. Иди."),
        ("♪ Ой, мороз ♪ Хорошо.", "Хорошо."),
        ("[00:12:05] Да (1:02:03) нет [01:23].", "Да нет."),
        ("00:01:23 Да.", "Да."),
        ("00:00:03", ""),
        ("(Показывает фотографию.)", ""),
        ("[звонит телефон]", ""),
        ("(аплодисменты)", ""),
        ("[Смеются.]", ""),
        ("(Берёт его за руку.)", ""),
        ("(Молча, оглядываясь на дверь.)", ""),
    ],
)
def test_remarks_go(text, expected):
    assert cleaned(text).replace(" .", ".") == expected


@pytest.mark.parametrize(
    "text",
    [
        "Закваску (её ещё называют вечной) я купила.",
        "Он [Петров] знал это.",
        "Мы пели песню (музыка Шостаковича) вдвоём.",
        "Ну, э-э, как сказать… ммм.",
        "Встретились в 12:30 на рынке.",
        "12:30",
        "Счёт 3:2, и всё (почти).",
        "Это *очень* важно.",
        "Улыбка (шумная, весёлая) ушла.",
        "В зале смех и аплодисменты.",
        "(Эту историю он рассказывал потом много раз.)",
        "(Это было давно.)",
        "[Здесь мы прервались: принесли чай, и разговор пошёл о саде.]",
        "(Иван Петров, 1950 года рождения, столяр.)",
    ],
)
def test_speech_stays(text):
    assert cleaned(text) == text


def test_a_bracket_that_opens_a_turn_is_a_remark():
    assert spoken(["(1) Раз."]) == ("(1) Раз.",)
    assert spoken(["(тихо, оглядываясь на дверь) Иди.", "(её я видел) Да."]) == (
        "Иди.",
        "(её я видел) Да.",
    )
    assert spoken(["(Софье) Иди."]) == ("Иди.",)
    assert spoken(["[со смехом] Да."]) == ("Да.",)


@pytest.mark.parametrize(
    "text",
    [
        "(Это было в 1990 году.) Тогда мы и начали.",
        "[Я говорю о том доме, где мы жили с матерью.] Он стоит.",
        "(Если позволите, я начну издалека.) Отец мой был столяр.",
    ],
)
def test_a_sentence_in_brackets_at_the_start_of_a_turn_stays(text):
    assert spoken([text]) == (text,)


def test_long_brackets_in_captions_are_speech():
    text = "[Он говорит, что они придут завтра утром.] Хорошо."
    assert cleaned(text, machine=True) == text
    assert cleaned("(ДВЕРЬ СКРИПИТ)", machine=True) == ""
    assert cleaned("(Так я и знал.)", machine=True) == "(Так я и знал.)"


def test_in_captions_square_brackets_are_sounds_and_credits_go():
    assert cleaned("[Дверь скрипит] Кто там?", machine=True) == "Кто там?"
    assert cleaned("что за [ __ ] такое", machine=True) == "что за такое"
    assert cleaned("Редактор субтитров И.Бойкова", machine=True) == ""
    assert cleaned("Редактор субтитров И.Бойкова") == "Редактор субтитров И.Бойкова"


@quick
@given(st.text(st.sampled_from("ая ,.!?—:«»…-12"), max_size=60))
def test_text_without_brackets_stars_and_times_is_only_spaced(text):
    if not any(character.isdigit() for character in text):
        assert cleaned(text) == " ".join(text.split())
