"""A dataset of Kaggle: downloaded by the official client, or a copy of it on this machine."""

from __future__ import annotations

import logging
import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from femtogpt.artifacts.disk import file_digest
from femtogpt.errors import UserError
from femtogpt.parallel import workers
from femtogpt.sources.archives import check_archive
from femtogpt.sources.kaggle_process import ADVICE as ADVICE
from femtogpt.sources.kaggle_process import KaggleError, KaggleUnreachable, advised, ask, download

DATASET = r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(/[1-9][0-9]*)?$"
KIND = "kaggle"
CHUNK = 1 << 20
UNFINISHED = ".download"  # stays after a failure, so that the next fetch goes on
_DAMAGE = (  # what zipfile raises on changed bytes (found by changing them at random)
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError),
    UnicodeDecodeError,  # in a name
    RuntimeError,  # an unknown compression, or a password is asked for
)
log = logging.getLogger(__name__)


def identity(dataset: str, archive: Path | None) -> dict:
    """What determines the bytes: the dataset's name, and of a copy the bytes, not the place.

    The name holds the version where that is known (see ``pinned``); Kaggle is not asked.
    """
    what = {"kind": KIND, "dataset": dataset}
    if archive is not None:
        _check_zip(archive)
        what["sha256"] = file_digest(archive)
    return what


def pinned(dataset: str) -> str:
    """The dataset with its current version, ``owner/slug/version``; one that has it stays.

    A version's files never change, so its number stands for the bytes. Raises KaggleError where
    Kaggle does not tell it within ``LIMIT`` seconds.
    """
    if _version(dataset) is not None:
        return dataset
    version = ask(dataset).get("version")
    if version is None:
        raise KaggleError(advised(f"Kaggle does not tell which version {dataset} has"))
    return f"{dataset}/{version}"


def earlier(dataset: str, identities: Iterable[dict]) -> list[str]:
    """The versions of a dataset that are among these identities, the highest first."""
    names = {what["dataset"] for what in identities if what.get("kind") == KIND}
    own = [name for name in names if name == dataset or name.rpartition("/")[0] == dataset]
    return sorted(own, key=lambda name: _version(name) or 0, reverse=True)


def fetch(dataset: str, archive: Path | None, into: Path) -> dict:
    """The archive as ``<slug>.zip``, from either place; every member has its checksum.

    Credentials come in any form the client knows; without any, it asks anonymously. What came
    of a download that was cut stays in ``into``, and the next one goes on from there if the
    server still has the same file. Raises KaggleError, KaggleUnreachable, OSError (a full disk).
    """
    owner, slug, *_ = dataset.split("/")
    url = "/".join(["https://www.kaggle.com/datasets", owner, slug])
    provenance = {"dataset": dataset, "url": url}
    if (version := _version(dataset)) is not None:
        provenance |= {"url": f"{url}/versions/{version}", "version": version}
    target = into / f"{slug}.zip"
    if archive is not None:
        _check_zip(archive)
        if fault := _fault(archive):
            raise UserError(f"{archive} cannot be read ({fault}): get a whole copy of it")
        shutil.copyfile(archive, target)
        return {**provenance, "archive": str(archive.resolve())}
    folder = into / UNFINISHED
    folder.mkdir(exist_ok=True)
    file = folder / target.name
    if target.exists():  # we were stopped just after it had come: let the client look at it
        os.replace(target, file)
    provenance |= _whole(dataset, file)
    os.replace(file, target)
    shutil.rmtree(folder)
    return provenance


def _version(dataset: str) -> int | None:
    _, _, *version = dataset.split("/")
    return int(version[0]) if version else None


def _whole(dataset: str, file: Path) -> dict:
    """Download and check; what was there and turns out broken is downloaded anew, once."""
    went_on = file.exists()
    told = download(dataset, file)
    fault = _fault(file)
    if fault and went_on:
        log.warning("what had come of %s is broken (%s): from the start", dataset, fault)
        file.unlink(missing_ok=True)
        told = download(dataset, file)
        fault = _fault(file)
    if fault:
        file.unlink(missing_ok=True)
        raise KaggleUnreachable(advised(f"Kaggle sent a broken archive of {dataset}: {fault}"))
    return told


def _check_zip(path: Path) -> None:
    check_archive(path)
    if path.suffix.lower() != ".zip":  # what Kaggle gives; the copy will bear that name
        raise UserError(f"{path} is not a .zip: give the archive as Kaggle gives it")


def _fault(archive: Path) -> str | None:
    """Why a zip cannot be read in full, or None; its end alone says nothing of its middle."""
    try:
        with zipfile.ZipFile(archive) as zipped, ThreadPoolExecutor(workers()) as threads:
            for _ in threads.map(partial(_read_through, zipped), zipped.infolist()):
                pass
    except _DAMAGE as error:
        return str(error)
    return None


def _read_through(zipped: zipfile.ZipFile, member: zipfile.ZipInfo) -> None:
    """Read a member to its end, where its checksum is compared; zlib lets other threads work."""
    with zipped.open(member) as file:
        while file.read(CHUNK):
            pass
