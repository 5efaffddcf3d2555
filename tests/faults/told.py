"""What the log says, kept."""

from __future__ import annotations

import logging


class Told(logging.Handler):
    """Keeps the messages of the log, with the tracebacks that come with them."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(self.format(record))
