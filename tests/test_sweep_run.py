"""A sweep as a person runs it: processes, a signal, a real MLflow store."""

from __future__ import annotations

import os
import signal

import pytest

from tests.pipelines import Pipeline, lines_of, training_processes

SWEEP = """
config: {config}
settings:
  model.layers: [1, 2]
  train.learning_rate: [0.01, 0.02]
prune: false
changes: {{train.max_steps: 120, paths.data: {data}, paths.mlruns: {mlruns}}}
"""


@pytest.mark.slow
def test_a_sweep_that_is_stopped_goes_on_and_ends_with_the_best(tmp_path, with_server):
    pipeline = Pipeline(tmp_path, with_server)
    sweep = tmp_path / "two.yaml"
    sweep.write_text(
        SWEEP.format(config=pipeline.config, data=pipeline.data, mlruns=pipeline.mlruns)
    )
    process = pipeline.start(flow="sweep", config=str(sweep))
    pipeline.await_steps(30, process)
    os.kill(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not training_processes(tmp_path)

    done = pipeline.run(flow="sweep", config=str(sweep))
    assert done.returncode == 0, done.stderr
    assert "going on from the checkpoint at step" in done.stderr
    (folder,) = (pipeline.data / "sweeps").iterdir()
    client, runs = pipeline.mlflow_runs()
    (parent,) = (run for run in runs if run.info.run_name == "sweep two")
    children = [
        run for run in runs if run.data.tags.get("mlflow.parentRunId") == parent.info.run_id
    ]
    assert {run.info.run_name: run.info.status for run in children} == {
        "layers 1, learning_rate 0.01": "FINISHED",
        "layers 2, learning_rate 0.01": "FINISHED",
        "layers 1, learning_rate 0.02": "FINISHED",
        "layers 2, learning_rate 0.02": "FINISHED",
    }
    assert parent.info.status == "FINISHED"
    files = {file.path for file in client.list_artifacts(parent.info.run_id)}
    assert files == {"table.md", "sweep.png", "best.yaml"}
    bits = [run.data.metrics["evaluation/held_out_bits_per_character"] for run in children]
    assert parent.data.metrics["best/held_out_bits_per_character"] == min(bits)

    best = pipeline.run(config=str(folder / "best.yaml"))
    assert best.returncode == 0, best.stderr
    # The training of the sweep is the pipeline's: it is not done again.
    assert lines_of(best.stderr, "made") == ["samples", "text_index", "memory", "report"]
