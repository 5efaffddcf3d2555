"""What a model card tells, and its parts that are the same in both languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from femtogpt import __version__
from femtogpt.config import ModelConfig
from femtogpt.export.known_of_run import RunFacts
from femtogpt.export.sample_texts import Memorised, Sample


@dataclass(frozen=True)
class Card:
    """What a card tells."""

    facts: RunFacts
    shape: ModelConfig
    pieces: int  # of the vocabulary
    samples: Sequence[Sample]
    memorised: Memorised | None
    version: str = __version__  # of femtoGPT

    @property
    def parameters(self) -> int:
        return self.shape.parameters(self.pieces)


def loading(folder: str) -> str:
    """How the model is loaded from ``folder``, in words."""
    return f"""\
```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{folder}")
model = AutoModelForCausalLM.from_pretrained("{folder}")
beginning = tokenizer("Однажды вечером", return_tensors="pt")
print(tokenizer.decode(model.generate(**beginning)[0], skip_special_tokens=True))
```"""


def markdown_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
