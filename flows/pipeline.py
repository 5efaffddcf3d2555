"""The whole line, from raw text to samples: ``python -m flows pipeline sample``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import flows  # noqa: F401  before Prefect: it reads its settings at import
from femtogpt.artifacts.again import kinds_of, stages_in
from femtogpt.config import Config
from femtogpt.config_file import load_config, nested, read_overrides
from femtogpt.evaluation.run_report import SUMMARY
from flows.console import await_server, show_stages, stop_when_alone, told
from flows.evaluate import evaluated
from flows.lifecycle import flow_of, path_of
from flows.parameters import Settings
from tasks import stages


def reported(config: Config) -> dict:
    """The report's folder and the MLflow run, with everything before them up to date."""
    artifacts = evaluated(config)
    report = stages.report(config, artifacts)
    record = stages.record(config, {**artifacts, "report": report})
    return {"report": str(report.path), "run": record}


pipeline = flow_of(reported, "pipeline", "From raw text to samples, all that is not up to date.")


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline from the command line."""
    parser = argparse.ArgumentParser(prog="make pipeline", description=__doc__)
    parser.add_argument("config", nargs="?", default="sample", help="a name in conf/ or a path")
    parser.add_argument("--archive", default="", help="a copy of the Kaggle dataset on disk")
    parser.add_argument("--set", nargs="*", default=[], help="overrides: section.field=value")
    parser.add_argument(
        "--again", nargs="*", default=[], help="stages to run though they are up to date: train"
    )
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    with told():
        known = load_config(options.config, options.set, path_of(options.archive))
        again = ",".join(options.again)
        kinds_of(stages_in(again))
        show_stages()
        if options.guarded:
            stop_when_alone()
        settings = Settings.model_validate(nested(read_overrides(options.set)))
        await_server()
        done = pipeline(options.config, settings, options.archive, again)
    record = done["run"]
    print(f"\n{(Path(done['report']) / SUMMARY).read_text('utf-8')}")
    print(f"MLflow      run «{record['name']}» ({record['run_id']}) in experiment «{known.name}»")
    print(f"Files       {done['report']} (loss.png, summary.txt)")
    print("Next        make ui: curves, samples and files of this run in the browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
