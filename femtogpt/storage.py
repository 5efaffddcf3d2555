"""Places that are not of this machine alone: shared folders, and object storage by its URL."""

from __future__ import annotations

from pathlib import Path

from femtogpt.errors import UserError


def storage_path(url: str) -> Path:
    """A place that is used as a path is: ``s3://bucket/folder``, or whatever else fsspec knows.

    Where its service answers and with which key is not said here, but in the environment, as its
    own programs have it (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, …). Raises UserError where a
    package for it is missing, and for a URL of an unknown kind.
    """
    if "://" not in url:
        return Path(url).absolute()
    try:
        from upath import UPath
    except ImportError as error:
        raise UserError(f"{url}: object storage needs some packages more: make cluster") from error
    try:
        return UPath(url, use_listings_cache=False)  # others write there too
    except ImportError as error:
        raise UserError(f"{url}: {error}") from error
    except ValueError as error:
        raise UserError(f"{url}: {error}; give a folder, or a URL such as s3://bucket/x") from error
