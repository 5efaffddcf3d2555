"""Generated articles in MediaWiki's XML: stories with links, references, templates and tables."""

from __future__ import annotations

import random
from collections.abc import Iterator
from xml.sax.saxutils import escape

from femtogpt.sources.sample.stories import generate_stories

HEAD = """<mediawiki xmlns="http://www.mediawiki.org/xml/export-0.11/" version="0.11" xml:lang="ru">
<siteinfo><sitename>Википедия</sitename><base>https://ru.wikipedia.org/wiki/Заглавная</base>
<namespaces><namespace key="0" /></namespaces></siteinfo>
"""
CARD = (
    "{{{{Карточка\n | название = {name}\n | изображение = Вид.jpg\n"
    " | население = {{{{число|{number}}}}}\n}}}}\n"
)
NOTE = "<ref>{{{{книга|автор={name} А. Б.|заглавие=Очерки|год={year}|страниц={number}}}}}</ref>"
TABLE = '{{| class="wikitable"\n! Год !! Число\n{rows}|}}\n'


def pages(count: int, seed: int = 0) -> Iterator[str]:
    """A dump of ``count`` articles, in pieces of XML."""
    texts = (story.text for story in generate_stories(seed, 10**9))
    draw = random.Random(seed)
    yield HEAD
    for number in range(count):
        text = _article(texts, draw)
        yield (
            f"<page><title>Статья {number}</title><ns>0</ns><id>{number}</id><revision>"
            f'<id>{number}</id><text xml:space="preserve">{escape(text)}</text>'
            "</revision></page>\n"
        )
    yield "</mediawiki>\n"


def _article(texts: Iterator[str], draw: random.Random) -> str:
    parts = [CARD.format(name="Село", number=draw.randrange(10**6))]
    for section in range(5):
        words = next(texts).split(" ")
        for _ in range(len(words) // 12):
            index = draw.randrange(len(words))
            words[index] = draw.choice(
                (
                    f"[[{words[index]}]]",
                    f"[[Статья|{words[index]}]]",
                    f"'''{words[index]}'''",
                    words[index]
                    + NOTE.format(name="Иванов", year=1990, number=draw.randrange(500)),
                )
            )
        rows = "".join(f"|-\n| {year} || {draw.randrange(9999)}\n" for year in range(1990, 2005))
        parts += [f"== Глава {section} ==\n", " ".join(words), "\n", TABLE.format(rows=rows)]
    return "".join([*parts, "== Примечания ==\n{{примечания}}\n[[Категория:Сёла]]\n"])
