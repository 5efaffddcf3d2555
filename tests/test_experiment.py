"""The laboratory: arms, their records, and what is cut from the text for them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import arm_training
import commit_files
import experiment
import pytest
from arms import Arm, Training, resolve
from experiment import Laboratory
from paired import compare, mean_ratio, paired_difference, shown, verdict
from text_cuts import content_hash, text_cut, validation_cut

from femtogpt.scaling import recipe
from femtogpt.tokens.batches import Batches
from femtogpt.tokens.shards import Tokens
from tests.tiny import verses, write_tokens

ROOT = Path(__file__).resolve().parent.parent
SMALL = "model.layers=1 model.width=16 model.heads=2 model.context=8 train.batch_size=4"
SHORT = f"{SMALL} train.max_steps=6 train.threads=1 train.precision=float32"


@pytest.fixture
def tokens(tmp_path) -> Tokens:
    train = {"one": verses(20, 1), "two": verses(6, 2), "alone": verses(1, 5)}
    held_out = {"one": verses(3, 3), "two": verses(1, 4)}
    return write_tokens(tmp_path / "tokens", {"train": train, "held_out": held_out})


def works(tokens: Tokens, split: str) -> dict[tuple[str, str], list[int]]:
    """The ids of each document by source and id."""
    return {
        (source, entry.id): shard.ids[entry.start + 1 : entry.start + 1 + entry.tokens].tolist()
        for source, shards in tokens.shards(split).items()
        for shard in shards
        for entry in shard.documents()
    }


# what is cut from the text


def test_no_work_to_choose_by_is_trained_on_and_none_is_lost(tokens, tmp_path):
    cut = validation_cut(tokens, tmp_path / "cut", 0.2)
    before, train, spared = works(tokens, "train"), works(cut, "train"), works(cut, "held_out")
    assert not train.keys() & spared.keys()
    assert train | spared == before
    assert {source for source, _ in spared} == {"one", "two"}, "a single work is trained on"
    for unit in ("tokens", "documents", "characters"):
        both = cut.total("train", unit) + cut.total("held_out", unit)
        assert both == tokens.total("train", unit)
    share = cut.total("held_out", "characters") / tokens.total("train", "characters")
    assert 0.1 < share < 0.25
    assert not spared.keys() <= works(tokens, "held_out").keys()


def test_a_cut_is_made_once_and_always_the_same(tokens, tmp_path):
    first = validation_cut(tokens, tmp_path / "cut", 0.2)
    made = (first.folder / "index.json").stat().st_mtime_ns
    assert (
        validation_cut(tokens, tmp_path / "cut").folder / "index.json"
    ).stat().st_mtime_ns == made
    assert content_hash(validation_cut(tokens, tmp_path / "again", 0.2)) == content_hash(first)
    assert content_hash(first) != content_hash(tokens)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "cut", "tokens"]


def test_without_two_works_of_a_source_there_is_nothing_to_choose_by(tmp_path):
    tokens = write_tokens(tmp_path / "tokens", {"train": {"one": verses(1)}, "held_out": {}})
    with pytest.raises(SystemExit, match="no source has two works"):
        validation_cut(tokens, tmp_path / "cut")
    assert not (tmp_path / "cut").exists()


def test_less_text_is_stretches_of_all_of_it(tokens, tmp_path):
    cut = text_cut(tokens, tmp_path / "cut", 300)
    assert 250 < cut.total("train") < 400
    texts = ["".join(map(chr, ids)) for ids in works(tokens, "train").values()]
    stretches = ["".join(map(chr, ids)) for ids in works(cut, "train").values()]
    assert all(any(stretch in text for text in texts) for stretch in stretches)
    assert works(cut, "held_out") == works(tokens, "held_out")
    assert Batches(cut.shards("train"), 8, 4, seed=0).batch(0)[0].shape == (4, 8)
    ratio = tokens.total("train", "characters") / tokens.total("train")
    assert cut.total("train", "characters") / cut.total("train") == pytest.approx(ratio, rel=0.1)
    with pytest.raises(SystemExit, match="more"):
        text_cut(tokens, tmp_path / "all", 10_000)


# arms


def test_an_arm_is_a_line_of_settings():
    arm = Arm.parse("wide: model.width=64 change=no_qk_norm", "conf=sample text=300 model.width=32")
    (training,) = arm.trainings
    assert dict(training.settings) == {"train.sample_every": 0, "model.width": 64}
    assert (training.conf, training.text, training.changes) == ("sample", 300, ("no_qk_norm",))


def test_then_begins_another_training_with_the_same_base():
    arm = Arm.parse("two: train.epochs=2 then train.init_from=@previous", "train.max_steps=3")
    first, second = (dict(training.settings) for training in arm.trainings)
    assert first["train.epochs"] == 2 and "train.init_from" not in first
    assert second["train.max_steps"] == 3 and second["train.init_from"] == "@previous"


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("wide model.width=64", "is no arm"),
        ("wide: model.width", "write name=value"),
        ("wide: width=64", "no setting of an arm"),
        ("wide: change=wider", "there are no_qk_norm"),
    ],
)
def test_a_line_that_is_no_arm_is_told(line, complaint):
    with pytest.raises(SystemExit, match=complaint):
        Arm.parse(line)


def test_the_trees_own_dial_and_configuration_decide_what_is_left_open():
    training = Training.parse("conf=classics-cpu train.epochs=2")
    resolved = resolve(training, ROOT, 8000, text=20_480)
    assert resolved.model["layers"] == 4 and resolved.model["width"] == 128
    assert resolved.train["learning_rate"] == recipe(128, 256)["learning_rate"] / 2
    assert resolved.train["max_steps"] == 2 * 20_480 / (8 * 256), "not the configuration's steps"
    timed = resolve(Training.parse("conf=classics-cpu minutes=10"), ROOT, 8000, text=20_480)
    assert timed.train["max_steps"] is None and timed.train["evaluate_every"] is None


def test_a_size_takes_the_place_of_the_configurations_shape():
    (training,) = Arm.parse("a: conf=classics-cpu model.size=nano").trainings
    model = resolve(training, ROOT, 8000, 10_000_000).model
    assert (model["layers"], model["width"], model["heads"]) == (4, 256, 4)


def test_what_an_older_build_does_not_know_is_left_out(tmp_path):
    for folder in ("femtogpt", "conf"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    config = tmp_path / "femtogpt/train_config.py"
    config.write_text(config.read_text("utf-8").replace("document_mask:", "another:"), "utf-8")
    training = Training.parse(f"{SHORT} train.document_mask=true")
    resolved = resolve(training, tmp_path, 300, text=1000)
    assert resolved.unknown == ("train.document_mask",)
    assert "document_mask" not in resolved.train and resolved.train["max_steps"] == 6
    with pytest.raises(SystemExit, match=r"no setting train\.documents"):
        resolve(Training.parse(f"{SHORT} train.documents=true"), ROOT, 300, text=1000)


# records


class Laboratories:
    """Laboratories on one folder, in which nothing is really trained."""

    def __init__(self, tokens: Tokens, folder: Path):
        self.tokens, self.folder = tokens, folder
        self.trained: list[tuple] = []
        self.failing: set[int] = set()  # seeds
        self.final = False  # whether they would always fail

    def train_arm(self, trainings, texts, tree, seed, runs, paces):
        steps = tuple(training.train["max_steps"] for training in trainings)
        if seed in self.failing:
            failure = arm_training.TrainingFailed.__new__(arm_training.TrainingFailed, "it failed")
            failure.is_final = self.final
            raise failure
        self.trained.append((*steps, seed))
        return {"bits_per_character": 2 + seed / 10, "steps": steps[-1], "seconds": 1.0}

    def records(self, *lines: str, base: str = SHORT, seeds: int = 2, **options):
        self.trained = []
        found = [Arm.parse(line, base) for line in lines]
        return Laboratory(self.tokens, self.folder, **options).records(found, range(seeds))


@pytest.fixture
def laboratories(tokens, tmp_path, monkeypatch) -> Laboratories:
    made = Laboratories(tokens, tmp_path / "out")
    monkeypatch.setattr(experiment, "train_arm", made.train_arm)
    return made


def test_a_second_start_trains_what_is_missing(laboratories):
    both = ("base:", "long: train.max_steps=9")
    first = laboratories.records(*both)
    assert laboratories.trained == [(6, 0), (9, 0), (6, 1), (9, 1)], "seeds in turn over the arms"
    assert laboratories.records(*both) == first and laboratories.trained == []
    laboratories.records(*both, "longer: train.max_steps=12", seeds=3)
    assert laboratories.trained == [(12, 0), (12, 1), (6, 2), (9, 2), (12, 2)]
    assert len([*laboratories.folder.glob("*.json")]) == 9, "a record each, and no half ones"


def test_an_arm_that_has_changed_is_a_new_one_and_a_renamed_one_is_not(laboratories, tmp_path):
    laboratories.records("base:", seeds=1)
    for other in ("renamed:", "commented: train.max_steps=6"):
        laboratories.records(other, seeds=1)
        assert laboratories.trained == []
    for other in ("rate: train.learning_rate=0.5", "less: text=300", "changed: change=z_loss"):
        laboratories.records(other, seeds=1)
        assert laboratories.trained == [(6, 0)], other
    laboratories.records("base:", seeds=1, final=True)
    assert laboratories.trained == [(6, 0)], "on another text"
    splits = {"train": {"one": verses(20, 7)}, "held_out": {"one": verses(2, 8)}}
    laboratories.tokens = write_tokens(tmp_path / "others", splits)
    laboratories.records("base:", seeds=1)
    assert laboratories.trained == [(6, 0)], "on another text"


def test_arms_of_equal_text_take_equal_steps_through_it(laboratories):
    base = f"{SMALL} text=300 train.epochs=3"
    laboratories.records("one:", "two: train.learning_rate=0.5", base=base, seeds=1, final=True)
    text = Laboratory(laboratories.tokens, laboratories.folder, final=True).text(300)
    steps = -(-3 * text.total("train") // (4 * 8))
    assert laboratories.trained == [(steps, 0), (steps, 0)]


def test_a_failure_keeps_no_other_arm_from_its_record(laboratories):
    laboratories.failing = {0}
    with pytest.raises(SystemExit, match="base, seed 0: it failed"):
        laboratories.records("base:", "long: train.max_steps=9")
    assert laboratories.trained == [(6, 1), (9, 1)]
    laboratories.failing = set()
    laboratories.records("base:", "long: train.max_steps=9")
    assert laboratories.trained == [(6, 0), (9, 0)]


def test_a_training_that_diverges_is_a_result(laboratories):
    laboratories.failing, laboratories.final = {0}, True
    records = laboratories.records("base:", "long: train.max_steps=9")
    assert records["base"][0]["failure"] == "it failed"
    assert "it failed" in shown(compare(records, "base"))
    laboratories.records("base:", "long: train.max_steps=9")
    assert laboratories.trained == []


def test_a_misspelt_setting_is_told_before_anything_trains(laboratories):
    with pytest.raises(SystemExit, match=r"train\.max_step"):
        laboratories.records("base:", "long: train.max_step=9")
    assert laboratories.trained == []


def test_arms_of_equal_time_are_not_trained_side_by_side(laboratories):
    with pytest.raises(SystemExit, match="alone"):
        laboratories.records("base: minutes=1", jobs=2)


@pytest.mark.slow
def test_a_commits_build_trains_as_this_tree_does(tokens, tmp_path, monkeypatch):
    house = tmp_path / "house"
    for folder in ("femtogpt", "conf"):
        shutil.copytree(ROOT / folder, house / folder, ignore=shutil.ignore_patterns("__pyc*"))
    for command in ("init -q", "add .", "-c user.name=a -c user.email=a@b commit -qm one"):
        subprocess.run(["git", "-C", str(house), *command.split()], check=True)
    monkeypatch.setattr(commit_files, "ROOT", house)
    commit = commit_files.full_hash("HEAD")
    arms = [Arm.parse("theirs:", SHORT, commit), Arm.parse("ours:", SHORT)]
    records = Laboratory(tokens, tmp_path / "out", jobs=2).records(arms, [0])
    theirs, ours = records["theirs"][0], records["ours"][0]
    assert ours["course"] == theirs["course"] and len(ours["course"]) == 7
    assert ours["bits_per_character"] == theirs["bits_per_character"] > 0
    assert (theirs["commit"], ours["commit"]) == (commit, None)
    with pytest.raises(SystemExit, match="no commit"):
        commit_files.full_hash("nowhere")


@pytest.mark.slow
def test_trainings_that_follow_on_each_other_and_changes_of_the_model(tokens, tmp_path):
    arms = [
        Arm.parse("one: train.max_steps=40", SHORT),
        Arm.parse("two: train.max_steps=40 then train.init_from=@previous", SHORT),
        Arm.parse("changed: change=no_qk_norm change=relu_squared", SHORT),
    ]
    records = Laboratory(tokens, tmp_path / "out").records(arms, [0])
    one, two, changed = (records[arm.name][0] for arm in arms)
    assert two["tokens"] == (40 + 6) * 4 * 8 and two["seconds"] > one["seconds"]
    assert two["course"][0]["held_out_loss"] == pytest.approx(one["course"][-1]["held_out_loss"])
    assert changed["parameters"] != one["parameters"]


# comparison


def test_paired_figures_are_those_by_hand():
    ours, theirs = {0: 1.0, 1: 1.2, 2: 1.1, 3: 9.9}, {0: 1.1, 1: 1.25, 2: 1.3}
    difference, error = paired_difference(ours, theirs)  # −0.1, −0.05, −0.2
    assert difference == pytest.approx(-0.35 / 3)
    assert error == pytest.approx(0.0440959, rel=1e-5)
    assert mean_ratio(ours, theirs) == pytest.approx((1 / 1.1 + 1.2 / 1.25 + 1.1 / 1.3) / 3)


@pytest.mark.parametrize(
    ("difference", "error", "seeds", "expected"),
    [
        (-0.02, 0.01, 3, "adopt"),
        (-0.0199, 0.01, 3, "no difference"),
        (0.03, 0.01, 5, "worse"),
        (-0.5, 0.01, 2, "too few seeds"),
        (0.0, 0.0, 3, "no difference"),
    ],
)
def test_a_gain_is_adopted_from_two_errors_on(difference, error, seeds, expected):
    assert verdict(difference, error, seeds) == expected


def test_the_table_compares_each_arm_with_the_first():
    def by_seed(*bits: float) -> dict[int, dict]:
        return {
            seed: {"bits_per_character": value, "steps": 300, "seconds": 60.0}
            for seed, value in enumerate(bits)
        }

    rows = compare({"base": by_seed(2.0, 2.1, 2.2), "better": by_seed(1.9, 2.0, 2.1)}, "base")
    first, second = shown(rows).splitlines()[2:4]
    assert first == "| base | 3 | 2.1000 ± 0.1000 |  |  | 300 | 60 |"
    assert second.startswith("| better | 3 | 2.0000 ± 0.1000 | −0.1000 ± 0.0000 | adopt |")


# program


def test_the_program_prints_the_table_and_writes_it(laboratories, tmp_path, monkeypatch, capsys):
    options = ["--base", SHORT, "--arm", "long: train.max_steps=9", "--seeds", "3"]
    places = ["--folder", str(laboratories.folder), "--out", str(tmp_path / "table.json")]
    program = ["experiment.py", str(laboratories.tokens.folder), *options, *places]
    monkeypatch.setattr("sys.argv", program)
    experiment.main()
    assert "| long | 3 | 2.1000 ± 0.1000 | +0.0000" in capsys.readouterr().out
    assert len(json.loads((tmp_path / "table.json").read_text("utf-8"))["rows"]) == 2


def test_arms_have_names_of_their_own(laboratories, monkeypatch):
    program = ["experiment.py", str(laboratories.tokens.folder), "--arm", "base:"]
    monkeypatch.setattr("sys.argv", program)
    with pytest.raises(SystemExit, match="same name"):
        experiment.main()
