"""A registered evaluation metric appears wherever figures are shown, by its registration alone."""

from __future__ import annotations

import json

import polars as pl
import pytest

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.corpus.schema import SCHEMA, write
from femtogpt.evaluation.document_scores import SCORES, scores_of
from femtogpt.evaluation.evaluate import evaluate
from femtogpt.evaluation.metric_registry import METRICS, RANKING, metric
from femtogpt.report.run_report import summary
from femtogpt.sweep.study import Study
from femtogpt.sweep.sweep_config import load_sweep
from femtogpt.sweep.sweep_report import table
from femtogpt.training.loop import train
from tests.helpers import config, listed
from tests.test_report import COUNTS, LINES, SAMPLES
from tests.tiny import settings

NAME = "documents_per_layer"


@pytest.fixture
def registered():
    """One that uses the model, the texts, the run's settings and the configuration."""
    before = dict(METRICS)

    @metric(NAME, unit="documents per layer", better="higher", reads=("samples",))
    def documents_per_layer(context):
        assert context.model.config == context.settings.model
        assert context.tokens.total("held_out", "documents") == context.held_out.documents
        per_layer = context.held_out.documents / context.settings.model.layers
        return per_layer + context.config.samples.tokens

    yield 4 / 2 + 200
    METRICS.clear()
    METRICS.update(before)


def beside(tokens, folder):
    """A corpus with the held-out documents that shards were made of."""
    for source, shards in tokens.shards("held_out").items():
        rows = [
            {"id": entry.id, "text": "а" * entry.characters, "characters": entry.characters}
            for shard in shards
            for entry in shard.documents()
        ]
        frame = pl.DataFrame(rows, SCHEMA)
        write(frame, folder / f"documents/source={source}/split=held_out/00000.parquet")
    kinds = {source: {"kind": "sample"} for source in tokens.shards("held_out")}
    (folder / "manifest.json").write_text(json.dumps({"config": {"sources": kinds}}))
    return Artifact(folder, "corpus", "corpus", "corpus", COUNTS["corpus"])


@pytest.fixture
def trained(tokens, run, tmp_path):
    config = settings()
    config.write(run)
    train(config, tokens, run)
    return (
        beside(tokens, tmp_path / "corpus"),
        Artifact(tokens.folder, "tokens", "tokens", "tokens", COUNTS["tokens"]),
        Artifact(run, "run", "run", "run", COUNTS["run"]),
    )


def test_it_is_counted_reported_and_in_the_tables_of_sweeps(registered, trained, tmp_path):
    full = config({"one": listed({"a": "а"})})
    evaluation = evaluate(Store(tmp_path / "data"), full, *trained)
    assert evaluation.counts[NAME] == registered
    assert set(evaluation.counts) == set(METRICS)

    content = json.loads((evaluation.path / "evaluation.json").read_text())
    shown = {"value": registered, "unit": "documents per layer", "better": "higher"}
    assert content["metrics"][NAME] == shown
    artifacts = {
        kind: Artifact(tmp_path, kind, kind, kind, counts) for kind, counts in COUNTS.items()
    }
    (tmp_path / "report.json").write_text("{}")  # the corpus's: nothing to warn of
    (tmp_path / "manifest.json").write_text(json.dumps({"config": {"held_out": 0.05}}))
    text = summary(artifacts, content, SAMPLES, LINES)
    assert "202 documents per layer: documents per layer" in text

    (tmp_path / "two.yaml").write_text("config: sample\nsettings: {model.layers: [2, 3]}")
    sweep = load_sweep(str(tmp_path / "two.yaml"))
    paths = {"paths": {"data": str(tmp_path / "sweep")}}
    base = sweep.variant({}).model_copy(update={"paths": full.paths.model_validate(paths["paths"])})
    study = Study(sweep, base)
    counts = {"steps": 20, "tokens": 100, "seconds": 60.0, **evaluation.counts}
    study.next().complete(evaluation.counts[RANKING], counts)
    head, _, row = table(sweep, study.done()).splitlines()
    cells = dict(zip(head.split(" | "), row.split(" | "), strict=True))
    assert cells["documents per layer"] == "202"
    study.close()


def test_a_new_metric_or_a_change_of_what_it_reads_evaluates_again(trained, tmp_path, request):
    store, full = Store(tmp_path / "data"), config({"one": listed({"a": "а"})})
    first = evaluate(store, full, *trained)
    assert not evaluate(store, full, *trained).made
    request.getfixturevalue("registered")
    second = evaluate(store, full, *trained)
    assert second.made and second.digest != first.digest
    other = full.model_copy(update={"samples": full.samples.model_copy(update={"tokens": 7})})
    assert evaluate(store, other, *trained).counts[NAME] == 4 / 2 + 7


def test_the_standard_metrics_are_those_of_the_scores(trained, tmp_path):
    evaluation = evaluate(Store(tmp_path), config({"one": listed({"a": "а"})}), *trained)
    content = json.loads((evaluation.path / "evaluation.json").read_text())
    assert evaluation.counts["held_out_loss"] == content["held_out"]["loss"]
    assert evaluation.counts[RANKING] == content["held_out"]["bits_per_character"]
    assert evaluation.counts["entropy_bits_per_character"] is None
    total = sum(document["tokens"] for document in content["documents"])
    assert total == content["held_out"]["tokens"]


def test_each_documents_score_is_kept_and_they_add_up_to_the_whole(trained, tmp_path):
    evaluation = evaluate(Store(tmp_path), config({"one": listed({"a": "а"})}), *trained)
    scores, held_out = (
        scores_of(evaluation),
        json.loads((evaluation.path / "evaluation.json").read_text())["held_out"],
    )
    assert scores.schema == SCORES and scores["source"].unique().sort().to_list() == ["one", "two"]
    assert scores["tokens"].sum() == held_out["tokens"]
    assert scores["characters"].sum() == held_out["characters"]
    bits = held_out["bits_per_character"] * held_out["characters"]
    assert scores["bits"].sum() == pytest.approx(bits, rel=1e-12)


def test_a_name_is_given_once():
    with pytest.raises(ValueError, match="there is a metric 'held_out_loss' already"):
        metric("held_out_loss", unit="nats", better="lower")(lambda context: 0.0)
