"""``make play``: the playground, with its votes in MLflow too.

``femtogpt play`` is the same page without MLflow; what was voted there is taken along by the next
``make play``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from femtogpt.commands.playground_commands import add_options, play
from femtogpt.errors import UserError
from femtogpt.terminal import speak_plainly
from flows.service_notes import ROOT


def main() -> int:
    speak_plainly()
    parser = argparse.ArgumentParser(prog="flows.play", description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--mlruns", type=Path, default=ROOT / "mlruns")
    options = parser.parse_args()
    try:
        from tasks.mlflow_votes import record_votes

        play(options, lambda votes: record_votes(votes, options.mlruns))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # while modules load
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
