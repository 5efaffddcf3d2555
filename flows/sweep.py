"""Many trainings, to find the best settings: ``python -m flows sweep shape``."""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from prefect import State, flow

import flows  # noqa: F401  before Prefect: it reads its settings at import
from femtogpt.config import Config
from femtogpt.config_file import read_overrides
from femtogpt.errors import Unfit, UserError
from femtogpt.sweep.study import Study, Trial
from femtogpt.sweep.sweep_config import SweepConfig, load_sweep
from femtogpt.sweep.sweep_report import BEST, PICTURE, TABLE, trial_name, write_sweep
from flows.console import await_server, show_stages, stop_when_alone, told
from flows.lifecycle import ended, outcome, path_of, run_name
from flows.prepare import prepared
from tasks import stages
from tasks.mlflow_run import Tracking
from tasks.mlflow_sweep import SweepRun

NOTHING: dict[str, Any] = {}  # to change; with None, Prefect's form would show no field for it
log = logging.getLogger("femtogpt.sweep")


@flow(name="sweep", flow_run_name=run_name)
def sweep(
    sweep: str = "shape", changes: dict[str, Any] = NOTHING, archive: str = ""
) -> dict | State:
    """Train each variant of a configuration, going on where it was stopped.

    Args:
        sweep: A sweep's name in conf/sweeps/, or the path of a YAML file.
        changes: Of the sweep, as {"minutes": 30}, or of all trainings, as {"train.max_steps": 99}.
        archive: A copy of the Kaggle dataset on disk; empty: it is downloaded.
    """
    known = load_sweep(sweep, changes)
    base = stages.pin(known.variant({}, path_of(archive)))
    with closing(Study(known, base)) as study:
        record = SweepRun(known, study, base)
        try:
            while trial := study.next():
                _try(known, trial, record, base)
                write_sweep(known, study.done(), study.folder)
                record.show()
            write_sweep(known, study.done(), study.folder)
            record.show()
        except BaseException as error:
            return ended(error, record.end)
        record.end("FINISHED")
    return {"folder": str(study.folder), "run": record.told}


def _try(known: SweepConfig, trial: Trial, record: SweepRun, base: Config) -> None:
    """One training and what it is worth, with the sources as they are for all."""
    number = len(trial.study.done()) + 1
    log.info("trial %d of %d at most: %s", number, known.max_trials, trial_name(trial.chosen))
    try:
        config = known.variant(trial.chosen)
    except UserError as error:  # these settings do not fit each other
        return trial.fail(str(error))
    config = config.model_copy(update={"sources": base.sources})
    record.child(config, trial)
    tracking = Tracking.of(config)
    try:
        artifacts = prepared(config)
        run = stages.train(config, artifacts["tokens"], trial.watch)
        if run is None:
            return trial.prune()
        evaluation = stages.evaluation(config, artifacts["tokens"], run)
        stages.record(config, {**artifacts, "run": run, "evaluation": evaluation})
    except Unfit as error:
        tracking.end("FAILED", str(error))
        return trial.fail(str(error))
    except BaseException as error:
        tracking.end(*outcome(error))
        raise
    counts = {**run.counts, **evaluation.counts}
    trial.complete(evaluation.counts["held_out_bits_per_character"], counts)


def main(arguments: list[str] | None = None) -> int:
    """Run a sweep from the command line."""
    parser = argparse.ArgumentParser(prog="make sweep", description=__doc__)
    parser.add_argument("sweep", help="a name in conf/sweeps/ or a path")
    parser.add_argument("--archive", default="", help="a copy of the Kaggle dataset on disk")
    parser.add_argument("--set", nargs="*", default=[], help="minutes=30, train.max_steps=99, …")
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    with told():
        changes = read_overrides(options.set)
        load_sweep(options.sweep, changes)
        show_stages()
        if options.guarded:
            stop_when_alone()
        await_server()
        done = sweep(options.sweep, changes, options.archive)
    folder, run = Path(done["folder"]), done["run"]
    print(f"\n{(folder / TABLE).read_text('utf-8')}")
    print(f"Picture     {folder / PICTURE}")
    print(f"MLflow      run «{run['name']}» ({run['run_id']}), its trials below it")
    if (folder / BEST).is_file():
        print(f"Next        make pipeline CONF={folder / BEST}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
