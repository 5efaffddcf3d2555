"""A sweep's own MLflow run, in a real store that does not always answer."""

from __future__ import annotations

import logging
from contextlib import closing

import pytest

from femtogpt.errors import UserError
from femtogpt.sweep.study import Study
from femtogpt.sweep.sweep_config import load_sweep
from femtogpt.sweep.sweep_report import write_sweep
from tasks.mlflow_sweep import MLflowSweepRun
from tests.pipelines import locked

SWEEP = """
config: sample
settings: {model.layers: [1, 2]}
changes: {train.max_steps: 100, paths.data: DATA, paths.mlruns: MLRUNS}
"""


@pytest.fixture
def settings(tmp_path):
    file = tmp_path / "two.yaml"
    text = SWEEP.replace("DATA", str(tmp_path / "data"))
    file.write_text(text.replace("MLRUNS", str(tmp_path / "mlruns")))
    return load_sweep(str(file))


@pytest.mark.slow
def test_a_sweep_goes_on_while_mlflow_takes_nothing_and_sends_it_all_later(settings, caplog):
    base = settings.variant({})
    with closing(Study(settings, base)) as study:
        sweep_run = MLflowSweepRun(settings, study, base)
        trial = study.next()
        trial.complete(1.5, {"steps": 100, "tokens": 1000, "seconds": 60.0})
        write_sweep(settings, study.done(), study.folder)
        with locked(base.paths.mlruns), caplog.at_level(logging.WARNING, "femtogpt.tracking"):
            sweep_run.log_results()
            with pytest.raises(UserError, match=r"database is locked.*the same command goes on"):
                MLflowSweepRun(settings, study, base)
        (warning,) = caplog.messages  # and none of MLflow's own, a traceback
        assert (
            "database is locked" in warning and str(study.folder) in warning and "\n" not in warning
        )
        sweep_run.log_results()
        sweep_run.end("FINISHED")
    run = sweep_run.client.get_run(sweep_run.record["run_id"])
    assert run.data.metrics["best/held_out_bits_per_character"] == 1.5
    assert {file.path for file in sweep_run.client.list_artifacts(run.info.run_id)} == {
        "table.md",
        "sweep.png",
        "best.yaml",
    }
