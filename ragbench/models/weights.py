"""Identify model weights: a folder by its bytes, a name on a model hub by its commit."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.fingerprint import file_sha256, fingerprint

COMMIT = re.compile(r"[0-9a-f]{40}")


def folder_fingerprint(folder: Path) -> str:
    """Fingerprint of the names and bytes of all files in a folder, except hidden files."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    stats = [(path, path.stat()) for path in files]
    return _of_files(folder, tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats))


@lru_cache(maxsize=16)
def _of_files(folder: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Fingerprint of files. Sizes and times are in the cache key so that a changed file is read again."""
    return fingerprint([[path.relative_to(folder).as_posix(), file_sha256(path)] for path, _, _ in files])


@lru_cache(maxsize=64)
def _of_file(path: Path, size: int, changed: int) -> str:
    return file_sha256(path)


def file_fingerprint(path: Path) -> str:
    """SHA-256 of a file, read again only when its size or time has changed."""
    stat = path.stat()
    return _of_file(path, stat.st_size, stat.st_mtime_ns)


def hub_commit(name: str, revision: str) -> str:
    """Find the commit of a name on the Hugging Face hub, once the model has been loaded.

    Raises:
        InputError: the local cache does not have it.
    """
    import huggingface_hub

    # sentence-transformers looks for a name without an owner among its own models.
    for repository in (name, f"sentence-transformers/{name}"):
        if repository.count("/") != 1:
            continue
        found = huggingface_hub.try_to_load_from_cache(repository, "config.json", revision=revision or "main")
        if isinstance(found, str):
            return Path(found).parent.name
    raise InputError(
        f"model {name!r}: its commit is unknown; set revision= to a commit, so that runs are distinguishable"
    )


def weights_fingerprint(model: str, revision: str, load: Callable[[], object]) -> str:
    """Fingerprint of a folder's files, or a hub name with its commit.

    Args:
        model: a folder or a name on the hub.
        revision: commit, branch or tag of the name. The commit of a branch or tag is found by loading.
        load: loads the model.

    Raises:
        InputError: the commit cannot be determined.
    """
    if Path(model).is_dir():
        return folder_fingerprint(Path(model))
    if is_commit(revision):
        return f"{model}@{revision}"
    load()
    return f"{model}@{hub_commit(model, revision)}"


def is_commit(revision: str) -> bool:
    """Whether a revision names one commit for good (a branch or tag may move)."""
    return COMMIT.fullmatch(revision) is not None
