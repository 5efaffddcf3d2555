"""``femtogpt evaluate``: trained models on text that they have not read, and on a person's own."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import safetensors.torch

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.evaluation import text_kinds
from femtogpt.evaluation.document_scores import held_out_texts
from femtogpt.evaluation.evaluate import evaluate
from femtogpt.evaluation.evaluated_run import ANY, EvaluatedRun
from femtogpt.evaluation.ngram_baseline import score_ngram
from femtogpt.evaluation.own_texts import own_texts
from femtogpt.evaluation.read_before import read_before
from femtogpt.evaluation.text_kinds import kind_of
from femtogpt.sources.base import Document
from femtogpt.sources.interviews import SPEAKER
from femtogpt.tokens.shards import write_tokens
from femtogpt.tokens.tokenizer import Tokenizer, train_tokenizer
from femtogpt.training.initialization import lineage
from tests.helpers import PROSE, VERSE, Listed, config, corpus_of, story
from tests.tiny import lively, settings, shape

AUTHORS = ("Анна", "Борис", "Вера", "Глеб")


def documents(count: int, first: int = 0) -> tuple[Document, ...]:
    return tuple(
        Document(f"work {n}", story(n, 150), f"История {n}", AUTHORS[n % 4])
        for n in range(first, first + count)
    )


class Lab:
    """A data folder with corpora and trained models."""

    def __init__(self, data: Path):
        self.data, self.store = data, Store(data)

    def text(
        self, items: tuple[Document, ...], vocab_size: int = 400, source: str = "one"
    ) -> tuple[Artifact, Artifact]:
        """The corpus and the tokens of some documents."""
        how = {"corpus": {"held_out": 0.25, "quality": {}}, "tokenizer": {"vocab_size": vocab_size}}
        whole = config({source: Listed(items=items)}, **how)
        corpus = corpus_of(self.store, whole)
        tokens = write_tokens(self.store, whole, corpus, train_tokenizer(self.store, whole, corpus))
        return corpus, tokens

    def run(self, tokens: Artifact, seed: int = 0, origin: Path | None = None) -> Artifact:
        """A model that has not learned anything, with the weights of another as its origin."""
        size = Tokenizer.load(tokens.path).size

        def build(folder: Path) -> dict:
            before = [] if origin is None else lineage(origin)
            whole = settings().model_copy(update={"lineage": before})
            (folder / "settings.json").write_text(whole.model_dump_json())
            shutil.copy(tokens.path / "tokenizer.model", folder)
            state = lively(shape(), size, seed).state_dict()
            safetensors.torch.save_file(state, folder / "model.safetensors")
            return {}

        return self.store.make(Recipe("run", {}, {"seed": seed}, {"tokens": tokens}), build)


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A data folder with two models of one corpus, whose tokenizers differ."""
    lab = Lab(tmp_path_factory.mktemp("lab") / "data")
    items = documents(40)
    lab.run(lab.text(items)[1], 1)
    lab.run(lab.text(items, 500)[1], 2)
    return lab.data


@pytest.fixture
def lab(made, tmp_path) -> Lab:
    shutil.copytree(made, tmp_path / "data")
    return Lab(tmp_path / "data")


@pytest.fixture
def evaluated(lab, capsys):
    """What the command prints for some arguments."""

    def run(*arguments: str | Path, status: int = 0) -> str:
        words = ["evaluate", "--data", str(lab.data), *map(str, arguments)]
        assert main(words) == status
        captured = capsys.readouterr()
        assert captured.err.count("\n") == status
        return captured.err if status else captured.out

    return run


def runs_of(lab: Lab) -> list[EvaluatedRun]:
    folders = sorted((lab.data / "run").glob("[!.]*"), key=lambda path: path.stat().st_mtime_ns)
    return [EvaluatedRun(path) for path in folders]


def test_the_figures_are_the_evaluations_and_are_made_once(lab, evaluated):
    *_, newest = runs_of(lab)
    told = json.loads(evaluated("--json"))
    (model,) = told["models"]
    assert newest.corpus and newest.tokens
    made = evaluate(lab.store, ANY, newest.corpus, newest.tokens, Artifact.load(newest.path))
    assert not made.made, "the command has made it"
    assert model["name"] == newest.name
    figure = made.counts["held_out_bits_per_character"]
    assert model["bits_per_character"] == pytest.approx(figure, rel=1e-12)
    assert model["works"] == len(newest.held_out) >= 5 and model["clusters"] == "author"
    levels = [part["level"] for part in told["parts"]]
    assert levels.count("work") == model["works"] and levels.count("author") == 4


def test_texts_scored_anew_have_the_scores_of_the_evaluation(lab):
    run = runs_of(lab)[0]
    kept, anew = run.scores(run.held_out), run._scored(run.held_out)
    assert kept.drop("bits").equals(anew.drop("bits"))
    assert kept["bits"].to_list() == pytest.approx(anew["bits"].to_list(), rel=1e-5)


def test_two_models_with_different_tokenizers_are_compared_on_the_same_works(lab, evaluated):
    one, two = (run.name for run in runs_of(lab))
    page = evaluated("--run", one, "--run", two)
    assert "B − A" in page and one in page and two in page
    models = json.loads(evaluated("--run", one, "--run", two, "--json"))["models"]
    assert models[0]["characters"] == models[1]["characters"]
    both = models[1]["against_first"]
    apart = models[1]["bits_per_character"] - models[0]["bits_per_character"]
    assert both["difference"] == pytest.approx(apart) and both["half_width"] > 0
    itself = json.loads(evaluated("--run", one, "--run", one, "--json"))["models"][1]
    assert (itself["against_first"]["difference"], itself["against_first"]["half_width"]) == (0, 0)
    assert "no difference can be told (0.000 ± 0.000)" in evaluated("--run", one, "--run", one)


def test_the_table_over_all_has_the_best_first_and_says_what_is_damaged(lab, evaluated):
    first, second = runs_of(lab)
    whole = json.loads(evaluated("--all", "--json"))["models"]
    bits = [model["bits_per_character"] for model in whole]
    assert len(whole) == 2 and bits == sorted(bits)
    (first.path / "model.safetensors").write_bytes(b"no weights")
    told = json.loads(evaluated("--all", "--json"))
    assert [model["name"] for model in told["models"]] == [second.name]
    assert f"{first.path} is damaged (model.safetensors has 10 bytes" in told["notes"][0]
    assert "is damaged" in evaluated("--run", first.name, status=1)


def test_baselines_stand_beside_the_models(lab, evaluated):
    *_, newest = runs_of(lab)
    score_ngram(lab.store, ANY, newest.tokens)
    *_, baseline = json.loads(evaluated("--json"))["models"]
    assert baseline["name"] == "n-gram (order 4)" and baseline["is_baseline"]
    assert baseline["against_first"]["difference"] < 0, "the model knows nothing"
    assert baseline["against_first"]["is_told"]
    assert "n-gram (order 4)" in evaluated()


def test_what_one_of_the_models_was_trained_on_is_left_out(lab, evaluated):
    first = runs_of(lab)[0]
    ids = first.held_out["id"].to_list()
    shared = [each for each in documents(40) if each.id in ids[:4]]
    corpus, tokens = lab.text((*shared, *documents(30, 100)), source="two")
    other = EvaluatedRun(lab.run(tokens, 3).path)
    held_out = set(other.held_out["id"])
    expected = [id in ids[:4] and id not in held_out for id in ids]
    assert sum(expected) >= 2
    assert read_before(first.held_out["text"].to_list(), corpus) == expected
    told = json.loads(evaluated("--run", first.name, "--run", other.name, "--json"))
    assert told["models"][0]["works"] == len(ids) - sum(expected)
    (note,) = told["notes"]
    assert note.startswith("left out: one/work") and f"{other.name} was trained on" in note
    told = json.loads(evaluated("--all", "--json"))  # of the newest one's corpus
    assert other.name in [model["name"] for model in told["models"]]
    assert all("was trained on two/" in note for note in told["notes"])


def test_what_it_learned_from_counts_as_read_too(lab, evaluated):
    first = runs_of(lab)[0]
    shared = [each for each in documents(40) if each.id in set(first.held_out["id"])]
    _, tokens = lab.text((*shared, *documents(30, 100)), source="two")
    origin = lab.run(tokens, 3)
    assert first.tokens
    tuned = EvaluatedRun(lab.run(first.tokens, 4, origin.path).path)
    told = json.loads(evaluated("--run", tuned.name, "--json"))
    assert told["models"][0]["works"] < len(shared)
    assert told["notes"][0].endswith(f"since {tuned.name} was trained on it")
    shutil.rmtree(origin.path)
    (note,) = json.loads(evaluated("--run", tuned.name, "--json"))["notes"]
    assert note.startswith(f"a part of what {tuned.name} was trained on is gone")


def test_a_reprint_is_known_by_its_letters_and_a_quotation_does_no_harm(lab):
    run = runs_of(lab)[0]
    assert run.corpus
    taken = set(run.held_out["id"])
    text = next(each.text for each in documents(40) if each.id not in taken)
    reprint = text.upper().replace(",", " —").replace("\n", " ")
    quoting = "".join(f"{n} " for n in range(20_000)) + text[:260]
    assert read_before([text, reprint, quoting, "А"], run.corpus) == [True, True, False, False]


def test_a_persons_own_texts_are_read_as_the_pipeline_reads_files(lab, evaluated, tmp_path):
    folder = tmp_path / "мои"
    folder.mkdir()
    (folder / "проза.txt").write_bytes((PROSE * 2).encode("cp1251"))
    (folder / "стихи.txt").write_text(VERSE, "utf-8")
    (folder / "страница.html").write_text(f"<html><body><p>{story(77)}</p></body></html>", "utf-8")
    (folder / "пусто.txt").write_text("", "utf-8")
    (folder / "картинка.txt").write_bytes(bytes(range(256)) * 40)
    told = json.loads(evaluated(folder, "--json"))
    works = {part["name"]: part for part in told["parts"] if part["level"] == "work"}
    assert len(works) == 3 and told["text"] == "the text given"
    assert {part["name"] for part in told["parts"] if part["level"] == "kind"} == {"prose", "verse"}
    assert any("картинка: it is not text" in note for note in told["notes"])
    assert any("пусто: it is empty" in note for note in told["notes"])
    assert told["models"][0]["half_width"] is None


def test_any_text_has_a_figure_even_one_of_a_letter_or_in_no_russian(lab, evaluated, tmp_path):
    for name, text in {"one.txt": "Ы", "latin.txt": "Lorem ipsum dolor sit amet. " * 9}.items():
        (tmp_path / name).write_text(text, "utf-8")
        (model,) = json.loads(evaluated(tmp_path / name, "--json"))["models"]
        assert model["bits_per_character"] > 0 and model["works"] == 1
    assert "too few works for an interval" in evaluated(tmp_path / "one.txt")


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("empty.txt", b"", "there is no text to evaluate on"),
        (
            "binary.txt",
            bytes(range(256)) * 20,
            "there is no text to evaluate on (binary: it is not text",
        ),
        ("blank.txt", b" \n \n", "there is no text to evaluate on"),
        ("folder/x.bin", b"x", "there is no .csv"),
        ("x.bin", b"x", "is not a file of a known kind"),
    ],
)
def test_what_holds_no_text_is_said_in_a_line(evaluated, tmp_path, name, content, words):
    path = tmp_path / "given" / name
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    given = path.parent if "/" in name else path
    assert words in evaluated(given, status=1)
    assert "there is no such file or folder" in evaluated(tmp_path / "none", status=1)


def test_a_file_that_cannot_be_read_is_told_once(evaluated, tmp_path, caplog):
    (tmp_path / "own.txt").write_text(PROSE, "utf-8")
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 20)
    page = evaluated(tmp_path / "own.txt", tmp_path / "binary.txt")
    assert (page + caplog.text).count("it is not text") == 1
    assert "left out: binary: it is not text" in page
    error = evaluated(tmp_path / "binary.txt", status=1)
    assert (error + caplog.text).count("it is not text") == 1
    assert "left out: binary: it is not text" in evaluated(tmp_path)


def test_a_text_that_was_read_in_training_is_refused(lab, evaluated, tmp_path):
    taken = set(runs_of(lab)[-1].held_out["id"])
    known = next(each.text for each in documents(40) if each.id not in taken)
    (tmp_path / "known.txt").write_text(known, "utf-8")
    assert "nothing is left to evaluate on" in evaluated(tmp_path / "known.txt", status=1)


def test_a_model_whose_corpus_is_gone_takes_only_a_text_and_a_warning(lab, evaluated, tmp_path):
    shutil.rmtree(lab.data / "corpus")
    assert "name a file or folder to evaluate it on" in evaluated(status=1)
    (tmp_path / "own.txt").write_text(PROSE, "utf-8")
    assert "it may have read the text" in evaluated(tmp_path / "own.txt")


def test_a_folder_with_files_that_do_not_fit_is_refused_in_a_line(lab, evaluated, tmp_path):
    (tmp_path / "own.txt").write_text(PROSE, "utf-8")
    one, two = runs_of(lab)
    loose = tmp_path / "loose"
    shutil.copytree(one.path, loose, ignore=shutil.ignore_patterns("manifest.json"))
    assert "it may have read the text" in evaluated(tmp_path / "own.txt", "--run", loose)
    shutil.copy(two.path / "tokenizer.model", loose)
    assert "but the tokenizer beside it" in evaluated(
        tmp_path / "own.txt", "--run", loose, status=1
    )
    (loose / "model.safetensors").write_bytes(b"none")
    assert "holds a damaged model" in evaluated(tmp_path / "own.txt", "--run", loose, status=1)
    (loose / "model.safetensors").unlink()
    assert "holds no finished model" in evaluated(tmp_path / "own.txt", "--run", loose, status=1)


def test_all_and_run_exclude_each_other(evaluated):
    assert "--all takes every trained model" in evaluated("--all", "--run", "best", status=1)


@pytest.mark.parametrize(
    ("text", "source", "kind"),
    [
        (VERSE, "files", "verse"),
        (PROSE, "kaggle", "prose"),
        (PROSE, "wiki", "article"),
        (
            "▸ Софья: Вы здесь?\n▸ Чацкий: Чуть свет — уж на ногах!\nИ я у ваших ног.",
            "",
            "dialogue",
        ),
        ("Ведущий: Здравствуйте.\nГость: Добрый день.\nВедущий: Начнём?", "files", "dialogue"),
        ("Одна короткая строка.", "files", "prose"),
        ("", "files", "prose"),
    ],
)
def test_the_kind_of_a_text_is_seen_by_its_form(text, source, kind):
    assert kind_of(text, source) == kind


def test_a_turn_begins_as_interviews_write_it():
    assert text_kinds.SPEAKER == SPEAKER


def test_held_out_texts_are_described(lab):
    texts = held_out_texts(runs_of(lab)[0].corpus)
    assert texts["author"].is_in(AUTHORS).all() and texts["title"].str.starts_with("История").all()
    assert (texts["text"].str.len_chars() == texts["characters"]).all()
    assert texts["work"].equals(texts["id"].rename("work"))


def test_own_texts_of_equal_names_stay_apart(tmp_path):
    for folder in "ab":
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.txt").write_text(f"{PROSE}{folder}", "utf-8")
    texts, left_out = own_texts([tmp_path / "a/x.txt", tmp_path / "b/x.txt"])
    assert left_out == [] and texts.select("source", "id").is_unique().all()


# models of transformers

installed = pytest.mark.skipif(find_spec("transformers") is None, reason="transformers is missing")
slow = pytest.mark.slow  # to import transformers takes long


@pytest.fixture
def public(tmp_path, capsys) -> Path:
    """A folder with a tiny model of transformers, and a tokenizer of single characters."""
    from tokenizers import Regex, decoders, models, pre_tokenizers
    from tokenizers import Tokenizer as Pieces
    from transformers import GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast

    letters = sorted(set(PROSE + VERSE))
    pieces = {piece: number for number, piece in enumerate(["<e>", "<u>", *letters])}
    tokenizer = Pieces(models.WordLevel(pieces, unk_token="<u>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.decoder = decoders.Fuse()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<e>", unk_token="<u>"
    ).save_pretrained(tmp_path / "public")
    shape = GPT2Config(
        vocab_size=len(pieces),
        n_positions=64,
        n_embd=16,
        n_layer=1,
        n_head=2,
        bos_token_id=0,
        eos_token_id=0,
    )
    GPT2LMHeadModel(shape).save_pretrained(tmp_path / "public")
    capsys.readouterr()
    return tmp_path / "public"


@slow
@installed
def test_a_model_of_transformers_is_scored_by_the_same_definition(evaluated, tmp_path, public):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    (tmp_path / "own.txt").write_text(PROSE, "utf-8")
    told = json.loads(evaluated(tmp_path / "own.txt", "--model", public, "--json"))
    ours, theirs = told["models"]
    assert theirs["name"] == str(public) and theirs["characters"] == ours["characters"]
    text = own_texts([tmp_path / "own.txt"])[0]["text"][0]
    ids = AutoTokenizer.from_pretrained(public).encode(text, add_special_tokens=False)
    ids, bits = [0, *ids, 0], 0.0
    model = AutoModelForCausalLM.from_pretrained(public).eval()
    for start in range(0, len(ids) - 1, 64):
        window = torch.tensor([ids[start : start + 65]])
        with torch.no_grad():
            nats = model(window[:, :-1]).logits.log_softmax(-1).gather(-1, window[:, 1:, None])
        bits -= float(nats.sum()) / 0.6931471805599453
    assert theirs["bits_per_character"] == pytest.approx(bits / len(text), rel=1e-4)
    assert told["notes"] == [
        f"what {public} was trained on is not known: it may have read the text"
    ]


@slow
@installed
def test_a_tokenizer_that_loses_letters_is_named(evaluated, tmp_path, public):
    (tmp_path / "own.txt").write_text(PROSE + "Жжж! Zz.", "utf-8")
    assert "does not give back 1 of 1 documents" in evaluated(
        tmp_path / "own.txt", "--model", public
    )


@slow
@installed
def test_weights_that_are_missing_are_not_made_up(evaluated, public):
    file = public / "model.safetensors"
    weights = safetensors.torch.load_file(file)
    del weights["transformer.wpe.weight"]
    safetensors.torch.save_file(weights, file, {"format": "pt"})
    assert "lacks weights: transformer.wpe.weight" in evaluated("--model", public, status=1)


@slow
@installed
def test_a_folder_without_a_model_of_transformers_is_refused(evaluated, tmp_path):
    assert "holds no model that transformers loads" in evaluated("--model", tmp_path, status=1)


def test_without_transformers_it_says_what_to_install(evaluated, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "transformers", None)
    assert "pip install transformers==" in evaluated("--model", tmp_path, status=1)
    assert "nothing is downloaded" in evaluated("--model", tmp_path / "none", status=1)
