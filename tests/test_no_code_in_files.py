"""No file that is read brings code along: by what the modules call, and by files that try."""

from __future__ import annotations

import ast
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import pytest

from femtogpt.artifacts import artifact, store
from femtogpt.artifacts.artifact import MANIFEST
from femtogpt.artifacts.disk import file_digest
from femtogpt.cli import main
from femtogpt.errors import Stopped, UserError
from femtogpt.evaluation.transformers_model import TransformersModel
from femtogpt.playground import verbatim
from femtogpt.training.checkpoint import load_newest
from femtogpt.training.loop import train
from tests.tiny import settings, stop_after

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("femtogpt", "tasks", "flows", "benchmarks")
MODULES = {
    *("pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"),
    *("jsonpickle", "runpy", "imp", "code", "codeop", "jinja2"),
}
BUILT_IN = {"eval", "exec", "compile", "__import__"}
# By the last names of a call: pickles, code of a file or the network, a shell, files anywhere.
CALLS = (
    *("torch.load", "torch.save", "torch.hub.load", "torch.jit.load", "add_safe_globals"),
    *("serialization.load", "serialization.save"),
    *("broadcast_object_list", "all_gather_object", "scatter_object_list"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "read_pickle", "to_pickle"),
    *("import_module", "spec_from_file_location", "load_model", "pytorch.log_model"),
    *("os.system", "os.popen", "extractall"),
)
# What there is of them, and why it does no harm.
ALLOWED = {
    ("femtogpt/training/state_file.py", "torch.load"): "weights_only=True, of earlier checkpoints",
    ("femtogpt/config_file.py", "yaml.load"): "with a subclass of yaml.SafeLoader",
    ("femtogpt/evaluation/transformers_model.py", "importlib.import_module"): "a name of ours",
    ("femtogpt/training/distributed.py", "torch.distributed.broadcast_object_list"): "our own",
    ("flows/__main__.py", "importlib.import_module"): "one of the commands' modules",
    ("flows/__main__.py", "runpy"): "a module of Prefect's",
    ("flows/serve.py", "mlflow.pyfunc.load_model"): "a version served: docs/compare-runs.md",
    ("benchmarks/commit_files.py", "files.extractall"): "with tarfile's data filter",
    ("benchmarks/nanogpt.py", "importlib.util.spec_from_file_location"): "the rival's code",
}
KEYWORDS = ("shell", "trust_remote_code", "allow_pickle")
OWN_LOADERS = {"femtogpt.model.loading"}  # of load_model


def dangers(source: str) -> set[str]:
    """What a module imports or uses that may run what it reads, called or handed on.

    Names that were imported, under their own or another name, count as what they stand for.
    """
    tree = ast.parse(source)
    found, stands_for = set(), {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.name for each in node.names if each.name.split(".")[0] in MODULES}
            stands_for |= {each.asname: each.name for each in node.names if each.asname}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module.split(".")[0] in MODULES:
                found.add(module)
            elif module not in OWN_LOADERS:
                names = {each.asname or each.name: f"{module}.{each.name}" for each in node.names}
                found |= {name for name in names.values() if _is_among(name) or "*" in name}
                stands_for |= names
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            first, _, rest = ast.unparse(node).partition(".")
            name = f"{stands_for.get(first, first)}.{rest}"
            if _is_among(name) or name.removeprefix("builtins.") in BUILT_IN:
                found.add(name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id in BUILT_IN:
            found.add(node.id)
        elif isinstance(node, ast.Dict):
            found |= _opened(zip(map(_text, node.keys), node.values, strict=True))
        elif isinstance(node, ast.Call):
            first, _, rest = ast.unparse(node.func).partition(".")
            name = f"{stands_for.get(first, first)}.{rest}".rstrip(".")
            if name == "numpy.load" and len(node.args) > 2:
                found.add("allow_pickle, by its place")
            found |= _opened((each.arg, each.value) for each in node.keywords)
    return found


def _opened(settings: Iterable[tuple[str | None, ast.expr]]) -> set[str]:
    """The keywords that let code in, unless they are False."""
    written = ((name, ast.unparse(value)) for name, value in settings if name in KEYWORDS)
    return {f"{name}={value}" for name, value in written if value != "False"}


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _is_among(name: str) -> bool:
    is_ours = name.startswith("safetensors.")
    return not is_ours and any(name == call or name.endswith(f".{call}") for call in CALLS)


@pytest.mark.parametrize(
    "line",
    [
        *("import pickle", "from joblib import load", "import marshal as m", "eval(text)"),
        *("torch.load(path)", "import torch\ntorch.hub.load('a')", "np.load(p, allow_pickle=True)"),
        *("yaml.load(text, yaml.Loader)", "subprocess.run(text, shell=True)", "os.system(text)"),
        *("AutoModel.from_pretrained(f, trust_remote_code=True)", "archive.extractall(folder)"),
        *("importlib.import_module(name)", "mlflow.pyfunc.load_model(uri)", "exec(code)"),
        *("torch.serialization.add_safe_globals([Any])", "from mlflow.pyfunc import load_model"),
        *("from torch import load", "from torch import load as read", "from torch import *"),
        *("import torch as t; t.load(p)", "from torch import hub; hub.load('a')"),
        *("import torch.serialization as s; s.load(p)", "from yaml import load"),
        *("import numpy as n; n.load(p, None, True)", "from numpy import load; load(p, 'r', 1)"),
        *("from numpy import load as l; l(p, allow_pickle=True)", "l(p, **{'allow_pickle': True})"),
        *("from pickle import loads", "map(eval, lines)"),
        *("read = torch.load", "from os import system as s", "import builtins as b; b.exec(code)"),
    ],
)
def test_the_search_finds_each_way_in(line):
    assert dangers(line)


def test_the_search_finds_nothing_in_what_only_looks_like_it():
    assert not dangers("import numpy; numpy.load(p); json.load(f)")
    assert not dangers("from json import load; load(f, **{'allow_pickle': False})")
    assert not dangers("from femtogpt.model.loading import load_model\nload_model(path)")
    assert not dangers("re.compile(a); safetensors.torch.load_model(m, p)")


def test_there_is_no_other_way_in():
    files = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    assert len(files) > 200
    found = {
        (path.relative_to(ROOT).as_posix(), name)
        for path in files
        for name in dangers(path.read_text("utf-8"))
    }
    assert found - ALLOWED.keys() == set()
    assert ALLOWED.keys() - found == set(), "no longer there"
    state = (ROOT / "femtogpt/training/state_file.py").read_text("utf-8")
    assert "torch.load(path, weights_only=True" in state
    assert "class Strict(yaml.SafeLoader)" in (ROOT / "femtogpt/config_file.py").read_text("utf-8")


class Marked:
    """Pickled, it makes an empty folder where it is loaded by a reader that runs code."""

    def __init__(self, place: Path):
        self.place = place

    def __reduce__(self):
        return os.mkdir, (str(self.place),)


def pickles(place: Path) -> list[bytes]:
    """A pickle, and a file of torch.save's with one."""
    plain, packed = pickle.dumps(Marked(place)), io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("archive/data.pkl", plain)
        archive.writestr("archive/version", "3")
    return [plain, packed.getvalue()]


def test_the_marker_would_be_seen(tmp_path):
    pickle.loads(pickles(tmp_path / "ran")[0])
    assert (tmp_path / "ran").is_dir()


@pytest.mark.parametrize("form", [0, 1], ids=["plain", "as of torch.save"])
@pytest.mark.parametrize("name", ["state.safetensors", "state.pt", "model.safetensors"])
def test_a_checkpoint_with_a_pickle_in_it_runs_nothing(tokens, run, tmp_path, name, form):
    """Also where its checksums say that it is whole."""
    with pytest.raises(Stopped):
        train(settings(), tokens, run, stop_after(3))
    (folder,) = run.glob("checkpoints/[0-9]*")
    (folder / name).write_bytes(pickles(tmp_path / "ran")[form])
    about = json.loads((folder / "checkpoint.json").read_text())
    about["files"][name] = file_digest(folder / name)
    (folder / "checkpoint.json").write_text(json.dumps(about))
    with pytest.raises(
        Exception, match=r"(?i)header|weights.only|unpickl|deserializ|magic|archive"
    ):
        load_newest(run)
    assert not (tmp_path / "ran").exists()


READERS = (
    *(["generate", "мама", "--tokens", "3"], ["evaluate"], ["memory"], ["runs"], ["artifacts"]),
    *(["corpus", "show"], ["corpus", "report"], ["tokens", "show", "train", "--at", "1"]),
    *(["tokens", "report"], ["export", "gguf"]),
)


def test_no_artifact_runs_what_is_in_its_files(trained, tmp_path, monkeypatch, capsys):
    """Those of each kind in turn, as if their checksums matched."""
    data = tmp_path / "data"
    shutil.copytree(trained.data, data)
    monkeypatch.chdir(tmp_path)
    for module in (artifact, store, verbatim):
        monkeypatch.setattr(module, "fault_of", lambda path: None)
    kinds = sorted(path.name for path in data.iterdir() if any(path.glob(f"*/{MANIFEST}")))
    assert {"run", "tokens", "tokenizer", "corpus"} <= {*kinds}
    for kind in kinds:
        whole = data / kind
        shutil.copytree(whole, tmp_path / "kept")
        for file in (file for file in whole.rglob("*") if file.is_file()):
            if file.name != MANIFEST:
                file.write_bytes(pickles(tmp_path / "ran")[0])
        for command in READERS:
            with suppress(Exception):  # what is said of damage, others test
                main([*command, "--data", str(data)])
        assert not (tmp_path / "ran").exists(), kind
        shutil.rmtree(whole)
        (tmp_path / "kept").rename(whole)
    capsys.readouterr()


@pytest.mark.slow
@pytest.mark.parametrize("form", [0, 1], ids=["plain", "as of torch.save"])
@pytest.mark.parametrize("harm", ["weights", "code"])
def test_a_public_model_runs_nothing_and_is_refused_in_one_line(tmp_path, harm, form):
    folder = tmp_path / "model"
    folder.mkdir()
    about = {"model_type": "gpt2", "n_layer": 1, "n_head": 1, "n_embd": 8, "vocab_size": 300}
    if harm == "code":
        about = {"model_type": "own", "auto_map": {"AutoConfig": "own.C", "AutoTokenizer": "own.T"}}
        (folder / "own.py").write_text(f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\n")
    (folder / "config.json").write_text(json.dumps(about))
    (folder / "tokenizer.json").write_text(TOKENIZER)
    (folder / "tokenizer_config.json").write_text(
        json.dumps({"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "a"})
    )
    (folder / "pytorch_model.bin").write_bytes(pickles(tmp_path / "ran")[form])
    with pytest.raises(UserError, match="holds no model that transformers loads") as refused:
        TransformersModel(folder)
    assert "\n" not in str(refused.value)
    assert not (tmp_path / "ran").exists()


TOKENIZER = json.dumps({"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}})
