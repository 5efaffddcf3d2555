"""``femtogpt generate``: what a model writes."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from femtogpt.commands.options import Commands, number


def add(commands: Commands) -> None:
    """Add the commands that have a model write."""
    generate = commands.add_parser(
        "generate",
        help="what a trained model writes after a beginning",
        description="Have a trained model write on. It ends where the document does.",
    )
    _writing(generate)


def _writing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("prompt", nargs="?", default="", help="the beginning; -: standard input")
    names = "a name in femtogpt runs, a configuration, a folder, or best"
    add("--run", help=f"{names}; default: the newest model")
    add("--tokens", type=number, default=200, help="at most; default: 200")
    chance = "0: always the likeliest token; default: 0.8"
    add("--temperature", type=float, default=0.8, help=chance)
    add("--top-k", type=int, help="draw among so many of the likeliest tokens")
    nucleus = "among the fewest with this probability; default: 0.95"
    add("--top-p", type=float, default=0.95, help=nucleus)
    least = "among those with this share of the likeliest's; default: 0"
    add("--min-p", type=float, default=0.0, help=least)
    again = "of tokens that the text has; default: 1, none"
    add("--repetition-penalty", type=float, default=1.0, help=again)
    add("--seed", type=number, help="the same one writes the same; default: drawn")
    add("--stop", action="append", default=[], help="end before this text")
    add("--count", type=number, default=1, help="how many texts; default: 1")
    add("--json", action="store_true", help="for programs: a line for each text")
    add("--data", type=Path, default=Path("data"), help="default: data")
    parser.set_defaults(run_command=_generate)


def _generate(options: argparse.Namespace) -> None:
    from femtogpt.commands.find_run import find_run

    run = find_run(options.run, options.data)  # before torch is imported, which takes seconds
    from femtogpt.commands.generate import generate, read_prompt
    from femtogpt.generation.sampling import Sampling

    sampling = Sampling(
        options.repetition_penalty,
        options.temperature,
        options.top_k,
        options.top_p,
        options.min_p,
    )
    generate(
        run,
        read_prompt(options.prompt),
        options.tokens,
        sampling,
        options.seed,
        options.stop,
        options.count,
        options.json,
        sys.stdout,
    )
