"""The whole pipeline, as a person runs it: processes, signals, a real MLflow store."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
import zipfile
from pathlib import Path

import pytest

from femtogpt.sources.sample.stories import generate_stories
from tests.kaggle_stand_in import KaggleStandIn
from tests.pipelines import SMALL, STAGES, Pipeline, lines_of, training_processes


@pytest.fixture(scope="module")
def finished(tmp_path_factory, environment) -> tuple[Pipeline, subprocess.CompletedProcess[str]]:
    """A pipeline that was run once, with no server started beforehand."""
    pipeline = Pipeline(tmp_path_factory.mktemp("finished"), environment)
    return pipeline, pipeline.run()


def test_one_command_goes_from_text_to_samples(finished):
    _, done = finished
    assert done.returncode == 0, done.stderr
    headings = (
        "Corpus",
        "Tokens",
        "Model",
        "Held out",
        "Baselines",
        "Memory",
        "Sample 1",
        "MLflow",
    )
    for heading in (*headings, "make ui"):
        assert heading in done.stdout
    assert lines_of(done.stderr, "made") == ["raw stories", *STAGES]
    assert "make up" in done.stderr.splitlines()[0]  # before the wait for a temporary server


def test_mlflow_has_the_run_with_curves_figures_and_files(finished):
    pipeline, _ = finished
    client, run = pipeline.mlflow_run()
    assert run.info.status == "FINISHED"
    assert run.data.params["train.max_steps"] == "60"
    assert run.data.params["sources.stories.kind"] == "sample"
    course = pipeline.course()
    assert [step for step, _ in course["train_loss"]] == list(range(1, 61))
    assert [step for step, _ in course["held_out_loss"]] == [0, 20, 40, 60]
    assert [step for step, _ in course["by_tokens/train_loss"]] == [n * 128 for n in range(1, 61)]
    (evaluation,) = (pipeline.data / "evaluation").iterdir()
    figures = json.loads((evaluation / "evaluation.json").read_text())["held_out"]
    bits = "held_out_bits_per_character_estimate"
    by_flop = "held_out_bits_per_character/by_mflop"
    for name in (f"by_tokens/{bits}", by_flop):
        assert [value for _, value in course[name]] == [value for _, value in course[bits]]
    assert [step for step, _ in course[f"by_tokens/{bits}"]] == [0, 2560, 5120, 7680]
    (trained,) = (pipeline.data / "run").glob("*/manifest.json")
    parameters = json.loads(trained.read_text())["counts"]["parameters"]
    attention = 6 * 2 * 32 * 32  # layers × width × context, of which half is looked at
    flops = 7680 * (6 * parameters + attention)
    assert course[by_flop][-1][0] == round(flops / 1e6)
    assert run.data.tags["femtogpt.configuration"] == "small"
    assert "cores" in run.data.tags["femtogpt.machine"]
    texts = {entry.dataset.name: entry for entry in run.inputs.dataset_inputs}
    assert set(texts) == {"stories", "stories, held out"}
    assert course["evaluation/held_out_bits_per_character"] == [(0, figures["bits_per_character"])]
    assert course["evaluation/entropy_bits_per_character"] == [(0, figures["entropy"])]
    assert 0 < figures["entropy"] < figures["bits_per_character"]
    for name in ("ngram", "ppmd"):
        (file,) = (pipeline.data / name).glob("*/baseline.json")
        figure = json.loads(file.read_text())["bits_per_character"]
        assert course[f"baselines/{name}_bits_per_character"] == [(0, figure)]
        assert figures["entropy"] < figure
    (file,) = (pipeline.data / "memory").glob("*/manifest.json")
    for name, figure in json.loads(file.read_text())["counts"].items():
        assert course[f"memory/{name}"] == [(0, figure)]
    assert next(iter(run.data.metrics)) == bits  # MLflow's pages offer the first for comparisons
    assert run.data.metrics["texts/train_tokens"] > run.data.metrics["texts/held_out_tokens"] > 0
    letters = {
        what: run.data.metrics[f"texts/letters_{what}"]
        for what in ("decoded", "added", "taken", "cut", "kept", "rejected")
    }
    assert 0 < letters.pop("decoded") + letters.pop("added") == sum(letters.values())
    assert run.data.tags["mlflow.note.content"].splitlines()[1].startswith("Model ")
    files = {
        file.path
        for kind in client.list_artifacts(run.info.run_id)
        for file in client.list_artifacts(run.info.run_id, kind.path)
    }
    assert [(step, tokens) for step, _, tokens in pipeline.samples()] == [
        *((0, 0), (20, 2560), (40, 5120), (60, 7680))
    ]
    assert {
        "corpus/report.json",
        "tokenizer/tokenizer.model",
        "run/model.safetensors",
        "samples/samples.md",
        "memory/memory.json",
        "ngram/baseline.json",
        "ppmd/baseline.json",
        "report/loss.png",
    } <= files
    for kind in STAGES:
        assert (pipeline.data / kind / run.data.tags[f"femtogpt.{kind}"]).is_dir()


def test_the_same_again_does_nothing(finished, monkeypatch):
    pipeline, _ = finished
    before = pipeline.files()
    monkeypatch.setitem(pipeline.environment, "PYTHONPROFILEIMPORTTIME", "1")
    again = pipeline.run()
    assert again.returncode == 0, again.stderr
    assert lines_of(again.stderr, "up to date") == ["raw stories", *STAGES, "record"]
    imported = set(re.findall(r"^import time:.*\| +([\w.]+)$", again.stderr, re.MULTILINE))
    assert "tasks.stages" in imported
    assert not imported & {"torch", "mlflow", "matplotlib", "pyarrow", "kagglesdk", "requests"}
    assert pipeline.files() == before
    assert "Sample 1" in again.stdout


@pytest.mark.slow
def test_what_is_made_is_known_though_prefects_database_is_gone(finished, tmp_path):
    pipeline, _ = finished
    without = Pipeline(pipeline.folder, {**pipeline.environment, "PREFECT_HOME": str(tmp_path)})
    again = without.run()
    assert again.returncode == 0, again.stderr
    assert lines_of(again.stderr, "up to date") == ["raw stories", *STAGES, "record"]
    assert not lines_of(again.stderr, "made")


@pytest.mark.slow
def test_a_wiped_tracker_gets_the_run_again(finished, with_server):
    pipeline, _ = finished
    pipeline.environment = with_server
    course = pipeline.course()
    (pipeline.mlruns / "mlflow.db").unlink()
    again = pipeline.run()
    assert again.returncode == 0, again.stderr
    assert lines_of(again.stderr, "made") == []
    assert pipeline.course() == course
    assert pipeline.mlflow_run()[1].info.status == "FINISHED"


@pytest.mark.slow
def test_damage_makes_one_artifact_again(finished, with_server):
    pipeline, _ = finished
    pipeline.environment = with_server
    (shard,) = (pipeline.data / "tokens").glob("*/train/stories/00000.bin")
    content = bytearray(shard.read_bytes())
    content[1000] ^= 1
    shard.write_bytes(content)
    again = pipeline.run()
    assert again.returncode == 0, again.stderr
    assert "00000.bin does not match its checksum" in again.stderr
    # It comes out as it was, so what was made from it is still right.
    assert lines_of(again.stderr, "made") == ["tokens"]


@pytest.mark.slow
def test_another_setting_makes_again_what_depends_on_it(finished, with_server):
    pipeline, _ = finished
    pipeline.environment = with_server
    again = pipeline.run("samples.temperature=0.5")
    assert again.returncode == 0, again.stderr
    assert lines_of(again.stderr, "made") == ["samples", "memory", "report"]


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory, with_server) -> Pipeline:
    pipeline = Pipeline(tmp_path_factory.mktemp("unbroken"), with_server)
    done = pipeline.run("train.max_steps=240")
    assert done.returncode == 0, done.stderr
    return pipeline


def last_flow_state(environment: dict[str, str]) -> str:
    """The state of the flow run that began last, by Prefect's server."""
    request = urllib.request.Request(
        f"{environment['PREFECT_API_URL']}/flow_runs/filter",
        json.dumps({"sort": "START_TIME_DESC", "limit": 1}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)[0]["state_type"]


def send_signal(process: subprocess.Popen, target: str, number: int) -> None:
    """Send a signal to the command, to the flow's process, or to the training."""
    if target == "command":
        os.kill(process.pid, number)
        return
    children = _children(process.pid)
    if target == "training":
        children = [grandchild for child in children for grandchild in _children(child)]
        children = [pid for pid in children if b"femtogpt.training" in _command(pid)]
    (pid,) = children
    os.kill(pid, number)


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _command(pid: int) -> bytes:
    return Path(f"/proc/{pid}/cmdline").read_bytes()


@pytest.mark.parametrize(
    ("target", "number", "status"),
    [
        ("command", signal.SIGKILL, "KILLED"),
        ("training", signal.SIGKILL, "FAILED"),
        ("command", signal.SIGINT, "KILLED"),
        ("flow", signal.SIGKILL, "KILLED"),
        ("training", signal.SIGTERM, "KILLED"),
        ("command", signal.SIGTERM, "KILLED"),
    ],
)
@pytest.mark.slow
def test_a_stopped_training_goes_on_as_if_it_had_not_been(
    tmp_path, with_server, unbroken, target, number, status
):
    pipeline = Pipeline(tmp_path, with_server)
    process = pipeline.start("train.max_steps=240")
    pipeline.await_steps(47, process)
    send_signal(process, target, number)
    output, _ = process.communicate(timeout=60)
    assert process.returncode != 0
    assert "Traceback" not in output
    end = time.monotonic() + 30  # the children of a killed parent notice and stop
    while (left := training_processes(tmp_path)) and time.monotonic() < end:
        time.sleep(0.1)
    assert not left
    assert pipeline.mlflow_run()[1].info.status == status
    if status == "KILLED":
        killed = (target, number) == ("flow", signal.SIGKILL)
        assert last_flow_state(with_server) == ("CRASHED" if killed else "CANCELLED")
        assert ("the run's process was killed by SIGKILL" in output) == killed

    done = pipeline.run("train.max_steps=240")
    assert done.returncode == 0, done.stderr
    assert "going on from the checkpoint at step" in done.stderr
    assert pipeline.mlflow_run()[1].info.status == "FINISHED"
    assert pipeline.course() == unbroken.course()
    assert pipeline.samples() == unbroken.samples()


def as_kaggle_serves_it(texts: int = 30) -> bytes:
    """A zip of small works with an author's folder and its list."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("prose/Author/info.csv", "name,year\nРассказ 1,1889\n")
        for number, story in zip(range(texts), generate_stories(7, 10**6), strict=False):
            file.writestr(f"prose/Author/Рассказ {number}.txt", story.text)
    return archive.getvalue()


@pytest.mark.slow
def test_a_kaggle_dataset_comes_by_the_real_client_or_from_a_copy_on_disk(tmp_path, with_server):
    archive = as_kaggle_serves_it()
    (tmp_path / "copy.zip").write_bytes(archive)
    source = SMALL.replace("kind: sample, characters: 60000", "kind: kaggle, dataset: owner/texts")
    with KaggleStandIn({"owner/texts": archive}) as kaggle:
        pipeline = Pipeline(
            tmp_path, {**with_server, **kaggle.env(), "HOME": str(tmp_path)}, source
        )
        done = pipeline.run("train.max_steps=5")
        assert done.returncode == 0, done.stderr
        assert len(kaggle.downloads) == 1
        assert "30 works" in done.stdout
    copied = pipeline.run("train.max_steps=5", archive=tmp_path / "copy.zip")
    assert copied.returncode == 0, copied.stderr
    # The same bytes from another place: only they are made again.
    assert lines_of(copied.stderr, "made") == ["raw stories"]

    with KaggleStandIn({"owner/texts": archive}) as kaggle:
        kaggle.refuse = 403
        pipeline.environment |= kaggle.env()
        pipeline.data = tmp_path / "other"
        refused = pipeline.run()
    assert refused.returncode == 1
    assert "Traceback" not in refused.stderr
    *_, first, second = refused.stderr.splitlines()
    assert "owner/texts" in first and "403" in first
    assert "token" in second and "ARCHIVE=" in second


NOT_TEXT = bytes(range(256)) * 40


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ("an archive that is not one", "not an archive"),
        ("a text that is not text", "is not text"),
        ("an empty folder", "there is no .csv"),
        ("texts without content", "is empty"),
        ("no such folder", "there is no such file or folder"),
        ("a file for a folder", "a file is where a folder is needed"),
        ("an MLflow store that cannot be written", "mlruns"),
    ],
)
@pytest.mark.slow
def test_bad_input_gives_one_line_and_harms_nothing(tmp_path, finished, with_server, case, message):
    earlier, _ = finished
    before = earlier.files()
    texts = tmp_path / "texts"
    texts.mkdir()
    pipeline = Pipeline(
        tmp_path,
        with_server,
        SMALL.replace("kind: sample, characters: 60000", f"kind: files, path: {texts}"),
    )
    pipeline.data = earlier.data
    overrides = []
    match case:
        case "an archive that is not one":
            (tmp_path / "texts.zip").write_bytes(NOT_TEXT)
            overrides = [f"sources.stories.path={tmp_path / 'texts.zip'}"]
        case "a text that is not text":
            (texts / "good.txt").write_text("Жил-был кот. " * 50, encoding="utf-8")
            (texts / "bad.txt").write_bytes(NOT_TEXT)
            overrides = ["sources.stories.not_text=stop"]
        case "texts without content":
            (texts / "one.txt").write_text(" \n")
            (texts / "two.txt").write_text("")
        case "no such folder":
            overrides = [f"sources.stories.path={tmp_path / 'nowhere'}"]
        case "a file for a folder":
            (tmp_path / "file").write_text("")
            pipeline.data = tmp_path / "file"
            (texts / "good.txt").write_text("Жил-был кот. " * 50, encoding="utf-8")
        case "an MLflow store that cannot be written":
            pipeline = Pipeline(tmp_path, with_server)
            pipeline.data = earlier.data
            (tmp_path / "file").write_text("")
            pipeline.mlruns = tmp_path / "file" / "mlruns"
            overrides = ["train.max_steps=5"]
    done = pipeline.run(*overrides)
    assert done.returncode == 1
    error = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert len(error) == 1
    assert message in error[0]
    assert "Traceback" not in done.stderr + done.stdout
    assert before.items() <= earlier.files().items()


@pytest.mark.slow
def test_an_unknown_configuration_or_setting_is_reported_at_once(tmp_path, environment):
    pipeline = Pipeline(tmp_path, environment)
    for done, message in [
        (pipeline.run(config="clasics"), "did you mean 'classics'"),
        (pipeline.run("train.max_step=5"), "did you mean 'max_steps'"),
        (pipeline.run("train.clip=-1"), "train.clip is -1"),
    ]:
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert message in line


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="mounting a small disk needs root")
def test_a_full_disk_gives_one_line_and_leaves_nothing_half_made(tmp_path, with_server):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=300k", "tmpfs", str(disk)], capture_output=True
    )
    if mount.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mount.stderr.decode().strip()}")
    try:
        pipeline = Pipeline(tmp_path, with_server)
        pipeline.data = disk / "data"
        done = pipeline.run()
        assert done.returncode == 1
        (error,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
        assert "the disk is full" in error
        assert "Traceback" not in done.stderr
        finished = [path for path in pipeline.files() if path.endswith("manifest.json")]
        assert finished  # what was made before the disk was full stays
        assert not [*disk.glob("data/*/.*.partial/manifest.json")]
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.slow
def test_two_pipelines_at_once_make_everything_once(tmp_path, with_server):
    pipeline = Pipeline(tmp_path, with_server)
    first, second = pipeline.start(), pipeline.start()
    outputs = [process.communicate(timeout=240)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    made = lines_of(outputs[0], "made") + lines_of(outputs[1], "made")
    assert sorted(made) == sorted(["raw stories", *STAGES])
    assert [step for step, _ in pipeline.course()["train_loss"]] == list(range(1, 61))


@pytest.mark.slow
def test_a_model_is_trained_anew_when_a_person_asks_and_the_old_one_stays(tmp_path, with_server):
    pipeline = Pipeline(tmp_path / "again", with_server)
    assert pipeline.run().returncode == 0
    before = set((pipeline.data / "run").glob("*/model.safetensors"))

    again = pipeline.run("--again", "train")

    assert again.returncode == 0, again.stderr
    assert lines_of(again.stderr, "made") == ["run", "evaluation", "samples", "report"]
    assert "because --again asks for it" in again.stderr
    models = set((pipeline.data / "run").glob("*/model.safetensors"))
    assert before < models and len(models) == 2
    client, both = pipeline.mlflow_runs()
    for run in both:  # each training has a run of its own, with its whole course
        losses = client.get_metric_history(run.info.run_id, "train_loss")
        assert [point.step for point in losses] == list(range(1, 61))
    assert len({run.data.tags["femtogpt.run"] for run in both}) == 2
    plain = pipeline.run()
    assert lines_of(plain.stderr, "up to date") == ["raw stories", *STAGES, "record"]
    unknown = pipeline.run("--again", "trian")
    assert unknown.returncode == 1 and "did you mean 'train'" in unknown.stderr
