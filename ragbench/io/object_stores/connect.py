"""The file system of a place. Keys, regions and endpoints come from the environment, never from options."""

import os
import urllib.request
from typing import Any
from urllib.parse import urlsplit

from ragbench.core.errors import InputError
from ragbench.io.object_stores.places import Place

SDK_ATTEMPTS = 4
"""Attempts of the SDK for each request; `ragbench.io.object_stores.transfer` tries again around them."""
CONNECT_SECONDS = 10.0
AZURE_HOST = ".dfs.core.windows.net"


def connect(place: Place) -> Any:
    """A `pyarrow.fs.FileSystem` for the bucket of the place. It sends nothing, except to find the region of a bucket.

    Raises:
        InputError: the environment names no Azure account, or holds an endpoint that is no URL.
    """
    if place.scheme == "s3":
        return _s3(place)
    return _gcs() if place.scheme == "gs" else _azure(place)


def _s3(place: Place) -> Any:
    from pyarrow import fs

    settings: dict[str, Any] = {}
    name, endpoint = _first("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL")
    if endpoint:
        parts = urlsplit(endpoint)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
            raise InputError(f"the environment variable {name} must be like https://host:port, without a user name")
        settings |= {"endpoint_override": parts.netloc + parts.path.rstrip("/"), "scheme": parts.scheme}
    region = _first("AWS_REGION", "AWS_DEFAULT_REGION")[1]
    if not region and endpoint:
        region = "us-east-1"
    if region:
        settings["region"] = region
    host = settings.get("endpoint_override", "s3.amazonaws.com").rpartition(":")[0] or "s3.amazonaws.com"
    scheme = settings.get("scheme", "https")
    proxy = urllib.request.getproxies().get(scheme)
    if proxy and not urllib.request.proxy_bypass(host):
        settings["proxy_options"] = proxy if "://" in proxy else f"http://{proxy}"
    if os.environ.get("AWS_CA_BUNDLE"):
        settings["tls_ca_file_path"] = os.environ["AWS_CA_BUNDLE"]
    if not region:
        try:
            settings["region"] = fs.resolve_s3_region(place.bucket)
        except OSError:  # the request that follows says what is wrong
            settings["region"] = "us-east-1"
    return fs.S3FileSystem(
        connect_timeout=CONNECT_SECONDS,
        # A small object is then one request, and a large one becomes visible when its last part is complete.
        allow_delayed_open=True,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=SDK_ATTEMPTS),
        **settings,
    )


def _gcs() -> Any:
    from datetime import timedelta

    from pyarrow import fs

    settings: dict[str, Any] = {"retry_time_limit": timedelta(seconds=30)}
    emulator = os.environ.get("STORAGE_EMULATOR_HOST", "")
    if emulator:
        parts = urlsplit(emulator if "://" in emulator else f"http://{emulator}")
        settings |= {"endpoint_override": parts.netloc, "scheme": parts.scheme, "anonymous": True}
    return fs.GcsFileSystem(**settings)


def _azure(place: Place) -> Any:
    from pyarrow import fs

    account = place.account.partition(".")[0] or os.environ.get("AZURE_STORAGE_ACCOUNT_NAME", "")
    account = account or os.environ.get("AZURE_STORAGE_ACCOUNT", "")
    if not account:
        raise InputError(
            f"{place.url}: no Azure account; give {place.scheme}://container@account{AZURE_HOST}/path, or set "
            "AZURE_STORAGE_ACCOUNT_NAME"
        )
    settings: dict[str, Any] = {}
    key = _first("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_KEY")[1]
    token = os.environ.get("AZURE_STORAGE_SAS_TOKEN", "")
    if key:
        settings["account_key"] = key
    elif token:
        settings["sas_token"] = token
    host = place.account
    if host and not host.endswith(AZURE_HOST) and "." in host:  # a national cloud
        domain = host.partition(".")[2]
        settings["dfs_storage_authority"] = f".{domain}"
        settings["blob_storage_authority"] = "." + domain.replace("dfs.", "blob.", 1)
    return fs.AzureFileSystem(account, **settings)


def _first(*names: str) -> tuple[str, str]:
    """The first variable of the environment that is set, and its value."""
    return next(((name, os.environ[name]) for name in names if os.environ.get(name)), (names[0], ""))
