"""The whole line, from raw text to samples: ``python -m flows pipeline sample``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from prefect import State, flow
from prefect.exceptions import CancelledRun, TerminationSignal
from prefect.states import Cancelled

import flows  # noqa: F401  before Prefect: it reads its settings at import
from femtogpt.config import Config
from femtogpt.config_file import load_config
from femtogpt.errors import Stopped, UserError
from femtogpt.reading.report import SUMMARY
from flows.console import show_stages, stop_when_alone
from flows.prepare import prepare
from flows.train import train
from tasks import stages
from tasks.tracking import Tracking

GOES_ON = "the same command goes on from here"


@flow(name="pipeline")
def pipeline(config: Config) -> dict | State:
    """Everything that is not up to date; gives the report's folder and the MLflow run.

    Stopped by a signal it is cancelled, for Prefect as for MLflow, and not failed.
    """
    config = stages.pin(config)
    tracking = Tracking.of(config)
    try:
        # The flows' own functions: as sub-flows they would cost seconds where nothing is to do.
        artifacts = prepare.fn(config)
        artifacts |= train.fn(config, artifacts["tokens"])
        report = stages.report(config, artifacts)
        run = stages.record(config, {**artifacts, "report": report})
    except (Stopped, KeyboardInterrupt, TerminationSignal) as error:
        said = str(error) if isinstance(error, Stopped) else f"stopped: {GOES_ON}"
        tracking.end("KILLED", said)
        return Cancelled(message=said)
    except BaseException as error:
        status = "FAILED" if isinstance(error, Exception) else "KILLED"
        tracking.end(status, str(error) or type(error).__name__)
        raise
    return {"report": str(report.path), "run": run}


def main(arguments: list[str] | None = None) -> int:
    """Run the pipeline from the command line; 0: done, 1: see the last line, 130: stopped."""
    parser = argparse.ArgumentParser(prog="make pipeline", description=__doc__)
    parser.add_argument("config", nargs="?", default="sample", help="a name in conf/ or a path")
    parser.add_argument("--archive", type=Path, help="a copy of the Kaggle dataset on disk")
    parser.add_argument("--set", nargs="*", default=[], help="overrides: section.field=value")
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        config = load_config(options.config, options.set, options.archive)
        show_stages()
        if options.guarded:
            stop_when_alone()
        done = pipeline(config)
    except UserError as error:
        return _end(f"error: {error}", 1)
    except CancelledRun as error:
        return _end(str(error), 130)
    except KeyboardInterrupt:  # before or after the flow
        return _end(f"stopped: {GOES_ON}", 130)
    run = done["run"]
    print(f"\n{(Path(done['report']) / SUMMARY).read_text('utf-8')}")
    print(f"MLflow      run «{run['name']}» ({run['run_id']}) in experiment «{config.name}»")
    print(f"Files       {done['report']} (loss.png, summary.txt)")
    print("Next        make ui: curves, samples and files of this run in the browser")
    return 0


def _end(line: str, status: int) -> int:
    print(line, file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
