"""Helpers for the tests of interviews: captions in the form of several programs, and reading."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from femtogpt.sources.base import Document, unique_ids
from femtogpt.sources.interviews import Interviews


def read(folder: Path, files: dict[str, str | bytes], **settings) -> list[Document]:
    """Write the files and read the documents of their folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return list(unique_ids(Interviews(path=folder, **settings).documents(folder)))


def text_of(folder: Path, name: str, content: str | bytes, **settings) -> str:
    """Read a file that must give one document without fault; its text."""
    [document] = read(folder, {name: content}, **settings)
    assert document.fault is None
    return document.text


def vtt_time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02d}:{minutes:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def srt_time(seconds: float) -> str:
    return vtt_time(seconds).replace(".", ",")


Shown = tuple[float, float, tuple[str, ...]]  # from, to, the lines on the screen


def rolled(lines: Sequence[str], held: bool = True, window: int = 2) -> Iterator[Shown]:
    """What the screen shows of rolling lines, each spoken for two seconds.

    ``held``: with captions of 10 ms in between that show the upper line only.
    """
    for index in range(len(lines)):
        start = 2.0 * index
        yield start, start + 1.99, tuple(lines[max(0, index + 1 - window) : index + 1])
        if held:
            yield start + 1.99, start + 2.0, (lines[index],)


def youtube(lines: Sequence[str]) -> str:
    """Captions in YouTube's own form: two lines, the lower one with a timestamp per word."""
    blocks = ["WEBVTT\nKind: captions\nLanguage: ru\n"]
    above = " "
    for index, line in enumerate(lines):
        start = 2.0 * index
        first, *others = line.split()
        timed = "".join(
            f"<{vtt_time(start + 0.1 * number)}><c> {word}</c>"
            for number, word in enumerate(others, 1)
        )
        settings = "align:start position:0%"
        blocks.append(
            f"{vtt_time(start)} --> {vtt_time(start + 1.99)} {settings}\n{above}\n{first}{timed}\n"
        )
        blocks.append(f"{vtt_time(start + 1.99)} --> {vtt_time(start + 2)} {settings}\n{line}\n \n")
        above = line
    return "\n".join(blocks)


def srt(shown: Sequence[Shown], lay: Callable[[tuple[str, ...]], str] = "\n".join) -> str:
    return "\n".join(
        f"{number}\n{srt_time(start)} --> {srt_time(end)}\n{lay(lines)}\n"
        for number, (start, end, lines) in enumerate(shown, 1)
    )
