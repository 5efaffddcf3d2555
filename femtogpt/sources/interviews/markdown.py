"""Turns from Markdown: names, bold questions, headings that ask, quotations, dashes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from femtogpt.sources.archives import Member
from femtogpt.sources.interviews.interview import About, Interview, NoDialogue, front_matter
from femtogpt.sources.interviews.left_out import (
    HEADINGS,
    NUMBERS,
    TITLES,
    LeaveOut,
    leave_out_rest,
)
from femtogpt.sources.interviews.markdown_blocks import Block, Kind, blocks
from femtogpt.sources.interviews.plain import DASH, MIN_PROSE, by_names, dashed, prose
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
    leave_out = file.leave_out
    about, body = front_matter(transcript(file), leave_out)
    page = blocks(body, leave_out)
    turns = _named(page, leave_out) or _asked(page, leave_out) or _dashed(page, leave_out)
    if not turns:
        raise NoDialogue(
            "no dialogue found: neither «Имя: реплика», nor questions in bold, in headings or in"
            " quotations, nor turns that begin with dashes"
        )
    yield Interview([_with_name(turn, about) for turn in turns], about)


def _named(page: Sequence[Block], leave_out: LeaveOut) -> list[Turn]:
    lines: list[str] = []
    for block in page:
        if block.kind != "heading":
            lines += [*_lines(block), ""]
    turns = by_names(dotted(lines), leave_out)
    if turns:
        _without_headings(page, leave_out)
    return turns


def _without_headings(page: Sequence[Block], leave_out: LeaveOut) -> None:
    for block in page:
        if block.kind == "heading":
            leave_out(HEADINGS, block.text)


def _asked(page: Sequence[Block], leave_out: LeaveOut) -> list[Turn]:
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
            return _in_form(page, is_question, leave_out)
    return []


def _in_form(
    page: Sequence[Block], is_question: Callable[[Block], bool], leave_out: LeaveOut
) -> list[Turn]:
    """Convert the blocks to turns: those in the form ask, the others answer.

    A short block in the form that does not end like a sentence is a title if it comes before all
    questions or just above one; otherwise it asks («**Расскажите о детстве**»).
    """
    kinds = Counter(block.kind for block in page if is_question(block) and "?" in block.text)
    kind = kinds.most_common(1)[0][0]
    turns: list[Turn] = []
    speaker = None
    for block, below in zip(page, [*page[1:], None], strict=True):
        lead = _leading_question(block) if is_question(block) else None
        asks = "?" in (lead or block.text) or block.kind == kind
        if lead and block.bold != block.text:
            speaker = ANSWER
            rest = block.text[len(lead) :].strip(" \n—–-")
            turns.append(Turn(QUESTION, _question(lead, leave_out)))
            turns.append(Turn(ANSWER, spoken([rest], leave_out)))
        elif _in_style(block, kind, is_question) and asks:
            is_sentence = (_ENDED if kind == "heading" else _SENTENCE).search(block.text)
            is_above = below is None or _in_style(below, kind, is_question)
            is_title = block.kind == "heading" or len(block.text) < MIN_PROSE
            if is_sentence or not is_title or (speaker is not None and not is_above):
                speaker = ANSWER
                question = " ".join(_lines(block))
                turns.append(Turn(QUESTION, _question(question, leave_out)))
            else:
                leave_out(HEADINGS if block.kind == "heading" else TITLES, block.text)
        elif block.kind != "heading":
            speech = spoken([" ".join(_lines(block))], leave_out)
            if speaker is None:
                speech = prose(speech, leave_out)
            turns.append(Turn(speaker, speech))
        else:
            leave_out(HEADINGS, block.text)
    return turns


def _question(text: str, leave_out: LeaveOut) -> tuple[str, ...]:
    unnumbered = _NUMBER.sub("", text)
    leave_out_rest(leave_out, NUMBERS, text, unnumbered)
    return spoken([unnumbered], leave_out)


def _in_style(block: Block, kind: Kind, is_question: Callable[[Block], bool]) -> bool:
    """Whether a block has the questions' form, but for its punctuation."""
    return is_question(block) or (kind == block.kind == "heading")


def _leading_question(block: Block) -> str | None:
    """Return the bold question at the beginning of a paragraph that goes on with its answer.

    It has a question mark, or its line for itself.
    """
    bold = block.bold
    asks = bold.endswith("?") or block.text.startswith(f"{bold}\n")
    return bold if asks and len(bold.split()) > 1 else None


def _dashed(page: Sequence[Block], leave_out: LeaveOut) -> list[Turn]:
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
        turns = dashed(paragraphs, leave_out)
    except NoDialogue:
        return []
    _without_headings(page, leave_out)
    return turns


def _lines(block: Block) -> list[str]:
    return [line.strip() for line in block.text.split("\n") if line.strip()]


def _with_name(turn: Turn, about: About) -> Turn:
    name = {QUESTION: about.interviewer, ANSWER: about.interviewee}.get(turn.speaker or "")
    return replace(turn, speaker=name) if name else turn
