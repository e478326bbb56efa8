"""Identity of model weights: of a folder by its bytes, of a model hub's name by its commit."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.fingerprint import file_sha256, fingerprint

COMMIT = re.compile(r"[0-9a-f]{40}")


def folder_fingerprint(folder: Path) -> str:
    """Fingerprint of the names and bytes of all files in a folder; hidden files do not count."""
    files = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(folder).parts)
    )
    stats = [(path, path.stat()) for path in files]
    return _of_files(folder, tuple((path, stat.st_size, stat.st_mtime_ns) for path, stat in stats))


@lru_cache(maxsize=16)
def _of_files(folder: Path, files: tuple[tuple[Path, int, int], ...]) -> str:
    """Sizes and times are there so that a changed file is read again."""
    return fingerprint([[path.relative_to(folder).as_posix(), file_sha256(path)] for path, _, _ in files])


@lru_cache(maxsize=64)
def _of_file(path: Path, size: int, changed: int) -> str:
    return file_sha256(path)


def file_fingerprint(path: Path) -> str:
    """SHA-256 of a file, read again only when its size or time has changed."""
    stat = path.stat()
    return _of_file(path, stat.st_size, stat.st_mtime_ns)


def hub_commit(name: str, revision: str) -> str:
    """The commit that a name on the Hugging Face hub stands for, once the model has been loaded.

    Raises:
        InputError: the local cache does not say.
    """
    import huggingface_hub

    # sentence-transformers looks for a name without an owner among its own models.
    for repository in (name, f"sentence-transformers/{name}"):
        if repository.count("/") != 1:
            continue
        found = huggingface_hub.try_to_load_from_cache(repository, "config.json", revision=revision or "main")
        if isinstance(found, str):
            return Path(found).parent.name
    raise InputError(f"model {name!r}: its commit is unknown; name one with revision=, so that runs can be told apart")


def weights_fingerprint(model: str, revision: str, load: Callable[[], object]) -> str:
    """A folder's files, or a hub name and its commit.

    Args:
        model: a folder or a name on the hub.
        revision: of the name; what a branch or tag stands for today is found by loading.
        load: loads the model.

    Raises:
        InputError: the commit cannot be found out.
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
