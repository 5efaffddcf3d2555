"""The recipe for one's own chats in docs/sources.md is a source and a configuration that load."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from femtogpt.config_file import load_config
from femtogpt.sources.interviews import Interviews
from tests.chats import telegram

ROOT = Path(__file__).resolve().parent.parent
SECTION = (ROOT / "docs/sources.md").read_text(encoding="utf-8").partition("## Your own chats")[2]
SOURCE, CONFIG = re.findall(r"```yaml\n(.*?)```", SECTION, re.DOTALL)[:2]


def test_the_recipe_for_chats_loads_and_reads_an_export(tmp_path):
    conf = tmp_path / "conf"
    shutil.copytree(ROOT / "conf", conf)
    chats = tmp_path / "chats"
    (conf / "sources/chats.yaml").write_text(
        SOURCE.replace("/home/me/chats", str(chats)), encoding="utf-8"
    )
    (conf / "chats.yaml").write_text(CONFIG, encoding="utf-8")
    config = load_config("chats", conf=conf)
    assert list(config.sources) == ["chats"]
    source = config.sources["chats"]
    assert isinstance(source, Interviews)
    assert config.train.init_from == Path("data/run/NAME")
    assert config.train.muon_learning_rate < load_config("classics").train.muon_learning_rate
    chats.mkdir()
    messages = [telegram(1, "Анна", "Привет!", "2024-03-12T10:00:00")]
    value = {"name": "x", "messages": messages}
    (chats / "result.json").write_text(json.dumps(value), encoding="utf-8")
    assert [document.text for document in source.documents(chats)] == ["▸ А: Привет!"]
