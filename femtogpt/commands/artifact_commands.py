"""``femtogpt artifacts``: what ``data/`` holds, and what may go."""

from __future__ import annotations

import argparse
from pathlib import Path

from femtogpt.commands.options import Commands, add_listing


def add(commands: Commands) -> None:
    """Add the commands about artifacts."""
    about = "what data/ holds: kind, age, size, what it was made from and what uses it"
    artifacts = commands.add_parser("artifacts", help=about)
    add_listing(artifacts, _artifacts)
    prune = artifacts.add_subparsers(metavar="prune").add_parser(
        "prune",
        help="remove what no configuration's newest pipeline needs",
        description="Remove what no configuration's newest pipeline needs. Trained models, and what"
        " was made with changed settings or for a configuration elsewhere, go only by name.",
    )
    prune.add_argument("names", nargs="*", help="these instead, as run/12ab…")
    prune.add_argument("--dry-run", action="store_true", help="only list them")
    prune.add_argument("--yes", action="store_true", help="do not ask")
    prune.add_argument("--data", type=Path, default=Path("data"), help="default: data")
    prune.set_defaults(run_command=_prune)


def _artifacts(options: argparse.Namespace) -> None:
    from femtogpt.commands.artifact_list import as_json, inventory, listing

    print((as_json if options.json else listing)(inventory(options.data)))


def _prune(options: argparse.Namespace) -> None:
    from femtogpt.commands.artifact_list import inventory, prune

    for line in prune(inventory(options.data), options.names, options.dry_run, options.yes):
        print(line, flush=True)
