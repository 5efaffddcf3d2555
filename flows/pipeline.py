"""The whole line, from raw text to samples: ``python -m flows pipeline sample``."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import Any, Literal

import flows  # noqa: F401  before Prefect, which reads its settings at import
from femtogpt.artifacts.again import kinds_of, stages_in
from femtogpt.artifacts.artifact import Artifact
from femtogpt.config import Config
from femtogpt.config_file import load_config, nested, read_overrides, split_overrides
from femtogpt.report.run_report import SUMMARY
from femtogpt.training.budget_stage import for_this_machine, with_choice
from flows import dask_corpus
from flows.console import await_server, exit_with_one_line, show_stages, stop_with_parent
from flows.killed_runs import end_abandoned
from flows.lifecycle import configuration_flow, optional_path
from flows.parameters import Settings
from flows.train_generations import train_generations
from tasks import stages
from tasks.mlflow_run import MLflowRun

Part = Literal["ingest", "prepare", "train", "evaluate", "pipeline"]


def run_stages(config: Config, mlflow_run: MLflowRun, part: Part) -> dict[str, Any]:
    """Run the stages in order, to the end of ``part``. What is up to date is not made again."""
    raws = {name: stages.fetch_source(config, name) for name in config.sources}
    if part == "ingest":
        return raws

    corpus = dask_corpus.corpus(config, raws)
    tokenizer = stages.tokenizer(config, corpus)
    tokens = stages.tokens(config, corpus, tokenizer)
    artifacts = {"corpus": corpus, "tokenizer": tokenizer, "tokens": tokens}
    if part == "prepare":
        return artifacts

    chosen: dict[str, Artifact] = {}
    config = for_this_machine(config)
    if config.train.hours is not None:
        choice = stages.choice(config, tokens)
        config = with_choice(config, choice)
        mlflow_run.place(config, mlflow_run.name, mlflow_run.parent)
        chosen = {"choice": choice}
    run = train_generations(config, artifacts, mlflow_run)
    artifacts["run"] = run
    if part == "train":
        return artifacts

    artifacts["evaluation"] = stages.evaluation(config, corpus, tokens, run)
    artifacts["samples"] = stages.samples(config, tokens, run)
    artifacts |= stages.memory(config, corpus, artifacts["samples"])
    artifacts |= stages.baselines(config, corpus, tokens)
    if part == "evaluate":
        return artifacts

    report = stages.report(config, artifacts)
    artifacts["report"] = report
    record = stages.record(config, {**artifacts, **chosen}, mlflow_run)
    return {"report": str(report.path), "run": record}


ingest = configuration_flow(
    "ingest",
    "Fetch the newest version of each source.",
    partial(run_stages, part="ingest"),
)
prepare = configuration_flow(
    "prepare",
    "Fetch, clean, split and encode what is not up to date.",
    partial(run_stages, part="prepare"),
)
train = configuration_flow(
    "train",
    "Train, going on from the last checkpoint. What it needs is made first.",
    partial(run_stages, part="train"),
)
evaluate = configuration_flow(
    "evaluate",
    "Measure the model on held-out works and have it write. What it needs is made first.",
    partial(run_stages, part="evaluate"),
)
pipeline = configuration_flow(
    "pipeline",
    "From raw text to samples: make everything that is not up to date.",
    partial(run_stages, part="pipeline"),
)


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline from the command line."""
    parser = argparse.ArgumentParser(prog="make pipeline", description=__doc__)
    parser.add_argument("config", nargs="?", default="sample", help="a name in conf/ or a path")
    parser.add_argument("--archive", default="", help="a copy of the Kaggle dataset on disk")
    parser.add_argument(
        "--set", nargs="*", action="extend", default=[], help="overrides: section.field=value"
    )
    again = "stages to run though they are up to date: train"
    parser.add_argument("--again", nargs="*", action="extend", default=[], help=again)
    parser.add_argument("--hours", default="", help="choose size and length for this time")
    parser.add_argument("--set-line", default="", help="the same in one line, as make's SET")
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    hours = [f"train.hours={options.hours}"] if options.hours else []
    overrides = [*hours, *options.set, *split_overrides(options.set_line)]
    again = ",".join(options.again)
    with exit_with_one_line():
        config = load_config(options.config, overrides, optional_path(options.archive))
        kinds_of(stages_in(again))
        show_stages()
        if options.guarded:
            stop_with_parent()
        settings = Settings.model_validate(nested(read_overrides(overrides)))
        await_server()
        end_abandoned()
        result = pipeline(options.config, settings, options.archive, again)
    record = result["run"]
    print(f"\n{(Path(result['report']) / SUMMARY).read_text('utf-8')}")
    print(f"MLflow      run «{record['name']}» ({record['run_id']}) in experiment «{config.name}»")
    print(f"Model       {record['model']}, a version in MLflow's registry")
    print(f"Files       {result['report']} (report.html, loss.png, summary.txt)")
    print("Next        make play: write with this model, compare it, in the browser")
    print("            make ui: curves, samples and files of this run")
    return 0


if __name__ == "__main__":
    sys.exit(main())
