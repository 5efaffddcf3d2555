"""MLflow's registry: each evaluated run is a version of its configuration's model.

A version refers to the run's files in MLflow, so that no weights are stored twice. One version has
the alias ``best``. It passes to another only if that one is better by the paired interval of the
two runs' held-out figures.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from femtogpt.artifacts.artifact import Artifact
from femtogpt.errors import UserError
from femtogpt.evaluation.document_scores import DOCUMENTS_FILE
from femtogpt.evaluation.metric_registry import RANKING
from tasks.mlflow_model import write_model
from tasks.mlflow_store import is_deleted

if TYPE_CHECKING:  # it takes a while, and there may be nothing to register
    import polars as pl

BEST = "best"
SAME_DOCUMENT = ["source", "id", "characters"]  # columns that are equal
log = logging.getLogger("femtogpt.tracking")


def registered_name(configuration: str) -> str:
    """The name of a configuration's model, fit for ``models:/NAME@best`` and for a shell."""
    return "femtogpt-" + re.sub(r"[^\w.-]+", "-", configuration)


def register(
    client: Any, run_id: str, configuration: str, artifacts: Mapping[str, Artifact]
) -> str:
    """Make a run, whose artifacts MLflow has, a version of its configuration's model.

    It stays the version that it is, if it is one. Gives the version's address.
    """
    name, run = registered_name(configuration), artifacts["run"]
    with TemporaryDirectory() as folder:
        write_model(Path(folder), run, artifacts["tokens"].path)
        client.log_artifacts(run_id, folder, run.kind)
    if not client.search_registered_models(f"name = '{name}'"):
        about = f"The evaluated runs of {configuration}. «{BEST}» is the best of them."
        client.create_registered_model(name, description=about)
    found = client.search_model_versions(f"name = '{name}' and run_id = '{run_id}'")
    source = f"{client.get_run(run_id).info.artifact_uri}/{run.kind}"
    version = found[0] if found else client.create_model_version(name, source, run_id)
    bits = artifacts["evaluation"].counts[RANKING]
    client.set_model_version_tag(name, version.version, RANKING, f"{bits:.4f}")
    _find_best(client, name, version)
    return f"models:/{name}/{version.version}"


def _find_best(client: Any, name: str, new: Any) -> None:
    """Give the alias to ``new`` if it is better than the version that has it.

    If none has it, because that one or its run was deleted, all that are left are compared.
    """
    holder, words = _holder(client, name), ""
    best, *others = [holder, new] if holder else _versions(client, name)
    for other in others:
        if str(other.version) != str(best.version):
            is_better, words = _compare(client, best, other)
            best = other if is_better else best
    if best is not holder:
        client.set_registered_model_alias(name, BEST, str(best.version))
    why = f" ({words})" if words else ""
    log.info("registry: %s, version %s; best: version %s%s", name, new.version, best.version, why)


def _holder(client: Any, name: str) -> Any | None:
    """The version that has the alias, unless its run was deleted."""
    aliases = client.get_registered_model(name).aliases
    if BEST not in aliases:
        return None
    version = client.get_model_version(name, aliases[BEST])
    return None if _is_gone(client, version) else version


def _versions(client: Any, name: str) -> list[Any]:
    """The versions whose runs MLflow still has, the oldest first."""
    found = client.search_model_versions(f"name = '{name}'")
    kept = [version for version in found if not _is_gone(client, version)]
    return sorted(kept, key=lambda version: int(version.version))


def _is_gone(client: Any, version: Any) -> bool:
    return bool(version.run_id) and is_deleted(client, version.run_id)


def _compare(client: Any, best: Any, new: Any) -> tuple[bool, str]:
    """Whether a version is better than another beyond chance, and the difference in words."""
    from femtogpt.evaluation.intervals import paired_difference

    scores = []
    for version in (best, new):
        if (of_version := _scores(client, version)) is None:
            return False, f"version {version.version} has no scores of single works"
        scores.append(of_version)
    try:
        difference = paired_difference(*_same_documents(*scores))
    except UserError as error:  # there are none
        return False, str(error)
    names = f"version {best.version}", f"version {new.version}"
    return difference.is_told and difference.difference < 0, difference.words(*names)


def _scores(client: Any, version: Any) -> pl.DataFrame | None:
    """The scores of a version's held-out documents, if MLflow has them."""
    from femtogpt.corpus.schema import read

    file = f"evaluation/{DOCUMENTS_FILE}"
    if not version.run_id:  # a person registered something else
        return None
    if file not in {item.path for item in client.list_artifacts(version.run_id, "evaluation")}:
        return None
    with TemporaryDirectory() as folder:
        return read(Path(client.download_artifacts(version.run_id, file, folder)))


def _same_documents(one: pl.DataFrame, other: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows of documents that are the same in both tables.

    Of two corpora, what both hold out is what neither model was trained on.
    """
    return one.join(other, SAME_DOCUMENT, "semi"), other.join(one, SAME_DOCUMENT, "semi")
