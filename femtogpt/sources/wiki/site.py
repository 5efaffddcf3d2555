"""A wiki as its dump describes it: its address, language and namespaces."""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

_MEDIA, _FILE, _CATEGORY = "-2", "6", "14"
# Names that any wiki or its older wikitext may use, besides those that the dump lists.
_NOT_SHOWN = frozenset({
    "file", "image", "media", "category", "файл", "изображение", "медиа", "категория",
    "зображення", "категорія", "медіа", "выява", "катэгорыя", "датотека", "картинка", "медия",
})  # fmt: skip
_INTERLANGUAGE = re.compile(r"[a-z]{2,3}(-[a-z]+)*|simple")
_OTHER_WIKI = frozenset({"mw", "voy", "doi", "rfc", "wmf"})  # prefixes that look like languages


@dataclass(frozen=True)
class Site:
    """A wiki; the defaults suit wikitext of unknown origin."""

    language: str = "ru"
    base: str | None = None  # the beginning of an article's address
    namespaces: frozenset[str] = frozenset()  # other than articles, casefolded
    hidden: frozenset[str] = _NOT_SHOWN  # those whose links are not shown: files and categories

    def url(self, title: str) -> str | None:
        """Return an article's address; None if the wiki's is unknown."""
        if self.base is None:
            return None
        name = title.replace(" ", "_").replace("%", "%25").replace("?", "%3F")
        return self.base + name.replace('"', "%22")

    def shows(self, target: str) -> bool:
        """Whether a link to this page is visible; to a file, category or translation it is not."""
        if target.startswith(":"):
            return True
        prefix = target.partition(":")[0].strip()
        if prefix.replace("_", " ").casefold() in self.hidden:
            return False
        return prefix in _OTHER_WIKI or not _INTERLANGUAGE.fullmatch(prefix)

    def is_article(self, title: str) -> bool:
        """Whether a page is an article, judged by its title's prefix."""
        prefix, colon, _ = title.partition(":")
        return not colon or prefix.replace("_", " ").casefold() not in self.namespaces


def site_in(head: str) -> Site:
    """Parse the wiki's description from the beginning of a dump (up to the first page)."""
    language = re.search(r"<mediawiki[^>]*\bxml:lang=[\"']([\w-]+)", head)
    info = re.search(r"<siteinfo>.*?</siteinfo>", head, re.DOTALL)
    base, names = None, {}
    if info:
        try:
            tree = ElementTree.fromstring(info[0])
        except ElementTree.ParseError:
            tree = ElementTree.Element("siteinfo")
        names = {
            (space.text or "").casefold(): space.get("key") for space in tree.iter("namespace")
        }
        main_page = tree.findtext("base") or ""
        base = main_page[: main_page.rfind("/") + 1] or None
    hidden = {name for name, key in names.items() if key in (_MEDIA, _FILE, _CATEGORY)}
    return Site(
        language=language[1] if language else "",
        base=base,
        namespaces=frozenset(name for name in names if name),
        hidden=_NOT_SHOWN | hidden,
    )
