"""XML that is not well-formed, made so without losing text.

A tag ends where its surroundings end, and what is no tag is text. Time is linear. How libxml2's own
recovery does is in CONTRIBUTING.md.
"""

from __future__ import annotations

import re
from collections import Counter
from html import escape, unescape
from html.entities import html5

OWN_ENTITY_CHARACTERS = 64  # a longer value of an entity that a file declares is not inserted
MAX_INLINE_DEPTH = 50  # of inline elements in one another, in an open paragraph
VOID = {  # never contain anything: HTML, FictionBook and TEI
    *("br", "hr", "img", "meta", "link", "input", "col", "wbr", "empty-line", "image", "lb", "pb"),
}
PARAGRAPHS = {"p", "v"}  # do not contain one another
INLINE = {
    *("a", "b", "code", "em", "emphasis", "hi", "i", "s", "span", "strikethrough", "strong"),
    *("style", "sub", "sup", "u"),
}
KNOWN_NAMESPACES = {"epub": "http://www.idpf.org/2007/ops"}  # whose attributes are looked at
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_REFERENCE = re.compile(r"&(?:(#[0-9]{1,8}|#[xX][0-9a-fA-F]{1,8}|[A-Za-z_][\w.-]{0,40});)?")
_XML_ENTITIES = {"amp", "lt", "gt", "quot", "apos"}
_ENTITY = re.compile(r"""<!ENTITY\s+([\w.-]{1,40})\s+(?:"([^"<&%]*)"|'([^'<&%]*)')\s*>""")
_TAG = re.compile(
    r"""<(/?)([A-Za-z_][A-Za-z0-9_.:-]*+)(?=[\s/>])((?:[^<>"']++|"[^"<]*+"|'[^'<]*+')*+)>"""
    r"""|<(/?)([A-Za-z_][A-Za-z0-9_.:-]*+)(?=[\s/>])([^<>]*+)>"""  # a quote is missing
)
_ATTRIBUTE = re.compile(
    r"""(?<![A-Za-z0-9_.:-])([A-Za-z_][A-Za-z0-9_.:-]*+)\s*+=\s*+"""
    r"""(?:"([^"]*+)"|'([^']*+)'|([^\s"'<>]++))"""
)
_DOCTYPE = re.compile(r"<!DOCTYPE[^<>\[]*+(\[[^\]]{0,100000}+\]\s*+)?>", re.IGNORECASE)
_BEGUN_TAG = re.compile(r"<[/!?]?(?:[A-Za-z_][^<>]{0,500})?\Z")
_BEGUN_REFERENCE = re.compile(r"&[#\w]{0,10}\Z")
CDATA = "<![CDATA["
_OTHER = (("<!--", "-->"), (CDATA, "]]>"), ("<?", "?>"))  # beginning and end
_BARE = re.compile(r"<(?![A-Za-z_/!?])")

BEFORE = "text before the XML"
AFTER = "text after the end"
CHARACTERS = "forbidden characters"
UNESCAPED = "& or < in the text"
ENTITIES = "unknown entities"
TAGS = "tags not closed or not opened"
ATTRIBUTES = "damaged attributes"
PREFIXES = "undeclared prefix"
CUT = "cut off, read up to there"


def with_valid_text(text: str, faults: list[str]) -> str:
    """Repair characters and entities, leave the tags as they are."""
    text = _without_forbidden(text, faults)
    parts: list[str] = []
    position = 0
    while (at := text.find(CDATA, position)) >= 0 and (end := text.find("]]>", at)) >= 0:
        parts += [_with_valid_markup(text[position:at], faults), text[at:end]]
        position = end
    return "".join([*parts, _with_valid_markup(text[position:], faults)])


def _with_valid_markup(text: str, faults: list[str]) -> str:
    text, bare = _BARE.subn("&lt;", _with_entities(text, None, faults))
    if bare:
        _note(faults, UNESCAPED)
    return text


def repaired(text: str, faults: list[str]) -> str:
    """Return well-formed XML with the same text, empty if there is no element.

    What was wrong is appended to ``faults``, each kind once.
    """
    return _Repair(_without_forbidden(text, faults), faults).result()


class _Repair:
    """Reads the XML once from beginning to end and writes it anew."""

    def __init__(self, text: str, faults: list[str]):
        self.text, self.faults = text, faults
        self.beginning = len(text) - len(text.lstrip("\ufeff"))
        self.out: list[str] = []
        self.open: list[str] = []  # names of the open elements
        self.open_counts: Counter[str] = Counter()  # of the same, in lower case
        self.root_at = -1  # where the start of the root element is in out
        self.root_ended = False
        self.prefixes: dict[str, None] = {}  # in use
        self.declared: set[str] = {"xml", "xmlns"}
        self.entities: dict[str, str] = {}
        self.last = {end: text.rfind(end) for end in (">", *(end for _, end in _OTHER))}
        self.closed = {name.lower() for name in re.findall(r"</([A-Za-z_][A-Za-z0-9_.:-]*+)", text)}

    def result(self) -> str:
        position = 0
        while (at := self.text.find("<", position)) >= 0:
            self.add_text(self.text[position:at])
            position = self.add_markup(at)
        rest = self.text[position:]
        self.add_text(rest if self.root_ended else _BEGUN_REFERENCE.sub("", rest))
        if self.root_at < 0:
            return ""
        if not self.root_ended:
            _note(self.faults, CUT)
        while self.open:
            self.end_last()
        self.out[self.root_at] += "".join(map(self.declaration, self.prefixes)) + ">"
        return "".join(self.out)

    def add_text(self, text: str) -> None:
        if self.root_at < 0:
            if text.strip(" \t\r\n\ufeff"):
                _note(self.faults, BEFORE)
            return
        if self.root_ended and text.strip():
            self.go_on()
        text = _with_entities(text, self.entities, self.faults)
        self.out.append(text.replace("]]>", "]]&gt;"))

    def add_markup(self, at: int) -> int:
        """Add what begins with the < at a position; return where it ends."""
        for beginning, ending in _OTHER:
            if self.text.startswith(beginning, at) and self.last[ending] >= at:
                end = self.text.index(ending, at) + len(ending)
                if beginning == CDATA:
                    self.add_text(escape(self.text[at + len(CDATA) : end - len(ending)]))
                elif beginning == "<?" and self.root_at < 0 and at > self.beginning:
                    _note(self.faults, BEFORE)  # as a line before <?xml
                return end
        if doctype := _DOCTYPE.match(self.text, at):
            for name, *values in _ENTITY.findall(doctype[1] or ""):
                if len("".join(values)) <= OWN_ENTITY_CHARACTERS:
                    self.entities[name] = "".join(values)
            return doctype.end()
        if at > self.last[">"] and _BEGUN_TAG.match(self.text, at):  # it is cut off there
            return len(self.text)
        tag = _TAG.match(self.text, at)
        if tag is None or (tag[5] and not _ATTRIBUTE.search(tag[6])):
            if self.root_at >= 0:
                _note(self.faults, UNESCAPED)
                self.out.append("&lt;")
            return at + 1
        slash, name, attributes = tag.group(4, 5, 6) if tag[5] else tag.group(1, 2, 3)
        if tag[5]:
            _note(self.faults, ATTRIBUTES)
        if slash:
            self.end(name)
        else:
            self.start(name, attributes)
        return tag.end()

    def start(self, name: str, attributes: str) -> None:
        if self.root_ended:
            self.go_on()
        lower = name.lower()
        if lower in PARAGRAPHS:
            self.end_paragraph(lower)
        if lower in ("body", "section") and self.open_counts["description"]:
            _note(self.faults, TAGS)
            self.end("description")
        name = self.qualified(name)
        is_root = self.root_at < 0
        self.out.append(f"<{name}{self.attributes(attributes)}")
        if is_root:
            self.root_at = len(self.out) - 1
        if attributes.endswith("/") or (lower in VOID and lower not in self.closed):
            self.out.append(f"></{name}>" if not is_root else f"</{name}>")
            self.root_ended |= is_root
            return
        if not is_root:  # the root's waits for its declarations
            self.out.append(">")
        self.open.append(name)
        self.open_counts[name.lower()] += 1

    def end(self, name: str) -> None:
        lower = name.lower().replace(":", "-") if name.count(":") > 1 else name.lower()
        if not self.open_counts[lower]:
            _note(self.faults, TAGS)
            return
        if self.open[0].lower() == lower and self.open_counts[lower] == 1:
            self.root_ended = True  # closed at the end: something may follow
            while len(self.open) > 1:
                _note(self.faults, TAGS)
                self.end_last()
            return
        while self.open[-1].lower() != lower:
            _note(self.faults, TAGS)
            self.end_last()
        self.end_last()

    def end_paragraph(self, lower: str) -> None:
        """End an open paragraph if there is nothing but inline elements in it."""
        depth = len(self.open) - 1
        least = max(0, depth - MAX_INLINE_DEPTH)
        while depth > least and self.open[depth].lower() in INLINE:
            depth -= 1
        if depth > least and self.open[depth].lower() == lower:
            _note(self.faults, TAGS)
            while len(self.open) > depth:
                self.end_last()

    def end_last(self) -> None:
        name = self.open.pop()
        self.open_counts[name.lower()] -= 1
        self.out.append(f"</{name}>")

    def go_on(self) -> None:
        """Something follows the end of the root: it belongs to the root."""
        self.root_ended = False
        _note(self.faults, AFTER)

    def attributes(self, text: str) -> str:
        """Write attributes anew, each name once."""
        found: dict[str, str] = {}
        for match in _ATTRIBUTE.finditer(text):
            name, value = self.qualified(match[1]), match[2] or match[3] or match[4] or ""
            if match[4] is not None or name in found:
                _note(self.faults, ATTRIBUTES)
            if name == "xmlns" or name.startswith("xmlns:"):  # the root declares all that occur
                self.declared.add(name[6:])
                continue
            value = _with_entities(value, self.entities, self.faults)
            found.setdefault(name, value.replace("<", "&lt;").replace('"', "&quot;"))
        return "".join(f' {name}="{value}"' for name, value in found.items())

    def qualified(self, name: str) -> str:
        """Return a name with at most one prefix, and note that prefix."""
        prefix, colon, rest = name.partition(":")
        if not colon:
            return name
        if ":" in rest or not re.match(r"[A-Za-z_]", rest):
            return name.replace(":", "-")
        if prefix not in ("xml", "xmlns"):
            self.prefixes[prefix] = None
        return name

    def declaration(self, prefix: str) -> str:
        """Return what declares a prefix."""
        if prefix not in self.declared:
            _note(self.faults, PREFIXES)
        address = KNOWN_NAMESPACES.get(prefix, f"urn:prefix:{prefix.encode().hex()}")
        return f' xmlns:{prefix}="{address}"'


def _with_entities(text: str, own: dict[str, str] | None, faults: list[str]) -> str:
    """Escape each & that begins no reference; replace the entities that XML does not have.

    ``own`` are those that the file declares; None if unknown ones stay as they are.
    """

    def reference(match: re.Match[str]) -> str:
        name = match[1]
        if name is None:
            _note(faults, UNESCAPED)
            return "&amp;"
        if name in _XML_ENTITIES:
            return match[0]
        if own and name in own:
            return escape(own[name])
        value = unescape(match[0]) if name.startswith("#") else html5.get(f"{name};")
        if value is None and own is None:
            return match[0]
        if value is None:
            _note(faults, ENTITIES)
            return f"&amp;{name};"
        return escape(_FORBIDDEN.sub("", value.replace("\ufffd", "")))

    return _REFERENCE.sub(reference, text) if "&" in text else text


def _without_forbidden(text: str, faults: list[str]) -> str:
    cleaned = _FORBIDDEN.sub("", text)
    if cleaned != text:
        _note(faults, CHARACTERS)
    return cleaned


def _note(faults: list[str], kind: str) -> None:
    if kind not in faults:
        faults.append(kind)
