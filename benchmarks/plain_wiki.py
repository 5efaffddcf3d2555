"""What one would write otherwise for a Wikipedia dump: one process and the same parser.

::

    python plain_wiki.py dump.xml.bz2

Passes every article's wikitext through ``mwparserfromhell.parse(…).strip_code()``. Prints one line
of JSON.
"""

from __future__ import annotations

import bz2
import json
import lzma
import sys
import time
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree

import mwparserfromhell

OPENERS: dict[str, Callable[..., Any]] = {".bz2": bz2.open, ".xz": lzma.open}


def main(dump: str) -> None:
    start = time.perf_counter()
    articles = characters = 0
    page: dict[str, str] = {}
    opener = next((opener for suffix, opener in OPENERS.items() if dump.endswith(suffix)), open)
    with opener(dump, "rb") as file:
        try:
            for _, element in ElementTree.iterparse(file):
                tag = element.tag.rpartition("}")[2]
                if tag in ("ns", "text"):
                    page[tag] = element.text or ""
                elif tag == "redirect":
                    page[tag] = "yes"
                elif tag == "page":
                    if page.get("ns") == "0" and "redirect" not in page:
                        text = mwparserfromhell.parse(page.get("text", "")).strip_code()
                        articles += 1
                        characters += len(text)
                    page = {}
                    element.clear()
        except (ElementTree.ParseError, EOFError):  # truncated: count what came before
            pass
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "articles": articles, "characters": characters}))


if __name__ == "__main__":
    main(*sys.argv[1:])
