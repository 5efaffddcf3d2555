"""A playground on this machine: a data folder with tiny models, and its server."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import safetensors.torch
import uvicorn

from femtogpt.artifacts.artifact import Artifact, Recipe
from femtogpt.artifacts.store import Store
from femtogpt.commands.playground_commands import choices_of
from femtogpt.config_origin import ConfigOrigin
from femtogpt.memorisation.index_stage import build_index
from femtogpt.playground.playground_app import playground_app
from femtogpt.playground.reading_room import ReadingRoom
from femtogpt.sources.base import Document
from femtogpt.tokens.tokenizer import Tokenizer, train
from tests.helpers import PROSE, Listed, config, corpus_of, listed, story
from tests.tiny import lively, settings, shape, write_tokens

LINES = ["мама мыла раму", "у рамы мама, у мамы рама"]
TALK = "▸ Мама: мыла раму?\n▸ Рама: у мамы.\n"
PIECES = train(iter([*LINES, TALK] * 20), 300, special=["▸"], at_most=True)
OTHER_PIECES = train(iter(["шла Саша по шоссе и сосала сушку"] * 20), 290, at_most=True)


class Models:
    """A data folder with trained models."""

    def __init__(self, data: Path):
        self.data = data
        whose = config({"one": listed({"a": "а"})}).model_copy(update={"name": "tiny"})
        self.store = Store(data, config=whose.read_from(ConfigOrigin(is_plain=True)))

    def make(
        self,
        seed: int,
        pieces: bytes = PIECES,
        text: str | None = None,
        bits: float = 2.0,
        corpus: Artifact | None = None,
    ) -> str:
        """A run with random weights, its samples and its figure; its name. ``text``: its shards."""
        tokenizer = Tokenizer(pieces)
        inputs = {}
        if text is not None:
            inputs["tokens"] = self.tokens(pieces, text, corpus)

        def build(folder: Path) -> dict[str, Any]:
            (folder / "settings.json").write_text(settings().model_dump_json())
            (folder / "tokenizer.model").write_bytes(pieces)
            state = lively(shape(), tokenizer.size, seed).state_dict()
            safetensors.torch.save_file(state, folder / "model.safetensors")
            return {"parameters": 1000}

        run = self.store.make(Recipe("run", {}, {"seed": seed}, inputs), build)
        counts = {"held_out_bits_per_character": bits}
        self.store.make(Recipe("evaluation", {}, {"seed": seed}, {"run": run}), lambda _: counts)
        prompts = {"prompts": ["", "мама мыла"], "seed": seed}
        self.store.make(Recipe("samples", {}, prompts, {"run": run}), lambda _: {})
        return f"run/{run.path.name}"

    def indexed(self, seed: int) -> str:
        """A run whose text has PROSE, «Мельник» by А. Б.; what is verbatim from it can be told."""
        others = [Document(f"story {number}", story(number, 40)) for number in range(4)]
        source = Listed(items=(Document("mill", PROSE, "Мельник", "А. Б."), *others))
        corpus = corpus_of(self.store, config({"one": source}, corpus={"min_characters": 1}))
        build_index(self.store, corpus)
        return self.make(seed, text="мама", corpus=corpus)

    def tokens(self, pieces: bytes, text: str, corpus: Artifact | None) -> Artifact:
        tokenizer = Tokenizer(pieces)
        inputs = {"corpus": corpus} if corpus else {}

        def build(folder: Path) -> dict[str, Any]:
            splits = {"train": {"one": [tokenizer.encode(text)]}, "held_out": {}}
            write_tokens(folder, splits, tokenizer.size)
            (folder / "tokenizer.model").write_bytes(pieces)
            return {"train_tokens": 1}

        return self.store.make(Recipe("tokens", {}, {"text": text}, inputs), build)


class Page:
    """What a page does that the server has given out: it asks with the token of this start."""

    def __init__(self, port: int):
        self.port = port
        _, _, page = self.get("/")
        self.token = page.decode().partition('name="token" content="')[2].partition('"')[0]

    def get(self, path: str, host: str | None = None, method: str = "GET"):
        """Status, headers and body."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        with closing(connection):
            connection.request(method, path, headers={"Host": host} if host else {})
            answer = connection.getresponse()
            return answer.status, dict(answer.getheaders()), answer.read()

    def post(self, path: str, body: Any, **headers: str | None):
        """The answer, open. A header None is left out."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        usual = {
            "Connection": "close",
            "Content-Type": "application/json",
            "Origin": f"http://127.0.0.1:{self.port}",
            "X-Playground-Token": self.token,
        }
        sent = usual | {name.replace("_", "-"): value for name, value in headers.items()}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {name: value for name, value in sent.items() if value is not None}
        connection.request("POST", path, data, sent)
        return connection.getresponse()

    def ask(self, path: str, body: Any, **headers: str | None) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        answer = self.post(path, body, **headers)
        with answer:
            return answer.status, json.loads(answer.read())

    def events(self, path: str, body: Any) -> list[tuple[str, Any]]:
        """All that is streamed."""
        answer = self.post(path, body)
        with answer:
            assert answer.status == 200, answer.read()
            return list(events(answer))

    def texts(self, path: str, body: Any) -> list[str]:
        """What is written, by side."""
        found = self.events(path, body)
        assert found[-1] == ("end", {}), found[-1]
        return joined(found)


def events(answer: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    """Server-sent events as they come, each decoded by itself."""
    event = b""
    while line := answer.readline():
        event += line
        if line == b"\n":
            name, data = event.decode().strip().split("\n")
            yield name.removeprefix("event: "), json.loads(data.removeprefix("data: "))
            event = b""


def joined(found: list[tuple[str, Any]]) -> list[str]:
    texts = ["", ""]
    for name, data in found:
        if name == "text":
            texts[data["side"]] += data["text"]
    return texts


@contextmanager
def serving(data: Path, voted=lambda: None) -> Iterator[tuple[Page, ReadingRoom]]:
    """The server of a data folder, in a thread."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    room = ReadingRoom(data, lambda: choices_of(data))
    app = playground_app(room, port, voted)
    server = uvicorn.Server(uvicorn.Config(app, log_level="error", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        until = time.monotonic() + 20
        while not server.started:
            assert time.monotonic() < until, "the playground does not start"
            time.sleep(0.01)
        yield Page(port), room
    finally:
        server.should_exit = True
        thread.join(20)
