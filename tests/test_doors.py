"""Who may ask the playground: its own page on this machine, and nobody else."""

from __future__ import annotations

import http.client
import os
import re
import signal
import socket
import subprocess
import sys

import pytest

from femtogpt.cli import main
from femtogpt.errors import UserError
from femtogpt.playground import play_server
from tests.playgrounds import Models, Page, serving


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Models:
    return Models(tmp_path_factory.mktemp("doors") / "data")


@pytest.fixture(scope="module")
def name(models) -> str:
    return models.make(1)


@pytest.fixture(scope="module")
def page(models, name):
    with serving(models.data) as (page, _):
        yield page


REFUSED = (403, {"why": "bad door", "detail": ""})


@pytest.mark.parametrize(
    "host", ["evil.com", "evil.com:PORT", "127.0.0.1:1", "127.0.0.1", "[::1]:PORT"]
)
def test_another_host_is_refused(page, host):
    host = host.replace("PORT", str(page.port))
    for path in ("/", "/api/runs", "/page/main.js"):
        assert page.get(path, host)[0] == 403
    assert page.ask("/api/score", {"runs": ["a", "b"]}, Host=host) == REFUSED


def test_localhost_is_this_machine(page):
    assert page.get("/", f"localhost:{page.port}")[0] == 200
    origin = f"http://localhost:{page.port}"
    assert page.ask("/api/score", {"runs": ["a", "b"]}, Origin=origin)[0] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.com"},
        {"Origin": "null"},
        {"Origin": None},
        {"Origin": "http://127.0.0.1:1"},
        {"X_Playground_Token": None},
        {"X_Playground_Token": "wrong"},
        {"X_Playground_Token": "é"},
        {"Content_Length": "9999999999"},
    ],
)
def test_an_order_from_elsewhere_is_refused(page, headers):
    assert page.ask("/api/score", {"runs": ["a", "b"]}, **headers) == REFUSED


def test_two_hosts_are_one_too_many(page):
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=30)
    connection.putrequest("GET", "/", skip_host=True)
    for host in (f"127.0.0.1:{page.port}", "evil.com"):
        connection.putheader("Host", host)
    connection.endheaders()
    assert connection.getresponse().status in (400, 403)
    connection.close()


def test_no_other_page_may_read_the_answers(page):
    _, headers, _ = page.get("/api/runs")
    assert not [name for name in headers if name.lower().startswith("access-control")]
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert page.get("/", method="OPTIONS")[0] == 403, "a browser's question beforehand"


@pytest.mark.parametrize(
    "path",
    [
        *("/page/../playground_app.py", "/page/%2e%2e/playground_app.py", "/page//etc/passwd"),
        *("/page/..%2fvotes.py", "/etc/passwd", "/page/", "/page/index.html%00.css", "/docs"),
        *("/openapi.json", "/api/blind/..%2f..%2fvotes", "/api/blind/%00", "/data/votes"),
    ],
)
def test_no_path_leads_to_another_file(page, path):
    status, _, text = page.get(path)
    assert status in (404, 409) and b"import" not in text and b"root:" not in text


def test_whatever_it_is_sent_it_writes_nothing_but_votes(page, models, name):
    before = {path for path in models.data.parent.rglob("*") if path.is_file()}
    for run in ("../../x", f"{name}/../x", name, "a\x00b", "//"):
        for path, body in (
            ("/api/write", {"runs": [run], "characters": 3}),
            ("/api/talk", {"run": run, "turns": [], "speaker": "../x", "characters": 3}),
            ("/api/pieces", {"run": run, "text": "../x"}),
            ("/api/marks", {"run": run, "text": "../x"}),
            ("/api/blind", {"runs": [run, name], "characters": 3}),
            ("/api/blind/../x/vote", {"better": "left"}),
        ):
            with page.post(path, body) as answer:
                assert answer.status in (200, 404, 409)
                answer.read()
    assert {path for path in models.data.parent.rglob("*") if path.is_file()} == before


def test_it_listens_on_this_machine_only(page, models):
    listening = play_server._listening(0)
    assert listening.getsockname()[0] == "127.0.0.1"
    listening.close()


@pytest.fixture
def taken():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_port_that_is_taken_is_told_in_a_line(models, name, taken, capsys):
    command = ["play", "--no-browser", "--data", str(models.data), "--port", str(taken)]
    assert main(command) == 1
    line = capsys.readouterr().err
    assert line.startswith(f"error: --port {taken} is taken") and line.count("\n") == 1


def test_a_number_that_is_no_port_is_told(models, name, capsys):
    command = ["play", "--no-browser", "--data", str(models.data), "--port", "70000"]
    assert main(command) == 1
    assert "--port 70000 is no port: choose one below 65536" in capsys.readouterr().err


def test_where_none_is_asked_for_the_next_free_port_is_taken(taken, monkeypatch):
    monkeypatch.setattr(play_server, "PORT", taken)
    with play_server._listening(None) as listening:
        assert taken < listening.getsockname()[1] <= taken + play_server.TRIES
    monkeypatch.setattr(play_server, "TRIES", 1)
    with pytest.raises(UserError, match=rf"the ports {taken} to {taken} are taken"):
        play_server._listening(None)


@pytest.mark.slow
def test_ctrl_c_ends_it_also_while_it_writes(models, name):
    command = [sys.executable, "-m", "femtogpt.cli", "play", "--no-browser", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data", str(models.data)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        line = process.stdout.readline()
        page = Page(int(re.search(r"http://127\.0\.0\.1:(\d+)  \(Ctrl-C ends it\)", line)[1]))
        answer = page.post("/api/write", {"runs": [name], "characters": 5000, "temperature": 10})
        assert b"begin" in answer.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
        answer.close()
    assert (process.returncode, errors) == (0, "")


def test_without_a_model_it_says_what_makes_one(tmp_path, capsys):
    assert main(["play", "--no-browser", "--data", str(tmp_path)]) == 1
    assert "holds no trained model yet: make pipeline trains one" in capsys.readouterr().err


def test_no_browser_opens_where_there_is_no_screen(monkeypatch):
    for variable in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    assert os.uname().sysname == "Darwin" or not play_server._has_screen()
    monkeypatch.setenv("DISPLAY", ":0")
    assert play_server._has_screen()
