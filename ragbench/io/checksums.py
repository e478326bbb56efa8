"""Checksums of the files of evaluations and baselines. They show that a file was altered on disk."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint

FILES, CHECKSUM = "files", "checksum"
"""Keys of the checksums of files, and of the object that has the key."""
TEXT_FILES = (".json", ".jsonl", ".trec")
"""Git may change the line ends of these, which counts as no change."""
BLOCK = 1 << 20


def file_checksum(path: Path) -> str:
    """Checksum of a file (BLAKE2b, 32 hexadecimal digits), with line ends of any system in a text file.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.blake2b(digest_size=16)
    text = path.suffix in TEXT_FILES
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if text:
                block += file.read(1) if block.endswith(b"\r") else b""
                block = block.replace(b"\r\n", b"\n")
            digest.update(block)
    return digest.hexdigest()


def with_checksums(content: Mapping[str, Any], folder: Path, names: Iterable[str]) -> dict[str, Any]:
    """Add checksums to the results of an evaluation: of its files to the manifest, and of the results themselves.

    Args:
        content: what ``results.json`` is to hold.
        folder: the folder of the evaluation, whose other files are written already.
        names: the files. Those that do not exist get none.
    """
    files = {name: file_checksum(folder / name) for name in names if (folder / name).is_file()}
    whole = {**content, "manifest": {**content["manifest"], FILES: files}}
    whole.pop(CHECKSUM, None)  # that of the results from which these were made
    return {**whole, CHECKSUM: fingerprint(whole)}


def check_results(content: Mapping[str, Any], path: Path) -> None:
    """Compare the results of an evaluation with their checksum. Earlier versions stored none.

    Raises:
        InputError: they were altered.
    """
    if CHECKSUM in content and fingerprint({k: v for k, v in content.items() if k != CHECKSUM}) != content[CHECKSUM]:
        raise InputError(f"{path}: was changed since it was written; evaluate again with --out {path.parent}")


def sound(folder: Path, name: str, manifest: Mapping[str, Any]) -> Path:
    """The path of a file of an evaluation, after its checksum was compared.

    Args:
        folder: the folder of the evaluation.
        name: the file, relative to the folder.
        manifest: of the evaluation. Those of earlier versions have no checksums.

    Raises:
        InputError: the file is gone, or was altered.
    """
    path, known = folder / name, manifest.get(FILES, {}).get(name)
    if known is not None:
        try:
            fault = "" if file_checksum(path) == known else "was changed since it was written"
        except OSError as error:
            fault = f"cannot be read ({error.strerror or error})"
        if fault:
            raise InputError(f"{path}: {fault}; evaluate again with --out {folder}")
    return path
