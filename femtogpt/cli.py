"""The command ``femtogpt``: plans a training, has models write, and looks at what was made.

Only ``femtogpt artifacts prune`` changes anything.

``femtogpt corpus …`` and ``femtogpt tokens …`` take the newest corpus or token shards below
``data/``, or those of a folder or a configuration that is named with ``--from``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from femtogpt.errors import UserError
from femtogpt.terminal import speak_plainly


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
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # of `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="femtogpt", description="Plan, write, and look at what was made."
    )
    things = parser.add_subparsers(
        required=True, metavar="plan|why|generate|artifacts|runs|corpus|tokens"
    )

    plan = things.add_parser("plan", help="what a training will take: memory, steps, time")
    plan.add_argument("--config", default="sample", help="a name in conf/ or a path")
    plan.add_argument("--set", nargs="*", default=[], help="overrides: section.field=value")
    plan.add_argument("--vram", help="memory of the card, as 8GB; default: the device's")
    plan.add_argument("--device", help="a card by name, or here: measure; default: both")
    plan.add_argument("--hours", type=float, help="choose size and length for this time")
    plan.add_argument("--tokens", type=_number, help="to train on; default: those of the corpus")
    plan.set_defaults(run_command=_plan)

    why = things.add_parser("why", help="which stages would run, and why; nothing is made")
    why.add_argument("stage", nargs="?", help="only this one, as corpus or train")
    why.add_argument("--config", default="sample", help="a name in conf/ or a path")
    why.add_argument("--set", nargs="*", default=[], help="overrides: section.field=value")
    why.add_argument("--archive", default="", help="a copy of the Kaggle dataset on disk")
    why.set_defaults(run_command=_why)

    generate = things.add_parser(
        "generate",
        help="what a trained model writes after a beginning",
        description="Have a trained model write on. It ends where the document does.",
    )
    _writing(generate)

    about = "what data/ holds: kind, age, size, what it was made from and what uses it"
    artifacts = things.add_parser("artifacts", help=about)
    _listing(artifacts, _artifacts)
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
    runs = things.add_parser("runs", help="the trained models, and those in training")
    _listing(runs, _runs)

    corpus = things.add_parser("corpus", help="the cleaned texts").add_subparsers(
        required=True, metavar="show|diff|report|prove|rules"
    )
    show = _command(corpus, "show", _corpus_show, "random documents, or one")
    show.add_argument("id", nargs="?", help="a document, as source/id or a part of it")
    show.add_argument("--split", choices=("train", "held_out"), help="only of this split")
    show.add_argument("--source", help="only of this source")
    show.add_argument("--rejected", action="store_true", help="what was rejected, and why")
    show.add_argument("--count", type=_number, default=3, help="how many documents (default: 3)")
    show.add_argument("--characters", type=_number, default=600, help="to show of each; 0: all")
    show.add_argument("--seed", type=int, help="of the choice; default: random")
    diff = _command(corpus, "diff", _corpus_diff, "documents before and after cleaning")
    diff.add_argument("id", nargs="?", help="a document, as source/id or a part of it")
    diff.add_argument("--rule", help="only what this rule changed")
    diff.add_argument("--source", help="only of this source")
    diff.add_argument("--count", type=_number, default=3, help="how many documents (default: 3)")
    diff.add_argument(
        "--lines", type=_number, default=40, help="changed lines to show of each; 0: all"
    )
    diff.add_argument("--seed", type=int, help="of the choice; default: random")
    diff.add_argument(
        "--longest", action="store_true", help="the longest stretches that --rule took"
    )
    diff.add_argument("--html", type=Path, help="write a page with both side by side")
    report = _command(corpus, "report", _corpus_report, "counts by source, rule and filter")
    report.add_argument("--html", type=Path, help="write a page with plots and examples")
    _command(corpus, "prove", _corpus_prove, "check again that no held-out text is in train")
    about = "the cleaning rules and the document filters, as Markdown"
    rules = corpus.add_parser("rules", help=about, description=f"{about.capitalize()}.")
    rules.set_defaults(run_command=_corpus_rules)

    tokens = things.add_parser("tokens", help="the token shards").add_subparsers(
        required=True, metavar="show|report"
    )
    show = _command(tokens, "show", _tokens_show, "the text at a position in a shard")
    show.add_argument("shard", nargs="?", help="split/source/number, as train/classics/00000")
    show.add_argument("--at", type=int, help="the position of a token; default: random")
    show.add_argument("--count", type=_number, default=120, help="how many tokens (default: 120)")
    show.add_argument("--pieces", action="store_true", help="mark where tokens end; show ids")
    show.add_argument("--seed", type=int, help="of the position; default: random")
    report = _command(tokens, "report", _tokens_report, "how well the tokenizer fits the text")
    report.add_argument(
        "--sizes",
        type=int,
        nargs="+",
        default=[4000, 8000, 16000, 32000],
        help="vocabularies to compare (default: 4000 8000 16000 32000)",
    )
    report.add_argument("--width", type=int, default=256, help="the model's, for its embedding")
    return parser


def _writing(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("prompt", nargs="?", default="", help="the beginning; -: standard input")
    names = "a name in femtogpt runs, a configuration, a folder, or best"
    add("--run", help=f"{names}; default: the newest model")
    add("--tokens", type=_number, default=200, help="at most; default: 200")
    chance = "0: always the likeliest token; default: 0.8"
    add("--temperature", type=float, default=0.8, help=chance)
    add("--top-k", type=int, help="draw among so many of the likeliest tokens")
    nucleus = "among the fewest with this probability; default: 0.95"
    add("--top-p", type=float, default=0.95, help=nucleus)
    least = "among those with this share of the likeliest's; default: 0"
    add("--min-p", type=float, default=0.0, help=least)
    again = "of tokens that the text has; default: 1, none"
    add("--repetition-penalty", type=float, default=1.0, help=again)
    add("--seed", type=_number, help="the same one writes the same; default: drawn")
    add("--stop", action="append", default=[], help="end before this text")
    add("--count", type=_number, default=1, help="how many texts; default: 1")
    add("--json", action="store_true", help="for programs: a line for each text")
    add("--data", type=Path, default=Path("data"), help="default: data")
    parser.set_defaults(run_command=_generate)


def _number(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text} is negative: give 0 or more")
    return number


def _command(group, name: str, run, about: str) -> argparse.ArgumentParser:
    command = group.add_parser(name, help=about, description=about.capitalize() + ".")
    command.add_argument(
        "--from", dest="where", help="a folder, or a configuration; default: the newest in data/"
    )
    command.add_argument("--data", type=Path, default=Path("data"), help="default: data")
    command.set_defaults(run_command=run)
    return command


def _listing(parser: argparse.ArgumentParser, run: Callable[[argparse.Namespace], None]) -> None:
    parser.add_argument("--data", type=Path, default=Path("data"), help="default: data")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(run_command=run)


def _why(options: argparse.Namespace) -> None:
    from femtogpt.commands.why import why

    for line in why(options.config, options.set, options.stage, options.archive):
        print(line, flush=True)


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


def _artifacts(options: argparse.Namespace) -> None:
    from femtogpt.commands.artifact_list import as_json, inventory, listing

    print((as_json if options.json else listing)(inventory(options.data)))


def _prune(options: argparse.Namespace) -> None:
    from femtogpt.commands.artifact_list import inventory, prune

    for line in prune(inventory(options.data), options.names, options.dry_run, options.yes):
        print(line, flush=True)


def _runs(options: argparse.Namespace) -> None:
    from femtogpt.commands.run_list import as_json, listing, runs

    found = runs(options.data)
    print(as_json(found) if options.json else listing(found, options.data))


def _plan(options: argparse.Namespace) -> None:
    from femtogpt.training.allocator import keep_freed_memory

    keep_freed_memory()  # as a training does, before torch takes any
    from femtogpt.config_file import load_config
    from femtogpt.tokens.shards import Tokens
    from femtogpt.training.plan_report import plan_report
    from femtogpt.training.settings import tokens_per_epoch

    hours = [] if options.hours is None else [f"train.hours={options.hours}"]
    config = load_config(options.config, [*hours, *options.set])
    tokens = options.tokens
    if tokens is None:
        with contextlib.suppress(UserError):  # it is not made yet: the plan says so
            from femtogpt.artifacts.lookup import find

            tokens_artifact = find("tokens", options.config, config.paths.data)
            weights = {name: source.weight for name, source in config.sources.items()}
            tokens = round(tokens_per_epoch(Tokens(tokens_artifact.path), weights))
    print(plan_report(config, tokens, options.vram, options.device))


def _corpus_show(options: argparse.Namespace) -> None:
    from femtogpt.corpus.document_view import show

    for text in show(
        _found("corpus", options),
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
    corpus = _found("corpus", options)
    data = corpus.path.resolve().parents[1]  # its raw texts lie beside it
    if options.html:
        return _write(options.html, diff_page(corpus, data, selection))
    for text in diff(corpus, data, selection, lines=options.lines):
        print(text)


def _longest(options: argparse.Namespace) -> None:
    from femtogpt.corpus.longest_stretches import listing, longest

    if options.rule is None or options.id is not None or options.html is not None:
        raise UserError("--longest goes with --rule NAME, and not with a document or --html")
    corpus = _found("corpus", options)
    data = corpus.path.resolve().parents[1]
    for text in listing(longest(corpus, data, options.rule, options.source, options.count)):
        print(text)


def _corpus_report(options: argparse.Namespace) -> None:
    from femtogpt.corpus.corpus_report import report, report_page

    corpus = _found("corpus", options)
    if options.html:
        _write(options.html, report_page(corpus))
    else:
        print(report(corpus))


def _corpus_prove(options: argparse.Namespace) -> None:
    from femtogpt.corpus.corpus_report import prove_again

    print(prove_again(_found("corpus", options)))


def _corpus_rules(options: argparse.Namespace) -> None:
    from femtogpt.corpus.rule_listing import listing

    print(listing())


def _tokens_show(options: argparse.Namespace) -> None:
    from femtogpt.tokens.shard_view import show

    print(
        show(
            _found("tokens", options).path,
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

    tokens = _found("tokens", options)
    corpus = made_from(tokens, "corpus", tokens.path.resolve().parents[1])
    print(report(tokens, corpus, options.sizes, options.width))


def _found(kind: str, options: argparse.Namespace):
    from femtogpt.artifacts.lookup import find

    return find(kind, options.where, options.data)


def _write(path: Path, page: str) -> None:
    from femtogpt.artifacts.disk import write_atomic

    try:
        write_atomic(path, page.encode())
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}; name another file with --html") from error
    print(f"written: {path}")


if __name__ == "__main__":
    sys.exit(main())
