"""Storage shared by several machines: a folder, or object storage given as a URL."""

from __future__ import annotations

from pathlib import Path

from femtogpt.errors import UserError


def storage_path(url: str) -> Path:
    """A path for a folder or a URL such as ``s3://bucket/folder``, of any kind that fsspec knows.

    The address and the credentials of a service come from its usual environment variables
    (``AWS_ENDPOINT_URL``, ``AWS_ACCESS_KEY_ID``, …). Raises UserError if a package for the kind of
    URL is missing or the kind is unknown.
    """
    if "://" not in url:
        return Path(url).absolute()
    try:
        from upath import UPath
    except ImportError as error:
        raise UserError(f"{url}: object storage needs more packages: make cluster") from error
    try:
        return UPath(url, use_listings_cache=False)  # other machines write there too
    except ImportError as error:
        raise UserError(f"{url}: {error}") from error
    except ValueError as error:
        raise UserError(f"{url}: {error}; give a folder, or a URL such as s3://bucket/x") from error
