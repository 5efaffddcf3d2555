"""``femtogpt memory``: what a text has from the training text."""

from __future__ import annotations

import argparse
from pathlib import Path

from femtogpt.commands.options import Commands, command, found


def add(commands: Commands) -> None:
    """Add the command that looks a text up in the training text."""
    about = "what a text has verbatim from the training text, and from which works"
    memory = command(commands, "memory", _memory, about)
    memory.add_argument("text", nargs="?", default="-", help="a file; default: standard input (-)")
    run = "the text that this model was trained on; named as in femtogpt generate"
    memory.add_argument("--run", help=run)
    memory.add_argument("--json", action="store_true", help="for programs")


def _memory(options: argparse.Namespace) -> None:
    from femtogpt.commands.memory_listing import as_json, listing, read_text
    from femtogpt.memorisation.text_index import TextIndex

    index = TextIndex.open(_index(options))
    print((as_json if options.json else listing)(index, read_text(options.text)))


def _index(options: argparse.Namespace) -> Path:
    """The folder of the index that the options name."""
    from femtogpt.commands.find_run import find_run
    from femtogpt.memorisation.index_lookup import index_of_run
    from femtogpt.memorisation.index_stage import KIND

    if options.run is None:
        return found(KIND, options).path
    return index_of_run(find_run(options.run, options.data), options.data).path
