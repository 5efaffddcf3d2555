"""llama.cpp's server inside this process, to be measured."""

from __future__ import annotations

import json
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import xllamacpp


class LlamaServer:
    """A GGUF file behind llama.cpp's server, with a slot for each text that it writes at once."""

    def __init__(self, file: Path, context: int, slots: int, threads: int):
        settings = xllamacpp.CommonParams()
        settings.model.path = str(file)
        settings.n_ctx, settings.n_parallel, settings.n_gpu_layers = context * slots, slots, 0
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.fit_params = settings.ui = False
        settings.verbosity = 0
        self.slots = slots
        self._server = xllamacpp.Server(settings)

    def write(self, prompts: list[list[int]], tokens: int, **sampling: Any) -> int:
        """Write after prompts of ids, all at once; gives the number of tokens."""
        with ThreadPoolExecutor(self.slots) as pool:
            return sum(pool.map(lambda ids: self._complete(ids, tokens, sampling), prompts))

    def _complete(self, ids: list[int], tokens: int, sampling: dict[str, Any]) -> int:
        how = {"n_predict": tokens, "ignore_eos": True, "cache_prompt": False, **sampling}
        request = urllib.request.Request(
            self._server.listening_address + "/completion",
            json.dumps({"prompt": ids, **how}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            return json.load(answer)["tokens_predicted"]
