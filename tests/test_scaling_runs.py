"""The small runs of make law: what is trained, and what becomes of it."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import pytest
import scaling_runs
from scaling_runs import GRID, Run

from femtogpt.scaling import dropout
from femtogpt.scaling_law import ALL, ScalingLaw
from tests.test_scaling_law import law

TEXT = 10_000_000


@pytest.fixture
def fit(tmp_path, monkeypatch):
    """Fits a law to runs whose figures come from another; gives it and the arms."""
    arms = []

    class Laboratory:
        def __init__(self, tokens, folder, final, jobs):
            assert final, "the held-out figure is predicted"
            self.tokens = tokens

        def digest(self, arm):
            return str(hash((arm.name, arm.trainings)))

        def text(self, count):
            return SimpleNamespace(total=lambda split: count or self.tokens.total(split))

        def records(self, wanted, seeds):
            arms.extend(wanted)
            return {arm.name: {seed: self.record(arm) for seed in seeds} for arm in wanted}

        def record(self, arm):
            (training,) = arm.trainings
            settings = dict(training.settings)
            width, batch = settings["model.width"], settings["train.batch_size"]
            steps = settings["train.max_steps"]
            if "fail" in arm.name:
                return {"failure": "diverged"}
            size, tokens = 8000 * width + 12 * width**3 / 64, steps * batch * 256
            return {
                "bits_per_character": law().bits(size, tokens, training.text or TEXT),
                "parameters": size,
                "tokens": tokens,
                "steps": steps,
                "seconds": 1.0,
                "trainings": [{"train": {"batch_size": batch}}],
            }

    def run(*options: str) -> ScalingLaw:
        tokens = SimpleNamespace(
            total=lambda split: TEXT, vocab_size=8000, index={"splits": {"train": {"mine": {}}}}
        )
        monkeypatch.setattr(scaling_runs, "Laboratory", Laboratory)
        monkeypatch.setattr(scaling_runs, "shards_of", lambda text, conf: tokens)
        out = tmp_path / "law.json"
        monkeypatch.setattr("sys.argv", ["law", "text", "--out", str(out), *options])
        scaling_runs.main()
        return ScalingLaw.read(out)

    return run, arms


def test_the_law_that_is_written_predicts_the_runs(fit, capsys):
    run, arms = fit
    found = run()
    assert len(arms) == len(GRID) == len({arm.name for arm in arms})
    assert all(dict(arm.trainings[0].settings)["train.max_steps"] >= 200 for arm in arms)
    assert found.made_from["sources"] == ["mine"]
    runs = f"{len(GRID)} runs (1.4 to 13.7 M parameters, 0.6 to 6.0 M tokens of mine)"
    assert found.basis == f"a scaling law of {runs}"
    assert found.counts == ALL
    assert found.bits(5e6, 1e6, TEXT) == pytest.approx(law().bits(5e6, 1e6, TEXT), rel=0.01)
    assert "by the law" in capsys.readouterr().out


def test_a_grid_that_is_cut_short_has_a_law_too(fit):
    run, arms = fit
    found = run("--first", "12", "--base", "conf=classics-cpu train.ngram_share=1.0")
    assert len(arms) == 12 and found.made_from["base"].endswith("ngram_share=1.0")
    assert dict(arms[0].trainings[0].settings)["train.ngram_share"] == 1.0


def test_a_law_is_completed_without_training_its_runs_again(fit, monkeypatch):
    monkeypatch.setattr(scaling_runs, "fit", partial(scaling_runs.fit, count=1))  # of 64 draws
    run, arms = fit
    run("--first", "12")
    found = run("--first", "14")
    assert [arm.name for arm in arms] == [made.arm("", TEXT).name for made in GRID[:14]]
    assert found.made_from["runs"].startswith("14 runs")
    run("--first", "14", "--seeds", "2")  # the laboratory has the first seed
    assert len(arms) == 28
    run("--first", "14", "--base", "conf=classics-cpu train.decay=0.5")
    assert len(arms) == 42


@pytest.mark.parametrize(
    "content",
    ["", "{}", "[]", '{"runs": null}', '{"runs": [3]}', '{"runs": [{"run": "published"}]}'],
)
def test_a_law_that_knows_no_runs_is_made_anew(content, tmp_path):
    (tmp_path / "law.json").write_text(content)
    assert scaling_runs.known_rows(tmp_path / "law.json", seeds=1) == {}


def test_a_run_is_an_arm_of_the_laboratory():
    (training,) = Run(192, 600_000, 150_000).arm("conf=classics-cpu", 10_000_000).trainings
    settings = dict(training.settings)
    assert training.text == 150_000 and training.conf == "classics-cpu"
    assert settings["model.dropout"] == dropout(4)  # passes
    assert (settings["model.layers"], settings["model.heads"]) == (3, 3)
    tokens = settings["train.max_steps"] * settings["train.batch_size"] * 256
    assert tokens == pytest.approx(600_000, rel=0.01)


def test_a_text_or_a_configuration_is_wanted(monkeypatch):
    monkeypatch.setattr("sys.argv", ["law"])
    with pytest.raises(SystemExit, match="name an archive or token shards, or a configuration"):
        scaling_runs.main()
