"""What a person sees before a flow begins."""

from __future__ import annotations

import io
import logging
import re
import signal
import subprocess
import sys
import threading
from contextlib import nullcontext
from subprocess import PIPE

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_EPHEMERAL_ENABLED, temporary_settings

from femtogpt.errors import UserError
from flows import console, prefect_room, temporary_server
from flows.service_notes import HOME


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("screen", [io.StringIO, Terminal])
def test_a_line_before_the_wait_says_that_a_server_starts_and_how_to_keep_one(
    monkeypatch, caplog, screen
):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(sys, "stderr", stderr := screen())
    lines = []

    def start(**options):
        lines.extend(caplog.messages)
        return nullcontext()

    monkeypatch.setattr(console, "get_client", start)
    with temporary_settings(
        {PREFECT_SERVER_EPHEMERAL_ENABLED: True}, restore_defaults=[PREFECT_API_URL]
    ):
        console.await_server()
    (line,) = lines
    assert "temporary server" in line and "make up" in line
    assert ("temporary server" in stderr.getvalue()) == stderr.isatty()  # the progress line


def test_a_configured_server_is_not_waited_for(caplog):
    caplog.set_level(logging.INFO)
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}):
        console.await_server()
    assert not caplog.messages


DROPPED = """
import os, signal, time
from flows.console import stop_with_parent

class Interrupted:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

stop_with_parent()
try:
    Interrupted()
    time.sleep(30)
except KeyboardInterrupt:
    print("stopped")
"""
LATE = """
import os, signal, sys, types
from flows import __main__ as guarded

def main(arguments):
    print("done")
    os.kill(os.getpid(), signal.SIGINT) if {during} else None
    return 0

sys.modules["flows.made_up"] = types.SimpleNamespace(main=main)
status = guarded._run_flow("made_up")
os.kill(os.getpid(), signal.SIGINT)
sys.exit(status)
"""


def test_a_stop_that_comes_in_a_destructor_is_a_stop_and_no_traceback():
    with subprocess.Popen(
        [sys.executable, "-c", DROPPED], stdin=PIPE, stdout=PIPE, stderr=PIPE, text=True
    ) as process:
        output, errors = process.stdout.read(), process.stderr.read()
    assert (output, errors) == ("stopped\n", "")


@pytest.mark.parametrize(("during", "status"), [(False, 0), (True, 130)])
def test_a_stop_after_the_work_of_a_flow_leaves_no_traceback(during, status):
    command = [sys.executable, "-c", LATE.format(during=during)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (status, "done\n", "")


TEMPORARY = {PREFECT_SERVER_EPHEMERAL_ENABLED: True}


@pytest.fixture
def free(monkeypatch):
    """Sets how many bytes are free on every disk."""
    return lambda size: monkeypatch.setattr(prefect_room, "free_room", lambda folder: size)


def test_a_run_does_not_begin_without_room_for_its_record(free, monkeypatch):
    monkeypatch.setattr(console, "get_client", None)  # no server is started
    free(prefect_room.ROOM - 1)
    with (
        temporary_settings(TEMPORARY, restore_defaults=[PREFECT_API_URL]),
        pytest.raises(UserError) as refused,
    ):
        console.await_server()
    line = rf"{re.escape(str(HOME))}: the disk is full: Prefect's record of the run needs at least"
    assert re.fullmatch(
        rf"{line} 16.8 MB, and .* MB are free: .* PREFECT_HOME=…", str(refused.value)
    )


@pytest.mark.parametrize("left", [0, None], ids=["full", "room again"])
def test_a_record_that_found_no_room_is_told_in_the_end_and_while_the_run_goes_on(
    free, left, caplog, capsys, monkeypatch
):
    monkeypatch.setattr(prefect_room, "_was_full", was_full := threading.Event())
    free(0)
    prefect_room.watch_room()
    assert was_full.wait(10)
    if left is None:
        free(1 << 30)
    with pytest.raises(SystemExit) as ended, console.exit_with_one_line():
        raise RuntimeError("500 Internal Server Error")
    assert ended.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {HOME}: the disk {'is' if left == 0 else 'was'} full: ")
    assert line.endswith("PREFECT_HOME=…; the same command goes on from here")
    (warning,) = caplog.messages
    assert "the run goes on" in warning


def test_a_server_that_ends_while_it_starts_is_not_started_for_ever(free, monkeypatch):
    free(1 << 30)
    from prefect.server.api.server import SubprocessASGIServer

    starts, own = [], SubprocessASGIServer._run_uvicorn_command

    def start(port):
        starts.append(subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"]))
        return starts[-1]

    monkeypatch.setattr(temporary_server, "start_server", start)
    with (
        temporary_settings(TEMPORARY, restore_defaults=[PREFECT_API_URL]),
        pytest.raises(UserError, match=r"server does not start: .*server\.log says why"),
    ):
        console.await_server()
    assert len(starts) == temporary_server.STARTS
    assert SubprocessASGIServer._run_uvicorn_command is own


@pytest.mark.slow
def test_a_flow_in_the_background_of_a_script_stops_with_its_parent():
    program = (
        "import time; from flows.console import stop_with_parent; stop_with_parent();"
        " print('ready', flush=True); time.sleep(100)"
    )
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as a shell has it for jobs with &
    try:
        flow = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, before)
    assert flow.stdout is not None and flow.stdout.readline() == "ready\n"
    _, errors = flow.communicate(timeout=60)  # closes its standard input
    assert "KeyboardInterrupt" in errors and flow.returncode


def test_a_server_that_does_not_start_in_time_is_one_line(capsys):
    told = "Timed out while attempting to connect to ephemeral Prefect API server."
    with pytest.raises(SystemExit) as end, console.exit_with_one_line():
        raise RuntimeError(told)
    assert end.value.code == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: Prefect's temporary server did not answer in time: try again")
