"""The corpus stage on Dask, and artifacts in object storage: real schedulers, workers and S3."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.local_services import free_port
from tests.pipelines import ROOT, Pipeline, lines_of
from tests.s3_stand_in import KEYS, objects
from tests.wiki_pages import article, dump

pytest.importorskip("prefect_dask", reason="make cluster installs what a cluster needs")
pytestmark = pytest.mark.slow
TEXTS = """
sources:
  stories: {kind: sample, characters: 6000000}
  others: {kind: sample, characters: 2500000, seed: 7}
  wiki: {kind: wiki, path: DUMP}
tokenizer: {vocab_size: 600}
model: {layers: 1, width: 16, heads: 2, context: 32}
train: {max_steps: 2, batch_size: 2, threads: 1}
samples: {tokens: 5}
"""


@pytest.fixture(scope="module")
def texts(tmp_path_factory) -> str:
    """A configuration of generated stories and of a wiki's dump."""
    file = tmp_path_factory.mktemp("wiki") / "ruwiki-pages-articles.xml"
    file.write_bytes(dump(*(article(number, 300) for number in range(300))))
    return TEXTS.replace("DUMP", str(file))


@pytest.fixture(scope="module")
def here(tmp_path_factory, with_server, texts) -> Pipeline:
    """The same texts, made by this machine's own processes."""
    pipeline = Pipeline(tmp_path_factory.mktemp("here"), with_server, texts)
    done = pipeline.run()
    assert done.returncode == 0, done.stderr
    return pipeline


class Cluster:
    """A scheduler and its workers, each a process in a folder of its own."""

    def __init__(self, folder: Path, environment: dict[str, str]):
        self.folder, self.environment = folder, environment
        self.address = f"tcp://127.0.0.1:{free_port()}"
        self.running: list[subprocess.Popen] = []
        where = ["--host", "127.0.0.1", "--port", self.address.rpartition(":")[2]]
        self.scheduler = self.start("scheduler", *where, "--no-dashboard")

    def worker(self, **environment: str) -> subprocess.Popen:
        """Without a nanny, so that the process is the worker itself."""
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--host", "127.0.0.1"]
        return self.start("worker", self.address, *options, **environment)

    def start(self, *what: str, **environment: str) -> subprocess.Popen:
        own = self.folder / str(len(self.running))
        own.mkdir()
        with (own / "log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "dask", *what],
                cwd=own,
                env={**self.environment, "PYTHONPATH": str(ROOT), **environment},
                stdout=log,
                stderr=log,
            )
        self.running.append(process)
        return process

    def end(self) -> None:
        for process in self.running:
            process.kill()
            process.wait()


@pytest.fixture
def cluster(tmp_path, with_server) -> Iterator[Cluster]:
    folder = tmp_path / "cluster"
    folder.mkdir()
    cluster = Cluster(folder, with_server)
    try:
        yield cluster
    finally:
        cluster.end()


def contents(pipeline: Pipeline) -> dict[str, str]:
    """By artifact, the digest of its files: everything that is made of texts."""
    digests = {}
    for kind in ("raw", "corpus", "tokenizer", "tokens"):
        for path in (pipeline.data / kind).glob("*/manifest.json"):
            digests[f"{kind}/{path.parent.name}"] = json.loads(path.read_text())["content"]
    return digests


def test_two_workers_on_this_machine_make_the_same_files(here, texts, tmp_path, with_server):
    pipeline = Pipeline(tmp_path, with_server, texts)
    done = pipeline.run("cluster.workers=2")
    assert done.returncode == 0, done.stderr
    assert "Dask: 2 workers" in done.stderr
    assert "Traceback" not in done.stderr and "distributed" not in done.stderr
    assert contents(pipeline) == contents(here)
    again = pipeline.run("cluster.workers=2")
    assert "corpus" in lines_of(again.stderr, "up to date")
    assert "Dask" not in again.stderr  # nothing to do: no cluster is started
    _, run = pipeline.mlflow_run()
    assert not any(name.startswith("cluster") for name in run.data.params)


def test_workers_elsewhere_hand_on_their_work_through_object_storage(
    here, texts, cluster, tmp_path, with_server, s3
):
    """They share no folder with this machine: what they write is in the bucket for a while."""
    for _ in range(2):
        cluster.worker(**s3)
    pipeline = Pipeline(tmp_path / "own", {**with_server, **s3}, texts)
    options = [f"cluster.address={cluster.address}", "cluster.exchange=s3://femto/exchange"]
    done = pipeline.run(*options)
    assert done.returncode == 0, done.stderr
    assert "Dask: 2 workers" in done.stderr
    assert contents(pipeline) == contents(here)
    assert not [name for name in objects(s3) if name.startswith("exchange")]


def test_a_killed_worker_is_not_missed(here, texts, cluster, tmp_path, with_server):
    lost, _ = cluster.worker(), cluster.worker()
    pipeline = Pipeline(tmp_path / "own", with_server, texts)
    process = pipeline.start(f"cluster.address={cluster.address}")
    end = time.monotonic() + 120
    while not list((pipeline.data / "corpus").glob(".*.partial/cleaned/*.arrow")):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.01)
    lost.kill()
    output, _ = process.communicate(timeout=240)
    assert process.returncode == 0, output
    assert contents(pipeline) == contents(here)


def test_an_interruption_leaves_the_cluster_and_no_half_work(
    here, texts, cluster, tmp_path, with_server, s3
):
    cluster.worker(**s3)
    pipeline = Pipeline(tmp_path / "own", {**with_server, **s3}, texts)
    options = [f"cluster.address={cluster.address}", "cluster.exchange=s3://femto/exchange"]
    process = pipeline.start(*options)
    end = time.monotonic() + 120
    while not any("exchange" in name for name in objects(s3)):
        assert process.poll() is None and time.monotonic() < end
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert not any("exchange" in name for name in objects(s3))
    assert all(worker.poll() is None for worker in cluster.running)
    done = pipeline.run(*options)
    assert done.returncode == 0, done.stderr
    assert contents(pipeline) == contents(here)


def refused(pipeline: Pipeline, *options: str) -> str:
    """The last line of a pipeline that fails."""
    done = pipeline.run(*options)
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_what_is_wrong_with_a_cluster_is_said_in_one_line(texts, cluster, tmp_path, with_server):
    pipeline = Pipeline(tmp_path / "own", with_server, texts)
    nobody = f"tcp://127.0.0.1:{free_port()}"
    assert f"no Dask scheduler answers at {nobody}" in refused(
        pipeline, f"cluster.address={nobody}"
    )
    address = f"cluster.address={cluster.address}"
    assert "no worker has joined the Dask scheduler" in refused(pipeline, address)
    for package in ("femtogpt", "tasks"):
        shutil.copytree(ROOT / package, tmp_path / "another" / package)
    changed = tmp_path / "another/femtogpt/corpus/split.py"
    changed.write_text(changed.read_text() + "ANOTHER = 1\n")
    cluster.worker(PYTHONPATH=str(tmp_path / "another"))
    line = refused(pipeline, address)
    assert re.search(r"Dask's worker tcp://\S+ has another femtogpt", line)


def test_machines_share_what_they_make_in_object_storage(here, texts, tmp_path, with_server, s3):
    one = Pipeline(tmp_path / "one", {**with_server, **s3}, texts)
    remote = "paths.remote=s3://femto/artifacts"
    done = one.run(remote)
    assert done.returncode == 0, done.stderr
    other = Pipeline(tmp_path / "other", {**with_server, **s3}, texts)
    done = other.run(remote)
    assert done.returncode == 0, done.stderr
    taken = lines_of(done.stderr, "taken from s3://femto/artifacts")
    assert {"corpus", "tokenizer", "tokens", "run", "evaluation", "samples"} <= {*taken}
    assert not lines_of(done.stderr, "made")
    assert contents(one) == contents(other) == contents(here)
    _, run = other.mlflow_run()
    assert run.info.status == "FINISHED"


def test_without_an_answer_from_object_storage_the_pipeline_goes_on(tmp_path, with_server):
    away = {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{free_port()}"}
    pipeline = Pipeline(tmp_path, {**with_server, **away})
    done = pipeline.run("paths.remote=s3://femto/artifacts")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("paths.remote s3://femto/artifacts cannot be used") == 1
    assert "Traceback" not in done.stderr
