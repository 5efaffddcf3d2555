"""``femtogpt generate`` and ``talk``: what a model writes, and what it answers."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from femtogpt.commands.given_text import read_prompt, standard_input
from femtogpt.commands.options import Commands, add_run, number

if TYPE_CHECKING:
    from femtogpt.generation.sampling import Sampling

SEEDS = 2**63  # half of those that torch knows


def add(commands: Commands) -> None:
    """Add the commands that have a model write."""
    generate = commands.add_parser(
        "generate",
        help="what a trained model writes after a beginning",
        description="Have a trained model write on. It ends where the document does.",
    )
    add = generate.add_argument
    add("prompts", nargs="*", metavar="prompt", help="a beginning, or several; -: standard input")
    _writing(generate, "how many to write at most; default: 200")
    add("--stop", action="append", default=[], help="end before this text")
    add("--count", type=number, default=1, help="how many texts after each; default: 1")
    add("--batch", action="store_true", help="write them at once: sooner, but shown at the end")
    add("--json", action="store_true", help="for programs: a line for each text")
    generate.set_defaults(run_command=_generate)

    talk = commands.add_parser(
        "talk",
        help="a dialogue with a model trained on interviews or chats",
        description="Say a line, and the model answers a turn. The end of the input ends it.",
    )
    add = talk.add_argument
    add("--as", dest="person", default="Ведущий", help="who you are; default: Ведущий")
    add("--with", dest="model", default="Гость", help="who the model is; default: Гость")
    _writing(talk, "how many a turn has at most; default: 200")
    talk.set_defaults(run_command=_talk)


def _writing(parser: argparse.ArgumentParser, tokens: str) -> None:
    add_run(parser)
    add = parser.add_argument
    add("--tokens", type=number, default=200, help=tokens)
    chance = "how much is left to chance; 0: always the likeliest token; default: 0.8"
    add("--temperature", type=float, default=0.8, help=chance)
    add("--top-k", type=int, help="draw among so many of the likeliest tokens")
    nucleus = "draw among the fewest that have this probability together; default: 0.95"
    add("--top-p", type=float, default=0.95, help=nucleus)
    least = "draw among those with this share of the likeliest one's; default: 0"
    add("--min-p", type=float, default=0.0, help=least)
    again = "makes tokens that the text has less likely; default: 1, none"
    add("--repetition-penalty", type=float, default=1.0, help=again)
    add("--seed", type=_seed, help="the same seed writes the same text; default: drawn")
    formats = "their format: auto (the fastest), float32, bfloat16 or int8; default: auto"
    add("--weights", default="auto", help=formats)


def _seed(text: str) -> int:
    """A seed that torch takes, and those after it too."""
    seed = number(text)
    if seed >= SEEDS:
        raise argparse.ArgumentTypeError(f"{text} is too large: give less than 2 to the 63rd")
    return seed


def _generate(options: argparse.Namespace) -> None:
    run = _run(options)
    prompts = [read_prompt(prompt) for prompt in options.prompts or [""]]
    from femtogpt.commands.generate import generate

    generate(
        run,
        prompts,
        options.tokens,
        _sampling(options),
        options.seed,
        options.stop,
        options.count,
        options.batch,
        options.weights,
        options.json,
        sys.stdout,
    )


def _talk(options: argparse.Namespace) -> None:
    run = _run(options)
    from femtogpt.commands.talk import talk

    talk(
        run,
        options.person,
        options.model,
        _lines(f"{options.person}: "),
        options.tokens,
        _sampling(options),
        options.seed,
        options.weights,
        sys.stdout,
    )


def _run(options: argparse.Namespace) -> Path:
    from femtogpt.commands.find_run import find_run

    return find_run(options.run, options.data)  # before torch is imported, which takes seconds


def _sampling(options: argparse.Namespace) -> Sampling:
    from femtogpt.generation.sampling import Sampling

    return Sampling(
        options.repetition_penalty,
        options.temperature,
        options.top_k,
        options.top_p,
        options.min_p,
    )


def _lines(asking: str) -> Iterator[str]:
    """Lines of standard input, each asked for if that is a terminal."""
    asking = asking if sys.stdin.isatty() else ""
    while True:
        try:
            yield standard_input(lambda: input(asking))
        except EOFError:
            return
