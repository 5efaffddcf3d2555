"""Prefect's temporary server: whose requests it answers, and how it ends."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
from contextlib import closing
from subprocess import PIPE

import psutil
import pytest

from tests.listening import open_to_others
from tests.pipelines import ROOT

# As a command does it that finds no server.
STARTED = """
import sys
from flows.console import await_server
await_server()
from prefect.server.api.server import SubprocessASGIServer
server = SubprocessASGIServer()
print(server.port, server.server_process.pid, flush=True)
sys.stdin.read()
"""


def ask(port: int, path: str, body: dict | None = None, **headers: str) -> tuple[int, bytes]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        content = None if body is None else json.dumps(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request("GET" if body is None else "POST", path, content, named)
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.slow
def test_it_answers_this_machines_programs_alone_and_ends_with_the_command(environment, tmp_path):
    environment = {**environment, "PREFECT_HOME": str(tmp_path / "prefect")}
    with subprocess.Popen(
        [sys.executable, "-c", STARTED],
        cwd=ROOT,
        env=environment,
        stdin=PIPE,
        stdout=PIPE,
        text=True,
    ) as command:
        port, pid = map(int, command.stdout.readline().split())
        assert not open_to_others(pid)
        for foreign in (
            {"Host": f"evil.test:{port}"},
            {"Origin": "https://evil.test"},
            {"Origin": "null"},
            {"Origin": "https://evil.test", "Content_Type": "text/plain"},
            {"Origin": "https://evil.test", "Content_Type": "application/json"},
        ):
            assert ask(port, "/api/health", **foreign)[0] == 403
            assert ask(port, "/api/flows/", {"name": "evil"}, **foreign)[0] == 403
        assert ask(port, "/api/health") == (200, b"true")
        assert ask(port, "/api/flows/", {"name": "own"})[0] == 201
        assert [flow["name"] for flow in json.loads(ask(port, "/api/flows/filter", {})[1])] == [
            "own"
        ]
        command.communicate(timeout=60)
    assert command.returncode == 0 and not psutil.pid_exists(pid)
    log = (tmp_path / "prefect/logs/server.log").read_text("utf-8")
    assert "Traceback" not in log
