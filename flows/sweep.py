"""Many trainings, to find the best settings: ``python -m flows sweep shape``."""

from __future__ import annotations

import argparse
import logging
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from prefect import flow

import flows  # noqa: F401  before Prefect, which reads its settings at import
from femtogpt.config import Config
from femtogpt.config_file import read_overrides, split_overrides
from femtogpt.errors import Unfit, UserError
from femtogpt.evaluation.baseline import baselines_of
from femtogpt.sweep.study import Study, Trial
from femtogpt.sweep.sweep_config import SweepConfig, load_sweep
from femtogpt.sweep.sweep_report import BEST, PICTURE, TABLE, trial_name, write_sweep
from flows.console import await_server, exit_with_one_line, show_stages, stop_with_parent
from flows.killed_runs import end_abandoned, note_flow_run
from flows.lifecycle import end_by_error, optional_path, outcome, run_name
from flows.pipeline import run_stages
from tasks import stages
from tasks.mlflow_sweep import MLflowSweepRun

NO_CHANGES: dict[str, Any] = {}  # with None, Prefect's form would show no field for them
log = logging.getLogger("femtogpt.sweep")


@flow(name="sweep", flow_run_name=run_name, on_running=[note_flow_run])
def sweep(
    sweep: str = "shape", changes: dict[str, Any] = NO_CHANGES, archive: str = ""
) -> dict[str, Any]:
    """Train each variant of a configuration, going on from where it was stopped.

    Args:
        sweep: A sweep's name in conf/sweeps/, or the path of a YAML file.
        changes: Of the sweep, as {"minutes": 30}, or of all trainings, as {"train.max_steps": 99}.
        archive: A copy of the Kaggle dataset on disk. Empty: it is downloaded.
    """
    settings = load_sweep(sweep, changes)
    base = stages.pin(settings.variant({}, optional_path(archive)))
    with closing(Study(settings, base)) as study:
        sweep_run = MLflowSweepRun(settings, study, base)
        try:
            while trial := study.next():
                _run_trial(settings, trial, sweep_run, base)
                write_sweep(settings, study.done(), study.folder)
                sweep_run.log_results()
            write_sweep(settings, study.done(), study.folder)
            sweep_run.log_results()
        except BaseException as error:
            state: Any = end_by_error(error, sweep_run.end)
            return state
        sweep_run.end("FINISHED")
    return {"folder": str(study.folder), "run": sweep_run.record}


def _run_trial(
    settings: SweepConfig, trial: Trial, sweep_run: MLflowSweepRun, base: Config
) -> None:
    """Train one variant and measure it, with the versions of the sources that ``base`` has."""
    number = len(trial.study.done()) + 1
    log.info("trial %d of at most %d: %s", number, settings.max_trials, trial_name(trial.chosen))
    try:
        config = settings.variant(trial.chosen)
    except UserError as error:  # these settings do not fit each other
        return trial.fail(str(error))
    config = config.model_copy(update={"sources": base.sources})
    mlflow_run = sweep_run.trial_run(config, trial)
    try:
        artifacts = run_stages(config, mlflow_run, "prepare")
        tokens = artifacts["tokens"]
        run = stages.train_trial(config, tokens, mlflow_run, trial.watch)
        if run is None:
            return trial.prune()
        corpus = artifacts["corpus"]
        evaluation = stages.evaluation(config, corpus, tokens, run)
        baselines = stages.baselines(config, corpus, tokens)
        made = {**artifacts, "run": run, "evaluation": evaluation, **baselines}
        stages.record(config, made, mlflow_run)
    except Unfit as error:
        mlflow_run.end("FAILED", str(error))
        return trial.fail(str(error))
    except BaseException as error:
        mlflow_run.end(*outcome(error))
        raise
    counts = {**run.counts, **evaluation.counts}
    figures = {
        baseline.title: baseline.bits_per_character for baseline in baselines_of(made).values()
    }
    trial.complete(evaluation.counts["held_out_bits_per_character"], counts, figures)


def main(arguments: list[str] | None = None) -> int:
    """Run a sweep from the command line."""
    parser = argparse.ArgumentParser(prog="make sweep", description=__doc__)
    parser.add_argument("sweep", help="a name in conf/sweeps/ or a path")
    parser.add_argument("--archive", default="", help="a copy of the Kaggle dataset on disk")
    parser.add_argument(
        "--set", nargs="*", action="extend", default=[], help="minutes=30, train.max_steps=99, …"
    )
    parser.add_argument("--set-line", default="", help="the same in one line, as make's SET")
    parser.add_argument("--guarded", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    overrides = [*options.set, *split_overrides(options.set_line)]
    with exit_with_one_line():
        changes = read_overrides(overrides)
        load_sweep(options.sweep, changes)
        show_stages()
        if options.guarded:
            stop_with_parent()
        await_server()
        end_abandoned()
        result = sweep(options.sweep, changes, options.archive)
    folder, record = Path(result["folder"]), result["run"]
    print(f"\n{(folder / TABLE).read_text('utf-8')}")
    print(f"Picture     {folder / PICTURE}")
    print(f"MLflow      run «{record['name']}» ({record['run_id']}), with its trials below it")
    if (folder / BEST).is_file():
        print(f"Next        make pipeline CONF={folder / BEST}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
