"""Content fingerprints: the same content gives the same 32 hexadecimal digits on every machine."""

import dataclasses
import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ragbench.core.urls import with_urls


def plain(value: object) -> object:
    """Convert a setting to JSON values. Dataclasses become objects that name their class, and paths become strings.

    Raises:
        TypeError: the value has no stable written form.
    """
    if isinstance(value, str):
        return with_urls(value)
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, Path):
        return with_urls(str(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in sorted(value.items(), key=lambda kv: str(kv[0]))}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((plain(item) for item in value), key=repr)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"class": f"{type(value).__module__}.{type(value).__qualname__}", **fields}
    raise TypeError(f"no fingerprint for a value of type {type(value).__name__}: {value!r}")


def fingerprint(value: object) -> str:
    """Fingerprint of settings: blake2b over canonical JSON."""
    return hashlib.blake2b(_canonical(value), digest_size=16).hexdigest()


def fingerprint_list(values: Iterable[object]) -> str:
    """The `fingerprint` of the values as a list, which is never in memory as a whole."""
    digest = hashlib.blake2b(b"[", digest_size=16)
    for at, value in enumerate(values):
        digest.update((b"," if at else b"") + _canonical(value))
    digest.update(b"]")
    return digest.hexdigest()


def _canonical(value: object) -> bytes:
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


def fingerprint_texts(*columns: Iterable[str]) -> str:
    """Fingerprint of columns of text, which depends on the boundaries between strings."""
    digest = hashlib.blake2b(digest_size=16)
    for column in columns:
        for text in column:
            raw = text.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "little"))
            digest.update(raw)
        digest.update(b"\xff" * 8)
    return digest.hexdigest()


def text_hash(text: str) -> str:
    """Fingerprint of one text, used as a cache key."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
