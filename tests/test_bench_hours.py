"""What make bench-hours makes of its trainings, which are made up here."""

from __future__ import annotations

import json
from types import SimpleNamespace

import bench_hours
import pytest

from femtogpt.scaling_law import law_for
from femtogpt.training.budget import Budget, choices
from tests.tiny import repetitive

BITS = {128: 1.9, 192: 1.8, 256: 1.85, 320: 1.95, 384: 2.0}
TEXT = 2_000_000


def step_seconds(model, train, compiled: bool) -> float:
    return train.batch_size * model.context * model.flops_per_token(8000) / 1e11


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Runs it where the product's choice takes no time; gives its file, the arms and the choice."""
    made = SimpleNamespace(chosen=0, arms=[])

    class Laboratory:
        def __init__(self, tokens, folder, final):
            assert final
            self.tokens, self.content = tokens, "content"

        def records(self, arms, seeds):
            made.arms = list(arms)
            return {arm.name: {seed: self.record(arm) for seed in seeds} for arm in arms}

        def record(self, arm):
            bits = BITS.get(dict(arm.trainings[0].settings)["model.width"], 2.1)
            bits += 0.009 if arm.name == "chosen" else 0
            return {"bits_per_character": bits, "seconds": 600.0, "steps": 9}

    def choose(program, stdin):
        made.chosen += 1
        wanted = json.load(stdin)
        made.choice = choices(
            Budget(**wanted["budget"]), law_for("classics", tmp_path), step_seconds
        )
        return SimpleNamespace(output=made.choice[0].as_dict())

    def run(*options: str):
        tokens, out = repetitive(tmp_path / "tokens").folder, tmp_path / "hours.json"
        places = ["--folder", str(tmp_path / "out"), "--out", str(out)]
        monkeypatch.setattr("sys.argv", ["bench_hours", str(tokens), *options, *places])
        bench_hours.main()
        return json.loads(out.read_text(encoding="utf-8"))["minutes"], made

    monkeypatch.setattr(bench_hours, "Laboratory", Laboratory)
    monkeypatch.setattr(bench_hours, "run", choose)
    monkeypatch.setattr(bench_hours, "tokens_per_epoch", lambda tokens, weights: TEXT)
    return run


def test_what_was_chosen_is_held_against_other_sizes_and_what_was_told(bench):
    times, made = bench("--minutes", "10")
    chosen = made.choice[0]
    own = BITS[chosen.model.width] + 0.009
    assert times["10"]["to_best"] == pytest.approx(own / min(1.8, own))
    assert times["10"]["to_expected"] == pytest.approx(own / chosen.expected.bits)
    assert [arm.name for arm in made.arms] == ["chosen", *(f"width {width}" for width in BITS)]
    assert [arm.is_timed for arm in made.arms] == [False, *[True] * 5]


def test_others_train_as_the_product_would_train_them(bench):
    _, made = bench("--minutes", "10", "--set", "train.clip=0.5")
    ours, *others = (dict(arm.trainings[0].settings) for arm in made.arms)
    assert ours["train.max_steps"] == made.choice[0].train.max_steps
    for settings in others:
        for name in ("ngram_share", "embedding_init", "subword_rate", "decay", "clip"):
            assert settings[f"train.{name}"] == ours[f"train.{name}"]
        assert settings["model.layers"] == max(2, settings["model.width"] // 64)
        assert "train.max_steps" not in settings
    dropped = [settings["model.dropout"] for settings in others]
    assert dropped == sorted(dropped, reverse=True), "smaller models read the text more often"


def test_a_second_start_keeps_the_choice_and_neighbours_are_the_next_sizes(bench):
    bench("--minutes", "10", "20")
    _, made = bench("--minutes", "10", "20", "--neighbours")
    assert made.chosen == 2
    width = made.choice[0].model.width
    names = {arm.name for arm in made.arms}
    assert names == {"chosen", *(f"width {each}" for each in (width - 64, width + 64) if each)}
