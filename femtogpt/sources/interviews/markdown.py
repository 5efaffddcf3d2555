"""Turns from Markdown: names, bold questions, headings that ask, quotations, dashes."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from femtogpt.sources.archives import Member
from femtogpt.sources.interviews.interview import About, Interview, NoDialogue, front_matter
from femtogpt.sources.interviews.markdown_blocks import Block, blocks
from femtogpt.sources.interviews.plain import DASH, by_names, dashed
from femtogpt.sources.interviews.remarks import spoken
from femtogpt.sources.interviews.speaker_names import dotted
from femtogpt.sources.interviews.transcript import transcript
from femtogpt.sources.interviews.turns import Turn

QUESTION, ANSWER = "Вопрос", "Ответ"
_NUMBER = re.compile(r"^\d{1,3}[.)]\s+(?=\S)")  # of a question
_ENDED = re.compile(r"\?|[.!…][»\")]*$")  # headings that are no questions do not end so
_SENTENCE = re.compile(r"[.!?…:;,][»\")]*$")


def read(file: Member, settings: Any) -> Iterator[Interview]:
    """Read the turns of an interview in Markdown, and its front matter.

    If the text names nobody, the questions are recognised by their form: bold paragraphs,
    headings or quotations, at least two of which contain a question mark; the rest is answers.
    The front matter may name the ``interviewer`` and the ``interviewee`` or ``guest``. Raises
    NoDialogue.
    """
    about, body = front_matter(transcript(file))
    page = blocks(body)
    turns = _named(page) or _asked(page) or _dashed(page)
    if not turns:
        raise NoDialogue(
            "no dialogue found: neither «Имя: реплика», nor questions in bold, in headings or in"
            " quotations, nor turns that begin with dashes"
        )
    yield Interview([_with_name(turn, about) for turn in turns], about)


def _named(page: Sequence[Block]) -> list[Turn]:
    lines: list[str] = []
    for block in page:
        if block.kind != "heading":
            lines += [*_lines(block), ""]
    return by_names(dotted(lines))


def _asked(page: Sequence[Block]) -> list[Turn]:
    """Find the turns if the form of a block shows that it is a question."""
    forms: tuple[Callable[[Block], bool], ...] = (
        lambda block: block.kind != "heading" and block.bold == block.text,
        lambda block: block.kind != "heading" and _leading_question(block) is not None,
        lambda block: block.kind != "heading" and block.italic == block.text,
        lambda block: block.kind == "heading" and _ENDED.search(block.text) is not None,
        lambda block: block.kind == "quote" and "?" in block.text,
    )
    for is_question in forms:
        asking = [block for block in page if is_question(block) and "?" in block.text]
        if len(asking) >= 2:
            return _in_form(page, is_question)
    return []


def _in_form(page: Sequence[Block], is_question: Callable[[Block], bool]) -> list[Turn]:
    turns: list[Turn] = []
    speaker = None
    for block in page:
        paragraphs = [" ".join(_lines(block))]
        if is_question(block):
            if block.kind != "heading" and not _SENTENCE.search(block.text):
                continue  # a heading in bold
            lead = None if block.bold == block.text else _leading_question(block)
            speaker = ANSWER
            if lead:
                rest = block.text[len(lead) :].strip(" \n—–-")
                turns += [
                    Turn(QUESTION, spoken([_NUMBER.sub("", lead)])),
                    Turn(ANSWER, spoken([rest])),
                ]
            else:
                turns.append(Turn(QUESTION, spoken([_NUMBER.sub("", paragraphs[0])])))
        elif block.kind != "heading":
            speech = spoken(paragraphs)
            if speaker is None:
                speech = tuple(text for text in speech if _SENTENCE.search(text))
            turns.append(Turn(speaker, speech))
    return turns


def _leading_question(block: Block) -> str | None:
    """Return the bold question at the beginning of a paragraph that goes on with its answer."""
    bold = block.bold
    return bold if bold.endswith("?") and len(bold.split()) > 1 else None


def _dashed(page: Sequence[Block]) -> list[Turn]:
    paragraphs: list[str] = []
    for block in page:
        if block.kind == "item":
            paragraphs.append(f"— {' '.join(_lines(block))}")
        elif block.kind != "heading":
            lines = _lines(block)
            if all(DASH.match(line) for line in lines):
                paragraphs += lines
            else:
                paragraphs.append(" ".join(lines))
    try:
        return dashed(paragraphs)
    except NoDialogue:
        return []


def _lines(block: Block) -> list[str]:
    return [line.strip() for line in block.text.split("\n") if line.strip()]


def _with_name(turn: Turn, about: About) -> Turn:
    name = {QUESTION: about.interviewer, ANSWER: about.interviewee}.get(turn.speaker or "")
    return replace(turn, speaker=name) if name else turn
