"""MediaWiki dumps and articles written for tests."""

from __future__ import annotations

from html import escape
from pathlib import Path

from femtogpt.sources.base import Document, unique_ids
from femtogpt.sources.wiki import Wiki
from tests.helpers import story

HEAD = """\
<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.10/" version="0.10" xml:lang="ru">
  <siteinfo>
    <sitename>Википедия</sitename>
    <dbname>ruwiki</dbname>
    <base>https://ru.wikipedia.org/wiki/%D0%97%D0%B0%D0%B3%D0%BB%D0%B0%D0%B2%D0%BD%D0%B0%D1%8F</base>
    <namespaces>
      <namespace key="0" case="first-letter" />
      <namespace key="1" case="first-letter">Обсуждение</namespace>
      <namespace key="6" case="first-letter">Файл</namespace>
      <namespace key="10" case="first-letter">Шаблон</namespace>
      <namespace key="14" case="first-letter">Категория</namespace>
    </namespaces>
  </siteinfo>
"""
TAIL = "</mediawiki>\n"


def revision(text: str, time: str = "2024-01-01T00:00:00Z") -> str:
    return f"""\
    <revision>
      <id>1</id>
      <timestamp>{time}</timestamp>
      <model>wikitext</model>
      <text xml:space="preserve">{escape(text)}</text>
    </revision>
"""


def page(number: int, title: str, *texts: str, ns: int | None = 0, redirect: str = "") -> str:
    """A page; several texts are its revisions, the last the newest."""
    namespace = "" if ns is None else f"    <ns>{ns}</ns>\n"
    target = f'    <redirect title="{redirect}" />\n' if redirect else ""
    revisions = "".join(
        revision(text, f"20{year:02}-01-01T00:00:00Z") for year, text in enumerate(texts)
    )
    return (
        f"  <page>\n    <title>{escape(title)}</title>\n{namespace}    <id>{number}</id>\n"
        f"{target}{revisions}  </page>\n"
    )


def article(number: int, words: int = 40) -> str:
    """A page of Russian words with some markup, different for each number."""
    return page(
        number, f"Статья {number}", f"'''Статья''' [[дом]]а {{{{х}}}} {story(number, words)}"
    )


def dump(*pages: str) -> bytes:
    return (HEAD + "".join(pages) + TAIL).encode()


def read(files: dict[str, bytes], into: Path, **settings) -> list[Document]:
    """Write the files and read their folder with the wiki source."""
    folder, raw = into / "folder", into / "raw"
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
    source = Wiki(path=folder, **settings)
    source.identity()
    raw.mkdir()
    source.fetch(raw)
    return list(unique_ids(source.documents(raw)))
