"""The embedded corpus: small Russian stories from a generator that knows their entropy."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field

from femtogpt.sources.base import Document, Source
from femtogpt.sources.sample.stories import generate_stories, read_story

STORIES_FILE = "stories.jsonl"


class Sample(Source):
    """Generated stories; the same seed and size give the same stories."""

    location: ClassVar[frozenset[str]] = frozenset({"seed", "characters"})
    kind: Literal["sample"] = "sample"
    seed: int = Field(0, ge=0, description="of the generator")
    characters: int = Field(
        2_500_000, ge=1000, le=10**9, description="minimum; the last story is not cut off"
    )

    def fetch(self, into: Path) -> dict:
        with (into / STORIES_FILE).open("w", encoding="utf-8") as file:
            for story in generate_stories(self.seed, self.characters):
                record = {"title": story.title, "text": story.text}
                file.write(json.dumps(record, ensure_ascii=False) + "\n")
        return {"generator": "femtogpt.sources.sample", "seed": self.seed}

    def documents(self, raw: Path) -> Iterator[Document]:
        with (raw / STORIES_FILE).open(encoding="utf-8") as file:
            for number, line in enumerate(file):
                record = json.loads(line)
                yield Document(
                    id=f"{number:06d}",
                    text=record["text"],
                    title=record["title"],
                    entropy_bits=read_story(record["text"]),
                )
