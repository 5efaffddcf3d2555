"""What make bench-learn and make bench-scarce make of their trainings, which are made up here."""

from __future__ import annotations

import json

import bench_learn
import bench_scarce
import pytest

from tests.tiny import repetitive

COMMIT = "a" * 40
LEARN = {"today's size": 1.9, "0.4 of the time": 2.05, "0.6 of the time": 1.95}
SCARCE = {"4 epochs": 2.6, "8 epochs": 2.5, "16 epochs": 2.45, "32 epochs": 2.48}
SCARCE |= {"1.5 times": 2.4, "twice": 2.3, "equal time": 2.44, "this build": 2.352}
SIZE = {"steps": 9, "parameters": 1000}


def speeds(rounds, tokens, model, rival, chosen) -> dict[str, float]:
    whole = 2.0 if chosen["precision"] == "float32" else 4.0
    return {"ratio": 2 * whole if "softmax_tokens" in chosen else whole}


@pytest.fixture
def bench(tmp_path, monkeypatch):
    """Runs a bench with figures by the end of the arms' names; gives its file and the trainings."""

    def run(module, bits: dict[str, float], *options: str):
        trained = []

        class Laboratory:
            def __init__(self, tokens, folder, final, jobs=1):
                assert final and folder == tmp_path / "out"
                self.jobs = jobs

            def records(self, arms, seeds):
                trained.extend((arm, seed, self.jobs) for arm in arms for seed in seeds)
                return {arm.name: {seed: self.record(arm, seed) for seed in seeds} for arm in arms}

            def record(self, arm, seed):
                figure = next(bits[name] for name in bits if name in arm.name)
                seconds = 60 * (arm.trainings[0].minutes or 2.0)
                return {"bits_per_character": figure + seed / 100, "seconds": seconds, **SIZE}

        monkeypatch.setattr(module, "Laboratory", Laboratory)
        monkeypatch.setattr(module, "full_hash", lambda commit: COMMIT)
        monkeypatch.setattr(bench_learn, "speeds", speeds)
        monkeypatch.setattr(bench_learn, "beside", lambda *rest: {"beside_one": 0.9})
        tokens, out = repetitive(tmp_path / "tokens").folder, tmp_path / "figures.json"
        places = ["--folder", str(tmp_path / "out"), "--out", str(out)]
        monkeypatch.setattr("sys.argv", [module.__name__, str(tokens), *options, *places])
        module.main()
        return json.loads(out.read_text(encoding="utf-8")), trained

    return run


def test_bench_learn_says_how_much_and_when(bench, capsys):
    bits = {**LEARN, "today's build": 2.0, "this build": 1.8}
    figures, trained = bench(bench_learn, bits)
    by_hand = (1.8 / 2.0 + 1.81 / 2.01 + 1.82 / 2.02) / 3
    assert figures["ten_minutes_ratio"] == pytest.approx(by_hand)
    assert figures["time_to_todays_ratio"] == pytest.approx((0.4 * 0.6) ** 0.5), "half-way"
    one_in_five_has_all_tokens = 1 / (0.8 / 4.0 + 0.2 / 2.0)
    assert figures["tokens_per_second_to_reference_in_float32"] == one_in_five_has_all_tokens
    assert figures["tokens_per_second_to_reference_in_float32_with_all_tokens"] == 2.0
    assert figures["beside_one"] == 0.9
    assert figures["alone_to_todays"] == 1.0
    assert "ten_minutes_to_ngram" in figures and "ten_minutes_ratio" in capsys.readouterr().out
    minutes = [arm.trainings[0].minutes for arm, seed, _ in trained if seed == 2]
    assert minutes == pytest.approx([10, 4, 6, 10])
    commits = [arm.commit for arm, seed, _ in trained if seed == 2]
    assert commits == [COMMIT, *[None] * 3]
    on_todays = [(arm.name, seed) for arm, seed, _ in trained if arm.name.endswith("tokens")]
    assert on_todays == [("this build, today's size and tokens", 0)]
    assert figures["ten_minutes_same_size_ratio"] == pytest.approx(1.9 / 2.0)


def test_bench_learn_has_a_short_form_and_tells_what_was_not_reached(bench):
    figures, trained = bench(
        bench_learn, {**LEARN, "today's build": 1.7, "this build": 1.8}, "--quick"
    )
    assert len(trained) == 5 and figures["time_to_todays_ratio"] is None
    assert figures["rows"][-1]["verdict"] == "too few seeds"


def test_bench_scarce_compares_with_the_best_number_of_epochs(bench):
    figures, trained = bench(bench_scarce, SCARCE, "--twice", "--tokens", "1000")
    assert figures["best"] == "today's build, 16 epochs"
    ours = [2.352, 2.362, 2.372]
    for key, rival in {"ratio": 2.45, "more_text": 2.4, "twice_the_text": 2.3}.items():
        by_hand = sum(x / (rival + seed / 100) for seed, x in enumerate(ours)) / 3
        assert figures[f"scarce_{key}"] == pytest.approx(by_hand)
    assert figures["scarce_equal_time"] == pytest.approx(0.964, abs=1e-3)
    trainings = {arm.name.split(", ")[-1]: (arm, jobs) for arm, _, jobs in trained}
    more, together = trainings["1.5 times the text"]
    assert more.trainings[0].text == 1500 and together == 2
    assert dict(more.trainings[0].settings)["train.epochs"] == 16
    equal, alone = trainings["equal time"]
    assert equal.trainings[0].minutes == 2.0 and alone == 1 and equal.commit == COMMIT
    counts = {name: sum(arm.name.endswith(name) for arm, _, _ in trained) for name in SCARCE}
    assert counts["4 epochs"] == counts["8 epochs"] == 1, "the best two have all seeds"
    assert counts["16 epochs"] == counts["32 epochs"] == 4
