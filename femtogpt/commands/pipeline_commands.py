"""``femtogpt plan``, ``why``, ``runs`` and ``report``: before a training, and after it."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from femtogpt.commands.options import Commands, add_listing, add_run, number, write_page
from femtogpt.errors import UserError
from femtogpt.report.wording import DEFAULT_LANGUAGE, LANGUAGES


def add(commands: Commands) -> None:
    """Add the commands about trainings."""
    plan = commands.add_parser("plan", help="what a training will take: memory, steps, time")
    plan.add_argument("--config", default="sample", help="a name in conf/ or a path")
    plan.add_argument(
        "--set", nargs="*", action="extend", default=[], help="overrides: section.field=value"
    )
    plan.add_argument("--vram", help="memory of the card, as 8GB; default: the device's")
    plan.add_argument("--device", help="a card by name, or here: measure; default: both")
    plan.add_argument("--hours", type=float, help="choose size and length for this time")
    plan.add_argument("--tokens", type=number, help="to train on; default: those of the corpus")
    plan.set_defaults(run_command=_plan)

    why = commands.add_parser("why", help="which stages would run, and why; nothing is made")
    why.add_argument("stage", nargs="?", help="only this one, as corpus or train")
    why.add_argument("--config", default="sample", help="a name in conf/ or a path")
    why.add_argument(
        "--set", nargs="*", action="extend", default=[], help="overrides: section.field=value"
    )
    why.add_argument("--archive", default="", help="a copy of the Kaggle dataset on disk")
    why.set_defaults(run_command=_why)

    runs = commands.add_parser("runs", help="the trained models, and those in training")
    add_listing(runs, _runs)

    report = commands.add_parser(
        "report",
        help="all about a trained model, as one page for a browser",
        description="Write all about a trained model into one page, which needs no network.",
    )
    language = f"of the page; default: {DEFAULT_LANGUAGE}"
    report.add_argument("--language", choices=LANGUAGES, default=DEFAULT_LANGUAGE, help=language)
    report.add_argument("--to", type=Path, help="default: report.html; in English, report.en.html")
    add_run(report)
    report.set_defaults(run_command=_report)


def _plan(options: argparse.Namespace) -> None:
    from femtogpt.training.allocator import keep_freed_memory

    keep_freed_memory()  # as a training does, before torch takes any
    from femtogpt.config_file import load_config
    from femtogpt.tokens.shards import Tokens
    from femtogpt.training.budget_stage import for_this_machine
    from femtogpt.training.plan_report import HERE, plan_report
    from femtogpt.training.settings import tokens_per_epoch

    hours = [] if options.hours is None else [f"train.hours={options.hours}"]
    config = load_config(options.config, [*hours, *options.set])
    if options.vram is None and options.device in (None, HERE):
        config = for_this_machine(config)
    tokens = options.tokens
    if tokens is None:
        with contextlib.suppress(UserError):  # it is not made yet: the plan says so
            from femtogpt.artifacts.lookup import find

            tokens_artifact = find("tokens", options.config, config.paths.data)
            weights = {name: source.weight for name, source in config.sources.items()}
            tokens = round(tokens_per_epoch(Tokens(tokens_artifact.path), weights))
    print(plan_report(config, tokens, options.vram, options.device))


def _why(options: argparse.Namespace) -> None:
    from femtogpt.commands.why import why

    for line in why(options.config, options.set, options.stage, options.archive):
        print(line, flush=True)


def _runs(options: argparse.Namespace) -> None:
    from femtogpt.commands.run_list import as_json, listing, runs

    found = runs(options.data)
    print(as_json(found) if options.json else listing(found, options.data))


def _report(options: argparse.Namespace) -> None:
    from femtogpt.commands.find_run import find_run
    from femtogpt.report.run_facts import facts_of
    from femtogpt.report.run_page import run_page

    page = run_page(facts_of(find_run(options.run, options.data)), options.language)
    suffix = "" if options.language == DEFAULT_LANGUAGE else f".{options.language}"
    write_page(options.to or Path(f"report{suffix}.html"), page, "--to")
