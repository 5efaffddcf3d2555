"""Remarks are removed; ordinary parentheses stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from femtogpt.sources.interviews.remarks import cleaned, spoken
from tests.helpers import quick


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
