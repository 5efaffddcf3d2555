"""llama.cpp's server, inside this process."""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

import xllamacpp


class Llama:
    """A GGUF file behind llama.cpp's server on the loopback, as exact as it computes."""

    def __init__(self, file: Path, context: int):
        settings = xllamacpp.CommonParams()
        settings.model.path = str(file)
        settings.n_ctx, settings.n_gpu_layers = context, 0
        settings.cache_type_k = settings.cache_type_v = xllamacpp.ggml_type.GGML_TYPE_F32
        settings.flash_attn_type = xllamacpp.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = 1
        settings.fit_params = settings.warmup = settings.ui = False
        settings.verbosity = 0
        self._server = xllamacpp.Server(settings)

    def ask(self, path: str, **body: Any) -> dict[str, Any]:
        """What the server answers to a request."""
        request = urllib.request.Request(
            self._server.listening_address + path,
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def ids(self, text: str) -> list[int]:
        """The ids of a text in the middle of others."""
        return self.ask("/tokenize", content=text, parse_special=True)["tokens"]

    def complete(self, prompt: str | list[int], tokens: int, **how: Any) -> dict[str, Any]:
        """The likeliest continuation."""
        how = {"n_predict": tokens, "temperature": 0, "return_tokens": True, **how}
        return self.ask("/completion", prompt=prompt, **how)

    def log_probability(self, ids: list[int], next_id: int) -> float:
        """That of an id after others: it is forced, and its figure is from before that.

        The server has none for a part of a character, which is no text yet.
        """
        forced = {"logit_bias": [[next_id, 1e6]], "n_probs": 1}
        (token,) = self.complete(ids, 1, **forced)["completion_probabilities"]
        assert token["id"] == next_id
        return token["logprob"]
