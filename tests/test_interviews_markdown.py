"""Interviews in Markdown: who asks and who answers, by the form of the blocks."""

from __future__ import annotations

import pytest

from tests.interviews import read, text_of

EXPECTED = (
    "▸ Вопрос: Как вы пришли в музыку?\n▸ Ответ: Случайно. Сосед позвал.\n"
    "▸ Вопрос: Кто учил?\n▸ Ответ: Он и учил."
)


@pytest.mark.parametrize(
    "text",
    [
        "**Как вы пришли в музыку?**\n\n{}\n\n**Кто учил?**\n\n{}\n",
        "**— Как вы пришли в музыку?**\n\n— {}\n\n**— Кто учил?**\n\n— {}\n",
        "*Как вы пришли в музыку?*\n\n{}\n\n*Кто учил?*\n\n{}\n",
        "**Как вы пришли в музыку?** {}\n\n**Кто учил?** {}\n",
        "**Как вы пришли в музыку?**\n{}\n\n**Кто учил?**\n{}\n",
        "# Беседа\n\n## Как вы пришли в музыку?\n\n{}\n\n## Кто учил?\n\n{}\n",
        "> Как вы пришли в музыку?\n\n{}\n\n> Кто учил?\n\n{}\n",
        "— Как вы пришли в музыку?\n\n— {}\n\n— Кто учил?\n\n— {}\n",
        "- Как вы пришли в музыку?\n- {}\n- Кто учил?\n- {}\n",
        "Q: Как вы пришли в музыку?\n\nA: {}\n\nQ: Кто учил?\n\nA: {}\n",
        "В: Как вы пришли в музыку?\nО: {}\n\nВ: Кто учил?\nО: {}\n",
        "**Вопрос:** Как вы пришли в музыку?\n\n**Ответ**: {}\n\n**В.:** Кто учил?\n\n**О.:** {}\n",
    ],
    ids=[
        "bold", "bold-dashes", "italic", "bold-inline", "bold-line", "headings", "quotations",
        "dashes", "hyphens", "latin", "letters", "words",
    ],
)  # fmt: skip
def test_questions_and_answers_are_known_by_their_form(tmp_path, text):
    answers = ("Случайно. Сосед позвал.", "Он и учил.")
    assert text_of(tmp_path, "a.md", text.format(*answers)) == EXPECTED


def test_names_in_bold_are_speakers(tmp_path):
    text = "**Иван:** Привет, *Маша*!\n**Маша:** Да.\n\n**Иван**: Как дела?\n\n**Маша:** Вот: снег."
    assert text_of(tmp_path, "a.md", text) == (
        "▸ Иван: Привет, Маша!\n▸ Маша: Да.\n▸ Иван: Как дела?\n▸ Маша: Вот: снег."
    )


ARTICLE = """\
---
title: "Хлеб: всему голова"
author: Пётр Журналистов
guest: Анна Крутова
date: 2021-03-12
url: https://example.org/hleb
---

# Хлеб

*Мы встретились с Анной в её пекарне и проговорили целый день.*

![Пекарня](a.jpg)

**Как вы [начали](https://example.org) печь?**

Случайно. Бабушка *вздыхает* оставила мне **закваску**[^1], и `вот`.

| а | б |
|---|---|
| 1 | 2 |

## Детство

**А потом?**

> Был пожар.

<div>Реклама</div>

**Расскажите о планах.**

- купить печь;
- нанять людей.

[^1]: Сноска.
"""


def test_an_article_gives_its_interview_without_markup(tmp_path):
    assert text_of(tmp_path, "a.md", ARTICLE) == (
        "Мы встретились с Анной в её пекарне и проговорили целый день.\n"
        "▸ Вопрос: Как вы начали печь?\n"
        "▸ Анна Крутова: Случайно. Бабушка оставила мне закваску, и вот.\n"
        "▸ Вопрос: А потом?\n"
        "▸ Анна Крутова: Был пожар.\n"
        "▸ Вопрос: Расскажите о планах.\n"
        "▸ Анна Крутова: купить печь;\nнанять людей."
    )


def test_front_matter_tells_what_is_known(tmp_path):
    [document] = read(tmp_path, {"a.md": ARTICLE})
    assert document.title == "Хлеб: всему голова"
    assert document.author == "Анна Крутова"
    assert document.year == 2021
    assert document.url == "https://example.org/hleb"
    assert document.speaker == "Вопрос, Анна Крутова"


@pytest.mark.parametrize("front", ["title: [", "date: 2021-99-99", "title: 'Хлеб\nдата: x", "- а"])
def test_damaged_front_matter_leaves_the_interview(tmp_path, front):
    text = f"---\n{front}\n---\n**А вы?**\n\nДа.\n\n**А мы?**\n\nНет.\n"
    assert "▸ Ответ: Да.\n▸ Вопрос: А мы?" in text_of(tmp_path, "a.md", text)
