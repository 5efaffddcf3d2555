"""Removes what a transcript contains besides speech: timestamps, sounds, stage remarks, credits.

Ordinary parentheses, an editor's insertions («он [Петров] знал») and fillers stay. A bracket is a
remark if it

- contains a timestamp or a word for «inaudible», or
- begins with a word of ``ACTIONS`` and has at most six words, or
- is a word of ``SOUNDS``, alone or with a place («смех в зале»); in square brackets or outside a
  sentence also with other words («[тревожная музыка]»), or
- describes the manner, outside a sentence («(Громко.)», «(с улыбкой)»), or
- opens a turn, or is a paragraph of its own.

In captions and machine transcripts everything in square brackets is a remark.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

STAMP = r"(?:\d{1,3}:)?\d{1,2}:\d{2}(?:[.,]\d{1,3})?"
ACTIONS = r"""(?:
    (?:рас|за|у|по|под)?сме(?:ё|е|ю|я)\w* | хохо\w* | усмех\w+ | улыб\w+ | ухмыл\w+ | хихик\w+
  | (?:по|за)?молч(?:ит|ат|ав|а|ание)? | задум\w+ | (?:по|за)?вздыха\w+ | вздохну\w+ | вздох
  | кашля\w+ | закашл\w+ | откашл\w+ | плач\w+ | рыда\w+ | всхлип\w+ | крич\w+ | вскрик\w+ | шепч\w+
  | шёпотом | шепотом | вполголоса | кива\w+ | хмык\w+ | перебива\w+ | пожима\w+ | развод\w+\ руками
  | поёт | поет | поют | напева\w+ | аплодиру\w+ | хлопа\w+ | свисти\w+
  | (?:в|вы|у|при|под|от|рас)ход(?:ит|ят|я) | (?:в|вы|у|при)бега\w+ | вста(?:ёт|ет|ют|вая)
  | сад(?:ит|ят|я)\w+ | целу\w+ | обнима\w+ | оглядыва\w+ | указыва\w+ | показыва\w+ | поклон\w+
  | кланя\w+ | уводит | уносит | отворачива\w+ | подаёт | подает | бросает\w* | обраща\w+
  | в\ сторону | про\ себя | за\ кадром | за\ сценой | одновременно | неразборчиво | невнятно | нрзб
  | inaudible | crosstalk | laugh\w* | sigh\w* | applau\w* | blank_audio | silence | unintelligible
)"""
SOUNDS = r"""(?:
    музык\w+ | аплодисмент\w+ | овац\w+ | смех | хохот | пауза | тишина | молчание | шум | гул
  | кашель | крики? | вздох | плач | свист | гудки | звон\w* | стук\w* | песня | мелодия | заставка
  | реклама | джингл | проигрыш | music | laughter | cheering | noise | sound
)"""
MANNER = r"""(?:
    (?:очень\ |ещё\ |еще\ |совсем\ )?\w{2,}о | (?:с|со)\ \w+(?:ью|ом|ем|ой|ей)
  | в\ зал | вместе | хором | вслух | молча | по-\w+ски
)"""  # «(Громко.)», «(с улыбкой)»: only outside sentences
PLACE = r"(?:\s+(?:в\s+(?:зале|студии|аудитории)|за\s+кадром|из\s+зала))?"
_FLAGS = re.VERBOSE | re.IGNORECASE

_STAMPS = re.compile(rf"[\[(<]\s*{STAMP}(?:\s*(?:-->|[-–—])\s*{STAMP})?\s*[\])>]:?")
_LEADING_STAMP = re.compile(r"^\s*\d{1,2}:\d{2}:\d{2}(?:[.,]\d{1,3})?(?:\s+|$)")
_BRACKET = re.compile(
    r"\(([^()\[\]]{1,200})\)|\[([^()\[\]]{1,200})\]"
    r"|(?<!\*)\*([^*\s][^*]{1,40})\*(?!\*)|<([^<>]{1,60})>"
)
_ACTION = re.compile(rf"{ACTIONS}(?:[\s,.]+[^\s,.]+){{0,5}}[\s.!…]*", _FLAGS)
_INAUDIBLE = re.compile(r"(?i)(?:\S+\s+){0,3}(?:неразборчив\w+|нрзб\.?|не\s?слышно|inaudible)")
_SOUND = re.compile(rf"{SOUNDS}{PLACE}[.!…]*", _FLAGS)
_MANNER = re.compile(rf"{MANNER}[.!…]*", _FLAGS)
_ANY_SOUND = re.compile(rf"(?:\w+\s+){{0,2}}\b{SOUNDS}(?:\s+\S+){{0,4}}", _FLAGS)
_SOUND_IN_CAPITALS = re.compile(rf"(?:[А-ЯЁ]+\s+){{0,3}}{SOUNDS}", re.VERBOSE | re.IGNORECASE)
_ONLY_BRACKET = re.compile(r"\([^()]{1,300}\)[.]?|\[[^\[\]]{1,300}\][.]?")
_SIGNATURE = re.compile(  # below an interview
    r"(?:Беседовал|Записал|Интервью взял|Подготовил|Расшифровал)[аи]?:?(?:\s[А-ЯЁ][\w-]*\.?){1,3}"
)
_OPENING_REMARK = re.compile(r"^(?:\([^\W\d][^()]{0,120}\)|\[[^\W\d][^\[\]]{0,120}\])[.,:]?\s*")
_SONG = re.compile(r"[♪♫♬🎵🎶][^♪♫♬🎵🎶]*[♪♫♬🎵🎶]?")
_CHANT = re.compile(r"(?<!\S)([#*])\s+[^#*]+\s\1(?!\S)")  # # a song in captions #
_MASKED = re.compile(r"\[\s*_+\s*\]")  # a swear word masked by YouTube

CREDITS = re.compile(  # of captions; Whisper writes them for silence, too
    r"""(?xi)\W*(?:
    (?:субтитр\w*|титры)\s+(?:с?делал|создавал|подготов\w+|подогнал|добавил|предостав\w+)\b.*
  | (?:добавил\w?|создал\w?|делал\w?|подготовил\w?)\s+субтитры\b.*
  | (?:редактор|корректор|автор|перевод\w*)\s+(?:и\s+\w+\s+)?субтитров\b.*
  | (?:субтитры|перевод|озвучка|перевод\ и\ субтитры)\s*:.*
  | .*\bdimatorzok\b.*
  | спасибо\ за\ субтитры\b.*
  | продолжение\ следует
  | смотрите\ продолжение\ в\ (?:следующей|\d+)\ (?:серии|части)
  | переводчик\s*:.{2,60}\b(?:редактор|корректор)\s*:.*
  | (?:subtitles|captions)\s+(?:by|made)\b.* | .*\b(?:amara|opensubtitles)\.org\b.*
  | (?:https?://|www\.)\S+
  )[\s.…!]*"""
)


def cleaned(text: str, machine: bool = False) -> str:
    """Remove what is not speech from a paragraph or caption.

    ``machine``: a caption or machine transcript, where square brackets contain nothing but sounds.
    """
    text = _STAMPS.sub(" ", text)
    text = _LEADING_STAMP.sub("", text)
    text = _SONG.sub(" ", text)
    stripped = text.strip()
    if _ONLY_BRACKET.fullmatch(stripped) or _SIGNATURE.fullmatch(stripped):
        return ""
    if machine:
        if CREDITS.fullmatch(stripped) or (
            stripped.isupper() and _SOUND_IN_CAPITALS.fullmatch(stripped)
        ):
            return ""
        text = _CHANT.sub(" ", _MASKED.sub(" ", text))
    if _BRACKET.search(text):
        text = _without_brackets(text, machine)
    return " ".join(text.split())


def spoken(lines: Iterable[str]) -> tuple[str, ...]:
    """Clean a turn's paragraphs, including the remark that opens it; empty ones are dropped."""
    paragraphs = list(lines)
    if paragraphs:
        paragraphs[0] = _OPENING_REMARK.sub("", paragraphs[0].lstrip())
    return tuple(filter(None, map(cleaned, paragraphs)))


def is_remark(text: str, apart: bool = False) -> bool:
    """Whether the text of a bracket is a remark; ``apart``: it stands outside any sentence."""
    text = text.strip()
    if _ACTION.fullmatch(text) or _SOUND.fullmatch(text) or _INAUDIBLE.fullmatch(text):
        return True
    return apart and any(pattern.fullmatch(text) for pattern in (_ANY_SOUND, _MANNER))


def _without_brackets(text: str, machine: bool) -> str:
    parts, last = [], 0
    for match in _BRACKET.finditer(text):
        round_, square, *others = match.groups()
        before = text[max(0, match.start() - 20) : match.start()].rstrip()
        apart = not before or before[-1] in ".!?…"
        if square is not None:
            is_removed = machine or is_remark(square, apart=True)
        else:
            is_removed = is_remark(next(filter(None, (round_, *others))), apart)
        if is_removed:
            parts.append(text[last : match.start()].rstrip())
            last = match.end()
            if apart and text[last : last + 1] in (".", ","):
                last += 1
            if text[last : last + 1] not in ("", ",", ".", "!", "?", ";", ":", "…"):
                parts.append(" ")
    return "".join([*parts, text[last:]])
