"""Training as a process of its own: ``python -m femtogpt.training RUN TOKENS``.

RUN holds ``settings.json``; TOKENS is a folder of token shards. SIGTERM and Ctrl-C finish the
step, write a checkpoint and end with status 75 (try again later); a second one ends at once. It
also stops when its standard input closes, which happens when the process that started it is
gone. Status 2 means that the last line on standard error says what to do.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from femtogpt.artifact import explained
from femtogpt.errors import Stopped, UserError

USER_ERROR, STOPPED = 2, os.EX_TEMPFAIL


class _Stop:
    """Whether a stop was asked for."""

    def __init__(self, watch_input: bool):
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._signal)
        if watch_input:
            threading.Thread(target=self._watch, daemon=True).start()

    def __call__(self) -> bool:
        return self.asked

    def _signal(self, number: int, frame) -> None:
        if self.asked:
            os._exit(128 + number)
        self.asked = True

    def _watch(self) -> None:
        while os.read(0, 1024):
            pass
        self.asked = True


def main() -> int:
    parser = argparse.ArgumentParser(prog="femtogpt.training", description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--supervised", action="store_true", help="stop when standard input closes")
    arguments = parser.parse_args()
    stop = _Stop(arguments.supervised)
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)

    from femtogpt.tokens.shards import Tokens
    from femtogpt.training.loop import Settings, train

    try:
        settings = Settings.model_validate_json((arguments.run / "settings.json").read_bytes())
        with explained(arguments.run):
            train(settings, Tokens(arguments.tokens), arguments.run, stop)
    except Stopped as stopped:
        logging.info("%s", stopped)
        return STOPPED
    except UserError as error:
        logging.error("%s", error)
        return USER_ERROR
    return 0


if __name__ == "__main__":
    sys.exit(main())
