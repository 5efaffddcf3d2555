"""The official Kaggle client as a program of its own, which ``kaggle.py`` starts and watches.

Importing the client prints, asks the network, may end the process and may fail on a home that
cannot be written; its requests may wait for ever. All of that stays in here::

    python -P kaggle_client.py owner/slug[/version] folder

(-P: or else ``kaggle.py`` beside this file is taken for the client.) The archive comes to
``folder/slug.zip``. Standard output is the report, one JSON object a line: ``ready`` when the
client is there, ``licence`` (null: unknown), ``total`` (bytes; null: unknown) with
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


def main(dataset: str, folder: str) -> None:
    report = _take_stdout()
    _end_with_parent()
    api = _client(folder)
    report(ready=True)
    import requests
    import urllib3

    try:
        # Without credentials the client would end the process; a public dataset needs none.
        with contextlib.suppress(SystemExit):
            api.authenticate()
        report(licence=_licence(api, dataset))
        _watch_download(api, report)
        api.dataset_download_files(dataset, path=folder, force=True, quiet=True)
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


def _client(folder: str):
    """The client, also where it cannot make its settings folder in the home."""
    try:
        import kaggle
    except OSError:
        os.environ["KAGGLE_CONFIG_DIR"] = folder
        import kaggle
    return kaggle.api


def _watch_download(api, report) -> None:
    """Have the client report what it is about to download, and write it in small pieces."""
    download_file = api.download_file

    def watched(response, outfile, *args, **options):
        headers = response.headers
        total = int(headers["Content-Length"]) if "Content-Length" in headers else None
        report(total=total, last_modified=headers.get("Last-Modified"))
        # The client would fill the disk, and then try again and again for a minute.
        if total and total > shutil.disk_usage(os.path.dirname(outfile)).free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        try:
            return download_file(response, outfile, *args, **{**options, "chunk_size": CHUNK})
        except ValueError as error:  # not as long as announced
            raise ConnectionError(str(error)) from error

    api.download_file = watched


def _licence(api, dataset: str) -> str | None:
    """The licence's name; None where it is not told, which is no reason to fail."""
    from kagglesdk.datasets.types.dataset_api_service import ApiGetDatasetMetadataRequest

    request = ApiGetDatasetMetadataRequest()
    request.owner_slug, request.dataset_slug, *_ = dataset.split("/")
    try:
        with api.build_kaggle_client() as client:
            answer = client.datasets.dataset_api_client.get_dataset_metadata(request)
        return ", ".join(licence.name for licence in answer.info.licenses) or None
    except Exception:
        return None


def _root(error: BaseException) -> str:
    """The first cause in words: what wraps it names objects and addresses in memory."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


if __name__ == "__main__":
    main(*sys.argv[1:])
