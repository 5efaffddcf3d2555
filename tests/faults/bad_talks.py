"""Dumps that are cut off, and transcripts with times and speakers that cannot be."""

from __future__ import annotations

import bz2
import csv
import io
import json
import lzma
import random
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tests.faults.given import Given, Make
from tests.files import COMPRESS, as_file, zstd
from tests.helpers import story
from tests.interviews import srt_time, vtt_time
from tests.wiki_pages import dump, page

TIMES = (
    *(
        "{start} --> {before}",
        "{start} --> {start}",
        "-{start} --> {end}",
        "99:99:99,999 --> {end}",
    ),
    *("{start} -> {end}", "{start} --> ", "{start} --> конец", "999:00:00,000 --> 999:00:01,000"),
    *("{start}--> {end}", "{end} --> {start}", "00:00 --> 00:00", "{start} --> {end} X1:0 Y1:0"),
)
NAMES = ("Анна", "Пётр", "Мария Ивановна")
NONE = ("", " ", "-", "\u00a0", "?", "[]")


def sentences(draw: random.Random, count: int) -> list[str]:
    """So many lines of speech, none of them twice."""
    text = " ".join(story(draw.randrange(10**6), 20 * count).split())
    words = text.replace("—", "").replace("«", "").replace("»", "").split()
    size = len(words) // count
    return [" ".join(words[at * size : (at + 1) * size]) for at in range(count)]


def beside(draw: random.Random, folder: Path) -> dict[str, str]:
    """Put a good transcript into a folder."""
    said = sentences(draw, 10)
    text = "\n".join(f"{NAMES[at % 2]}: {line}" for at, line in enumerate(said))
    as_file(folder / "Рядом.txt", text)
    return {"Рядом": text}


def dump_cut_off(draw: random.Random, folder: Path) -> Given:
    """The pages before the cut are read, and of the rest it is told."""
    stories = [story(draw.randrange(10**6), draw.choice((100, 800))) for _ in range(40)]
    pages = [page(at, f"Статья {at}", text) for at, text in enumerate(stories, 1)]
    data, ending = dump(*pages), draw.choice(("", *COMPRESS))
    if ending == ".bz2" and draw.random() < 0.5:  # of many streams, as Wikipedia's are
        step = len(data) // 5
        parts = [data[at : at + step] for at in range(0, len(data), step)]
        whole = b"".join(COMPRESS[ending](part) for part in parts)
    elif ending == ".bz2":
        whole = bz2.compress(data, 1)  # of the smallest blocks, so that there are several
    else:
        whole = COMPRESS.get(ending, bytes)(data)
    end = draw.randrange(len(whole) // 4, len(whole))
    cut = whole[:end]
    as_file(folder / f"ruwiki.xml{ending}", cut)
    before = readable(cut, ending).count(b"</page>")  # each of them has to be there
    names = [f"Статья {at}" for at in range(1, len(stories) + 1)]
    named = dict(zip(names, stories, strict=True))
    return Given(
        f"{end} of {len(whole)} bytes of .xml{ending}",
        folder,
        kind="wiki",
        whole={name: named[name] for name in names[:before]},
        perhaps={name: named[name] for name in names[before:]},
        told=("ruwiki.xml",),
        may_stop=not before,
    )


def readable(cut: bytes, ending: str) -> bytes:
    """What can be had of compressed bytes that are cut off: all before the block of the cut."""
    made: dict[str, Callable[[], Any]] = {
        ".gz": lambda: zlib.decompressobj(16 + zlib.MAX_WBITS),
        ".bz2": bz2.BZ2Decompressor,
        ".xz": lzma.LZMADecompressor,
        ".zst": zstd.ZstdDecompressor,
    }
    whole = b"" if ending else cut
    while ending and cut:  # a stream after the other
        stream = made[ending]()
        whole += stream.decompress(cut)
        cut = stream.unused_data if stream.eof else b""
    return whole


def captions(
    draw: random.Random, folder: Path, cues: Sequence[tuple[str, str]], what: str
) -> Given:
    """Captions of timing lines and speech, as one of the two formats, beside a good transcript."""
    ending = draw.choice((".srt", ".vtt"))
    blocks = [f"{number}\n{times}\n{line}\n" for number, (times, line) in enumerate(cues, 1)]
    text = "\n".join([*(["WEBVTT\n"] if ending == ".vtt" else []), *blocks])
    text = text.replace(",", ".") if ending == ".vtt" else text
    as_file(folder / f"Беседа{ending}", text)
    lines = tuple(line for _, line in cues)
    return Given(
        f"{what}, {ending}",
        folder,
        kind="interviews",
        whole=beside(draw, folder),
        lines=lines,
        told=("Беседа",),
    )


def bad_times(draw: random.Random, folder: Path) -> Given:
    cues, share = [], draw.choice((0.1, 0.5, 1.0))
    for number, line in enumerate(sentences(draw, 30)):
        start = 3.0 * number
        form = draw.choice(TIMES) if draw.random() < share else "{start} --> {end}"
        times = {"start": start, "end": start + 2, "before": max(0.0, start - 5)}
        cues.append((form.format(**{key: srt_time(at) for key, at in times.items()}), line))
    return captions(draw, folder, cues, f"{share:.0%} of the times")


def overlapping(draw: random.Random, folder: Path) -> Given:
    cues, reach = [], draw.choice((1.0, 10.0, 1000.0))
    for number, line in enumerate(sentences(draw, 30)):
        start = max(0.0, 2.0 * number + draw.uniform(-reach, reach) / 2)
        cues.append((f"{srt_time(start)} --> {srt_time(start + draw.uniform(0.1, reach))}", line))
    return captions(draw, folder, cues, f"by up to {reach:.0f} s")


def no_speakers(draw: random.Random, folder: Path) -> Given:
    """Speakers that are empty, or only signs, in each kind of transcript."""
    form = draw.choice(("txt", "csv", "json", "jsonl", "vtt", "whisper"))
    share = draw.choice((0.2, 0.6, 1.0))
    said = [
        (draw.choice(NONE) if draw.random() < share else draw.choice(NAMES), line)
        for line in sentences(draw, 30)
    ]
    rows = [
        {"url": "a/1", "start": 3.0 * at, "speaker": name or draw.choice((None, "")), "text": line}
        for at, (name, line) in enumerate(said)
    ]
    if form == "txt":
        content = "\n".join(f"{name}: {line}" for name, line in said)
    elif form == "vtt":
        content = "WEBVTT\n\n" + "\n".join(
            f"{vtt_time(3 * at)} --> {vtt_time(3 * at + 2)}\n<v {name}>{line}</v>\n"
            for at, (name, line) in enumerate(said)
        )
    elif form == "csv":
        out = io.StringIO()
        table = csv.DictWriter(out, list(rows[0]))
        table.writeheader()
        table.writerows(rows)
        content = out.getvalue()
    elif form == "jsonl":
        content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    else:
        ends = [{**row, "end": 3.0 * at + 2} for at, row in enumerate(rows)]
        content = json.dumps({"segments": ends} if form == "whisper" else rows)
    ending = "json" if form == "whisper" else form
    as_file(folder / f"Беседа.{ending}", content)
    return Given(
        f"{share:.0%} of the speakers, {form}",
        folder,
        kind="interviews",
        whole=beside(draw, folder),
        lines=tuple(line for _, line in said),
        told=("Беседа",),
    )


KINDS: dict[str, Make] = {
    "dump cut off": dump_cut_off,
    "transcript with bad times": bad_times,
    "transcript with overlapping cues": overlapping,
    "transcript with empty speakers": no_speakers,
}
