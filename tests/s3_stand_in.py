"""A stand-in for S3 on this machine: moto's server, with one bucket."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.local_services import free_port

BUCKET = "femto"
KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def served() -> Iterator[dict[str, str]]:
    """The environment in which it answers, to S3's own clients."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    environment = {**KEYS, "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}"}
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _make_bucket(environment, server)
        yield environment
    finally:
        server.kill()
        server.wait()


def objects(environment: dict[str, str]) -> list[str]:
    """The names of all that is in the bucket."""
    pages = _client(environment).get_paginator("list_objects_v2").paginate(Bucket=BUCKET)
    return [each["Key"] for page in pages for each in page.get("Contents", ())]


def _make_bucket(environment: dict[str, str], server: subprocess.Popen) -> None:
    from botocore.exceptions import EndpointConnectionError

    end = time.monotonic() + 90
    while True:
        try:
            _client(environment).create_bucket(Bucket=BUCKET)
            return
        except EndpointConnectionError:
            assert server.poll() is None and time.monotonic() < end
            time.sleep(0.2)


def _client(environment: dict[str, str]) -> Any:
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )
