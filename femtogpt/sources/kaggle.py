"""A dataset of Kaggle: downloaded by the official client, or a copy of it on this machine."""

from __future__ import annotations

import json
import logging
import lzma
import os
import shutil
import subprocess
import sys
import time
import zipfile
import zlib
from contextlib import ExitStack, suppress
from http.client import responses
from pathlib import Path
from tempfile import TemporaryDirectory

from femtogpt.artifact import digest_of_file
from femtogpt.errors import UserError
from femtogpt.progress import progress
from femtogpt.sources.archives import check_archive

DATASET = r"^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(/[1-9][0-9]*)?$"
CLIENT = Path(__file__).with_name("kaggle_client.py")
STALL = 120.0  # seconds without a byte after which a download is given up
POLL = 0.2  # seconds between looks at a download
ADVICE = (
    "Create a token at https://www.kaggle.com/settings (API) and set KAGGLE_API_TOKEN to it, or put"
    " kaggle.json in ~/.kaggle; or use a copy of the archive already on disk: ARCHIVE=path.zip"
)
_DAMAGE = (  # what zipfile raises on changed bytes (found by changing them at random)
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, OSError, EOFError),
    UnicodeDecodeError,  # in a name
    RuntimeError,  # an unknown compression, or a password is asked for
)
log = logging.getLogger(__name__)


class KaggleError(UserError):
    """Kaggle refused the dataset, or its client failed; a second line says what to do."""


class KaggleUnreachable(KaggleError, ConnectionError):
    """Kaggle gave no answer or not the whole archive: a retry may help."""


def identity(dataset: str, archive: Path | None) -> dict:
    """What determines the bytes: the dataset's name, and of a copy the bytes, not the place."""
    what = {"kind": "kaggle", "dataset": dataset}
    if archive is not None:
        _check_zip(archive)
        what["sha256"] = digest_of_file(archive)
    return what


def fetch(dataset: str, archive: Path | None, into: Path) -> dict:
    """The archive as ``<slug>.zip``, from either place; every member has its checksum.

    Credentials come in any form the client knows; without any, it asks anonymously.
    """
    owner, slug, *version = dataset.split("/")
    url = "/".join(["https://www.kaggle.com/datasets", owner, slug])
    provenance = {
        "dataset": dataset,
        "url": f"{url}/versions/{version[0]}" if version else url,
    }
    target = into / f"{slug}.zip"
    if archive is not None:
        _check_zip(archive)
        if fault := _fault(archive):
            raise UserError(f"{archive} cannot be read ({fault}): get a whole copy of it")
        shutil.copyfile(archive, target)
        return {**provenance, "archive": str(archive.resolve())}
    with TemporaryDirectory(prefix=".", dir=into) as folder:
        file = Path(folder) / target.name
        told = _download(dataset, file)
        if fault := _fault(file):
            raise KaggleUnreachable(_advised(f"Kaggle sent a broken archive of {dataset}: {fault}"))
        os.replace(file, target)
    return {**provenance, **told}


def _check_zip(path: Path) -> None:
    check_archive(path)
    if path.suffix.lower() != ".zip":  # what Kaggle gives; the copy will bear that name
        raise UserError(f"{path} is not a .zip: give the archive as Kaggle gives it")


def _fault(archive: Path) -> str | None:
    """Why a zip cannot be read in full, or None; its end alone says nothing of its middle."""
    try:
        with zipfile.ZipFile(archive) as zipped:
            bad = zipped.testzip()
    except _DAMAGE as error:
        return str(error)
    return f"{bad} does not match its checksum" if bad else None


def _download(dataset: str, file: Path) -> dict:
    """Run the client, which writes ``file``, and return what it tells of the dataset.

    The client never outlives this call, not even when this process is killed (it waits for the
    end of its standard input). Raises KaggleError, KaggleUnreachable, OSError on a full disk.
    """
    report, messages = file.with_name("report"), file.with_name("messages")
    command = [sys.executable, "-P", str(CLIENT), dataset, str(file.parent)]
    with report.open("wb") as out, messages.open("wb") as err:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=err,
            start_new_session=True,  # Ctrl-C is for us; we end the client
        )
    with process:
        try:
            _watch(process, report, file, dataset)
        finally:
            process.kill()
    said, printed = _read(report), messages.read_text(errors="replace")
    log.debug("the Kaggle client printed: %s", printed)
    if said.get("done"):
        return {key: said[key] for key in ("last_modified", "licence") if said.get(key)}
    if "errno" in said:
        raise OSError(said["errno"], os.strerror(said["errno"]), str(file.parent.parent))
    raise _failure(dataset, said, process.returncode, printed)


def _watch(process: subprocess.Popen, report: Path, file: Path, dataset: str) -> None:
    """Show the progress of the download until it ends; KaggleUnreachable when it stalls."""
    update = seen = None
    with ExitStack() as stack:
        while process.poll() is None:
            said = _read(report)
            size = file.stat().st_size if file.exists() else 0
            if update is None and "total" in said:
                total = said["total"] and said["total"] / 1e6
                update = stack.enter_context(progress(f"download {file.stem}", total, "MB"))
            if update is not None:
                update(size / 1e6)
            if (len(said), size) != seen:
                seen, since = (len(said), size), time.monotonic()
            elif time.monotonic() - since > STALL:
                raise KaggleUnreachable(
                    _advised(f"Kaggle sent nothing of {dataset} for {STALL:.0f} s")
                )
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL)


def _read(report: Path) -> dict:
    """What the client has said so far, in whole lines."""
    said: dict = {}
    for line in report.read_bytes().splitlines(keepends=True):
        if line.endswith(b"\n"):
            said |= json.loads(line)
    return said


def _failure(dataset: str, said: dict, status: int, printed: str) -> KaggleError:
    """The exception for a report without ``done``."""
    if "unreachable" in said:
        why = said["unreachable"]
        return KaggleUnreachable(_advised(f"Kaggle cannot be reached for {dataset}: {why}"))
    if "status" in said:
        code = said["status"]
        what = f"{dataset} ({code} {responses.get(code, '')})"
        what += f": {said['reason']}" if said["reason"] else ""
        if code in (408, 429) or code >= 500:
            return KaggleUnreachable(_advised(f"Kaggle cannot serve {what}"))
        return KaggleError(_advised(f"Kaggle refused {what}"))
    last = (printed.strip().splitlines() or ["it said nothing"])[-1]
    return KaggleError(
        _advised(f"the Kaggle client failed on {dataset} (exit status {status}): {last}")
    )


def _advised(what: str) -> str:
    """The two lines a person sees: what happened, and what to do."""
    return " ".join(what.split())[:500] + "\n" + ADVICE
