"""What several test files share: a place of its own for each test, and a running Prefect server."""

from __future__ import annotations

import logging
import os
import pickle
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from filelock import FileLock

from tests import secret_search

if TYPE_CHECKING:
    from femtogpt.tokens.shards import Tokens
    from tests.exports import Pipeline

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
LEFT_BEHIND = ("mlruns", ".prefect", "data", "benchmarks/out")  # what a test might forget

# Before anything imports them: no telemetry, and nothing in the person's own folders.
os.environ |= {"DO_NOT_TRACK": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
for name in [*os.environ]:
    if name.startswith(("KAGGLE_", "PREFECT_")) or name == "MLFLOW_TRACKING_URI":
        del os.environ[name]
os.environ["KAGGLE_API_TOKEN"] = secret_search.TOKEN  # to be searched for when all are done

# Without processes of their own, which cost seconds to start and change no byte of what is made
# (test_corpus, test_wiki and test_shards show it); pipelines start them as a person's do.
os.environ["FEMTOGPT_WORKERS"] = "1"

# Only a power cut would show whether a file is on the disk, and trainings wait for it for seconds.
os.fsync = lambda descriptor: None

# What make test runs: fewer examples, the same each time. make test-all draws more, at random.
hypothesis.settings.register_profile("quick", max_examples=30, derandomize=True)


# They come first: with a long file at its end, a worker works on while the other has nothing to do.
LONG = ("test_pipeline.py", "test_training_process.py", "test_training.py", "test_wiki_dump.py")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "slow: takes minutes; make test-all runs it")
    if not hasattr(config, "workerinput"):  # not in each of xdist's workers
        config.pluginmanager.register(SecretSearch(config))


class SecretSearch:
    """Fails the session if a secret stands in what tests have said or left behind."""

    def __init__(self, config: pytest.Config):
        self.began, self.config = time.time(), config
        self.seen: dict[str, None] = {}  # in order, each once

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        for name, text in report.sections:
            if secret_search.found_in_text(text):
                self.seen[f"{report.nodeid}: {name}"] = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        temporary = self.config._tmp_path_factory.getbasetemp()
        left = (temporary, *(ROOT / name for name in LEFT_BEHIND))
        self.seen |= dict.fromkeys(secret_search.found_in_files(left, self.began))
        if self.seen:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        for place in self.seen:
            terminalreporter.write_line(f"a secret of Kaggle's stands in {place}", red=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: item.path.name not in LONG)


@pytest.fixture(autouse=True)
def untold() -> None:
    """Each begins as the library is by itself; the flows, once imported, have it tell more."""
    logging.getLogger("femtogpt").setLevel(logging.NOTSET)


@pytest.fixture
def classics() -> Path:
    """The real archive, where it is at hand."""
    path = SHARED / "russian-literature.zip"
    if not path.is_file():
        pytest.skip(f"the classics are not at hand ({path})")
    return path


@pytest.fixture
def tokens(tmp_path: Path) -> Tokens:
    """Shards of a text that a tiny model learns in a few steps."""
    from tests.tiny import repetitive

    return repetitive(tmp_path / "tokens")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """An empty folder to train in."""
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """What a training leaves that nothing interrupts, by its settings."""
    from tests.tiny import outcome, repetitive, trained

    folder = tmp_path_factory.mktemp("unbroken")
    tokens, known = repetitive(folder / "tokens"), {}

    def of(config):
        key = config.model_dump_json()
        if key not in known:
            known[key] = outcome(trained(config, tokens, folder / str(len(known))))
        return known[key]

    return of


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def environment(prefect_home: Path) -> dict[str, str]:
    """For pipelines as processes: Prefect's data apart, no server, no credentials."""
    kept = {name: value for name, value in os.environ.items() if name != "FEMTOGPT_WORKERS"}
    return {**kept, "PREFECT_HOME": str(prefect_home), "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="session")
def with_server(environment: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment of a pipeline with a Prefect server that is already running."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    prefect = Path(sys.executable).with_name("prefect")
    command = [prefect, "server", "start", "--host", "127.0.0.1", "--port", str(port), "--no-ui"]
    server = subprocess.Popen(
        command,
        env={**environment, "PREFECT_SERVER_ANALYTICS_ENABLED": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    url = f"http://127.0.0.1:{port}/api"
    try:
        _await(f"{url}/health", server)
        yield {**environment, "PREFECT_API_URL": url}
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


@pytest.fixture(scope="session")
def trained(tmp_path_factory, worker_id) -> Pipeline:
    """The artifacts of a pipeline with a small model that is really trained, once for all workers.

    Nobody changes them.
    """
    from tests.exports import trained_pipeline

    folder = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        folder = folder.parent
    folder, made = folder / "trained", folder / "trained.pickle"
    with FileLock(f"{folder}.lock"):
        if not made.is_file():
            folder.mkdir()
            made.write_bytes(pickle.dumps(trained_pipeline(folder)))
    return pickle.loads(made.read_bytes())


@pytest.fixture(scope="session")
def s3() -> Iterator[dict[str, str]]:
    """The environment in which a stand-in for S3 answers, with a bucket «femto»."""
    pytest.importorskip("moto", reason="make cluster installs a stand-in for S3")
    from tests.s3_stand_in import served

    with served() as environment:
        yield environment


def _await(url: str, server: subprocess.Popen, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        assert server.poll() is None, "the Prefect server ended"
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.3)
    pytest.fail(f"no answer from {url}")


@pytest.fixture
def load(tmp_path):
    """Loads a configuration with one source, from its other lines and from overrides."""
    from femtogpt.config_file import load_config

    def load(text: str, *overrides: str):
        (tmp_path / "mine.yaml").write_text("sources: {one: {kind: sample}}\n" + text)
        return load_config(str(tmp_path / "mine.yaml"), overrides)

    return load
