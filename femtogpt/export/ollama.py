"""Ollama's Modelfile: it completes a text, and does not chat."""

from __future__ import annotations

from femtogpt.config import SamplesConfig

FIRST_LINE = "# Written by femtogpt export, and anew by the next one: keep changes in a copy."


def modelfile(gguf_name: str, context: int, samples: SamplesConfig) -> str:
    """The Modelfile for a GGUF file beside it. The template passes the text through.

    Ollama's own settings would draw among 40 tokens and penalise repetition.
    """
    return f"""\
{FIRST_LINE}
FROM ./{gguf_name}
TEMPLATE \"\"\"{{{{ .Prompt }}}}\"\"\"
PARAMETER num_ctx {context}
PARAMETER num_predict {samples.tokens}
PARAMETER temperature {samples.temperature}
PARAMETER top_k {samples.top_k or 0}
PARAMETER top_p {samples.top_p}
PARAMETER repeat_penalty 1.0
"""
