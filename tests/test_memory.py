"""What samples have from the training text: their records, the stage, the words, the command."""

from __future__ import annotations

import io
import json
from functools import cache

import pytest

from femtogpt.artifacts.artifact import Artifact
from femtogpt.artifacts.disk import json_digest
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.corpus.schema import parts, texts
from femtogpt.errors import UserError
from femtogpt.memorisation.corpus_works import works_of
from femtogpt.memorisation.held_out_passages import held_out_works, passages
from femtogpt.memorisation.index_layout import Work
from femtogpt.memorisation.index_lookup import index_of_run
from femtogpt.memorisation.index_stage import build_index
from femtogpt.memorisation.index_writing import write_index
from femtogpt.memorisation.memory import covered, memory_of
from femtogpt.memorisation.memory_stage import look_up_samples
from femtogpt.memorisation.memory_words import name_of
from femtogpt.memorisation.text_index import Stretch, TextIndex
from femtogpt.pipeline_stages import stages_of
from femtogpt.sources.base import Document
from tests.helpers import Listed, config, corpus_of, story

AUTHORS = ("Анна", "Борис", None)


@cache
def documents() -> tuple[Document, ...]:
    return tuple(
        Document(
            id=f"work {number}",
            text=story(number, 200),
            title=f"Рассказ {number}",
            author=AUTHORS[number % 3],
        )
        for number in range(40)
    )


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(tmp_path_factory.mktemp("memory") / "data")


@pytest.fixture(scope="module")
def corpus(store) -> Artifact:
    source = Listed(items=documents())
    return corpus_of(store, config({"stories": source}, corpus={"held_out": 0.2, "quality": {}}))


@pytest.fixture(scope="module")
def index(store, corpus) -> Artifact:
    return build_index(store, corpus)


@pytest.fixture(scope="module")
def train(corpus) -> list[str]:
    return [text for _, text in texts(file for _, file in parts(corpus, "train"))]


def samples_of(store: Store, name: str, *samples: tuple[str, str]) -> Artifact:
    """Samples as the stage leaves them: prompt and text."""
    folder = store.root / "samples" / name
    folder.mkdir(parents=True, exist_ok=True)
    written = [{"prompt": prompt, "text": text} for prompt, text in samples]
    (folder / "samples.json").write_text(json.dumps(written), encoding="utf-8")
    return Artifact(folder, "samples", name, name, {})


def test_the_index_holds_the_train_split_and_tells_its_size(index, corpus, train):
    opened = TextIndex.open(index.path)
    for text in train[::6]:
        assert opened.longest(text).place == 0
        assert len(opened.longest(text)) == len(text)
    assert opened.authors == {"Анна", "Борис"}
    assert index.counts["characters"] == corpus.counts["train_characters"]
    assert index.counts["bytes"] >= 5 * index.counts["characters"]
    assert index.counts["parts"] == 1
    work = opened.longest(train[0]).work
    assert (work.source, work.title) == ("stories", f"Рассказ {work.id.split()[1]}")


def test_an_index_is_made_once_for_a_corpus(store, corpus, index):
    again = build_index(store, corpus)
    assert (again.path, again.made) == (index.path, False)


# a text's memory


@pytest.fixture
def small(tmp_path) -> TextIndex:
    """The index of two works without a letter in common."""
    works = [(Work("a", "1", None, None), "абв" * 40), (Work("a", "2", None, None), "123" * 40)]
    write_index(tmp_path, lambda: works)
    return TextIndex.open(tmp_path)


def test_the_share_is_that_of_the_characters_inside_stretches_of_50_or_more(small):
    text = "абв" * 20 + "№" * 30 + "123" * 16 + "!!"
    memory = memory_of(small, text)
    assert memory.share == 60 / 140
    assert (memory.longest.start, memory.longest.end, memory.longest.work.id) == (0, 60, "1")
    assert (len(memory.nearly), memory.nearly.changes) == (63, 3)


def test_short_stretches_do_not_count_in_the_share_but_the_longest_is_told(small):
    memory = memory_of(small, "12312312№")
    assert (memory.share, len(memory.longest), memory.longest.work.id) == (0.0, 8, "2")


def test_a_text_without_anything_known_has_no_stretch(small):
    for text in ("", "№№"):
        memory = memory_of(small, text)
        assert (memory.share, memory.longest, memory.nearly) == (0.0, None, None)


def test_what_overlaps_is_counted_once():
    work = Work("a", "1", None, None)
    stretches = [Stretch(start, end, work, 0) for start, end in ((0, 50), (40, 100), (100, 160))]
    assert covered(stretches) == 160
    assert covered([]) == 0


# held-out passages


def test_chance_is_measured_on_held_out_works_by_authors_of_the_train_split(corpus):
    works, same_authors = held_out_works(corpus, {"Анна"})
    assert same_authors and {work.author for work, _ in works} == {"Анна"}
    everything = list(works_of(corpus, "held_out"))
    assert held_out_works(corpus, {"Вера"}) == (everything, False)
    assert held_out_works(corpus, set()) == (everything, False)


def test_passages_are_of_the_lengths_asked_for_and_always_the_same(corpus):
    works = list(works_of(corpus, "held_out"))
    lengths = [100, 0, 700, 10**6]
    found = passages(works, lengths)
    longest = max(len(text) for _, text in works)
    assert [len(passage.text) for passage in found] == [100, 0, 700, longest]
    assert found == passages(works, lengths)
    for passage in found:
        text = dict(works)[passage.work]
        assert text[passage.place : passage.place + len(passage.text)] == passage.text
    assert passages([], lengths) == []


# the stage


def test_each_sample_has_a_record_and_as_long_a_held_out_passage(store, corpus, index, train):
    learnt = train[3][200:500]
    samples = samples_of(store, "some", ("", learnt), ("Начало", "Совсем № новое"), ("", ""))
    made = look_up_samples(store, corpus, samples, index)
    found = json.loads((made.path / "memory.json").read_text("utf-8"))
    first, second, third = found["samples"]
    assert first["share"] == 1.0 and first["longest"]["text"] == learnt
    assert first["longest"]["place"] == 200
    assert first["nearly"]["text_there"] == learnt and first["nearly"]["changes"] == 0
    assert second["share"] == 0.0 and 0 < len(second["longest"]["text"]) < 14
    assert (third["characters"], third["longest"], third["share"]) == (0, None, 0.0)
    held_out = found["held_out"]
    assert held_out["same_authors"] is True and held_out["works"] > 0
    assert [passage["characters"] for passage in held_out["passages"]] == [300, 14, 0]
    assert made.counts["longest_characters"] == made.counts["nearly_characters"] == 300
    assert made.counts["share"] == pytest.approx(300 / 314)
    assert 0 < made.counts["held_out_longest_characters"] < 300
    assert made.counts["held_out_share"] < 1
    assert not look_up_samples(store, corpus, samples, index).made


def test_of_a_stretch_that_begins_in_the_prompt_the_models_part_counts(store, corpus, index, train):
    prompt, learnt = train[5][:300], train[5][300:340]
    samples = samples_of(store, "prompted", (prompt, learnt + "№" * 60))
    made = look_up_samples(store, corpus, samples, index)
    assert made.counts["longest_characters"] == 40
    assert made.counts["share"] == 0.0


def test_a_work_is_named_by_author_and_title_or_by_its_source_and_id():
    work = {"source": "books", "id": "7", "author": "Чехов", "title": "Студент"}
    assert name_of(work) == "Чехов, «Студент»"
    assert name_of({**work, "author": None}) == "«Студент»"
    assert name_of({**work, "title": None}) == "books/7"


def test_it_can_be_left_out(store):
    wanted = config({"stories": Listed(items=documents())})
    stages = [stage.name for stage in stages_of(wanted, store)]
    without = stages_of(wanted.model_copy(update={"memory": False}), store)
    assert [stage for stage in stages if stage not in ("text_index", "memory")] == [
        stage.name for stage in without
    ]
    assert len(without) == len(stages) - 2
    assert "memory" not in without[-1].needs


# the command


def told(store: Store, *words: str) -> list[str]:
    return ["memory", *words, "--data", str(store.root)]


def test_the_command_names_the_works_that_a_text_is_from(store, index, train, tmp_path, capsys):
    (tmp_path / "text").write_text(f"Начало №№{train[2][:80]}№№{train[4][10:90]}", "utf-8")
    assert main(told(store, str(tmp_path / "text"))) == 0
    out = capsys.readouterr().out
    assert out.startswith("171 characters, 93.6% of them in verbatim stretches of 50 or more\n")
    assert "at 0\n" in out and "«Рассказ " in out
    assert " ".join(train[4][10:90].split()) in out


def test_the_command_reads_standard_input_and_writes_json(store, index, train, monkeypatch, capsys):
    monkeypatch.setattr("sys.stdin", io.StringIO(train[2][:60]))
    assert main(told(store, "--json")) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["characters"], found["share"], len(found["stretches"])) == (60, 1.0, 1)
    assert found["stretches"][0]["place"] == 0


def test_a_text_with_changed_letters_is_shown_with_the_original(
    store, index, train, tmp_path, capsys
):
    text = train[6][:100]
    (tmp_path / "text").write_text(text[:40] + "№" + text[41:], "utf-8")
    main(told(store, str(tmp_path / "text")))
    out = capsys.readouterr().out
    assert "nearly verbatim, changes: " in out
    assert f"there: «{' '.join(text.split())}" in out


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "No such file or directory; name a file"), (b"\xcf\xf0\xe8", "is not UTF-8")],
)
def test_a_file_that_cannot_be_read_gives_one_line(
    store, index, tmp_path, capsys, content, message
):
    if content is not None:
        (tmp_path / "text").write_bytes(content)
    assert main(told(store, str(tmp_path / "text"))) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line


def test_without_an_index_the_command_says_how_to_make_one(tmp_path, capsys):
    assert main(["memory", "x", "--data", str(tmp_path)]) == 1
    assert "there is no text_index yet; make pipeline" in capsys.readouterr().err


def made(store: Store, kind: str, content: str, **inputs: str) -> Artifact:
    folder = store.root / kind / content
    folder.mkdir(parents=True)
    manifest = {"kind": kind, "digest": content, "content": content, "counts": {}}
    manifest |= {"inputs": inputs, "made": "2026-01-01", "files": {}}
    manifest["self"] = json_digest(manifest)
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return Artifact.load(folder)


def test_a_run_leads_to_the_index_of_its_own_text(store, corpus, index, tmp_path):
    made(store, "tokens", "its-tokens", corpus=corpus.content)
    run = made(store, "run", "its-run", tokens="its-tokens")
    made(store, "text_index", "another", corpus="another")
    assert index_of_run(run.path, store.root) == index
    made(store, "corpus", "bare")
    made(store, "tokens", "bare", corpus="bare")
    bare = made(store, "run", "bare", tokens="bare")
    with pytest.raises(UserError, match=r"no text_index of .*: run make pipeline again"):
        index_of_run(bare.path, store.root)
    with pytest.raises(UserError, match="name the text with --from"):
        index_of_run(tmp_path, store.root)
