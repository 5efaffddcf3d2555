"""The command ``femtogpt``: plans a training, has models write, and looks at what was made.

Only ``femtogpt artifacts prune`` changes anything; ``femtogpt evaluate`` adds an evaluation where
there is none.

``femtogpt corpus …`` and ``femtogpt tokens …`` take the newest corpus or token shards below
``data/``, or those of a folder or a configuration that is named with ``--from``.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys

from femtogpt.commands import (
    artifact_commands,
    corpus_commands,
    evaluation_commands,
    export_commands,
    memory_commands,
    pipeline_commands,
    playground_commands,
    tokens_commands,
    writing_commands,
)
from femtogpt.errors import UserError, is_interruption
from femtogpt.terminal import speak_plainly

GROUPS = (
    pipeline_commands,
    writing_commands,
    playground_commands,
    evaluation_commands,
    export_commands,
    memory_commands,
    artifact_commands,
    corpus_commands,
    tokens_commands,
)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line. Gives 0, 1 after an error line on standard error, or 130 if stopped."""
    if arguments is None:
        speak_plainly()
    options = _parser().parse_args(arguments)
    try:
        options.run_command(options)
        sys.stdout.flush()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except BaseException as error:
        if not is_interruption(error):
            raise
        return 128 + signal.SIGINT
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="femtogpt", description="Plan, write, and look at what was made."
    )
    commands = parser.add_subparsers(required=True)
    for group in GROUPS:
        group.add(commands)
    commands.metavar = "|".join(commands.choices)
    return parser


if __name__ == "__main__":
    sys.exit(main())
