"""``femtogpt export``: a model for the programs of others."""

from __future__ import annotations

import argparse
from pathlib import Path

from femtogpt.commands.options import Commands, add_run
from femtogpt.errors import UserError

HF, GGUF = "hf", "gguf"
TYPES = {HF: ("f32", "f16"), GGUF: ("f32", "f16", "q8_0")}


def add(commands: Commands) -> None:
    """Add the command that exports a model."""
    export = commands.add_parser(
        "export",
        help="a trained model for transformers, llama.cpp, Ollama or LM Studio",
        description="Write a trained model in the form that other programs read.",
    )
    add = export.add_argument
    add("format", choices=TYPES, help="hf: a folder for transformers; gguf: a file for the others")
    add("--to", type=Path, help="a folder, or a .gguf file; default: a folder below exports")
    kinds = "of the weights: f32, f16 or, with gguf, q8_0; default: f32 with hf, f16 with gguf"
    add("--type", choices=TYPES[GGUF], help=kinds)
    add_run(export)
    export.set_defaults(run_command=_export)


def _export(options: argparse.Namespace) -> None:
    from femtogpt.commands.find_run import find_run

    type = options.type or {HF: "f32", GGUF: "f16"}[options.format]
    if type not in TYPES[options.format]:
        raise UserError(f"--type {type} is for gguf: with hf give {' or '.join(TYPES[HF])}")
    run = find_run(options.run, options.data)  # before torch is imported, which takes seconds
    from femtogpt.export.exporting import export_gguf, export_hf

    export = {HF: export_hf, GGUF: export_gguf}[options.format]
    for line in export(run, options.to, type):
        print(line, flush=True)
