"""``femtogpt corpus …``: the cleaned texts."""

from __future__ import annotations

import argparse
from pathlib import Path

from femtogpt.commands.options import Commands, command, found, number, write_page
from femtogpt.errors import UserError


def add(commands: Commands) -> None:
    """Add the commands about corpora."""
    corpus = commands.add_parser("corpus", help="the cleaned texts").add_subparsers(
        required=True, metavar="show|diff|report|prove|rules"
    )
    show = command(corpus, "show", _corpus_show, "random documents, or one")
    show.add_argument("id", nargs="?", help="a document, as source/id or a part of it")
    show.add_argument("--split", choices=("train", "held_out"), help="only of this split")
    show.add_argument("--source", help="only of this source")
    show.add_argument("--rejected", action="store_true", help="what was rejected, and why")
    show.add_argument("--count", type=number, default=3, help="how many documents (default: 3)")
    show.add_argument("--characters", type=number, default=600, help="to show of each; 0: all")
    show.add_argument("--seed", type=int, help="of the choice; default: random")
    diff = command(corpus, "diff", _corpus_diff, "documents before and after cleaning")
    diff.add_argument("id", nargs="?", help="a document, as source/id or a part of it")
    diff.add_argument("--rule", help="only what this rule changed")
    diff.add_argument("--source", help="only of this source")
    diff.add_argument("--count", type=number, default=3, help="how many documents (default: 3)")
    diff.add_argument(
        "--lines", type=number, default=40, help="changed lines to show of each; 0: all"
    )
    diff.add_argument("--seed", type=int, help="of the choice; default: random")
    diff.add_argument(
        "--longest", action="store_true", help="the longest stretches that --rule took"
    )
    diff.add_argument("--html", type=Path, help="write a page with both side by side")
    report = command(corpus, "report", _corpus_report, "counts by source, rule and filter")
    report.add_argument("--html", type=Path, help="write a page with plots and examples")
    command(corpus, "prove", _corpus_prove, "check again that no held-out text is in train")
    about = "the cleaning rules and the document filters, as Markdown"
    rules = corpus.add_parser("rules", help=about, description=f"{about.capitalize()}.")
    rules.set_defaults(run_command=_corpus_rules)


def _corpus_show(options: argparse.Namespace) -> None:
    from femtogpt.corpus.document_view import show

    for text in show(
        found("corpus", options),
        id=options.id,
        split=options.split,
        source=options.source,
        rejected=options.rejected,
        count=options.count,
        characters=options.characters,
        seed=options.seed,
    ):
        print(text)


def _corpus_diff(options: argparse.Namespace) -> None:
    from femtogpt.corpus.cleaning_diff import Selection, diff, diff_page

    if options.longest:
        return _longest(options)
    selection = Selection(
        id=options.id,
        rule=options.rule,
        source=options.source,
        count=options.count,
        seed=options.seed,
    )
    corpus = found("corpus", options)
    data = corpus.path.resolve().parents[1]  # its raw texts lie beside it
    if options.html:
        return write_page(options.html, diff_page(corpus, data, selection))
    for text in diff(corpus, data, selection, lines=options.lines):
        print(text)


def _longest(options: argparse.Namespace) -> None:
    from femtogpt.corpus.longest_stretches import listing, longest

    if options.rule is None or options.id is not None or options.html is not None:
        raise UserError("--longest goes with --rule NAME, and not with a document or --html")
    corpus = found("corpus", options)
    data = corpus.path.resolve().parents[1]
    for text in listing(longest(corpus, data, options.rule, options.source, options.count)):
        print(text)


def _corpus_report(options: argparse.Namespace) -> None:
    from femtogpt.corpus.corpus_report import report, report_page

    corpus = found("corpus", options)
    if options.html:
        write_page(options.html, report_page(corpus))
    else:
        print(report(corpus))


def _corpus_prove(options: argparse.Namespace) -> None:
    from femtogpt.corpus.corpus_report import prove_again

    print(prove_again(found("corpus", options)))


def _corpus_rules(options: argparse.Namespace) -> None:
    from femtogpt.corpus.rule_listing import listing

    print(listing())
