"""What a killed run had open is ended in Prefect and MLflow by the next run."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from flows import killed_runs
from tasks import MLFLOW_NOTES, PREFECT_NOTES
from tasks.mlflow_store import end_open_runs

NOTE = {"flow_run": "one", "url": "http://127.0.0.1:8123/api", "session": 1}


@pytest.fixture
def ended(monkeypatch, tmp_path) -> list[str]:
    """What is ended of two killed runs: the second was on another server of Prefect's."""
    told: list[str] = []
    folders = [tmp_path / "1", tmp_path / "2"]
    for folder, server in zip(folders, ("", "http://elsewhere/api"), strict=True):
        folder.mkdir()
        note = {**NOTE, "server": server, "folder": str(folder)}
        (folder / PREFECT_NOTES).write_text(json.dumps(note) + "\n")
    monkeypatch.setattr(killed_runs, "abandoned", lambda: iter(folders))
    monkeypatch.setattr(killed_runs, "_server", lambda: "")
    monkeypatch.setattr(
        killed_runs, "_end_server", lambda session: told.append(f"server {session}")
    )
    monkeypatch.setattr(killed_runs, "end_mlflow_runs", lambda folder, _: told.append(folder.name))
    return told


def test_only_runs_of_the_server_that_is_there_are_ended_and_their_notes_go(
    ended, monkeypatch, tmp_path
):
    monkeypatch.setattr(
        killed_runs, "_end_flow_runs", lambda notes, _: ended.extend(n["flow_run"] for n in notes)
    )
    killed_runs.end_abandoned()
    assert ended == ["one", "server 1", "1"]
    assert [path.name for path in tmp_path.iterdir()] == ["2"]


def test_damaged_notes_fail_no_run_and_go(ended, tmp_path):
    for number, text in (("1", "no JSON"), ("2", "{}")):
        (tmp_path / number / PREFECT_NOTES).write_text(text)
    killed_runs.end_abandoned()
    assert ended == [] and [*tmp_path.iterdir()] == []


def test_a_copied_project_ends_nothing_of_the_one_it_was_copied_from(ended, monkeypatch, tmp_path):
    note = {**NOTE, "server": "", "folder": str(tmp_path / "2")}
    (tmp_path / "1" / PREFECT_NOTES).write_text(json.dumps(note) + "\n")
    monkeypatch.setattr(killed_runs, "_end_flow_runs", lambda notes, _: None)
    killed_runs.end_abandoned()
    assert ended == ["server 1"], "which is looked for by what it belongs to"


def test_a_server_that_does_not_answer_fails_no_run_and_the_notes_stay(
    ended, monkeypatch, tmp_path, caplog
):
    def fails(notes, reason):
        raise ConnectionError("it does not answer")

    monkeypatch.setattr(killed_runs, "_end_flow_runs", fails)
    killed_runs.end_abandoned()
    assert ended == [] and len([*tmp_path.iterdir()]) == 2
    assert "Prefect was not told that an earlier run was killed" in caplog.text


def test_a_run_of_mlflows_is_ended_if_it_runs_and_no_other_command_goes_on_in_it(
    monkeypatch, tmp_path
):
    statuses, ended = {"a": "RUNNING", "b": "FINISHED", "c": "RUNNING"}, []

    class Client:
        def __init__(self, tracking_uri):
            pass

        def get_run(self, run_id):
            return SimpleNamespace(info=SimpleNamespace(status=statuses[run_id]))

        def set_tag(self, *_):
            pass

        def set_terminated(self, run_id, status):
            ended.append((run_id, status))

    monkeypatch.setattr("mlflow.MlflowClient", Client)
    notes = [{"uri": "http://127.0.0.1:1", "run_id": run} for run in statuses]
    gone = {"uri": f"sqlite:///{tmp_path}/gone/mlflow.db", "run_id": "d"}
    path = tmp_path / MLFLOW_NOTES
    path.write_text("".join(json.dumps(note) + "\n" for note in [*notes, gone]))
    end_open_runs(path, "it was killed", taken={"c"})
    assert ended == [("a", "KILLED")]
