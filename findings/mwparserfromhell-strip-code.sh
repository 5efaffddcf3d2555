#!/usr/bin/env bash
# mwparserfromhell 0.7.2: strip_code() on ordinary article markup.
#
# Expected: the text that a reader of the page sees.
# Seen: an image's layout options and a category's name become running text; a footnote is glued
# to the word before it; the words on both sides of <br> become one word; 10<sup>6</sup> is 106.
# So: whoever makes a training text of Wikipedia cannot leave it to strip_code().
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check mwparserfromhell==0.7.2
"$folder/venv/bin/python" - <<'PYTHON'
import mwparserfromhell

SEEN = {
    "[[Файл:Река.jpg|thumb|200px|Вид на реку]] Текст": "thumb|200px|Вид на реку Текст",
    "[[File:River.jpg|thumb|The river]] Text": "thumb|The river Text",
    "[[Категория:Реки]] Текст": "Категория:Реки Текст",
    "Город<ref>Основан в 1147 году.</ref> стоит на реке": "ГородОснован в 1147 году. стоит на реке",
    "север<br>юг": "северюг",
    "10<sup>6</sup> человек": "106 человек",
}
print("mwparserfromhell", mwparserfromhell.__version__)
for markup, seen in SEEN.items():
    text = mwparserfromhell.parse(markup).strip_code()
    print(f"{markup!r}\n    -> {text!r}")
    assert text == seen, f"it was {seen!r}"
PYTHON
