"""Runs the official Kaggle client in a process of its own and turns its report into a result.

The client process never outlives the call, not even if this process is killed: it exits when its
standard input is closed.
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
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.client import responses
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO

from femtogpt.artifacts.room import need_room
from femtogpt.errors import UserError
from femtogpt.progress import progress

CLIENT = Path(__file__).with_name("kaggle_client.py")
ANSWER_SECONDS = 15.0  # how long a question about a dataset may take
STALL_SECONDS = 120.0  # a download that receives nothing for this long is given up
POLL_SECONDS = 0.2  # between two looks at a download
ADVICE = (
    "Create a token at https://www.kaggle.com/settings (API) and set KAGGLE_API_TOKEN to it, or put"
    " kaggle.json in ~/.kaggle. Or use a copy of the archive on this machine: ARCHIVE=path.zip"
)
INFO_KEYS = ("title", "version", "updated", "licence", "size", "last_modified")
Wait = Callable[[subprocess.Popen, BinaryIO], None]
log = logging.getLogger(__name__)


class KaggleError(UserError):
    """Kaggle refused the dataset or its client failed; the second line says what to do."""


class KaggleUnreachable(KaggleError, ConnectionError):
    """Kaggle did not answer or did not send the complete archive: a retry may help."""

    retry_after = 0.0  # seconds that Kaggle asks to wait before


def dataset_info(dataset: str) -> dict:
    """Ask Kaggle about a dataset; the ``INFO_KEYS`` it reports. KaggleError without an answer."""

    def wait(process: subprocess.Popen, report: BinaryIO) -> None:
        try:
            process.wait(ANSWER_SECONDS)
        except subprocess.TimeoutExpired:
            raise KaggleUnreachable(
                with_advice(f"Kaggle gave no answer about {dataset} within {ANSWER_SECONDS:.0f} s")
            ) from None

    return _run(dataset, [], wait)


def download(dataset: str, file: Path) -> dict:
    """Have the client write ``file`` (``slug.zip``) or resume it; what Kaggle reports about it.

    Raises KaggleError, KaggleUnreachable or, on a full disk, OSError.
    """

    def wait(process: subprocess.Popen, report: BinaryIO) -> None:
        _watch_download(process, report, file, dataset)

    try:
        return _run(dataset, [str(file.parent)], wait)
    except OSError as error:
        if isinstance(error, KaggleError) or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(file.parent.parent)) from error


def with_advice(problem: str) -> str:
    """Compose the two lines of an error: what went wrong, and what to do."""
    return " ".join(problem.split())[:500] + "\n" + ADVICE


def _run(dataset: str, folder: list[str], wait: Wait) -> dict:
    """Run the client, let ``wait`` wait for its end, and return what it reported."""
    with TemporaryFile() as report_file, TemporaryFile() as messages_file:
        process = subprocess.Popen(
            [sys.executable, "-P", str(CLIENT), dataset, *folder],
            stdin=subprocess.PIPE,
            stdout=report_file,
            stderr=messages_file,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the client
        )
        with process:
            try:
                wait(process, report_file)
            finally:
                process.kill()
        report = _read_report(report_file)
        messages = _read_bytes(messages_file).decode(errors="replace")
    log.debug("the Kaggle client printed: %s", messages)
    if report.get("done"):
        return {key: report[key] for key in INFO_KEYS if report.get(key)}
    if "lacking" in report:
        need_room(Path(*folder), report["lacking"], f"the rest of {dataset}")
    if "errno" in report:
        raise OSError(report["errno"], os.strerror(report["errno"]))
    raise _failure(dataset, report, process.returncode, messages)


def _watch_download(
    process: subprocess.Popen, report_file: BinaryIO, file: Path, dataset: str
) -> None:
    """Show the progress of the download until it ends; KaggleUnreachable if it stalls."""
    update = last_state = None
    with ExitStack() as stack:
        while process.poll() is None:
            report = _read_report(report_file)
            size = file.stat().st_size if file.exists() else 0
            if update is None and "total" in report:
                total = report["total"] and report["total"] / 1e6
                update = stack.enter_context(progress(f"download {file.stem}", total, "MB"))
            if update is not None:
                update(size / 1e6)
            if (len(report), size) != last_state:
                last_state, last_change = (len(report), size), time.monotonic()
            elif time.monotonic() - last_change > STALL_SECONDS:
                raise KaggleUnreachable(
                    with_advice(f"Kaggle sent nothing of {dataset} for {STALL_SECONDS:.0f} s")
                )
            with suppress(subprocess.TimeoutExpired):
                process.wait(POLL_SECONDS)


def _read_report(file: BinaryIO) -> dict:
    """Merge the complete lines that the client has reported so far."""
    report: dict = {}
    for line in _read_bytes(file).splitlines(keepends=True):
        if line.endswith(b"\n"):
            report |= json.loads(line)
    return report


def _read_bytes(file: BinaryIO) -> bytes:
    """Read a whole file without moving its position, which the writing process shares."""
    return os.pread(file.fileno(), os.fstat(file.fileno()).st_size, 0)


def _seconds(retry_after: str | None) -> float:
    """The seconds in a header Retry-After, which has them or a date; 0 if there is neither."""
    with suppress(TypeError, ValueError):
        if retry_after and retry_after.isdecimal():
            return float(retry_after)
        moment = parsedate_to_datetime(retry_after or "")
        return max(0.0, (moment - datetime.now(UTC)).total_seconds())
    return 0.0


def _failure(dataset: str, report: dict, exit_status: int, messages: str) -> KaggleError:
    """Return the exception for a report without ``done``."""
    if "unreachable" in report:
        reason = report["unreachable"]
        return KaggleUnreachable(with_advice(f"Kaggle cannot be reached for {dataset}: {reason}"))
    if "status" in report:
        code = report["status"]
        credentials = "; no valid credentials were found" if report.get("anonymous") else ""
        answer = f"{dataset} ({code} {responses.get(code, '')}{credentials})"
        answer += f": {report['reason']}" if report["reason"] else ""
        if code in (408, 429) or code >= 500:
            wait = _seconds(report.get("retry_after"))
            asked = f"; it asks to wait for {wait:.0f} s" if wait else ""
            error = KaggleUnreachable(with_advice(f"Kaggle cannot serve {answer}{asked}"))
            error.retry_after = wait
            return error
        return KaggleError(with_advice(f"Kaggle refused {answer}"))
    last_line = (messages.strip().splitlines() or ["it printed nothing"])[-1]
    return KaggleError(
        with_advice(
            f"the Kaggle client failed on {dataset} (exit status {exit_status}): {last_line}"
        )
    )
