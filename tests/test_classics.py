"""The real corpus, where it is at hand: from the archive to token shards."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.store import Store
from femtogpt.config_file import load_config
from femtogpt.corpus.build import build_corpus
from femtogpt.sources.fetch import fetch
from femtogpt.tokens.shards import Tokens, write_tokens
from femtogpt.tokens.tokenizer import train_tokenizer

pytestmark = pytest.mark.slow
WORKS = 373


def prepare(archive: Path, data: Path) -> tuple[Artifact, Artifact]:
    config = load_config("classics", [f"paths.data={data}"], archive)
    store = Store(data)
    raws = {name: fetch(store, name, source) for name, source in config.sources.items()}
    corpus = build_corpus(store, config, raws)
    tokenizer = train_tokenizer(store, config, corpus)
    return corpus, write_tokens(store, config, corpus, tokenizer)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory) -> tuple[Artifact, Artifact]:
    from tests.conftest import SHARED

    archive = SHARED / "russian-literature.zip"
    if not archive.is_file():
        pytest.skip(f"the classics are not at hand ({archive})")
    return prepare(archive, tmp_path_factory.mktemp("classics"))


def texts(corpus: Artifact) -> pl.DataFrame:
    return pl.read_parquet(corpus.path / "documents", hive_partitioning=True)


def test_no_work_is_lost(prepared):
    corpus, _ = prepared
    rejected = [*corpus.path.glob("rejected/*/*.parquet")]
    kept = texts(corpus)
    assert corpus.counts["documents_read"] == WORKS
    assert kept.height + sum(pl.read_parquet(file).height for file in rejected) == WORKS
    assert kept["id"].n_unique() == kept.height


def test_what_the_rules_are_for_is_gone(prepared):
    corpus, _ = prepared
    text = texts(corpus)["text"]
    for pattern in (
        r"[\x00-\x08\x0b-\x1f\x7f-\x9f\t]",
        r"[\u00a0\u00ad\u1680\u2000-\u200f\u202f\u2060\u3000\ufeff]",
        r"[\u0300-\u036f]",
        r"&#?\w{1,10};",
        r"\[\*?\d{1,4}\]|\{\d{1,4}\}|<<\d+>>|[а-яё]{3}\(\d{1,2}\)|[¹²³]",
        r"(?mi)^\W*(?:примечания|комментарии|сноски)\W*$",
        r"--| - |(?m:^-)|[\u2010-\u2013\u2015]",
        r"[\"”‟]|  |\n\n\n|\.\.\.",
    ):
        assert not text.str.contains(pattern).any(), pattern
    ruslan = texts(corpus).filter(pl.col("title") == "Руслан и Людмила")["text"].item()
    assert "У лукоморья дуб зелёный" in ruslan.replace("зеленый", "зелёный")  # from cp1251


def test_years_and_authors_are_known(prepared):
    corpus, _ = prepared
    frame = texts(corpus)
    assert frame["author"].null_count() == 0
    assert frame["year"].null_count() < WORKS / 10


def test_the_split_keeps_to_its_share_and_the_tokens_give_the_text_back(prepared):
    corpus, artifact = prepared
    held_out, train = (corpus.counts[f"{split}_characters"] for split in ("held_out", "train"))
    assert 0.045 <= held_out / (held_out + train) <= 0.05
    tokens = Tokens(artifact.path)
    tokenizer = tokens.tokenizer()
    by_id = dict(texts(corpus).select("id", "text").iter_rows())
    for shards in tokens.shards("held_out").values():
        for shard in shards:
            for entry in shard.documents():
                ids = shard.ids[entry.start + 1 : entry.start + 1 + entry.tokens]
                assert tokenizer.decode(ids) == by_id[entry.id]


def test_preparing_takes_less_than_two_gigabytes(classics, tmp_path):
    code = (
        "import json, pathlib, resource, sys; from tests.test_classics import prepare;"
        "prepare(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]));"
        "print(json.dumps(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))"
    )
    root = Path(__file__).resolve().parent.parent
    done = subprocess.run(
        [sys.executable, "-c", code, str(classics), str(tmp_path)],
        cwd=root,
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    kilobytes = json.loads(done.stdout.splitlines()[-1])
    assert kilobytes * (1 if sys.platform != "darwin" else 1 / 1024) < 2 * 1024**2
