"""A run as a model that MLflow loads and serves: what has to lie beside its weights."""

from __future__ import annotations

import io
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import femtogpt
from femtogpt.artifacts.artifact import Artifact, write_manifest_of_copy
from femtogpt.model.files import SETTINGS_FILE, WEIGHTS_FILE
from femtogpt.tokens.tokenizer import TOKENIZER_FILE
from femtogpt.training.metrics import METRICS_FILE

RUN_FILES = (SETTINGS_FILE, WEIGHTS_FILE, METRICS_FILE)  # of a run, that MLflow has a copy of
CODE_FILE = Path(__file__).with_name("served_model.py")
PACKAGE_FILE = "femtogpt.zip"  # one file: a store of MLflow's may be far away
# What writing imports, and what MLflow's pages and servers are told to install for it.
PACKAGES = (
    *("torch", "numpy", "threadpoolctl", "sentencepiece", "safetensors", "pydantic", "filelock"),
)
# As those of ``femtogpt generate``: name, type, default.
PARAMS: tuple[tuple[str, str, Any], ...] = (
    ("tokens", "long", 200),
    ("temperature", "double", 0.8),
    ("top_k", "long", None),
    ("top_p", "double", 0.95),
    ("min_p", "double", 0.0),
    ("repetition_penalty", "double", 1.0),
    ("seed", "long", None),  # drawn
    ("stop", "string", []),
)
EXAMPLE = [{"prompt": "Однажды"}], {"tokens": 50, "temperature": 0.8, "seed": 1}


def write_model(folder: Path, run: Artifact, tokenizer: Path) -> None:
    """Write what makes a run's RUN_FILES a model of MLflow, to be put beside them.

    ``folder`` is empty; ``tokenizer`` holds the run's tokenizer. The model brings the code that
    writes with it, so that it can be loaded where femtogpt is newer or not installed, and the
    checksums of all its files.
    """
    import pandas
    from mlflow.models import Model
    from mlflow.models.model import MLMODEL_FILE_NAME, MODEL_CODE_PATH
    from mlflow.pyfunc import CODE, FLAVOR_NAME, save_model

    rows, params = EXAMPLE
    save_model(
        folder,
        python_model=CODE_FILE,
        signature=_signature(),
        input_example=(pandas.DataFrame(rows), params),
        pip_requirements=_requirements(),
    )
    description = Model.load(os.fspath(folder))
    # ``save_model`` takes no packed code, and writes down where CODE_FILE is on this machine.
    description.flavors[FLAVOR_NAME] |= {CODE: PACKAGE_FILE, MODEL_CODE_PATH: CODE_FILE.name}
    description.save(folder / MLMODEL_FILE_NAME)
    (folder / PACKAGE_FILE).write_bytes(_packed_code())
    (folder / TOKENIZER_FILE).write_bytes((tokenizer / TOKENIZER_FILE).read_bytes())
    write_manifest_of_copy(folder, run, RUN_FILES)


def _signature() -> Any:
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema

    specs = [
        ParamSpec(name, kind, default, (-1,) if isinstance(default, list) else None)
        for name, kind, default in PARAMS
    ]
    prompt, text = ColSpec("string", "prompt"), ColSpec("string", "text")
    return ModelSignature(Schema([prompt]), Schema([text]), ParamSchema(specs))


def _requirements() -> list[str]:
    """The versions that are here; a build for a kind of machine (2.13.0+cpu) is not named."""
    return [f"{name}=={version(name).partition('+')[0]}" for name in PACKAGES]


@cache
def _packed_code() -> bytes:
    """The package femtogpt as a ZIP file, from which Python imports it."""
    package, packed = Path(femtogpt.__file__).parent, io.BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for path in sorted(package.rglob("*.py")):
            archive.write(path, path.relative_to(package.parent))
    return packed.getvalue()
