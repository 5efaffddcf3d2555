"""What a person sees before a flow begins."""

from __future__ import annotations

import io
import logging
import signal
import subprocess
import sys
from contextlib import nullcontext

import pytest
from prefect.settings import PREFECT_API_URL, PREFECT_SERVER_EPHEMERAL_ENABLED, temporary_settings

from flows import console


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
