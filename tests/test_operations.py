"""Runs that a Prefect worker makes: real server, real worker, real signals."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from selenium.webdriver.common.keys import Keys

from tests.listening import open_to_others
from tests.local_services import LocalServices
from tests.messages import mail, telegram
from tests.pages import await_text, browsing, field
from tests.pipelines import STAGES, locked, training_processes

pytestmark = pytest.mark.slow
STEPS = {"train": {"max_steps": 240}}


@pytest.fixture(scope="module")
def services(tmp_path_factory, environment) -> Iterator[LocalServices]:
    services = LocalServices(tmp_path_factory.mktemp("services"), environment)
    with services.running():
        yield services


@pytest.fixture(autouse=True)
def all_up(services) -> None:
    """Each test begins with all services running, as a person would start them again."""
    started = services.make("up")
    assert started.returncode == 0, started.stderr


def test_a_deployment_runs_the_whole_line_and_refuses_what_is_wrong(services):
    pipeline = services.pipeline("whole")
    run = services.start(pipeline, settings={"samples": {"tokens": 10}})
    assert services.await_state(run, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"
    assert {path.name for path in pipeline.data.iterdir()} >= {"raw", *STAGES}
    _, tracked = pipeline.mlflow_run()
    assert tracked.info.status == "FINISHED"
    assert tracked.data.params["samples.tokens"] == "10"
    assert services.request(f"flow_runs/{run}")["name"] == "small, samples.tokens=10"
    of_run = {"logs": {"flow_run_id": {"any_": [run]}}}
    messages = "\n".join(line["message"] for line in services.request("logs/filter", of_run))
    assert "run: made in" in messages and "60 steps" in messages
    of_run = {"artifacts": {"flow_run_id": {"any_": [run]}}}
    pages = {page["key"]: page["data"] for page in services.request("artifacts/filter", of_run)}
    assert set(pages) >= {"corpus", "training", "samples", "report", "mlflow-run"}
    assert "\n| Held out | " in pages["report"]
    assert f"(http://127.0.0.1:{services.mlflow_port}/#/experiments/" in pages["mlflow-run"]
    for wrong, message in [
        ({"train": {"max_steps": 0}}, "0 is less than the minimum of 1"),
        ({"train": {"max_stepz": 5}}, "'max_stepz' was unexpected"),
        ({"model": {"width": "wide"}}, "'wide' is not valid"),
    ]:
        refused = services.submit(pipeline, settings=wrong)
        assert refused.returncode != 0
        assert message in " ".join((refused.stdout + refused.stderr).split())
    unknown = services.await_state(services.start(pipeline, config="smaple"), "FAILED", "COMPLETED")
    assert "configuration 'smaple' is unknown; did you mean 'sample'?" in unknown["message"]


@pytest.mark.parametrize("name", ["confg", "Config", "setting", "train", "param=eter", "x y"])
def test_an_unknown_parameter_is_refused_with_those_that_there_are(services, name):
    deployment = services.request("deployments/name/pipeline/sample")["id"]
    body = {"parameters": {"config": "sample", name: "x"}}
    with pytest.raises(urllib.error.HTTPError) as refused:
        services.request(f"deployments/{deployment}/create_flow_run", body)
    assert refused.value.code in (409, 422)
    line = json.loads(refused.value.read())["detail"]
    assert f"'{name}' is not one of ['config', 'settings', 'archive', 'again']" in line
    assert len(line.splitlines()) == 1
    assert not services.runs(deployment) or all(
        name not in run["parameters"] for run in services.runs(deployment)
    )


@pytest.mark.parametrize("name", ["config", "archive", "again"])
def test_a_known_parameter_is_taken(services, name):
    deployment = services.request("deployments/name/pipeline/sample")["id"]
    schema = services.request(f"deployments/{deployment}")["parameter_openapi_schema"]
    assert name in schema["properties"] and name in schema["propertyNames"]["enum"]


def cancel(services: LocalServices, run: str) -> None:
    services.cancel(run)


def end_worker(services: LocalServices, run: str) -> None:
    services.process("worker").terminate()


def kill_worker(services: LocalServices, run: str) -> None:
    services.process("worker").kill()


def kill_flow(services: LocalServices, run: str) -> None:
    services.flow_process().kill()


@pytest.mark.parametrize(
    ("strike", "state"),
    [
        (cancel, "CANCELLED"),
        (end_worker, "CANCELLED"),
        (kill_worker, "CANCELLED"),
        (kill_flow, "CRASHED"),
    ],
)
def test_a_run_that_is_stopped_leaves_a_checkpoint_and_goes_on(
    services, strike: Callable[[LocalServices, str], None], state
):
    pipeline = services.pipeline(strike.__name__)
    run = services.start(pipeline, settings=STEPS)
    await_training(services, pipeline, 47)
    strike(services, run)
    ended = services.await_state(run, "CANCELLED", "CRASHED", "FAILED", "COMPLETED")
    assert ended["type"] == state, ended
    end = time.monotonic() + 30
    while (left := training_processes(pipeline.folder)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left
    assert pipeline.mlflow_run()[1].info.status == "KILLED"
    (checkpoints,) = (pipeline.data / "run").glob(".*.partial/checkpoints")
    assert max(int(path.name) for path in checkpoints.glob("[0-9]*")) >= 40

    services.make("up")
    again = services.start(pipeline, settings=STEPS)
    assert services.await_state(again, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"
    assert pipeline.mlflow_run()[1].info.status == "FINISHED"
    course = pipeline.course()["train_loss"]
    assert [step for step, _ in course] == list(range(1, 241))


def await_training(services: LocalServices, pipeline, steps: int) -> None:
    """Wait until the worker's training has done so many steps."""

    class Worker:
        @staticmethod
        def poll() -> None:
            return None

    pipeline.await_steps(steps, Worker)


def test_a_run_waits_for_a_worker(services):
    worker = services.process("worker")
    worker.terminate()
    worker.wait(30)
    run = services.start(services.pipeline("waiting"))
    time.sleep(5)
    assert services.state(run)["type"] == "SCHEDULED"
    services.make("up")
    assert services.await_state(run, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"


def test_of_two_runs_at_once_the_second_finds_what_the_first_has_made(services):
    pipeline = services.pipeline("twice")
    runs = [services.start(pipeline) for _ in range(2)]
    for run in runs:
        assert services.await_state(run, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"
    for kind in STAGES:
        assert len([path for path in (pipeline.data / kind).iterdir()]) == 1
    course = pipeline.course()["train_loss"]
    assert [step for step, _ in course] == list(range(1, 61))


def test_training_goes_on_without_the_server(services):
    pipeline = services.pipeline("alone")
    services.start(pipeline, settings=STEPS)
    await_training(services, pipeline, 47)
    server = services.process("prefect")
    server.kill()
    server.wait(10)
    end = time.monotonic() + 120
    while not list((pipeline.data / "run").glob("[!.]*")):
        assert time.monotonic() < end, "training did not come to its end"
        time.sleep(0.2)
    services.make("up")
    again = services.start(pipeline, settings=STEPS)
    assert services.await_state(again, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"


def test_services_start_once_and_leave_nothing(services):
    pids = [services.process(name).pid for name in ("prefect", "worker", "mlflow")]
    assert services.make("up").returncode == 0
    assert [services.process(name).pid for name in ("prefect", "worker", "mlflow")] == pids
    family = [child for pid in pids for child in psutil.Process(pid).children(recursive=True)]
    for _ in range(2):
        assert services.make("down").returncode == 0
    assert not any(psutil.pid_exists(pid) for pid in pids)
    assert not any(child.is_running() for child in family)
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(f"{services.api}/health", timeout=2)


def test_the_services_answer_this_machine_and_no_page_of_another_origin(services):
    assert not open_to_others(services.process("prefect").pid)
    assert not open_to_others(services.process("mlflow").pid)
    port, pages = services.port, services.mlflow_port
    pool = json.dumps({"name": "evil", "type": "process"}).encode()
    for own in ({}, {"Origin": f"http://localhost:{port}", "Host": f"localhost:{port}"}):
        assert status_of(port, "GET", "/api/health", **own) == 200
    for foreign in ({"Origin": "https://evil.test"}, {"Host": f"evil.test:{port}"}):
        assert status_of(port, "POST", "/api/work_pools/", pool, **foreign) == 403
    search = "/api/2.0/mlflow/experiments/search"
    for foreign in ({"Origin": "https://evil.test"}, {"Host": f"evil.test:{pages}"}):
        assert status_of(pages, "POST", search, b'{"max_results": 1}', **foreign) == 403


def status_of(port: int, method: str, path: str, body: bytes = b"", **headers: str) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request(method, path, body, headers)
        return connection.getresponse().status


def test_all_that_prefect_yaml_declares_is_deployed(services):
    deployed = services.deploy("--all")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    flows = ("ingest", "prepare", "train", "evaluate", "pipeline", "sweep")
    for name in (*(f"{flow}/any" for flow in flows), "pipeline/sample", "pipeline/classics"):
        assert not services.request(f"deployments/name/{name}")["paused"]
    (nightly,) = services.request("deployments/name/ingest/any")["schedules"]
    assert nightly["parameters"] == {"config": "classics"} and not nightly["active"]


def test_any_configuration_runs_in_a_flow_of_its_own(services):
    deployed = services.deploy("--name", "prepare/any")
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    pipeline = services.pipeline("prepared")
    run = services.start(pipeline, deployment="prepare/any")
    assert services.await_state(run, "COMPLETED", "FAILED", "CRASHED")["type"] == "COMPLETED"
    assert {path.name for path in pipeline.data.glob("[!.]*")} == {
        *("raw", "corpus", "tokenizer", "tokens")
    }


def test_a_schedule_that_is_switched_on_starts_runs(services):
    pipeline = services.pipeline("scheduled")
    parameters = json.dumps(services.parameters(pipeline))
    deployed = services.deploy("--name", "ingest/any", "--params", parameters)
    assert deployed.returncode == 0, deployed.stdout + deployed.stderr
    deployment = services.request("deployments/name/ingest/any")["id"]
    every = {"active": False, "schedule": {"interval": 20}}
    (schedule,) = services.request(f"deployments/{deployment}/schedules", [every])
    switch = f"deployments/{deployment}/schedules/{schedule['id']}"
    try:
        time.sleep(25)
        assert not services.runs(deployment)
        services.request(switch, {"active": True}, "PATCH")
        end = time.monotonic() + 120
        while not (runs := services.runs(deployment)):
            assert time.monotonic() < end, services.worker_log()
            time.sleep(0.3)
        assert runs[0]["auto_scheduled"]
        done = services.await_state(runs[0]["id"], "COMPLETED", "FAILED", "CRASHED")
        assert done["type"] == "COMPLETED"
    finally:
        services.request(switch, method="DELETE")
    assert len([*(pipeline.data / "raw").iterdir()]) == 1
    for run in services.runs(deployment):  # what was planned is gone with the schedule
        services.await_state(run["id"], "COMPLETED")


@contextmanager
def full(mlruns: Path) -> Iterator[None]:
    """The disk of MLflow's store is full."""
    ballast = mlruns / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    yield
    ballast.unlink()


@pytest.fixture
def disk_of(request) -> Iterator[Callable[[Path], None]]:
    """Mounts a disk of eight megabytes in a folder."""
    mounted: list[Path] = []

    def mount(folder: Path) -> None:
        folder.mkdir(parents=True)
        command = ["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", str(folder)]
        if subprocess.run(command, capture_output=True).returncode:
            pytest.skip("mounting a small disk takes root's rights")
        mounted.append(folder)

    yield mount
    for folder in mounted:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("trouble", "message"),
    [(locked, "database is locked"), (full, "disk is full|No space left|disk I/O error")],
)
@pytest.mark.parametrize("until", ["the training's end", "the run's end"])
def test_training_goes_on_while_mlflow_takes_nothing(services, disk_of, trouble, message, until):
    pipeline = services.pipeline(f"{trouble.__name__} until {until}")
    if trouble is full:
        disk_of(pipeline.mlruns)
    run = services.start(pipeline, settings=STEPS)
    await_training(services, pipeline, 47)
    with trouble(pipeline.mlruns):
        if until == "the training's end":
            end = time.monotonic() + 120
            while not [*(pipeline.data / "run").glob("[!.]*/manifest.json")]:
                assert time.monotonic() < end, services.worker_log()
                time.sleep(0.1)
        else:
            failed = services.await_state(run, "FAILED", "COMPLETED", "CRASHED", seconds=400)
            assert failed["type"] == "FAILED"
            assert re.search(message, failed["message"]), failed["message"]
            assert "MLflow" in failed["message"] and "the same command" in failed["message"]
            assert "\n" not in failed["message"]
            assert [*(pipeline.data / "report").glob("*/summary.txt")]
    if until == "the run's end":
        run = services.start(pipeline, settings=STEPS)
    done = services.await_state(run, "COMPLETED", "FAILED", "CRASHED", seconds=240)
    assert done["type"] == "COMPLETED", done
    client, tracked = pipeline.mlflow_run()
    assert tracked.info.status == "FINISHED"
    assert [step for step, _ in pipeline.course()["train_loss"]] == list(range(1, 241))
    files = {file.path for file in client.list_artifacts(tracked.info.run_id, "report")}
    assert "report/loss.png" in files


def test_a_person_sets_the_steps_in_the_form_of_a_custom_run(services, tmp_path):
    deployment = services.request("deployments/name/pipeline/sample")["id"]
    before = {run["id"] for run in services.runs(deployment)}
    page = f"http://127.0.0.1:{services.port}/v2/deployments/deployment/{deployment}/run"
    with browsing(tmp_path) as browser:
        browser.get(page)
        await_text(browser, "max_steps", "optimiser steps; default: by epochs. Allowed: ≥ 1")
        config, steps = field(browser, "config"), field(browser, "max_steps")
        config.clear()
        config.send_keys("smaple")  # so that the run ends at once
        steps.send_keys("0")
        submit = browser.find_element("xpath", "//button[normalize-space(.)='Submit']")
        submit.click()
        assert "1" in steps.get_property("validationMessage")
        steps.send_keys(Keys.BACKSPACE, "60")
        submit.click()
        await_text(browser, "scheduled to start")
    (run,) = [run for run in services.runs(deployment) if run["id"] not in before]
    assert run["parameters"]["settings"] == {"train": {"max_steps": 60}}
    assert "smaple" in services.await_state(run["id"], "FAILED", "COMPLETED")["message"]


def text_of(sent: tuple) -> str:
    """The text of a message to Telegram, or of a mail."""
    message = sent[1]
    return message["text"] if "text" in message else message.get_body(("plain",)).get_content()


def await_failure(sent: list, name: str) -> list:
    """Wait for the message that the run of this name has failed; all such messages.

    Others may come too: about another run, or that this one is late, on a busy machine.
    """
    end = time.monotonic() + 60
    while not (messages := failures(sent, name)) and time.monotonic() < end:
        time.sleep(0.2)
    return messages


def failures(sent: list, name: str) -> list:
    return [pair for pair in sent if f"«{name}» of pipeline: Failed" in text_of(pair)]


def test_a_message_is_sent_when_a_run_ends_and_none_when_that_is_off(services):
    with telegram() as (port, sent):
        token = {"TELEGRAM_TOKEN": "12:secret", "TELEGRAM_CHAT": "77"}
        where = {"TELEGRAM_SERVER": f"http://127.0.0.1:{port}"}
        assert services.notify(token | where).stdout == "messages go to Telegram, chat 77\n"
        run = services.start(services.pipeline("notified"), config="sampel")
        services.await_state(run, "FAILED")
        ((path, message),) = await_failure(sent, "sampel")
        assert path == "/bot12:secret/sendMessage"
        assert message["chat_id"] == "77"
        assert "Failed" in message["text"] and "did you mean 'sample'?" in message["text"]
        services.notify({}, "--off")
        run = services.start(services.pipeline("notified"), config="silent")
        services.await_state(run, "FAILED")
        time.sleep(5)
        assert len(failures(sent, "sampel")) == 1
        assert not [pair for pair in sent if "silent" in text_of(pair)]
    refused = services.notify({})
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: give TELEGRAM_TOKEN and TELEGRAM_CHAT")


def test_a_mail_is_sent_when_a_run_ends(services):
    with mail() as (port, sent):
        address = f"mailto://me:secret@127.0.0.1:{port}?from=me@example.org&to=you@example.org"
        asked = services.notify({"NOTIFY_URL": address})
        assert asked.stdout.startswith("messages go to mailto://me:****@127.0.0.1")
        run = services.start(services.pipeline("mailed"), config="sampl")
        services.await_state(run, "FAILED")
        await_failure(sent, "sampl")
        services.notify({}, "--off")
    ((recipients, letter),) = failures(sent, "sampl")
    assert recipients == ["you@example.org"]
    assert letter["From"] == "me@example.org" and letter["Subject"] == "femtoGPT: Failed"
    assert "did you mean 'sample'?" in text_of((recipients, letter))
    refused = services.notify({"NOTIFY_URL": "me@example.org"})
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: NOTIFY_URL is no address")
