"""Turns from the JSON of Whisper: openai-whisper, WhisperX, whisper.cpp, transformers."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from femtogpt.sources.interviews.interview import Interview
from femtogpt.sources.interviews.left_out import LOOPS, SILENCE, LeaveOut, leave_out_rest
from femtogpt.sources.interviews.remarks import cleaned
from femtogpt.sources.interviews.speech import Piece, turns
from femtogpt.sources.interviews.turns import labelled

# Whisper's own thresholds for silence (its options no_speech_threshold, logprob_threshold) and
# for a text that repeats itself (compression_ratio_threshold). The last was set on English:
# ordinary Russian, with two bytes per letter, comes near it. It counts only if words do repeat.
NO_SPEECH, LOG_PROBABILITY, COMPRESSION = 0.6, -1.0, 2.4
MIN_LOOP = 4  # repetitions of some words, from which they are the machine's, not the speaker's
MIN_LOOP_OF_ONE = 8  # of a single word («да, да, да» is speech)
MAX_LOOP_WORDS = 30  # that a loop repeats
SEGMENT_FIELDS = {  # of a segment in a bare list; one with other fields is a row of a table
    *("id", "seek", "start", "end", "text", "tokens", "words", "chars", "speaker", "temperature"),
    *("avg_logprob", "compression_ratio", "no_speech_prob"),
}
RESPONSE_FIELDS = {"task", "segments", "usage"}  # of an API response, perhaps without segments
TEXT_RESPONSE_FIELDS = {"text", "language", "duration", "words", *RESPONSE_FIELDS}


def segments(value: Any) -> list[dict] | None:
    """Find the segments in a JSON value; None if it is not from Whisper."""
    if isinstance(value, dict):
        if value.keys() & RESPONSE_FIELDS and _has_only_text(value):
            return [{"text": value["text"]}]
        if isinstance(parts := value.get("segments"), list):
            found = list(filter(_is_segment, parts))
            return found if found or not _is_segment(value) else [{"text": value["text"]}]
        chunks = value.get("speakers") or value.get("chunks")  # insanely-fast-whisper has both
        if isinstance(chunks, list) and any(map(_is_chunk, chunks)):
            return [_of_transformers(part) for part in chunks if _is_chunk(part)]
        if isinstance(parts := value.get("transcription"), list):
            return list(map(_of_whisper_cpp, filter(_is_segment, parts)))
    if isinstance(value, list) and value and all(map(_is_bare_segment, value)):
        return value
    return None


def _is_segment(part: Any) -> bool:
    return isinstance(part, dict) and isinstance(part.get("text"), str)


def _is_bare_segment(part: Any) -> bool:
    return _is_segment(part) and "start" in part and part.keys() <= SEGMENT_FIELDS


def _has_only_text(value: Mapping[str, Any]) -> bool:
    return value.keys() <= TEXT_RESPONSE_FIELDS and _is_segment(value) and not value.get("segments")


def _is_chunk(part: Any) -> bool:
    return _is_segment(part) and isinstance(part.get("timestamp"), list)


def read(
    segments: Sequence[Mapping[str, Any]], leave_out: LeaveOut, speaker_column: str | None = None
) -> Interview:
    """Convert segments to turns, without what Whisper makes up when nobody speaks."""
    pieces: list[Piece] = []
    for segment in segments:
        if _is_silence(segment):
            leave_out_rest(leave_out, SILENCE, segment["text"], "")
        else:
            pieces += _pieces(segment, leave_out, speaker_column)
    kept = _without_loops(pieces)
    leave_out_rest(leave_out, LOOPS, _joined(pieces), _joined(kept))
    return Interview(turns(_attributed(kept)))


def _joined(pieces: Sequence[Piece]) -> str:
    return "".join(piece.text for piece in pieces)


def _of_whisper_cpp(part: Mapping[str, Any]) -> dict:
    """Convert the times of a segment to seconds: whisper.cpp gives milliseconds."""
    offsets = part.get("offsets")
    start, end = (
        _number(offsets.get(edge)) if isinstance(offsets, dict) else None for edge in ("from", "to")
    )
    times = {"start": start and start / 1000, "end": end and end / 1000}
    return {**times, **part}


def _of_transformers(part: Mapping[str, Any]) -> dict:
    """Separate the times of a segment; the last segment may have no end."""
    start, end = (*part["timestamp"], None, None)[:2]
    return {**part, "start": start, "end": end}


def _is_silence(part: Mapping[str, Any]) -> bool:
    no_speech, probability = _number(part.get("no_speech_prob")), _number(part.get("avg_logprob"))
    if no_speech is None or probability is None:
        return False
    return no_speech > NO_SPEECH and probability < LOG_PROBABILITY


def _pieces(
    part: Mapping[str, Any], leave_out: LeaveOut, speaker_column: str | None
) -> Iterator[Piece]:
    """Yield a segment's text, or each sentence if the words have speakers of their own.

    The text may begin with a speaker's label.
    """
    start, end = _number(part.get("start")), _number(part.get("end"))
    speaker = _text(part.get(speaker_column or "speaker"))
    sentences = list(_by_words(part)) if speaker_column is None else []
    label, words = labelled(part["text"].strip()) or (None, part["text"])
    for name, text in sentences or [(speaker or label, words)]:
        text = cleaned(text, leave_out, machine=True)
        ratio = _number(part.get("compression_ratio"))
        if ratio is None or ratio > COMPRESSION:
            shorter = without_loop(text)
            leave_out_rest(leave_out, LOOPS, text, shorter)
            text = shorter
        if text:
            yield Piece(text, start, end, name or speaker)


def _by_words(part: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Yield the sentences, each with the most frequent speaker of its words."""
    words = part.get("words")
    if not isinstance(words, list) or not all(
        isinstance(word, dict) and isinstance(word.get("word"), str) for word in words
    ):
        return
    if len({_text(word.get("speaker")) for word in words} - {None}) < 2:
        return
    if _letters("".join(word["word"] for word in words)) != _letters(part["text"]):
        return  # some words are missing
    sentence: list[dict] = []
    for word in words:
        sentence.append(word)
        if re.search(r"[.!?…]\W*$", word["word"]) or word is words[-1]:
            counts = Counter(filter(None, (_text(word.get("speaker")) for word in sentence)))
            name = max(counts, key=counts.__getitem__) if counts else None
            yield name, " ".join(word["word"].strip() for word in sentence)
            sentence = []


def _without_loops(pieces: Sequence[Piece]) -> list[Piece]:
    """Reduce each long run of pieces with the same text to one of them."""
    result: list[Piece] = []
    for text, group in groupby(pieces, lambda piece: piece.text.casefold()):
        run = list(group)
        min_length = MIN_LOOP_OF_ONE if len(text.split()) == 1 else MIN_LOOP
        result += run[:1] if len(run) >= min_length else run
    return result


def without_loop(text: str) -> str:
    """Reduce words that are repeated over and over again to one occurrence."""
    words = text.split()
    folded = [re.sub(r"\W", "", word.casefold()) for word in words]
    start = 0
    while start < len(words):
        for length in range(1, min(MAX_LOOP_WORDS, (len(words) - start) // MIN_LOOP) + 1):
            unit = folded[start : start + length]
            end = start + length
            while folded[end : end + length] == unit:
                end += length
            if end - start >= length * (MIN_LOOP_OF_ONE if length == 1 else MIN_LOOP):
                del words[start + length : end], folded[start + length : end]
                break
        start += 1
    return " ".join(words)


def _attributed(pieces: Sequence[Piece]) -> list[Piece]:
    """Give a piece without a speaker the speaker of the one before, or else of the next."""
    if all(piece.speaker is None for piece in pieces):
        return list(pieces)
    last = next(piece.speaker for piece in pieces if piece.speaker is not None)
    result = []
    for piece in pieces:
        last = piece.speaker or last
        result.append(Piece(piece.text, piece.start, piece.end, last))
    return result


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None


def _text(value: Any) -> str | None:
    return str(value).strip() or None if isinstance(value, str | int) else None


def _letters(text: str) -> str:
    return "".join(text.split())
