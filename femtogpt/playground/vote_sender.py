"""Taking votes to where runs are recorded, while the page goes on."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from femtogpt.playground.vote_file import VoteFile
from femtogpt.playground.votes import Vote

LAST_SECONDS = 10.0  # for the last votes, when the program ends
log = logging.getLogger(__name__)


class VoteSender:
    """Hands all votes to ``record`` in a thread, whenever there are new ones.

    The file is the truth and what is recorded a copy: where that fails a line says so, and the next
    vote, or the next start, takes all of them once more.
    """

    def __init__(self, file: VoteFile, record: Callable[[list[Vote]], None] | None):
        self.file, self.record = file, record
        self._asked = threading.Event()
        self._ends = False
        self._thread = threading.Thread(target=self._work, daemon=True)
        if record:
            self._thread.start()

    def send(self) -> None:
        """Have it done soon."""
        self._asked.set()

    def finish(self) -> None:
        """Wait for what was asked, but not for ever."""
        self._ends = True
        self._asked.set()
        if self.record:
            self._thread.join(LAST_SECONDS)

    def _work(self) -> None:
        sent = 0
        while True:
            self._asked.wait()
            self._asked.clear()
            last = self._ends
            try:
                votes = self.file.read()
                if self.record and len(votes) > sent:
                    self.record(votes)
                    sent = len(votes)
            except Exception as error:
                log.warning("%s; the votes are kept in %s", error, self.file.path)
            if last:
                return
