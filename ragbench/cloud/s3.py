"""Files of jobs in S3, and what errors of AWS mean."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from ragbench.core.errors import InputError
from ragbench.io.files import replacing
from ragbench.io.object_stores.places import parse_place

SCHEME = "s3://"
CLOCK_SECONDS = 2.0
"""Some file systems round the time of a file to two seconds."""

HINTS = {
    # Some services add "Exception" to a code, which is removed before the lookup.
    "NoSuchBucket": "create the bucket, or name another",
    "404": "there is no such object",
    "AccessDenied": "your credentials lack this right, or the bucket refuses it",
    "403": "your credentials lack this right, or the bucket refuses it",
    "ExpiredToken": "sign in again: the token has expired",
    "UnrecognizedClient": "the access key is unknown; check AWS_PROFILE or AWS_ACCESS_KEY_ID",
    "InvalidAccessKeyId": "the access key is unknown; check AWS_PROFILE or AWS_ACCESS_KEY_ID",
    "ResourceLimitExceeded": "ask for a higher quota of this instance type, or name another type",
    "ResourceInUse": "a job has this name already; choose another",
    "Throttling": "too many requests; run the same command again",
}


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turn errors of AWS into one line that says what to do.

    Raises:
        InputError: AWS refused, or cannot be reached.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError, Boto3Error) as error:
        refusal = error.__context__ if isinstance(error, Boto3Error) else error
        if not isinstance(refusal, ClientError):
            raise InputError(f"{what}: {error}") from error
        found = refusal.response.get("Error", {})
        code, message = found.get("Code", "error"), found.get("Message", "")
        hint = HINTS.get(code.removesuffix("Exception"))
        raise InputError(f"{what}: {message or code} ({code}){f'; {hint}' if hint else ''}") from error


class Stored(NamedTuple):
    """An object: its key, its size in bytes, and when it was stored, in seconds since 1970."""

    key: str
    size: int
    modified: float

    def is_at(self, path: Path) -> bool:
        """Whether the object was downloaded to the path, and was not changed there."""
        if not path.is_file():
            return False
        found = path.stat()
        return found.st_size == self.size and abs(found.st_mtime - self.modified) < CLOCK_SECONDS


def split(uri: str) -> tuple[str, str]:
    """``("bucket", "key/of/it")`` of ``s3://bucket/key/of/it``.

    Raises:
        InputError: it is no such address, or it holds credentials or a query.
    """
    if not uri.startswith(SCHEME):
        raise InputError(f"{uri}: expected s3://BUCKET/FOLDER")
    place = parse_place(uri)
    return place.bucket, place.key


@dataclass(frozen=True)
class Store:
    """Objects of S3, through one client of boto3."""

    client: Any

    def upload(self, path: Path, uri: str) -> None:
        """Store a file, or every file of a folder below ``uri``. Hidden files are not stored."""
        bucket, key = split(uri)
        with explained(uri):
            if path.is_file():
                self.client.upload_file(str(path), bucket, f"{key}/{path.name}")
                return
            for file in sorted(path.rglob("*")):
                inside = file.relative_to(path)
                if file.is_file() and not any(part.startswith(".") for part in inside.parts):
                    self.client.upload_file(str(file), bucket, f"{key}/{inside.as_posix()}")

    def write(self, text: str, uri: str) -> None:
        """Store a text."""
        bucket, key = split(uri)
        with explained(uri):
            self.client.put_object(Bucket=bucket, Key=key, Body=text.encode())

    def objects(self, uri: str) -> list[Stored]:
        """The objects in the folder ``uri``."""
        bucket, key = split(uri)
        with explained(uri):
            pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{key}/")
            return [
                Stored(one["Key"], one["Size"], one["LastModified"].timestamp())
                for page in pages for one in page.get("Contents", ())
            ]  # fmt: skip

    def fetch(self, uri: str, folder: Path) -> list[Path]:
        """Download the objects below ``uri`` into a folder. A repeated call downloads only what is missing.

        A file gets the time of its object, which shows later that it is complete.

        Returns:
            The files.

        Raises:
            InputError: a key leads out of the folder, or an object cannot be downloaded.
        """
        bucket, prefix = split(uri)
        files = []
        for one in self.objects(uri):
            if one.key.endswith("/"):
                continue
            inside = PurePosixPath(one.key.removeprefix(f"{prefix}/"))
            if inside.is_absolute() or ".." in inside.parts:
                raise InputError(f"{SCHEME}{bucket}/{one.key}: its name leads out of {folder}")
            path = folder / inside
            files.append(path)
            if not one.is_at(path):
                with replacing(path) as temporary, explained(f"{SCHEME}{bucket}/{one.key}"):
                    self.client.download_file(bucket, one.key, str(temporary))
                    os.utime(temporary, (one.modified, one.modified))
        return files
