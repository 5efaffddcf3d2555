#!/usr/bin/env bash
# pysubs2 1.8.1: reading WebVTT as speech recognition writes it, and an SRT file with braces.
#
# Expected: <v Name> gives the event's name (ASS has a field for it), &amp; is an ampersand,
# <00:00:01.500> is a mark and not text, and braces in SRT are characters.
# Seen: the speaker's name is dropped without a trace, entities stay as they are written, time marks
# stay in the plain text, and what stands in braces in an SRT file is missing from the plain text.
# So: interviews in WebVTT lose who says what; webvtt-py 0.6.0 keeps the name but not the entities.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pysubs2==1.8.1 webvtt-py==0.6.0
"$folder/venv/bin/python" - <<'PYTHON'
from importlib.metadata import version

import pysubs2
import webvtt

VTT = """WEBVTT

00:01.000 --> 00:02.000
<v Анна>Добрый день</v>

00:03.000 --> 00:04.000
Наука &amp; жизнь

00:05.000 --> 00:06.000
Раз <00:00:05.500>два
"""
SRT = "1\n00:00:01,000 --> 00:00:02,000\nПишем {имя} в скобках\n"

events = list(pysubs2.SSAFile.from_string(VTT))
braces = pysubs2.SSAFile.from_string(SRT)[0].plaintext
captions = list(webvtt.from_string(VTT))
print("pysubs2", version("pysubs2"), [(event.name, event.plaintext) for event in events])
print("pysubs2", version("pysubs2"), "SRT:", repr(braces))
print("webvtt-py", version("webvtt-py"), [(caption.voice, caption.text) for caption in captions])
assert (events[0].name, events[0].plaintext) == ("", "Добрый день"), "the name is dropped"
assert events[1].plaintext == "Наука &amp; жизнь", "entities stay"
assert events[2].plaintext == "Раз <00:00:05.500>два", "time marks stay"
assert braces == "Пишем  в скобках", "what stands in braces goes"
assert (captions[0].voice, captions[0].text) == ("Анна", "Добрый день")
assert captions[1].text == "Наука &amp; жизнь"
PYTHON
