"""The official Kaggle client as a process: what it is asked, how it is watched, how it fails.

It never outlives a call to it, not even when this process is killed (it waits for the end of
its standard input).
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from http.client import responses
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from femtogpt.errors import UserError
from femtogpt.progress import progress

CLIENT = Path(__file__).with_name("kaggle_client.py")
LIMIT = 15.0  # seconds for a question
STALL = 120.0  # seconds without a byte after which a download is given up
POLL = 0.2  # seconds between looks at a download
ADVICE = (
    "Create a token at https://www.kaggle.com/settings (API) and set KAGGLE_API_TOKEN to it, or put"
    " kaggle.json in ~/.kaggle; or use a copy of the archive already on disk: ARCHIVE=path.zip"
)
ABOUT = ("title", "version", "updated", "licence", "size", "last_modified")
Watch = Callable[[subprocess.Popen, BinaryIO], None]
log = logging.getLogger(__name__)


class KaggleError(UserError):
    """Kaggle refused the dataset, or its client failed; a second line says what to do."""


class KaggleUnreachable(KaggleError, ConnectionError):
    """Kaggle gave no answer or not the whole archive: a retry may help."""


def ask(dataset: str) -> dict:
    """What Kaggle says of a dataset: those of ``ABOUT`` that it tells. KaggleError if nothing."""

    def wait(process: subprocess.Popen, report: BinaryIO) -> None:
        try:
            process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            raise KaggleUnreachable(
                advised(f"Kaggle gave no answer about {dataset} within {LIMIT:.0f} s")
            ) from None

    return _run(dataset, [], wait)


def download(dataset: str, file: Path) -> dict:
    """Have the client write ``file``, ``slug.zip``, or go on with it; what Kaggle says of it.

    Raises KaggleError, KaggleUnreachable, OSError on a full disk.
    """

    def watch(process: subprocess.Popen, report: BinaryIO) -> None:
        _watch(process, report, file, dataset)

    try:
        return _run(dataset, [str(file.parent)], watch)
    except OSError as error:
        if isinstance(error, KaggleError) or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(file.parent.parent)) from error


def advised(what: str) -> str:
    """The two lines a person sees: what happened, and what to do."""
    return " ".join(what.split())[:500] + "\n" + ADVICE


def _run(dataset: str, folder: list[str], watch: Watch) -> dict:
    """Run the client while ``watch`` waits for its end; what it reported."""
    with TemporaryFile() as report, TemporaryFile() as messages:
        process = subprocess.Popen(
            [sys.executable, "-P", str(CLIENT), dataset, *folder],
            stdin=subprocess.PIPE,
            stdout=report,
            stderr=messages,
            start_new_session=True,  # Ctrl-C is for us; we end the client
        )
        with process:
            try:
                watch(process, report)
            finally:
                process.kill()
        said, printed = _read(report), _bytes(messages).decode(errors="replace")
    log.debug("the Kaggle client printed: %s", printed)
    if said.get("done"):
        return {key: said[key] for key in ABOUT if said.get(key)}
    if "errno" in said:
        raise OSError(said["errno"], os.strerror(said["errno"]))
    raise _failure(dataset, said, process.returncode, printed)


def _watch(process: subprocess.Popen, report: BinaryIO, file: Path, dataset: str) -> None:
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
                    advised(f"Kaggle sent nothing of {dataset} for {STALL:.0f} s")
                )
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL)


def _read(report: BinaryIO) -> dict:
    """What the client has said so far, in whole lines."""
    said: dict = {}
    for line in _bytes(report).splitlines(keepends=True):
        if line.endswith(b"\n"):
            said |= json.loads(line)
    return said


def _bytes(file: BinaryIO) -> bytes:
    """All of a file whose position is shared with the process that writes it."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)


def _failure(dataset: str, said: dict, status: int, printed: str) -> KaggleError:
    """The exception for a report without ``done``."""
    if "unreachable" in said:
        why = said["unreachable"]
        return KaggleUnreachable(advised(f"Kaggle cannot be reached for {dataset}: {why}"))
    if "status" in said:
        code = said["status"]
        known = "; no valid credentials were found" if said.get("anonymous") else ""
        what = f"{dataset} ({code} {responses.get(code, '')}{known})"
        what += f": {said['reason']}" if said["reason"] else ""
        if code in (408, 429) or code >= 500:
            return KaggleUnreachable(advised(f"Kaggle cannot serve {what}"))
        return KaggleError(advised(f"Kaggle refused {what}"))
    last = (printed.strip().splitlines() or ["it said nothing"])[-1]
    return KaggleError(
        advised(f"the Kaggle client failed on {dataset} (exit status {status}): {last}")
    )
