"""The official Kaggle client as a program of its own, which ``kaggle_process.py`` starts.

Importing the client prints, asks the network, may end the process and may fail on a home that
cannot be written; its requests may wait for ever. All of that stays in here::

    python -P kaggle_client.py owner/slug[/version] [folder]

(-P: or else ``kaggle.py`` beside this file is taken for the client.) Without a folder it only
asks; else the archive comes to ``folder/slug.zip``, going on with what is there of it. Standard
output is the report, one JSON object a line: ``ready`` when the client is there, ``anonymous``
if it has no valid credentials, what Kaggle says of the dataset (``title``, ``version``,
``updated``, ``licence``, ``size``, as far as told), ``total`` (bytes; null: unknown) with
``last_modified``, at last ``done`` or one of ``status`` (an HTTP code, with ``reason``),
``unreachable`` (why) and ``errno``. What the client prints goes to standard error, and so does
a traceback if the fault is another.
"""

import contextlib
import errno
import json
import os
import shutil
import sys
import threading

CHUNK = 1 << 16  # bytes; the client's own MiB would look like a stall on a slow line
BEYOND = 416  # the status for a range that the file does not have


def main(dataset: str, folder: str | None = None) -> None:
    report = _take_stdout()
    _end_with_parent()
    api = _client()
    report(ready=True)
    import requests
    import urllib3

    try:
        _authenticate(api, report)
        if folder is None:
            report(**_about(api, dataset))
        else:
            with contextlib.suppress(Exception):  # nothing that the download needs
                report(**_about(api, dataset))
            _watch_download(api, report)
            _keep_from_errors(requests)
            api.dataset_download_files(dataset, path=folder, quiet=True)
        report(done=True)
    except requests.HTTPError as error:
        # Of an answer that is not Kaggle's JSON only the address is told, which may be signed.
        reason = "" if " for url: " in str(error) else str(error)
        report(status=error.response.status_code, reason=reason)
    except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
        report(unreachable=_root(error))
    except (ConnectionError, TimeoutError) as error:
        report(unreachable=str(error))
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        report(errno=error.errno)


def _take_stdout():
    """Keep standard output for the report: what others print goes to standard error."""
    out = os.dup(1)
    os.dup2(2, 1)
    return lambda **what: os.write(out, json.dumps(what).encode() + b"\n")


def _end_with_parent() -> None:
    """The parent holds the other end of standard input: when it is killed, end as well.

    Otherwise a download would go on in a folder which the next run believes its own.
    """

    def wait() -> None:
        os.read(0, 1)
        os._exit(1)

    threading.Thread(target=wait, daemon=True).start()


def _client():
    """The client, also where it cannot make its settings folder in the home."""
    try:
        import kaggle
    except OSError:
        os.environ["KAGGLE_CONFIG_DIR"] = os.path.dirname(__file__)  # one that is there
        import kaggle
    return kaggle.api


def _authenticate(api, report) -> None:
    """Find credentials, in any form the client knows; a public dataset needs none."""
    if getattr(api, "_authenticated", False):  # importing it has done so: ask no second time
        return
    try:
        api.authenticate()
    except SystemExit:  # how the client says that there are none
        report(anonymous=True)


def _about(api, dataset: str) -> dict:
    """What Kaggle says of a dataset, or of the given version of it."""
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
            for other in answer.versions:
                if other.version_number == version:
                    updated = other.creation_date
        about = {"title": answer.title, "licence": answer.license_name, "size": size}
        about |= {"version": version, "updated": updated and updated.isoformat(timespec="seconds")}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ConnectionError(f"its answer cannot be read ({_root(error)})") from error
    return {key: value for key, value in about.items() if value}


def _watch_download(api, report) -> None:
    """Have the client report what it is about to download, and write it in small pieces."""
    download_file = api.download_file

    def watched(response, outfile, *args, **options):
        headers = response.headers
        total = int(headers["Content-Length"]) if "Content-Length" in headers else None
        report(total=total, last_modified=headers.get("Last-Modified"))
        # The client would fill the disk, and then try again and again for a minute.
        there = os.path.getsize(outfile) if os.path.exists(outfile) else 0
        if total and total - there > shutil.disk_usage(os.path.dirname(outfile)).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            return download_file(response, outfile, *args, **{**options, "chunk_size": CHUNK})
        except ValueError as error:  # not as long as announced
            raise ConnectionError(str(error)) from error

    api.download_file = watched


def _keep_from_errors(requests) -> None:
    """Have the client try again after a refusal while it goes on with a file.

    It would take the page that says so for the file, and write it over all that had come.
    """
    request = requests.request

    def checked(*args, **options):
        response = request(*args, **options)
        if response.status_code != BEYOND:  # then the client begins anew
            response.raise_for_status()
        return response

    requests.request = checked


def _root(error: BaseException) -> str:
    """The first cause in words: what wraps it names objects and addresses in memory."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


if __name__ == "__main__":
    main(*sys.argv[1:])
