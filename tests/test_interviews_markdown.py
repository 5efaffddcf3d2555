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


@pytest.mark.parametrize(
    "asked",
    [
        "**Расскажите о волках**",
        "**3) Расскажите о волках**",
        "__Расскажите о волках__",
        "**Расскажите о волках** ",
    ],
)
def test_a_bold_question_without_a_mark_is_asked_and_has_its_own_answer(tmp_path, asked):
    text = f"**Как прошла зима?**\n\nСнежно.\n\n{asked}\n\nВидел два.\n\n**А лоси?**\n\nБыли.\n"
    assert text_of(tmp_path, "a.md", text) == (
        "▸ Вопрос: Как прошла зима?\n▸ Ответ: Снежно.\n"
        "▸ Вопрос: Расскажите о волках\n▸ Ответ: Видел два.\n"
        "▸ Вопрос: А лоси?\n▸ Ответ: Были."
    )


@pytest.mark.parametrize("form", ["*{}*", "## {}"])
def test_other_forms_of_questions_without_a_mark_are_asked(tmp_path, form):
    blocks = ["Как прошла зима?", "Снежно.", "Волки", "Видел два.", "А лоси?", "Были."]
    page = [form.format(text) if not number % 2 else text for number, text in enumerate(blocks)]
    assert "▸ Вопрос: Волки\n▸ Ответ: Видел два.\n" in text_of(tmp_path, "a.md", "\n\n".join(page))


def test_titles_in_bold_are_no_questions(tmp_path):
    text = (
        "**Разговор с лесником**\n\n**Детство**\n\n**Где вы родились?**\n\nВ Твери.\n\n"
        "**Работа**\n\n**Кем вы были?**\n\nСтоляром.\n\n- **точил**;\n- строгал.\n"
    )
    assert text_of(tmp_path, "a.md", text) == (
        "▸ Вопрос: Где вы родились?\n▸ Ответ: В Твери.\n"
        "▸ Вопрос: Кем вы были?\n▸ Ответ: Столяром.\nточил;\nстрогал."
    )


def test_paragraphs_in_brackets_and_in_html_are_kept(tmp_path):
    prose = "Эту историю он рассказывал потом много раз, и каждый раз по-новому, с подробностями."
    text = (
        f"**Где вы родились?**\n\nВ Твери.\n\n({prose})\n\n(смеётся)\n\n<p>{prose}</p>\n\n"
        "<script>\nf();\n</script>\n\n**Кем вы были?**\n\nСтоляром.\n\n[аплодисменты]\n"
    )
    assert text_of(tmp_path, "a.md", text) == (
        f"▸ Вопрос: Где вы родились?\n▸ Ответ: В Твери.\n({prose})\n{prose}\n"
        "▸ Вопрос: Кем вы были?\n▸ Ответ: Столяром."
    )


def test_a_question_on_a_line_above_its_answer_needs_no_question_mark(tmp_path):
    pairs = [("Расскажите о зиме", "Снежная."), ("А волки?", "Видел два."), ("Кто ещё?", "Лоси.")]
    text = "\n\n".join(f"**{question}**\n{answer}" for question, answer in pairs)
    assert text_of(tmp_path, "a.md", text) == "\n".join(
        f"▸ Вопрос: {question}\n▸ Ответ: {answer}" for question, answer in pairs
    )
