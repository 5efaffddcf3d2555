"""Ctrl-C, as early as a person can press it."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib

import pytest

from tests.pipelines import ROOT

# A process that gets the signal when it is about to load a module, as the script `femtogpt` starts.
STOPPED = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # it may be inherited
def stop(event, arguments):
    if event == "import" and arguments[0] == {module!r}:
        os.kill(os.getpid(), signal.SIGINT)
sys.addaudithook(stop)
from {entry} import {function}
sys.exit({function}())
"""


@pytest.mark.parametrize(
    "module",
    [
        *("femtogpt.cli", "argparse", "femtogpt.commands.artifact_commands", "femtogpt.errors"),
        *("femtogpt.terminal", "femtogpt.commands.run_list", "json"),
    ],
)
def test_a_command_that_is_stopped_while_it_loads_ends_quietly(module, tmp_path):
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["scripts"]
    entry, function = scripts["femtogpt"].split(":")
    code = STOPPED.format(module=module, entry=entry, function=function)
    command = [sys.executable, "-c", code, "runs", "--data", str(tmp_path)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")
