"""Removes what a transcript contains besides speech: timestamps, sounds, stage remarks, credits.

Ordinary parentheses, an editor's insertions («он [Петров] знал») and fillers stay. A bracket is a
remark if it

- contains a timestamp or a word for «inaudible», or
- begins with a word of ``ACTIONS`` and has at most six words, or
- is a word of ``SOUNDS``, alone or with a place («смех в зале»); in square brackets or outside a
  sentence also with other words («[тревожная музыка]»), or
- describes the manner, outside a sentence («(Громко.)», «(с улыбкой)»), or
- opens a turn, or is a paragraph of its own, and is short: a stage direction, which begins with a
  word of ``STAGE`` or like a manner («(тихо, оглядываясь на дверь)»), two words at the start of a
  turn («(Софье)»), or six words in square brackets.

In captions and machine transcripts whatever is short and in square brackets is a remark. Longer
text in brackets is what somebody says or writes, and stays.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from femtogpt.sources.interviews.left_out import BYLINES, REMARKS, SONGS, STAMPS, LeaveOut
from femtogpt.sources.interviews.left_out import CREDITS as OF_CREDITS

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
STAGE = r"""(?:
    бер[её]т | да[её]т | беж(?:ит|ат) | пада(?:ет|ют) | чита(?:ет|ют) | пиш(?:ет|ут)
  | смотр(?:ит|ят) | гляд(?:ит|ят) | бь[её]т | снима(?:ет|ют) | надева(?:ет|ют)
  | (?:от|за)крыва(?:ет|ют) | ищ(?:ет|ут) | лож(?:ит|ат)ся | просыпа(?:ет|ют)ся
  | игра(?:ет|ют) | танцу(?:ет|ют) | стреля(?:ет|ют) | дрож(?:ит|ат) | крест(?:ит|ят)ся
  | жм(?:ёт|ет|ут) | протягива(?:ет|ют) | вынима(?:ет|ют) | налива(?:ет|ют) | пь(?:ёт|ет|ют)
  | (?:при|под|от|у)бега(?:ет|ют) | останавлива(?:ет|ют)ся | возвраща(?:ет|ют)ся
  | звон(?:ит|ят) | зева(?:ет|ют) | \w{3,}(?:ясь|вшись|[ыи]вая) | глядя | смотря | держа
  | стоя | сидя | л[её]жа | к\ [А-ЯЁ]\w+
)"""
MAX_REMARK_WORDS = 6
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
_STAGE = re.compile(
    rf"(?:{MANNER},\s+)?(?:{STAGE}(?:[\s,]+[^\s,.!?…]+){{0,7}}|{MANNER})[.!…]*", _FLAGS
)
_ANY_SOUND = re.compile(rf"(?:\w+\s+){{0,2}}\b{SOUNDS}(?:\s+\S+){{0,4}}", _FLAGS)
_SOUND_IN_CAPITALS = re.compile(rf"(?:[А-ЯЁ]+\s+){{0,3}}{SOUNDS}", re.VERBOSE | re.IGNORECASE)
_ONLY_BRACKET = re.compile(r"\(([^()]{1,300})\)[.]?|\[([^\[\]]{1,300})\][.]?")
_SIGNATURE = re.compile(  # below an interview
    r"(?:Беседовал|Записал|Интервью взял|Подготовил|Расшифровал)[аи]?:?"
    r"(?:\s[А-ЯЁ][\w-]*\.?){1,3}"
)
_OPENING = re.compile(r"^(?:\(([^\W\d][^()]{0,120})\)|\[([^\W\d][^\[\]]{0,120})\])[.,:]?\s*")
_SONG = re.compile(r"[♪♫♬🎵🎶][^♪♫♬🎵🎶]{1,300}[♪♫♬🎵🎶]|[♪♫♬🎵🎶]")
_SONG_LINE = re.compile(r"[♪♫♬🎵🎶][^♪♫♬🎵🎶]*[♪♫♬🎵🎶]?")  # captions leave out the last note
_CHANT = re.compile(r"^(?:([#*])\s+[^#*]+\s\1(?:\s|$))+$")  # # a song in captions #
_MASKED = re.compile(r"\[\s*_+\s*\]")  # a swear word masked by YouTube

CREDITS = re.compile(  # of captions; Whisper writes them for silence, too
    r"""(?xi)\W*(?:
    (?:субтитр\w*|титры)\s+(?:с?делал|создавал|подготов\w+|подогнал|добавил|предостав\w+)\b.*
  | (?:добавил\w?|создал\w?|делал\w?|подготовил\w?)\s+субтитры\b.*
  | (?:редактор|корректор|автор|перевод\w*)\s+(?:и\s+\w+\s+)?субтитров\b.*
  | (?:субтитры|перевод|озвучка|перевод\ и\ субтитры)\s*:.*
  | [^.!?…]*\bdimatorzok\b.*
  | спасибо\ за\ субтитры\b.*
  | продолжение\ следует
  | смотрите\ продолжение\ в\ (?:следующей|\d+)\ (?:серии|части)
  | переводчик\s*:.{2,60}\b(?:редактор|корректор)\s*:.*
  | (?:subtitles|captions)\s+(?:by|made)\b.* | .*\b(?:amara|opensubtitles)\.org\b.*
  | (?:https?://|www\.)\S+
  )[\s.…!]*"""
)


_LAST_SENTENCE = re.compile(  # a credit that Whisper adds to speech
    r"(?i)(?<=[.!?…])\s+((?:[^.!?…]|\.org)*(?:субтитр|subtitle|torzok)(?:[^.!?…]|\.org)*\W*)$"
)


def cleaned(text: str, leave_out: LeaveOut, machine: bool = False) -> str:
    """Remove what is not speech from a paragraph or caption.

    ``machine``: a caption or machine transcript, where square brackets contain nothing but sounds.
    """
    text = _without(_STAMPS, STAMPS, text, leave_out)
    text = _without(_LEADING_STAMP, STAMPS, text, leave_out)
    text = _without(_SONG_LINE if machine else _SONG, SONGS, text, leave_out)
    if machine and (last := _LAST_SENTENCE.search(text)) and CREDITS.fullmatch(last[1]):
        leave_out(OF_CREDITS, last[1])
        text = text[: last.start()]
    stripped = text.strip()
    kind = None
    if _SIGNATURE.fullmatch(stripped):
        kind = BYLINES
    elif (alone := _ONLY_BRACKET.fullmatch(stripped)) and _is_direction(alone, machine):
        kind = REMARKS
    elif machine and CREDITS.fullmatch(stripped):
        kind = OF_CREDITS
    elif machine and stripped.isupper() and _SOUND_IN_CAPITALS.fullmatch(stripped):
        kind = REMARKS
    if kind:
        leave_out(kind, stripped)
        return ""
    if machine:
        text = _without(_CHANT, SONGS, _MASKED.sub(" ", text).strip(), leave_out)
    if _BRACKET.search(text):
        text = _without_brackets(text, leave_out, machine)
    return " ".join(text.split())


def spoken(lines: Iterable[str], leave_out: LeaveOut) -> tuple[str, ...]:
    """Clean a turn's paragraphs, including the remark that opens it; empty ones are dropped."""
    paragraphs = list(lines)
    if paragraphs:
        first = paragraphs[0].lstrip()
        opening = _OPENING.match(first)
        if opening and (_is_direction(opening) or len(opening[0].split()) <= 2):
            leave_out(REMARKS, opening[0])
            paragraphs[0] = first[opening.end() :]
    return tuple(filter(None, (cleaned(text, leave_out) for text in paragraphs)))


def _without(pattern: re.Pattern[str], kind: str, text: str, leave_out: LeaveOut) -> str:
    """Replace what a pattern finds by a space."""
    for match in pattern.finditer(text):
        if any(map(str.isalnum, match[0])):
            leave_out(kind, match[0])
    return pattern.sub(" ", text)


def is_remark(text: str, apart: bool = False) -> bool:
    """Whether the text of a bracket is a remark; ``apart``: it stands outside any sentence."""
    text = text.strip()
    if _ACTION.fullmatch(text) or _SOUND.fullmatch(text) or _INAUDIBLE.fullmatch(text):
        return True
    return apart and any(pattern.fullmatch(text) for pattern in (_ANY_SOUND, _MANNER))


def _is_direction(bracket: re.Match[str], machine: bool = False) -> bool:
    """Whether a bracket at the start of a turn, or alone in a paragraph, is short and a remark."""
    round_, square = bracket[1], bracket[2]
    text = (round_ or square or "").strip()
    if is_remark(text, apart=True) or _STAGE.fullmatch(text):
        return True
    is_short = len(text.split()) <= MAX_REMARK_WORDS
    return is_short and (square is not None or (machine and text[-1:] not in (*".!?…",)))


def _without_brackets(text: str, leave_out: LeaveOut, machine: bool) -> str:
    parts, last = [], 0
    for match in _BRACKET.finditer(text):
        round_, square, *others = match.groups()
        before = text[max(0, match.start() - 20) : match.start()].rstrip()
        apart = not before or before[-1] in ".!?…"
        if square is not None:
            is_short = len(square.split()) <= MAX_REMARK_WORDS
            is_removed = (machine and is_short) or is_remark(square, apart=True)
        else:
            is_removed = is_remark(next(filter(None, (round_, *others))), apart)
        if is_removed:
            leave_out(REMARKS, match[0])
            parts.append(text[last : match.start()].rstrip())
            last = match.end()
            if apart and text[last : last + 1] in (".", ","):
                last += 1
            if text[last : last + 1] not in ("", ",", ".", "!", "?", ";", ":", "…"):
                parts.append(" ")
    return "".join([*parts, text[last:]])
