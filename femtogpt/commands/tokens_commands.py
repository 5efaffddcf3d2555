"""``femtogpt tokens …``: the token shards."""

from __future__ import annotations

import argparse

from femtogpt.commands.options import Commands, command, found, number


def add(commands: Commands) -> None:
    """Add the commands about token shards."""
    tokens = commands.add_parser("tokens", help="the token shards").add_subparsers(
        required=True, metavar="show|report"
    )
    show = command(tokens, "show", _tokens_show, "the text at a position in a shard")
    show.add_argument("shard", nargs="?", help="split/source/number, as train/classics/00000")
    show.add_argument("--at", type=int, help="the position of a token; default: random")
    show.add_argument("--count", type=number, default=120, help="how many tokens (default: 120)")
    show.add_argument("--pieces", action="store_true", help="mark where tokens end; show ids")
    show.add_argument("--seed", type=int, help="of the position; default: random")
    report = command(tokens, "report", _tokens_report, "how well the tokenizer fits the text")
    report.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[4000, 8000, 16000, 32000],
        help="vocabularies to compare (default: 4000 8000 16000 32000)",
    )
    report.add_argument("--width", type=int, default=256, help="the model's, for its embedding")


def _tokens_show(options: argparse.Namespace) -> None:
    from femtogpt.tokens.shard_view import show

    print(
        show(
            found("tokens", options).path,
            shard=options.shard,
            at=options.at,
            count=options.count,
            pieces=options.pieces,
            seed=options.seed,
        )
    )


def _tokens_report(options: argparse.Namespace) -> None:
    from femtogpt.artifacts.lookup import made_from
    from femtogpt.tokens.tokenizer_report import report

    tokens = found("tokens", options)
    corpus = made_from(tokens, "corpus", tokens.path.resolve().parents[1])
    print(report(tokens, corpus, options.sizes, options.width))
