"""``femtogpt play``: a page on which models write and are judged."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from femtogpt.commands.options import Commands, number

if TYPE_CHECKING:
    from femtogpt.playground.choices import Choice
    from femtogpt.playground.play_server import Record


def add(commands: Commands) -> None:
    """Add the command that serves the playground."""
    about = "a page in the browser: write, compare blindly, talk, look at tokens"
    parser = commands.add_parser("play", help=about, description=f"Open {about}.")
    add_options(parser)
    parser.set_defaults(run_command=play)


def add_options(parser: argparse.ArgumentParser) -> None:
    port = "of 127.0.0.1, 0: any; default: 8765 or, if it is taken, the next that is not"
    parser.add_argument("--port", type=number, help=port)
    parser.add_argument("--no-browser", action="store_true", help="only say where the page is")
    parser.add_argument("--data", type=Path, default=Path("data"), help="default: data")


def play(options: argparse.Namespace, record: Record | None = None) -> None:
    """Serve the page until Ctrl-C. ``record`` takes the votes to where runs are recorded."""
    from femtogpt.playground import play_server

    play_server.play(
        options.data,
        lambda: choices_of(options.data),
        options.port,
        not options.no_browser,
        record,
    )


def choices_of(data: Path) -> list[Choice]:
    from femtogpt.commands.run_list import runs
    from femtogpt.playground.choices import Choice

    return [
        Choice(
            run.name,
            run.short,
            run.configuration,
            run.parameters,
            run.held_out_bits_per_character,
            run.is_estimate,
            run.date,
            run.state,
        )
        for run in runs(data)
    ]
