"""Many trainings, to find the best settings: ``python -m flows sweep shape``."""

from __future__ import annotations

import argparse
import logging
import sys
from pathlib import Path
from typing import Any

from prefect import State, flow
from prefect.exceptions import CancelledRun, TerminationSignal
from prefect.states import Cancelled

import flows  # noqa: F401  before Prefect: it reads its settings at import
from femtogpt.config_file import read_overrides
from femtogpt.errors import Diverged, Stopped, UserError
from femtogpt.sweep.config import SweepConfig, load_sweep
from femtogpt.sweep.report import BEST, PICTURE, TABLE, name_of, write_sweep
from femtogpt.sweep.study import Study, Trial
from flows.console import end, show_stages, stop_when_alone
from flows.prepare import prepared
from flows.running import GOES_ON, run_name
from tasks import stages
from tasks.sweeping import SweepRun
from tasks.tracking import Tracking

log = logging.getLogger("femtogpt.sweep")


@flow(name="sweep", flow_run_name=run_name)
def sweep(
    sweep: str = "shape", changes: dict[str, Any] | None = None, archive: Path | None = None
) -> dict | State:
    """Train each variant of a configuration, going on where it was stopped.

    Args:
        sweep: A sweep's name in conf/sweeps/, or the path of a YAML file.
        changes: Of the sweep, as {"minutes": 30}, or of all trainings, as {"train.max_steps": 99}.
        archive: A copy of the Kaggle dataset on disk, instead of a download.
    """
    known = load_sweep(sweep, changes or {})
    config = known.variant({}, archive)
    study = Study(known, config.paths.data)
    record = SweepRun(known, study, config)
    try:
        while trial := study.next():
            _try(known, trial, record, archive)
            write_sweep(known, study.done(), study.folder)
            shown = record.show()
    except (Stopped, KeyboardInterrupt, TerminationSignal) as error:
        said = str(error) if isinstance(error, Stopped) else f"stopped: {GOES_ON}"
        record.end("KILLED", said)
        return Cancelled(message=said)
    except BaseException as error:
        record.end("FAILED", str(error) or type(error).__name__)
        raise
    write_sweep(known, study.done(), study.folder)
    shown = record.show()
    record.end("FINISHED")
    return {"folder": str(study.folder), "run": shown}


def _try(known: SweepConfig, trial: Trial, record: SweepRun, archive: Path | None) -> None:
    """One training and what it is worth."""
    try:
        config = stages.pin(known.variant(trial.chosen, archive))
    except UserError as error:  # these settings do not fit each other
        return trial.fail(str(error))
    log.info("trial %d of %d at most: %s", trial.number + 1, known.most, name_of(trial.chosen))
    record.child(config, trial)
    artifacts = prepared(config)
    tracking = Tracking.of(config)
    try:
        run = stages.train(config, artifacts["tokens"], trial.watch)
    except Diverged as error:
        tracking.end("FAILED", str(error))
        return trial.fail(str(error))
    except BaseException as error:
        tracking.end("KILLED" if isinstance(error, Stopped) else "FAILED", str(error))
        raise
    if run is None:
        return trial.prune()
    evaluation = stages.evaluation(config, artifacts["tokens"], run)
    stages.record(config, {**artifacts, "run": run, "evaluation": evaluation})
    trial.complete(evaluation.counts["held_out_bits_per_character"], run.counts)


def main(arguments: list[str] | None = None) -> int:
    """Run a sweep from the command line; 0: done, 1: see the last line, 130: stopped."""
    parser = argparse.ArgumentParser(prog="make sweep", description=__doc__)
    parser.add_argument("sweep", help="a name in conf/sweeps/ or a path")
    parser.add_argument("--archive", type=Path, help="a copy of the Kaggle dataset on disk")
    parser.add_argument("--set", nargs="*", default=[], help="minutes=30, train.max_steps=99, …")
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    try:
        changes = read_overrides(options.set)
        load_sweep(options.sweep, changes)
        show_stages()
        if options.guarded:
            stop_when_alone()
        done = sweep(options.sweep, changes, options.archive)
    except UserError as error:
        return end(f"error: {error}", 1)
    except CancelledRun as error:
        return end(str(error), 130)
    except KeyboardInterrupt:  # before or after the flow
        return end(f"stopped: {GOES_ON}", 130)
    folder, run = Path(done["folder"]), done["run"]
    print(f"\n{(folder / TABLE).read_text('utf-8')}")
    print(f"Picture     {folder / PICTURE}")
    print(f"MLflow      run «{run['name']}» ({run['run_id']}), its trials below it")
    if (folder / BEST).is_file():
        print(f"Next        make pipeline CONF={folder / BEST}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
