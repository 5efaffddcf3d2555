"""Options that several commands have."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from femtogpt.errors import UserError

if TYPE_CHECKING:
    from femtogpt.artifacts.artifact import Artifact

Commands = Any  # what argparse's add_subparsers gives; it has no public name
Run = Callable[[argparse.Namespace], None]
# As find_run takes them.
RUN_NAMES = "a name in femtogpt runs or its beginning, a configuration, a folder, or best"


def number(text: str) -> int:
    """An option's whole number, 0 or more."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative: give 0 or more")
    return number


def command(group: Commands, name: str, run: Run, about: str) -> argparse.ArgumentParser:
    """A command about the newest artifact below ``data/``, or about one that is named."""
    command = group.add_parser(name, help=about, description=about.capitalize() + ".")
    command.add_argument(
        "--from", dest="where", help="a folder, or a configuration; default: the newest in data/"
    )
    command.add_argument("--data", type=Path, default=Path("data"), help="default: data")
    command.set_defaults(run_command=run)
    return command


def add_run(parser: argparse.ArgumentParser) -> None:
    """The options of a command about a trained model."""
    parser.add_argument("--run", help=f"{RUN_NAMES}; default: the newest model")
    parser.add_argument("--data", type=Path, default=Path("data"), help="default: data")


def add_listing(parser: argparse.ArgumentParser, run: Run) -> None:
    """Options of a command that lists what there is."""
    parser.add_argument("--data", type=Path, default=Path("data"), help="default: data")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run_command=run)


def found(kind: str, options: argparse.Namespace) -> Artifact:
    """The artifact of a kind that the options name. Raises UserError if there is none."""
    from femtogpt.artifacts.lookup import find

    return find(kind, options.where, options.data)


def write_page(path: Path, page: str, option: str = "--html") -> None:
    """Write a page whole or not at all, and say where. Raises UserError where that fails.

    ``option`` is the one that names the file.
    """
    from femtogpt.artifacts.disk import write_atomic

    try:
        write_atomic(path, page.encode())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name another file with {option}") from error
    print(f"written: {path}")
