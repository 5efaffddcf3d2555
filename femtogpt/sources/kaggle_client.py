"""The official Kaggle client as a program of its own, started by ``kaggle_process.py``.

Importing the client prints, makes network requests, may exit the process and may fail if the home
folder is read-only; its requests may hang for ever. This program contains all of that::

    python -P kaggle_client.py owner/slug[/version] [folder]

(Without -P, ``kaggle.py`` beside this file would be imported in place of the client.) Without a
folder it only looks the dataset up; with one it downloads the archive to ``folder/slug.zip`` and
resumes what is already there. It reports on standard output, one JSON object per line: ``ready``
once the client is imported; ``anonymous`` if there are no valid credentials; what Kaggle says
about the dataset (``title``, ``version``, ``updated``, ``licence``, ``size``, where available);
``total`` (bytes, null if unknown) with ``last_modified``; finally ``done`` or one of ``status``
(an HTTP code, with ``reason`` and the header ``retry_after``), ``unreachable`` (the reason) and
``errno``. The client's own output goes to standard error, as does the traceback of any other error.
"""

import base64
import contextlib
import errno
import json
import os
import sys
import threading
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2]))  # after all else: it is not installed everywhere
from femtogpt.artifacts.room import free_room

CHUNK_BYTES = 1 << 16  # the client's own 1 MiB would look like a stall on a slow line
RANGE_NOT_SATISFIABLE = 416  # HTTP status
BUSY = (429, 503)


def main(dataset: str, folder: str | None = None) -> None:
    report = _take_stdout()
    _end_with_parent()
    import requests
    import urllib3

    _keep_bodies_here(requests)
    try:
        api = _client()
        report(ready=True)
        _authenticate(api, report)
        if folder is None:
            report(**_dataset_info(api, dataset))
        else:
            with contextlib.suppress(Exception):  # the download does not need it
                report(**_dataset_info(api, dataset))
            _report_download(api, report)
            _raise_for_refused_ranges(requests)
            api.dataset_download_files(dataset, path=folder, quiet=True)
        report(done=True)
    except requests.HTTPError as error:
        # Unless the answer is Kaggle's JSON, the message is just the URL, which may be signed.
        assert error.response is not None  # raised for a response
        report(**_refusal(error.response, "" if " for url: " in str(error) else str(error)))
    except _AskedToWait as error:
        report(**_refusal(error.response, ""))
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        report(unreachable=_root_cause(error))
    except (ConnectionError, TimeoutError) as error:
        report(unreachable=str(error))
    except json.JSONDecodeError:  # the page of a network that asks to sign in, for one
        report(unreachable="something else came in place of its answer")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        report(errno=error.errno)


def _take_stdout():
    """Reserve standard output for the report: all other output goes to standard error."""
    out = os.dup(1)
    os.dup2(2, 1)
    return lambda **fields: os.write(out, json.dumps(fields).encode() + b"\n")


def _end_with_parent() -> None:
    """Exit when the parent, which holds the other end of standard input, is killed.

    Otherwise the download would go on in a folder that the next run takes for its own.
    """

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _keep_bodies_here(requests) -> None:
    """Make the client refuse to send a question on to another host.

    Its body may hold a token; of the headers, ``requests`` takes care itself.
    """
    rebuild_auth = requests.Session.rebuild_auth

    def checked(session, prepared, response):
        if prepared.body and session.should_strip_auth(response.request.url, prepared.url):
            raise requests.ConnectionError("it sends questions on to another host")
        rebuild_auth(session, prepared, response)

    requests.Session.rebuild_auth = checked


def _client():
    """Import the client, even if it cannot create its settings folder in the home folder."""
    try:
        import kaggle
    except OSError:
        os.environ["KAGGLE_CONFIG_DIR"] = os.path.dirname(__file__)  # one that exists
        import kaggle
    return kaggle.api


def _authenticate(api, report) -> None:
    """Find credentials in any form the client supports; a public dataset needs none."""
    if getattr(api, "_authenticated", False):  # importing the client has authenticated already
        return
    try:
        api.authenticate()
    except SystemExit:  # the client exits if it finds none
        report(anonymous=True)


def _dataset_info(api, dataset: str) -> dict:
    """Look up a dataset, or the version of it that its name pins."""
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetRequest

    request = ApiGetDatasetRequest()
    request.owner_slug, request.dataset_slug, *pinned = dataset.split("/")
    try:
        with api.build_kaggle_client() as client:
            answer = client.datasets.dataset_api_client.get_dataset(request)
        updated, size, version = answer.last_updated, answer.total_bytes, None
        if isinstance(answer.current_version_number, int):
            version = answer.current_version_number
        if pinned and int(pinned[0]) != version:
            version, size, updated = int(pinned[0]), None, None
            for candidate in answer.versions:
                if candidate.version_number == version:
                    updated = candidate.creation_date
        info = {"title": answer.title, "licence": answer.license_name, "size": size}
        info |= {"version": version, "updated": updated and updated.isoformat(timespec="seconds")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConnectionError(f"its answer cannot be read ({_root_cause(error)})") from error
    return {key: value for key, value in info.items() if value}


def _report_download(api, report) -> None:
    """Make the client report the size before it downloads, and write in small chunks."""
    download_file = api.download_file

    def reported(response, outfile, *args, **options):
        headers = response.headers
        total = int(headers["Content-Length"]) if "Content-Length" in headers else None
        report(total=total, last_modified=headers.get("Last-Modified"))
        # On its own the client would fill the disk, then retry for a minute.
        present = os.path.getsize(outfile) if os.path.exists(outfile) else 0
        if total and total - present > free_room(Path(outfile).parent):
            report(lacking=total - present)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            return download_file(response, outfile, *args, **{**options, "chunk_size": CHUNK_BYTES})
        except ValueError as error:  # shorter than announced
            raise ConnectionError(str(error)) from error

    api.download_file = reported


class _AskedToWait(Exception):
    """A refusal that says after how long to ask again; the client does not take it up itself."""

    def __init__(self, response):
        super().__init__(response.status_code)
        self.response = response


def _raise_for_refused_ranges(requests) -> None:
    """Make the client retry if the server refuses a range while it resumes a file.

    On its own it would take the error page for the file and overwrite what it had downloaded. Where
    the refusal names a time, the whole program is started again after that: the client's own next
    attempt would come too soon.
    """
    request = requests.request

    def checked(*args, **options):
        response = request(*args, **options)
        if response.status_code in BUSY and "Retry-After" in response.headers:
            raise _AskedToWait(response)
        if response.status_code != RANGE_NOT_SATISFIABLE:  # there the client starts over itself
            response.raise_for_status()
        return response

    requests.request = checked


def _refusal(response, reason: str) -> dict:
    """What is reported of an answer that refuses."""
    retry_after = response.headers.get("Retry-After")
    reason = _without_credentials(reason, response)
    return {"status": response.status_code, "reason": reason, "retry_after": retry_after}


def _without_credentials(reason: str, response) -> str:
    """Remove from a server's words the credentials that it was sent."""
    for answer in (*response.history, response):
        scheme, _, sent = answer.request.headers.get("Authorization", "").partition(" ")
        key = base64.b64decode(sent).decode().partition(":")[2] if scheme == "Basic" else ""
        for secret in filter(None, (sent, key)):
            reason = reason.replace(secret, "…")
    return reason


def _root_cause(error: BaseException) -> str:
    """Describe the innermost cause; the errors around it name objects and memory addresses."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


if __name__ == "__main__":
    main(*sys.argv[1:])
