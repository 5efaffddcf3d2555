"""A folder in transformers: the same ids, the same logits, the same texts, and no warnings."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from femtogpt.export.huggingface import write_hf
from tests.exports import CONTEXT, SPECIAL, Pipeline, varied

OLDER = ("transformers==4.57.6", "huggingface-hub==0.36.2", "tokenizers==0.22.2")
# Loads a folder and prints what it writes after a beginning, with all warnings on standard error.
FRESH = """
import json, sys
from transformers import AutoModelForCausalLM, AutoTokenizer, __version__
tokenizer = AutoTokenizer.from_pretrained(sys.argv[1])
model, about = AutoModelForCausalLM.from_pretrained(sys.argv[1], output_loading_info=True)
ids = tokenizer(sys.argv[2], return_tensors="pt")
written = model.generate(**ids, max_new_tokens=20, do_sample=False, temperature=None, top_p=None,
                         top_k=None)[0]
print(json.dumps({
    "version": __version__, "ids": ids.input_ids[0].tolist(), "written": written.tolist(),
    "problems": [*about["missing_keys"], *about["unexpected_keys"], *about["mismatched_keys"]],
    "tokenizer": type(tokenizer).__module__, "model": type(model).__name__,
}))
"""


@pytest.fixture(scope="module")
def folder(trained, tmp_path_factory) -> Path:
    into = tmp_path_factory.mktemp("hf")
    write_hf(trained.run.path, into)
    return into


@pytest.fixture(scope="module")
def tokenizer(folder):
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture(scope="module")
def model(folder):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder)


def test_texts_have_our_ids_and_come_back(trained: Pipeline, tokenizer):
    for text in varied(1000) + trained.held_out_passages(200):
        ids = tokenizer(text).input_ids
        assert ids == [trained.tokenizer.eos, *trained.tokenizer.encode(text)], text
        assert tokenizer.decode(ids, skip_special_tokens=True) == text


@pytest.mark.parametrize("text", ["у\u2581реки\u2581\u2581", "a</s>b", "<unk>", "<s>", "<0x0A>"])
def test_signs_that_other_tokenizers_confuse_are_text(trained: Pipeline, tokenizer, text):
    ids = trained.tokenizer.encode(text)
    assert tokenizer(text, add_special_tokens=False).input_ids == ids
    assert tokenizer.decode(ids) == text


def test_special_pieces_are_one_piece_each(trained: Pipeline, tokenizer):
    for piece in SPECIAL:
        (id,) = tokenizer(piece, add_special_tokens=False).input_ids
        assert trained.tokenizer.pieces[id] == piece


def test_logits_are_ours(trained: Pipeline, model):
    for ids in trained.held_out(500):
        with torch.no_grad():
            theirs = model(torch.tensor([ids])).logits
            ours = trained.model(torch.tensor([ids]))
        torch.testing.assert_close(theirs, ours, rtol=0, atol=1e-3)


def test_it_writes_what_we_write_also_beyond_the_context(trained: Pipeline, tokenizer, model):
    for prompt, count in (("", 64), ("Жила-была старая пряха,\nОна", 2 * CONTEXT)):
        ids = tokenizer(prompt, return_tensors="pt")
        written = model.generate(**ids, do_sample=False, max_new_tokens=count)[0].tolist()
        start = ids.input_ids.shape[1]
        ended = written[start:]
        if ended[-1] == trained.tokenizer.eos:
            ended.pop()
        assert ended == trained.likeliest(written[:start], count)


def test_it_is_loaded_as_it_was_trained_without_a_warning(folder, caplog, recwarn):
    from transformers import AutoModelForCausalLM, AutoTokenizer, Qwen3ForCausalLM
    from transformers.utils import logging as their_logging

    their_logging.enable_propagation()
    with caplog.at_level(logging.WARNING):
        model, about = AutoModelForCausalLM.from_pretrained(folder, output_loading_info=True)
        AutoTokenizer.from_pretrained(folder)
    their_logging.disable_propagation()
    assert not any(about.values()) and caplog.messages == []
    assert type(model) is Qwen3ForCausalLM and model.dtype == torch.float32
    assert model.lm_head.weight.data_ptr() == model.model.embed_tokens.weight.data_ptr()


def test_half_precision_is_loaded_as_such(trained: Pipeline, tmp_path):
    from transformers import AutoModelForCausalLM

    write_hf(trained.run.path, tmp_path, "f16")
    model = AutoModelForCausalLM.from_pretrained(tmp_path, dtype="auto")
    assert model.dtype == torch.float16
    (ids, *_) = trained.held_out(1)
    logits = model.float()(torch.tensor([ids])).logits
    torch.testing.assert_close(logits, trained.model(torch.tensor([ids])), rtol=0, atol=0.05)


def test_what_a_folder_holds_is_what_transformers_reads(folder):
    """tokenizer.model would have transformers 5 make a tokenizer of its own."""
    names = {"config.json", "generation_config.json", "model.safetensors"}
    assert {file.name for file in folder.iterdir()} == names | {
        *("tokenizer.json", "tokenizer_config.json")
    }
    assert "auto_map" not in json.loads((folder / "config.json").read_bytes())


@pytest.mark.parametrize("packages", [(), pytest.param(OLDER, marks=pytest.mark.slow)])
def test_a_fresh_environment_loads_it_without_a_word_about_weights(
    trained: Pipeline, folder, tmp_path, packages
):
    """Of the version that is installed, and of the last one before 5."""
    paths = []
    if packages:
        install = [*(sys.executable, "-m", "pip", "install", "-q", "--no-deps"), *packages]
        done = subprocess.run([*install, "--target", str(tmp_path / "older")], timeout=280)
        if done.returncode:
            pytest.skip("no package index is at hand")
        paths.append(str(tmp_path / "older"))
    done = subprocess.run(
        [sys.executable, "-c", FRESH, str(folder), "Жила-была"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), "HF_HOME": str(tmp_path / "home")},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert "weights" not in done.stderr.replace("Loading weights", "").lower()
    said = json.loads(done.stdout)
    assert said["version"].startswith("4.57" if packages else "5.")
    assert said["problems"] == [] and said["model"] == "Qwen3ForCausalLM"
    assert said["tokenizer"].startswith("transformers.")
    ids = [trained.tokenizer.eos, *trained.tokenizer.encode("Жила-была")]
    assert said["ids"] == ids and said["written"] == ids + trained.likeliest(ids, 20)
