"""MLflow's store after its folder was moved or copied, and after deletions on its pages."""

from __future__ import annotations

import logging
import shutil
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlflow.tracking._tracking_service import utils

from tasks.mlflow_store import find_or_create_run, is_deleted, store_uri
from tasks.moved_store import DATABASE, local_path, mend_addresses

NAMES = ["house", "мой дом", "100% it's", "what?", "a#b", "a%20b", "ключ=да&нет;"]
EXPERIMENT = "classics"


def opened(folder: Path, tag: str = "1", experiment: str = EXPERIMENT):
    """A client, and the run with a tag, as a pipeline finds or creates it."""
    creation = {"start_time": 1, "run_name": f"run {tag}", "tags": {}}
    return find_or_create_run(store_uri(folder), folder, experiment, ("key", tag), creation, {})


def log_text(folder: Path, text: str = "были", tag: str = "1") -> str:
    client, run = opened(folder, tag)
    client.log_text(run, text, "report/summary.txt")
    return run


def files(folder: Path) -> list[str]:
    """The contents of the files that runs have in a store's folder."""
    return sorted(file.read_text("utf-8") for file in folder.glob("artifacts/*/artifacts/**/*.txt"))


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A store with a run and its file. To make MLflow's tables takes seconds."""
    folder = tmp_path_factory.mktemp("made") / "mlruns"
    run = log_text(folder)
    client, _ = opened(folder)
    client.create_registered_model("lm")
    client.create_model_version("lm", client.get_run(run).info.artifact_uri + "/model", run)
    return folder


@pytest.fixture(autouse=True)
def one_life_each() -> None:
    """MLflow's client remembers a run's files; these tests have one run in several places."""
    utils._artifact_repos_cache.clear()


@pytest.fixture
def moved(made, tmp_path):
    """Moves a copy of the store twice: what lies at the first place is gone."""

    def to(name: str) -> SimpleNamespace:
        first, folder = tmp_path / "first" / "mlruns", tmp_path / name / "mlruns"
        shutil.copytree(made, first)
        mend_addresses(first)
        folder.parent.mkdir(parents=True)
        shutil.move(first, folder)
        utils._artifact_repos_cache.clear()
        return SimpleNamespace(first=first, folder=folder)

    return to


@pytest.mark.parametrize("name", NAMES)
def test_a_moved_store_writes_and_finds_files_beside_its_database(moved, name, caplog, tmp_path):
    caplog.set_level(logging.INFO, "femtogpt")
    location = moved(name)
    caplog.clear()
    run = log_text(location.folder, "новое", tag="1")
    log_text(location.folder, "другое", tag="2")
    assert files(location.folder) == ["другое", "новое"] and not location.first.exists()
    client, _ = opened(location.folder)
    path = client.download_artifacts(run, "report/summary.txt", str(tmp_path))
    assert Path(path).read_text("utf-8") == "новое"
    (line,) = [line for line in caplog.messages if "the store was in" in line]
    assert str(location.first) in line and str(location.folder) in line
    version = client.get_model_version("lm", "1")
    assert local_path(version.source).is_relative_to(location.folder)
    assert [path.name for path in Path.cwd().glob("file:*")] == []


def test_it_is_mended_once(moved, caplog):
    location = moved("house")
    caplog.set_level(logging.INFO, "femtogpt")
    for _ in range(3):
        mend_addresses(location.folder)
    assert len(caplog.messages) == 1


def test_several_processes_mend_it_at_once(moved, caplog):
    location = moved("house")
    caplog.set_level(logging.INFO, "femtogpt")
    barrier = threading.Barrier(8)

    def mend() -> None:
        barrier.wait()
        mend_addresses(location.folder)

    threads = [threading.Thread(target=mend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(caplog.messages) == 1
    log_text(location.folder, "новое")
    assert files(location.folder) == ["новое"]


def test_a_copy_does_not_write_into_the_store_it_was_copied_from(made, tmp_path):
    folder = tmp_path / "copy" / "mlruns"
    shutil.copytree(made, folder)
    log_text(folder, "копия")
    assert files(folder) == ["копия"] and files(made) == ["были"]


def test_a_folder_reached_by_a_link_is_no_other_place(made, tmp_path, caplog):
    folder, link = tmp_path / "mlruns", tmp_path / "link"
    shutil.copytree(made, folder)
    mend_addresses(folder)
    link.symlink_to(tmp_path, target_is_directory=True)
    caplog.set_level(logging.INFO, "femtogpt")
    caplog.clear()
    mend_addresses(link / "mlruns")
    mend_addresses(folder)
    assert not caplog.messages


@pytest.mark.parametrize(
    "address",
    [
        "s3://bucket/artifacts",
        "mlflow-artifacts:/3",
        "file://server/share/artifacts",
        "{elsewhere}/artifacts",  # a folder of its own, on purpose
        "file://{elsewhere}/artifacts",
    ],
)
def test_files_kept_elsewhere_on_purpose_stay_there(made, tmp_path, address):
    folder, elsewhere = tmp_path / "mlruns", tmp_path / "elsewhere"
    shutil.copytree(made, folder)
    (elsewhere / "artifacts").mkdir(parents=True)
    address = address.format(elsewhere=elsewhere)
    with closing(sqlite3.connect(folder / DATABASE)) as connection, connection:
        connection.execute("update experiments set artifact_location = ?", [address])
    mend_addresses(folder)
    with closing(sqlite3.connect(folder / DATABASE)) as connection:
        found = {row[0] for row in connection.execute("select artifact_location from experiments")}
    assert found == {address}


def test_a_store_without_tables_is_left_alone(tmp_path):
    mend_addresses(tmp_path)
    assert not [*tmp_path.iterdir()]
    (tmp_path / DATABASE).touch()
    mend_addresses(tmp_path)
    assert (tmp_path / DATABASE).stat().st_size == 0


def test_a_deleted_experiment_is_restored(made, tmp_path, caplog):
    caplog.set_level(logging.INFO, "femtogpt")
    folder = tmp_path / "mlruns"
    shutil.copytree(made, folder)
    client, run = opened(folder)
    client.delete_experiment(client.get_experiment_by_name(EXPERIMENT).experiment_id)
    assert is_deleted(client, run)
    client, again = opened(folder)
    assert again == run and not is_deleted(client, run)
    assert sum("restored" in line and EXPERIMENT in line for line in caplog.messages) == 1
    client.log_text(run, "снова", "again.txt")


def test_a_deleted_run_stays_deleted_and_another_takes_its_place(made, tmp_path):
    folder = tmp_path / "mlruns"
    shutil.copytree(made, folder)
    client, run = opened(folder)
    client.delete_run(run)
    client, other = opened(folder)
    assert other != run and is_deleted(client, run) and not is_deleted(client, other)


@pytest.mark.parametrize("what", [pytest.param("experiment", marks=pytest.mark.slow), "run"])
def test_after_mlflow_gc_it_is_as_if_it_had_never_been(made, tmp_path, what):
    folder = tmp_path / "mlruns"
    shutil.copytree(made, folder)
    client, run = opened(folder)
    experiment = client.get_experiment_by_name(EXPERIMENT).experiment_id
    if what == "run":
        client.delete_run(run)
    else:
        client.delete_experiment(experiment)
    uri = store_uri(folder)
    command = [
        *(sys.executable, "-m", "mlflow", "gc"),
        "--backend-store-uri",
        uri,
        "--tracking-uri",
        uri,
    ]
    cleaned = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert cleaned.returncode == 0, cleaned.stderr
    assert is_deleted(client, run)
    client, other = opened(folder)
    assert other != run
    client.log_text(other, "снова", "again.txt")
    assert "снова" in files(folder)
