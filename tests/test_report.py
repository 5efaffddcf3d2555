"""The report: a summary with the figures that count, and a plot."""

from __future__ import annotations

import json

import pytest

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.evaluation.baseline import Baseline, Tally
from femtogpt.report.run_report import plot, summary, write_report

COUNTS = {
    "corpus": {
        "documents_read": 1234,
        "characters_read": 45_600_000,
        "documents_rejected": 17,
        "held_out_documents": 61,
        "held_out_characters": 2_000_000,
        "train_characters": 38_000_000,
    },
    "tokenizer": {"pieces": 8000},
    "tokens": {
        "train_tokens": 10_000_000,
        "held_out_tokens": 550_000,
        "characters_per_token": 3.789,
    },
    "run": {"parameters": 12_340_000, "steps": 4000, "tokens": 65_000_000, "seconds": 7500},
    "evaluation": {},
    "samples": {},
}
CLEANING = {
    "books": {
        "documents": 373,
        "rejected": {},
        "splits": {
            "train": {"documents": 360, "characters": 38_000_000},
            "held_out": {"documents": 13, "characters": 2_000_000},
        },
        "rules": {
            "dashes": {"notable": {"documents": 0, "worst": []}},
            "gathered_notes": {
                "notable": {
                    "documents": 41,
                    "worst": [{"id": "Том 4", "taken": 900, "decoded": 5000, "stretch": 1200}],
                }
            },
        },
    }
}
EVALUATION = {
    "held_out": {
        "bits_per_character": 1.4561,
        "loss": 3.8244,
        "entropy": None,
        "tokens": 550_000,
        "characters": 2_000_000,
    },
    "train": {"bits_per_character_estimate": 1.2341},
}
SAMPLES = [{"prompt": "Зима", "text": f" пришла {number}.\nИ вот"} for number in range(1, 5)]
LINES = [
    {"step": 0, "tokens": 0, "seconds": 0.5, "held_out_loss": 9.0},
    {"step": 1, "tokens": 5_000_000, "seconds": 9.5, "train_loss": 7.0},
    {"step": 2, "tokens": 65_000_000, "seconds": 7523.4, "train_loss": 5.0},
    {"step": 2, "tokens": 65_000_000, "seconds": 7524.4, "held_out_loss": 5.5},
]


@pytest.fixture
def artifacts(tmp_path):
    """The artifacts of a pipeline, with the files that a report reads."""
    every = {
        kind: Artifact(tmp_path / kind, kind, kind, kind, counts) for kind, counts in COUNTS.items()
    }
    for artifact in every.values():
        artifact.path.mkdir()
    (tmp_path / "corpus/report.json").write_text(json.dumps(CLEANING), "utf-8")
    (tmp_path / "corpus/manifest.json").write_text(json.dumps({"config": {"held_out": 0.01}}))
    (tmp_path / "evaluation/evaluation.json").write_text(json.dumps(EVALUATION))
    (tmp_path / "samples/samples.json").write_text(json.dumps(SAMPLES))
    (tmp_path / "run/metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in LINES))
    return every


def is_picture(path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG\r\n") and path.stat().st_size > 5000


def test_the_report_names_the_figures_and_draws_the_course(artifacts, tmp_path):
    made = write_report(Store(tmp_path / "data"), "классика", artifacts)
    text = (made.path / "summary.txt").read_text("utf-8")
    corpus = ("1,234 works", "45.60 M characters", "17 rejected", "61 works (5.0%")
    tokens = ("10.00 M for training", "0.55 M held out", "8,000 pieces", "3.79 characters")
    model = ("12.34 M parameters", "4,000 steps", "65.00 M tokens (6.5 epochs)", "2 h 5 min")
    worth = ("1.456 bits per character", "3.824 nats per token", "train 1.234")
    for figure in corpus + tokens + model + worth:
        assert figure in text
    assert "entropy" not in text
    assert is_picture(made.path / "loss.png")
    assert "<h1>классика</h1>" in (made.path / "report.html").read_text("utf-8")


def test_the_summary_names_the_rules_that_took_much_and_a_large_held_out_share(artifacts):
    lines = summary(artifacts, EVALUATION, SAMPLES, LINES).splitlines()
    held_out, taken = (line for line in lines if " books: " in line)
    assert "5.0% of the characters are held out" in held_out
    assert "corpus.unit=chapter" in held_out
    for figure in ("gathered_notes", "41 documents", "'Том 4'", "900 letters, 18.0%", "1,200"):
        assert figure in taken


def test_what_is_held_out_by_chapters_is_counted_in_chapters(artifacts, tmp_path):
    manifest = {"config": {"held_out": 0.01, "unit": "chapter"}}
    (tmp_path / "corpus/manifest.json").write_text(json.dumps(manifest))
    text = summary(artifacts, EVALUATION, SAMPLES, LINES)
    assert "1,234 works" in text
    assert "61 chapters (5.0%" in text
    assert "its parts are few and large: add texts" in text


def test_the_summary_shows_three_samples_with_their_prompts(artifacts):
    text = summary(artifacts, EVALUATION, SAMPLES, LINES)
    assert "    Зима пришла 1.\n    И вот\n" in text
    assert "пришла 3" in text
    assert "пришла 4" not in text


def test_the_summary_and_the_plot_have_the_baselines(artifacts, tmp_path):
    plain = write_report(Store(tmp_path / "data"), "классика", artifacts)
    for kind, title, bits in (("ngram", "n-gram (order 4)", 1.4), ("ppmd", "PPMd (order 12)", 1.5)):
        artifacts[kind] = Artifact(tmp_path / kind, kind, kind, kind, {})
        artifacts[kind].path.mkdir()
        Baseline.of(title, {}, {"books": Tally(1000 * bits, 1000)}).write(artifacts[kind].path)
    made = write_report(Store(tmp_path / "data"), "классика", artifacts)
    text = (made.path / "summary.txt").read_text("utf-8")
    figures, verdict, advice = text.partition("Baselines   ")[2].splitlines()[:3]
    assert figures == "n-gram (order 4): 1.400 · PPMd (order 12): 1.500 bits per character"
    assert verdict.startswith(" " * 12 + "the model is 4.0% above the n-gram")
    assert "train.max_steps=" in advice or "more text" in advice
    assert is_picture(made.path / "loss.png")
    assert (made.path / "loss.png").read_bytes() != (plain.path / "loss.png").read_bytes()
    assert "Baselines" not in (plain.path / "summary.txt").read_text("utf-8")


def test_the_summary_tells_what_is_memory_and_what_is_chance(artifacts, tmp_path):
    assert "Memory" not in summary(artifacts, EVALUATION, SAMPLES, LINES)
    figures = {"longest_characters": 43, "nearly_characters": 61, "share": 0.125}
    chance = {f"held_out_{name}": value / 2 for name, value in figures.items()}
    artifacts["memory"] = Artifact(tmp_path / "memory", "memory", "1", "1", figures | chance)
    artifacts["memory"].path.mkdir()
    work = {"source": "books", "id": "1", "author": "Чехов", "title": "Студент"}
    records = [{"longest": {"start": 5, "end": end, "work": work}} for end in (9, 48)]
    held_out = {"passages": records, "same_authors": True}
    found = {"samples": [*records, {"longest": None}], "held_out": held_out}
    (tmp_path / "memory/memory.json").write_text(json.dumps(found), "utf-8")
    text = summary(artifacts, EVALUATION, SAMPLES, LINES)
    verbatim, chance, gap = text.partition("Memory      ")[2].splitlines()[:3]
    assert verbatim == (
        "43 characters verbatim at most (Чехов, «Студент»), 61 nearly; 12.5% of the samples in"
        " stretches of 50 or more"
    )
    assert (
        "by chance, passages of the same length from held-out works by the same authors: 21.5"
        in chance
    )
    assert gap.strip() == "held-out text takes 0.222 bits per character more than training text"


def test_a_long_sample_is_cut_between_words(artifacts):
    text = summary(artifacts, EVALUATION, [{"prompt": "", "text": "слово " * 500}], LINES)
    sample = text.split("Sample 1\n")[1].strip()
    assert 500 < len(sample) <= 605
    assert set(sample.split()) == {"слово", "…"}


def test_where_the_texts_true_entropy_is_known_the_summary_says_how_near_it_is(artifacts):
    known = {**EVALUATION, "held_out": {**EVALUATION["held_out"], "entropy": 1.4}}
    text = summary(artifacts, known, SAMPLES, LINES)
    assert "1.400" in text
    assert "1.040 times" in text


@pytest.mark.parametrize(
    "lines",
    [
        LINES,
        LINES[:1],
        [*LINES, {"step": 3, "tokens": 7e7, "seconds": 8e3, "train_loss": float("nan")}],
        [*LINES, {"step": 3, "tokens": 7e7, "seconds": 8e3, "train_loss": float("inf")}],
    ],
    ids=["whole", "one evaluation", "not a number", "infinite"],
)
def test_the_plot_is_a_picture_whatever_the_course(tmp_path, lines):
    plot(lines, EVALUATION["held_out"], "Название", tmp_path / "loss.png", {})
    assert is_picture(tmp_path / "loss.png")
