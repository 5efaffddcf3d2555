"""``femtogpt export``: where it goes, what it replaces, and what it says of what is wrong."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

from femtogpt.artifacts.artifact import Recipe
from femtogpt.artifacts.store import Store
from femtogpt.cli import main
from femtogpt.tokens.tokenizer import Tokenizer, train
from tests.test_file_systems import mounted
from tests.tiny import lively, settings, shape

__all__ = ["mounted"]  # the fixture
LINES = ["мама мыла раму", "у рамы мама, у мамы рама"] * 20
PIECES = train(iter(LINES), 300, at_most=True)


def write_run(folder: Path, pieces: bytes = PIECES, **changes) -> Path:
    """A run's folder with a model of this shape, and nothing around it."""
    folder.mkdir(parents=True, exist_ok=True)
    model = lively(shape(**changes), Tokenizer(pieces).size)
    (folder / "settings.json").write_text(settings(changes).model_dump_json())
    (folder / "tokenizer.model").write_bytes(pieces)
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    safetensors.numpy.save_file(weights, folder / "model.safetensors")
    return folder


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_run(tmp_path / "мой run", width=32, feed_forward=64)


@pytest.fixture
def export(run, capsys, tmp_path):
    """What the command prints; of an error, its only line. Nothing hidden is left behind."""

    def export(*arguments: object, status: int = 0) -> str:
        words = [str(argument) for argument in arguments]
        if "--run" not in words:
            words += ["--run", str(run)]
        assert main(["export", *words]) == status
        assert {path.name for path in tmp_path.rglob(".*")} <= {".locks"}
        captured = capsys.readouterr()
        if status:
            assert captured.out == "" and captured.err.count("\n") == 1
        return captured.err if status else captured.out

    return export


def content(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_by_default_each_goes_into_a_folder_of_its_own_below_exports(export, tmp_path):
    assert "exports/мой run-hf" in export("hf")
    assert "exports/мой run-gguf/мой run-f16.gguf" in export("gguf")
    folders = {path.name: path for path in (tmp_path / "exports").iterdir()}
    assert set(folders) == {"мой run-hf", "мой run-gguf"}
    assert {path.name for path in folders["мой run-gguf"].iterdir()} == {
        *("Modelfile", "мой run-f16.gguf")
    }
    files = [*folders["мой run-hf"].iterdir(), *folders["мой run-gguf"].iterdir()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o644}


def test_the_modelfile_completes_a_text(export, tmp_path):
    export("gguf", "--to", "there/model.gguf", "--type", "q8_0")
    lines = (tmp_path / "there/Modelfile").read_text("utf-8").split("\n")
    assert "FROM ./model.gguf" in lines
    assert 'TEMPLATE """{{ .Prompt }}"""' in lines
    assert "PARAMETER num_ctx 8" in lines and "PARAMETER repeat_penalty 1.0" in lines


def test_the_file_may_be_named_in_capitals(export, tmp_path):
    export("gguf", "--to", "MODEL.GGUF")
    assert (tmp_path / "MODEL.GGUF").is_file()


@pytest.mark.parametrize("words", [("hf", "--to", "there"), ("gguf", "--to", "there")])
def test_a_second_export_replaces_the_first(export, run, tmp_path, words):
    export(*words)
    before = content(tmp_path / "there")
    write_run(run, width=64, feed_forward=64)
    export(*words)
    after = content(tmp_path / "there")
    assert after.keys() == before.keys() and after != before


def test_types_of_gguf_may_lie_side_by_side(export, tmp_path):
    for type in ("f32", "f16", "q8_0"):
        export("gguf", "--to", "there", "--type", type)
    sizes = [file.stat().st_size for file in sorted((tmp_path / "there").glob("*.gguf"))]
    assert len(sizes) == 3 and sizes[1] > sizes[0] > sizes[2]  # f32, f16, q8_0
    assert "FROM ./мой run-q8_0.gguf" in (tmp_path / "there/Modelfile").read_text("utf-8")


@pytest.mark.parametrize(
    ("files", "words", "said"),
    [
        ({"there": "a"}, ("hf", "--to", "there"), "there is a file: name a folder with --to"),
        ({"there/a": "a"}, ("hf", "--to", "there"), "there holds other files: name another"),
        ({"there": "a"}, ("gguf", "--to", "there"), "there is a file: with --to name"),
        ({"a.gguf": "a"}, ("gguf", "--to", "a.gguf"), "a.gguf was not written by femtogpt export"),
        (
            {"a.gguf/b": "a"},
            ("gguf", "--to", "a.gguf"),
            "a.gguf was not written by femtogpt export",
        ),
        (
            {"Modelfile": "a"},
            ("gguf", "--to", "b.gguf"),
            "Modelfile was not written by femtogpt export",
        ),
    ],
)
def test_what_belongs_to_others_stays(export, tmp_path, files, words, said):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    before = content(tmp_path)
    assert said in export(*words, status=1)
    assert content(tmp_path) == before


def test_what_a_person_changed_in_an_export_stays(export, tmp_path):
    export("hf", "--to", "there")
    card = tmp_path / "there/README.md"
    card.write_text(card.read_text("utf-8").replace("# license: …", "license: cc-by-4.0"), "utf-8")
    assert "README.md was changed after the export" in export("hf", "--to", "there", status=1)
    card.unlink()
    (tmp_path / "there/LICENSE").write_text("…")
    assert "LICENSE was not written by an export" in export("hf", "--to", "there", status=1)


def test_a_folder_that_cannot_be_made_is_told_and_no_room_is_asked_for(export, tmp_path):
    (tmp_path / "a file").touch()
    said = export("hf", "--to", "a file/there", status=1)
    assert "a file/there cannot be written (Not a directory): name another place with --to" in said


@pytest.mark.parametrize("words", [("hf",), ("gguf", "--type", "f32")])
def test_on_a_full_disk_nothing_is_left_but_the_earlier_export(export, run, mounted, words):
    disk = mounted("tmpfs", 300_000)
    export(*words, "--to", disk / "there")
    before = content(disk)
    write_run(run, width=64, feed_forward=1024)
    said = export(*words, "--to", disk / "there", status=1)
    assert "cannot be written" in said and "free some space" in said
    assert content(disk) == before


def test_a_type_that_does_not_fit_is_said(export, run):
    assert "q8_0 is for gguf: with hf give f32 or f16" in export("hf", "--type", "q8_0", status=1)
    write_run(run)
    said = export("gguf", "--type", "q8_0", status=1)
    assert "multiples of 32, and this model has 16 and 64: use --type f16" in said
    weights = safetensors.numpy.load_file(run / "model.safetensors")
    weights["layers.0.mlp.up_proj.weight"][0, 0] = 1e5
    safetensors.numpy.save_file(weights, run / "model.safetensors")
    for format in ("hf", "gguf"):
        assert "f16 cannot hold" in export(format, "--type", "f16", status=1)


def damage(run: Path, how: str) -> None:
    weights, tokenizer = run / "model.safetensors", run / "tokenizer.model"
    tensors = safetensors.numpy.load_file(weights)
    match how:
        case "no weights":
            weights.unlink()
        case "cut off":
            weights.write_bytes(weights.read_bytes()[:-1000])
        case "no header":
            weights.write_bytes(b"\xff" * 100)
        case "not finite":
            tensors["norm.weight"][3] = np.nan
        case "a layer less":
            tensors = {name: one for name, one in tensors.items() if "layers.1" not in name}
        case "no tokenizer":
            tokenizer.unlink()
        case "damaged tokenizer":
            tokenizer.write_bytes(b"\xff" * 100)
        case "another tokenizer":
            tokenizer.write_bytes(train(iter(LINES), 290, at_most=True))
        case "damaged settings":
            (run / "settings.json").write_text("{")
    if how in ("not finite", "a layer less"):
        safetensors.numpy.save_file(tensors, weights)


@pytest.mark.parametrize("format", ["hf", "gguf"])
@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("no weights", "holds no finished model"),
        ("cut off", "model.safetensors is damaged"),
        ("no header", "model.safetensors is damaged"),
        ("not finite", "norm.weight is not finite"),
        ("a layer less", "layers.1.input_layernorm.weight is missing"),
        ("no tokenizer", "tokenizer.model is missing"),
        ("damaged tokenizer", "tokenizer.model is no tokenizer"),
        ("another tokenizer", "embed_tokens.weight is (293, 32), not (290, 32)"),
        ("damaged settings", "settings.json is damaged"),
    ],
)
def test_a_damaged_run_is_refused_in_a_line(export, run, tmp_path, format, how, said):
    damage(run, how)
    assert said in export(format, status=1)
    assert not (tmp_path / "exports").exists()


def test_weights_that_changed_after_the_training_are_refused(export, tmp_path):
    def build(folder: Path) -> dict:
        write_run(folder)
        return {}

    run = Store(tmp_path / "data").make(Recipe("run", {}, {}, {}), build).path
    assert f"run-{run.name[:6]}-hf" in export("hf", "--run", run)
    data = bytearray((run / "model.safetensors").read_bytes())
    data[-1] ^= 1
    (run / "model.safetensors").write_bytes(data)
    assert "does not match its checksum" in export("hf", "--run", run, status=1)


def test_no_run_is_said(export, tmp_path):
    nothing = tmp_path / "data"
    said = export("hf", "--run", "best", "--data", nothing, status=1)
    assert "make pipeline trains one" in said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"model_type": "unigram", "vocab_size": 300}, "has no byte-pair encoding"),
        ({"byte_fallback": False, "vocab_size": 40}, "has no pieces for bytes"),
        ({"normalization_rule_name": "nmt_nfkc"}, "changes texts"),
        ({"add_dummy_prefix": True}, "begins each text with a space"),
        ({"bos_id": 2}, "has no single piece between documents"),
    ],
)
def test_a_tokenizer_that_others_would_read_differently_is_refused(export, run, changes, said):
    import io

    import sentencepiece

    model = io.BytesIO()
    ours = {
        **{"model_type": "bpe", "vocab_size": 300, "hard_vocab_limit": False},
        **{"byte_fallback": True, "normalization_rule_name": "identity"},
        **{"remove_extra_whitespaces": False, "add_dummy_prefix": False, "minloglevel": 2},
        **{"unk_id": 0, "eos_id": 1, "bos_id": -1, "pad_id": -1, **changes},
    }
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(LINES), model_writer=model, **ours
    )
    (run / "tokenizer.model").write_bytes(model.getvalue())
    assert said in export("gguf", status=1)


def test_pieces_with_the_names_of_other_models_signs_are_named(export, run, tmp_path, caplog):
    special = ["▸", "[EOT]", "<|im_end|>"]
    shutil.rmtree(run)
    write_run(run, train(iter(LINES), 310, special=special, at_most=True))
    export("gguf")
    assert ["[EOT]" in line or "<|im_end|>" in line for line in caplog.messages] == [True, True]


def test_without_lineage_the_card_says_less(export, tmp_path):
    export("hf", "--to", "there")
    card = (tmp_path / "there/README.md").read_text("utf-8")
    assert "Nothing is known of the texts" in card and "сведений нет" in card
    assert "Figures" in card and "bits per character" not in card
    assert card.count("```text") == 3
    record = json.loads((tmp_path / "there/femtogpt.json").read_bytes())
    assert set(record["files"]) == {path.name for path in (tmp_path / "there").iterdir()} - {
        "femtogpt.json"
    }
