"""No letter of an interview goes untold: it is in the text, in a name, or counted by kind."""

from __future__ import annotations

import csv
import io
import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from femtogpt.sources.interviews import Interviews
from tests.chats import person, telegram, vk, vk_page
from tests.interviews import srt_time, vtt_time

Turns = list[tuple[str, list[str]]]  # who, and the paragraphs
SAID = "вода хлеб Москва тогда потом 1905 долго они ушли река снег люди дорога домой зима ё10"
OTHER = "никто вместе работа сын три часа письмо голос окно брат лето"  # around what is said
NAMES = ("Анна", "Пётр")
REMARKS = ("(смеётся)", "[00:12:05]", "(пауза)", "[неразборчиво]", "(Вздыхает.)", "♪ ля-ля ♪")
ALL_OF = re.compile(r"([^:;]+): ([\d,]+)(?: \(([\d,]+) letters\))?(?=;|$)")


def sentence(chance: random.Random) -> str:
    words = [chance.choice(SAID.split()) for _ in range(chance.randint(1, 14))]
    return written(words, chance)


def other_sentence(chance: random.Random) -> str:
    """Running text that nobody in the interview says."""
    return written([chance.choice(OTHER.split()) for _ in range(chance.randint(1, 20))], chance)


def written(words: list[str], chance: random.Random) -> str:
    if chance.random() < 0.3:
        words.insert(chance.randint(0, len(words)), chance.choice(REMARKS))
    text = " ".join(words)
    return f"{text[:1].upper()}{text[1:]}{chance.choice('.…!?')}"


def conversation(chance: random.Random) -> Turns:
    turns: Turns = []
    for number in range(chance.randint(6, 14)):
        paragraphs = [" ".join(sentence(chance) for _ in range(chance.randint(1, 3)))]
        paragraphs += [sentence(chance) for _ in range(chance.choice((0, 0, 1, 2)))]
        turns.append((NAMES[number % 2], paragraphs))
    return turns


def plain(turns: Turns, chance: random.Random) -> str:
    """With a title, a lead of short and long lines, headings, notes and times between turns."""
    lines = ["О хлебе и воде", "", "Мы встретились утром.", other_sentence(chance), ""]
    for name, paragraphs in turns:
        remark = chance.choice(("", "", " (тихо)", " [00:01:02]"))
        lines.append(f"{name}{remark}: {paragraphs[0]}")
        lines += [text for text in paragraphs[1:] for text in (text, *[""] * chance.randint(0, 1))]
        between = (
            "## Детство",
            "Глава 2",
            "00:12:05",
            "Эпилог",
            "Расшифровка завершена через 2 мин",
        )
        if chance.random() < 0.3:
            lines += ["", chance.choice(between), other_sentence(chance)]
    return chance.choice(("\n", "\r\n")).join(lines)


def play(turns: Turns, chance: random.Random) -> str:
    lines = [
        "Действующие лица",
        "Анна, врач",
        "Пётр, больной.",
        "Явление 1",
        other_sentence(chance),
    ]
    for name, paragraphs in turns:
        lines += [f"{name.upper()}: {paragraphs[0]}", *paragraphs[1:]]
        if chance.random() < 0.2:
            lines += ["Явление 2", "Те же и слуга.", other_sentence(chance)]
    return "\n".join(lines)


def bold_questions(turns: Turns, chance: random.Random) -> str:
    blocks = ["---\ntitle: О хлебе\ntags: [a, b]\n---", "# О хлебе", "Утром.", "![снег](a.jpg)"]
    for number, (_, paragraphs) in enumerate(turns):
        mark = f"{number + 1}. " if chance.random() < 0.3 else ""
        first = f"{mark}{paragraphs[0]} Да?"
        blocks += [f"**{first}**" if number % 2 == 0 else paragraphs[0], *paragraphs[1:]]
        extra = ("## Детство", "> цитата", "| а | б |\n| - | - |\n| 1 | 2 |", "```\nкод 7\n```")
        if chance.random() < 0.3:
            blocks.append(
                chance.choice((*extra, "<div>Купить</div>", "Слово[^1].\n\n[^1]: Книга."))
            )
    return "\n\n".join(blocks)


def named_markdown(turns: Turns, chance: random.Random) -> str:
    blocks = ["# О хлебе", "Мы встретились утром."]
    for name, paragraphs in turns:
        blocks += [f"**{name}:** {paragraphs[0]}", *paragraphs[1:]]
        blocks += chance.choice(([], [], ["### Детство"], ["<p>Реклама</p>"], ["*вздыхает*"]))
    return "\n\n".join(blocks)


def captions(turns: Turns, chance: random.Random, time: Callable[[float], str]) -> str:
    blocks, second = [], 0.0
    extra = ("Субтитры сделал DimaTorzok", "♪ ля-ля ♪", "[музыка]", "{\\p1}m 0 0 l 5 0{\\p0}")
    for name, paragraphs in turns:
        for number, text in enumerate(paragraphs):
            lines = [f"{name}: {text}" if number == 0 else text]
            lines += [chance.choice(extra)] * (chance.random() < 0.2)
            body = "\n".join(lines)
            blocks.append(f"{len(blocks) + 1}\n{time(second)} --> {time(second + 2)}\n{body}\n")
            second += chance.choice((2.1, 5.0))
    return "\n".join(blocks)


def srt(turns: Turns, chance: random.Random) -> str:
    return captions(turns, chance, srt_time)


def vtt(turns: Turns, chance: random.Random) -> str:
    notes = chance.choice(("", "NOTE о записи\n\n", "STYLE\n::cue {}\n\n"))
    return f"WEBVTT\n\n{notes}{captions(turns, chance, vtt_time)}"


def whisper(turns: Turns, chance: random.Random) -> str:
    segments: list[dict] = []
    for name, paragraphs in turns:
        for text in paragraphs:
            start = 3.0 * len(segments)
            segments.append({"text": f" {text}", "start": start, "end": start + 2, "speaker": name})
    quiet = {"text": " Продолжение следует...", "start": 900, "end": 901, "speaker": "Анна"}
    ghost = {**quiet, "text": " Призрак.", "no_speech_prob": 0.9, "avg_logprob": -2}
    loop = {**quiet, "text": " ну вот" * 9, "compression_ratio": 9.0}
    return json.dumps({"segments": [*segments, quiet, ghost, loop], "language": "ru"})


def whisperx(turns: Turns, chance: random.Random) -> str:
    segments = []
    for number, (name, paragraphs) in enumerate(turns):
        text = " ".join(paragraphs)
        words = [{"word": word, "speaker": name} for word in text.split()]
        segments.append({"start": number, "end": number + 1, "text": f" {text}", "words": words})
    return json.dumps({"segments": segments, "word_segments": []})


def whisper_cpp(turns: Turns, chance: random.Random) -> str:
    parts = [
        {"offsets": {"from": 1000 * number, "to": 1000 * number + 900}, "text": f" {text}"}
        for number, text in enumerate(text for _, paragraphs in turns for text in paragraphs)
    ]
    return json.dumps({"systeminfo": "x", "transcription": parts})


def timed_rows(turns: Turns, chance: random.Random) -> str:
    texts = [text for _, paragraphs in turns for text in paragraphs]
    return json.dumps([{"ts": 2.5 * number, "text": text} for number, text in enumerate(texts)])


def labelled(turns: Turns, chance: random.Random) -> str:
    """As WhisperX writes subtitles."""
    named = [(f"[SPEAKER_0{NAMES.index(name)}]", paragraphs) for name, paragraphs in turns]
    return captions(named, chance, srt_time)


def dashes(turns: Turns, chance: random.Random) -> str:
    lines = ["О хлебе", "", "Мы встретились утром.", ""]
    lines += [f"— {' '.join(paragraphs)}" for _, paragraphs in turns]
    return "\n".join(lines)


def names_above(turns: Turns, chance: random.Random) -> str:
    stamp = chance.choice(("", "\n00:12"))
    return "\n\n".join(f"{name}{stamp}\n" + "\n".join(paragraphs) for name, paragraphs in turns)


def table(turns: Turns, chance: random.Random) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, delimiter=chance.choice(",;"))
    writer.writerow(["speaker", "text", "note"])
    for name, paragraphs in turns:
        note = "Снято утром в старом доме." if chance.random() < 0.3 else ""
        writer.writerow([name, "\n".join(paragraphs), note])
    return stream.getvalue()


def json_lines(turns: Turns, chance: random.Random) -> str:
    rows = [{"speaker": name, "text": "\n".join(paragraphs)} for name, paragraphs in turns]
    rows.append({"speaker": "Анна", "text": {"deep": [{"body": "Слова в глубине."}]}})
    return "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def telegram_chat(turns: Turns, chance: random.Random) -> str:
    messages = []
    for number, (name, paragraphs) in enumerate(turns):
        more = chance.choice(({}, {}, {"forwarded_from": "Газета"}, {"via_bot": "@gif"}))
        more = {} if number % 8 == 0 else more
        date = f"2024-03-1{number // 8}T10:{number:02d}:00"
        messages.append(telegram(number, name, "\n".join(paragraphs), date, **more))
    poll = {"question": "Едем домой?", "answers": [{"text": "Да", "voters": 1}, {"text": "Нет"}]}
    messages.append(telegram(99, "Анна", "", "2024-03-11T10:59:00", poll=poll))
    return json.dumps({"name": "Чат", "type": "private_group", "id": 7, "messages": messages})


def vk_chat(turns: Turns, chance: random.Random) -> bytes:
    shown = []
    for number, (name, paragraphs) in enumerate(turns):
        header = person(name, f"1{number // 8} мар 2024 в 10:{number:02d}:00")
        shown.append(vk(number, header, "<br>".join(paragraphs)))
    return vk_page(shown)


FORMS: dict[str, Callable[[Turns, random.Random], str | bytes]] = {
    "whisperx.json": whisperx, "cpp.json": whisper_cpp, "timed.json": timed_rows,
    "labelled.srt": labelled, "dashes.txt": dashes, "above.txt": names_above,
    "plain.txt": plain, "play.txt": play, "bold.md": bold_questions, "named.md": named_markdown,
    "a.srt": srt, "a.vtt": vtt, "whisper.json": whisper, "table.csv": table,
    "rows.jsonl": json_lines, "result.json": telegram_chat, "messages/7/messages0.html": vk_chat,
}  # fmt: skip


def letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def left_out(messages: Sequence[str]) -> Counter[str]:
    """The letters that the summary tells, by kind."""
    counts: Counter[str] = Counter()
    for message in messages:
        if ": mended or left out while reading: " in message:
            for kind, _, size in ALL_OF.findall(message.split(" while reading: ")[1]):
                counts[kind.strip()] += int(size.replace(",", "") or 0)
    return counts


def spoken_words(text: str) -> Counter[str]:
    return Counter(re.findall(r"\w+", text))


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("name", FORMS)
def test_words_of_an_interview_are_in_its_documents_or_told(tmp_path: Path, caplog, name, seed):
    chance = random.Random(f"{name} {seed}")
    turns = conversation(chance)
    content = FORMS[name](turns, chance)
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    documents = list(Interviews(path=tmp_path).documents(tmp_path))
    assert all(document.fault is None for document in documents), documents
    counted = left_out(caplog.messages).total()
    shown = " ".join(document.text for document in documents)
    kept = spoken_words(shown)
    spoken = spoken_words(" ".join(text for _, texts in turns for text in texts))
    missing = spoken - kept
    assert sum(len(word) * count for word, count in missing.items()) <= counted, (missing, counted)
    if name != "result.json":  # where forwards and bots are left out
        assert missing.keys() <= spoken_words(" ".join(REMARKS)).keys()
    if name.endswith((".txt", ".md")):  # their other text is accounted for, too
        text = re.sub(r"</?\w+>|\(a\.jpg\)", "", str(content))
        names = sum(len(turn[0]) for turn in turns)
        assert letters(text) - letters(shown) <= counted + names
