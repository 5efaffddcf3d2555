"""Kaggle datasets: downloaded by the official client, or copied from an archive on disk."""

from __future__ import annotations

import logging
import os
import shutil
import zipfile
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from femtogpt.artifacts.disk import file_digest
from femtogpt.errors import UserError
from femtogpt.parallel import workers
from femtogpt.sources.archives import check_archive
from femtogpt.sources.compressed import DAMAGE
from femtogpt.sources.kaggle_process import (
    KaggleError,
    KaggleUnreachable,
    dataset_info,
    download,
    with_advice,
)

DATASET = r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(/[1-9][0-9]*)?$"
KIND = "kaggle"
READ_BYTES = 1 << 20
UNFINISHED = ".download"  # kept after a failure, so that the next fetch resumes
log = logging.getLogger(__name__)


def identity(dataset: str, archive: Path | None) -> dict:
    """Return what determines the bytes: the dataset's name and, for a local copy, its digest.

    The name includes the version once it is pinned (see ``pinned``). Makes no request to Kaggle.
    """
    result = {"kind": KIND, "dataset": dataset}
    if archive is not None:
        _check_zip(archive)
        result["sha256"] = file_digest(archive)
    return result


def pinned(dataset: str) -> str:
    """Add the current version to a dataset's name (``owner/slug/version``) unless it has one.

    A version's files never change, so its number identifies the bytes. Raises KaggleError if
    Kaggle does not report a version within ``ANSWER_SECONDS``.
    """
    if _version(dataset) is not None:
        return dataset
    version = dataset_info(dataset).get("version")
    if version is None:
        raise KaggleError(with_advice(f"Kaggle does not report a version for {dataset}"))
    return f"{dataset}/{version}"


def earlier(dataset: str, identities: Iterable[dict]) -> list[str]:
    """List the versions of a dataset among these identities, highest first."""
    names = {identity["dataset"] for identity in identities if identity.get("kind") == KIND}
    versions = [name for name in names if name == dataset or name.rpartition("/")[0] == dataset]
    return sorted(versions, key=lambda name: _version(name) or 0, reverse=True)


def fetch(dataset: str, archive: Path | None, into: Path) -> dict:
    """Put the archive into ``into`` as ``<slug>.zip``, checked member by member; its provenance.

    The client looks for credentials wherever it usually does and falls back to anonymous access.
    A download that was cut off stays in ``into``; the next one resumes it if the server still has
    the same file. Raises KaggleError, KaggleUnreachable or, on a full disk, OSError.
    """
    owner, slug, *_ = dataset.split("/")
    url = "/".join(["https://www.kaggle.com/datasets", owner, slug])
    provenance: dict[str, Any] = {"dataset": dataset, "url": url}
    if (version := _version(dataset)) is not None:
        provenance |= {"url": f"{url}/versions/{version}", "version": version}
    target = into / f"{slug}.zip"
    if archive is not None:
        _check_zip(archive)
        if fault := _zip_fault(archive):
            raise UserError(f"{archive} is damaged ({fault}): download it again")
        shutil.copyfile(archive, target)
        return {**provenance, "archive": str(archive.resolve())}
    folder = into / UNFINISHED
    folder.mkdir(exist_ok=True)
    file = folder / target.name
    if target.exists():  # interrupted right after the download: let the client check the file
        os.replace(target, file)
    provenance |= _download_checked(dataset, file)
    os.replace(file, target)
    shutil.rmtree(folder)
    return provenance


def _version(dataset: str) -> int | None:
    _, _, *version = dataset.split("/")
    return int(version[0]) if version else None


def _download_checked(dataset: str, file: Path) -> dict:
    """Download and check the archive; a resumed one that is damaged is downloaded anew, once."""
    resumed = file.exists()
    info = download(dataset, file)
    fault = _zip_fault(file)
    if fault and resumed:
        log.warning("the partial download of %s is damaged (%s): starting over", dataset, fault)
        file.unlink(missing_ok=True)
        info = download(dataset, file)
        fault = _zip_fault(file)
    if fault:
        file.unlink(missing_ok=True)
        raise KaggleUnreachable(with_advice(f"Kaggle sent a broken archive of {dataset}: {fault}"))
    return info


def _check_zip(path: Path) -> None:
    check_archive(path)
    if path.suffix.lower() != ".zip":  # Kaggle serves zips, and the copy is named <slug>.zip
        raise UserError(f"{path} is not a .zip: use the archive as downloaded from Kaggle")


def _zip_fault(archive: Path) -> str | None:
    """Say why a zip cannot be read in full; None if it can. Reads every member to its end."""
    try:
        with zipfile.ZipFile(archive) as zipped, ThreadPoolExecutor(workers()) as threads:
            for _ in threads.map(partial(_read_through, zipped), zipped.infolist()):
                pass
    except DAMAGE as error:
        return str(error)
    return None


def _read_through(zipped: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read a member to its end, where zipfile checks its CRC; zlib releases the GIL meanwhile."""
    with zipped.open(member) as file:
        while file.read(READ_BYTES):
            pass
