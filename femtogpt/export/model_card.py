"""The model card: README.md in Russian and English, as Hugging Face's hub shows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from femtogpt.export.card import Card
from femtogpt.export.card_in_english import in_english
from femtogpt.export.card_in_russian import in_russian
from femtogpt.export.sample_texts import Sample

SHOWN = 3  # samples in the card
MOST_CHARACTERS = 1200  # of each


def model_card(card: Card) -> str:
    """The card as Markdown. The licence is left to the person."""
    head = [
        *("---", "language:", "- ru", "library_name: transformers"),
        *("pipeline_tag: text-generation", "tags:", "- femtogpt"),
        "# license: …  # choose one that the training texts allow",
        "---",
    ]
    parts = ["\n".join(head), f"# {card.facts.name}", in_russian(card), in_english(card)]
    parts += ["## Примеры · Samples", *_shown(card.samples)]
    return "\n\n".join(parts) + "\n"


def _shown(samples: Sequence[Sample]) -> Iterator[str]:
    """Samples as blocks in which no sign has a meaning and line ends stay."""
    texts = [text for sample in samples if (text := sample.prompt + sample.text).strip()]
    for text in texts[:SHOWN]:
        if len(text) > MOST_CHARACTERS:
            text = text[:MOST_CHARACTERS].rsplit(" ", 1)[0] + " …"
        longest = max(map(len, re.findall("`+", text)), default=0)
        fence = "`" * max(3, longest + 1)
        yield f"{fence}text\n{text}\n{fence}"
