"""MLflow's pages on a finished pipeline, in a real browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_services import await_answer, free_port
from tests.pages import await_text, browsing
from tests.pipelines import Pipeline

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory, with_server) -> Iterator[tuple[str, Pipeline]]:
    """The address of MLflow's server over one finished run, and its pipeline."""
    pipeline = Pipeline(tmp_path_factory.mktemp("ui"), with_server)
    done = pipeline.run()
    assert done.returncode == 0, done.stderr
    port = free_port()
    store = f"sqlite:///{pipeline.mlruns / 'mlflow.db'}"
    mlflow = str(Path(sys.executable).with_name("mlflow"))
    server = subprocess.Popen(
        [mlflow, "ui", "--backend-store-uri", store, "--host", "127.0.0.1", "--port", str(port)],
        env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        await_answer(f"{address}/health", server)
        yield address, pipeline
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with browsing(tmp_path_factory.mktemp("chromium")) as browser:
        yield browser


def test_a_person_sees_settings_curves_and_files_of_the_run(page, browser):
    address, pipeline = page
    _, run = pipeline.mlflow_run()
    url = f"{address}/#/experiments/{run.info.experiment_id}/runs/{run.info.run_id}"
    browser.get(url)
    await_text(browser, run.info.run_name, "Finished", "train.max_steps", "train_loss")
    browser.get(f"{url}/model-metrics")
    await_text(browser, "by_tokens", "train_loss", "held_out_loss")
    for _ in range(100):
        if browser.find_elements("css selector", ".js-plotly-plot, .recharts-surface, canvas"):
            break
        time.sleep(0.3)
    assert browser.find_elements("css selector", ".js-plotly-plot, .recharts-surface, canvas")
    browser.get(f"{url}/artifacts/report/loss.png")
    await_text(browser, "loss.png", "samples", "tokenizer")
    runs = f"{address}/#/experiments/{run.info.experiment_id}/runs"
    browser.get(f"{runs}?compareRunsMode=ARTIFACT")
    await_text(browser, "samples/by_step.json", "Group by:\nstep", "Compare:\nsample")
    browser.get(f"{url}/artifacts/samples/by_step.json")
    await_text(browser, "View as table", "7680")
