"""Text out of tokens as they come: whole characters only, and nothing of a stop sign."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from femtogpt.tokens.tokenizer import Tokenizer


def _marked(error: UnicodeError) -> tuple[str, int]:
    """A sign for each byte that is no text, as sentencepiece does; Python has one for several."""
    assert isinstance(error, UnicodeDecodeError)
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("mark-each", _marked)


class TextStream:
    """Takes ids one by one and gives the text that is certain so far."""

    def __init__(self, tokenizer: Tokenizer, stop: Sequence[str] = ()):
        """``stop``: the text ends before the first of these, none of which is empty."""
        self.pieces, self.bytes = tokenizer.pieces, tokenizer.bytes
        self.stop = stop
        self.stopped = False
        self._decoder = codecs.getincrementaldecoder("utf-8")("mark-each")
        self._held = ""  # what may be the beginning of a stop sign

    def add(self, id: int) -> str:
        """The text that an id makes certain, perhaps none; nothing once it has stopped."""
        byte = int(self.bytes[id])
        if byte >= 0:  # a part of a character that has no piece
            return self._until_stop(self._decoder.decode(bytes([byte])))
        return self._until_stop(self._decoder.decode(self.pieces[id].encode()))

    def rest(self) -> str:
        """What was held back, once no more ids come."""
        return self._until_stop(self._decoder.decode(b"", final=True), final=True)

    def _until_stop(self, text: str, final: bool = False) -> str:
        if self.stopped:
            return ""
        text, self._held = self._held + text, ""
        found = [place for sign in self.stop if (place := text.find(sign)) >= 0]
        end = min(found, default=len(text))
        begun = len(text) - max((_begun(text, sign) for sign in self.stop), default=0)
        if begun < end and not final:  # a sign that begins before the others may be coming
            self._held = text[begun:]
            return text[:begun]
        self.stopped = bool(found)
        return text[:end]


def _begun(text: str, sign: str) -> int:
    """How many characters at the end of a text begin ``sign``."""
    most = min(len(text), len(sign) - 1)
    return next((size for size in range(most, 0, -1) if text.endswith(sign[:size])), 0)
