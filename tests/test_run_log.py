"""What a person does not see of a failing flow is in a file."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from flows import console
from flows.child_output import children_write_to

LOUD = [
    "prefect.events.clients",
    "prefect._internal.concurrency",
    "prefect.flow_runs",
    "prefect.task_runs.train",
    "prefect.client",
    "asyncio",
    "websockets.client",
    "mlflow.tracking",
]


@pytest.fixture
def screen(monkeypatch, tmp_path) -> Iterator[io.StringIO]:
    """What a terminal shows, with handlers on the loggers that Prefect gives some."""
    monkeypatch.setattr(console, "LOGS", tmp_path / "logs")
    shown = io.StringIO()
    loggers = [logging.getLogger(), logging.getLogger("prefect._internal")]
    before = [(logger, [*logger.handlers], logger.propagate) for logger in loggers]
    product = logging.getLogger("femtogpt")
    before.append((product, [*product.handlers], product.propagate))
    for logger in loggers:
        logger.handlers = [logging.StreamHandler(shown)]
    loggers[1].propagate = False
    yield shown
    for handler in logging.getLogger().handlers:  # pytest's, which it shares between tests
        handler.removeFilter(console._is_shown)
    for logger, handlers, propagate in before:
        logger.handlers, logger.propagate = handlers, propagate


@pytest.mark.parametrize("name", LOUD)
def test_a_traceback_is_in_the_file_and_not_on_the_screen(screen, tmp_path, name):
    console.show_stages()
    try:
        raise ConnectionError("database is locked")
    except ConnectionError:
        logging.getLogger(name).exception("Crash «detected»! \ud800")
    assert screen.getvalue() == ""
    kept = (tmp_path / "logs/runs.log").read_text("utf-8")
    assert name in kept and "Traceback" in kept and "database is locked" in kept
    assert kept.count("Crash") == 1


@pytest.mark.parametrize("name", ["prefect.events.clients", "prefect.server"])
def test_an_error_of_prefect_without_a_traceback_is_in_the_file_too(screen, tmp_path, name):
    console.show_stages()
    logging.getLogger(name).error("Unable to connect")
    assert screen.getvalue() == ""
    assert "Unable to connect" in (tmp_path / "logs/runs.log").read_text("utf-8")


@pytest.mark.parametrize(
    ("name", "level"), [("prefect", logging.ERROR), ("prefect.task_runs", logging.WARNING)]
)
def test_what_a_person_needs_is_on_the_screen(screen, tmp_path, name, level):
    console.show_stages()
    logging.getLogger(name).log(level, "retrying")
    assert "retrying" in screen.getvalue()
    assert not (tmp_path / "logs/runs.log").exists()


def test_a_file_that_cannot_be_written_is_done_without(screen, tmp_path):
    (tmp_path / "logs").touch()
    console.show_stages()
    logging.getLogger("prefect.client").error("lost")
    assert screen.getvalue() == ""


SCRIPT = """
import subprocess, sys
from pathlib import Path
from flows.child_output import children_write_to
words = "import sys; print('child out'); print('child error', file=sys.stderr)"
say = [sys.executable, "-c", words]
slow = [sys.executable, "-c", "import time, sys; time.sleep(1); print('later', file=sys.stderr)"]
print("before")
with children_write_to(Path(sys.argv[1])):
    print("within", file=sys.stderr)
    subprocess.run(say)
    child = subprocess.Popen(slow)
subprocess.run(say)
print("after")
child.wait()
"""


@pytest.mark.parametrize("name", ["server.log", "новая папка/server.log"])
def test_a_child_writes_to_the_file_to_its_end_and_its_parent_to_the_terminal(tmp_path, name):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / name)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split("\n") == ["before", "child out", "after", ""]
    assert done.stderr.split("\n") == ["within", "child error", ""]
    lines = (tmp_path / name).read_text("utf-8").split("\n")
    assert sorted(lines) == ["", "child error", "child out", "later"]


def test_without_a_file_a_child_writes_where_its_parent_does(tmp_path, capfd):
    (tmp_path / "file").touch()
    with children_write_to(tmp_path / "file/server.log"):
        subprocess.run([sys.executable, "-c", "print('seen')"], timeout=60, check=True)
    assert capfd.readouterr().out == "seen\n"
