"""Public test collections: list them, and fetch one into the cache.

The list is ``collections.json`` beside this file. Sizes and MD5 checksums are those of BEIR's dataset table and
ir_datasets, which publish no SHA-256. The SHA-256 of the first fetch is recorded, and a later fetch must give the same
bytes.

Source: Thakur et al., "BEIR", NeurIPS Datasets and Benchmarks 2021; ir_datasets 0.6.3.
"""

import dataclasses
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from ragbench.core.brief import brief
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.ledger import first_ten
from ragbench.core.spelling import named
from ragbench.io.archives import unpack_zip
from ragbench.io.download import Progress, Remote, download
from ragbench.io.files import parse_yaml, write_text
from ragbench.io.parsing import as_written, read_json
from ragbench.io.places import cache_folder
from ragbench.io.run_folder import held

FETCHED = ".fetched.json"
WAIT_SECONDS = 600.0
"""How long to wait for another process that fetches to the same folder."""


@brief
@dataclass(frozen=True)
class PublicCollection:
    """A collection that can be fetched.

    Attributes:
        name: name of the collection.
        title: short description.
        url: address of a zip file.
        licence: licence that the publisher states.
        homepage: page with its terms.
        bytes: size of the zip file, or None.
        md5, sha256: published checksums of the zip file, or None.
        documents, queries: published numbers, 0 if unknown.
    """

    name: str
    url: str
    title: str = ""
    licence: str = "not stated"
    homepage: str = ""
    bytes: int | None = None
    md5: str | None = None
    sha256: str | None = None
    documents: int = 0
    queries: int = 0

    @property
    def remote(self) -> Remote:
        """The file to fetch."""
        return Remote(self.url, self.bytes, self.md5, self.sha256)


@dataclass(frozen=True)
class Fetched:
    """The folder of a fetched collection, and how its bytes were checked.

    Attributes:
        path: folder of the collection.
        sha256: SHA-256 of the zip file.
        checked_by: ``"sha256"`` or ``"md5"`` (published), ``"earlier fetch"``, or
            ``"nothing"`` on the first fetch of a file without a published checksum.
        from_cache: whether it was fetched before.
    """

    path: Path
    sha256: str
    checked_by: str
    from_cache: bool


def collections_folder() -> Path:
    """Return the default folder of collections, in the cache (`ragbench.io.places`)."""
    return cache_folder() / "collections"


def public_collections(url_list: Path | None = None) -> dict[str, PublicCollection]:
    """Return the collections by name, sorted.

    Args:
        url_list: JSON or YAML with more of them: ``{collections: [{name, url, ...}]}``
            with the attributes of `PublicCollection`.

    Raises:
        InputError: the file is missing or wrong, or a name is taken.
    """
    found = _parsed(
        "ragbench/io/collections.json", files("ragbench.io").joinpath("collections.json").read_text("utf-8")
    )
    if url_list is not None:
        try:
            own = _parsed(str(url_list), url_list.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{url_list}: cannot be read ({error})") from error
        taken = sorted(own.keys() & found.keys())
        if taken:
            raise InputError(f"{url_list}: these names are taken: {first_ten(taken)}. Choose others")
        found |= own
    return dict(sorted(found.items()))


def _parsed(where: str, text: str) -> dict[str, PublicCollection]:
    content = parse_yaml(where, text)
    rows = content.get("collections") if isinstance(content, Mapping) else None
    if not isinstance(rows, list):
        raise InputError(f"{where}: expected {{collections: [{{name: ..., url: ...}}]}}")
    found: dict[str, PublicCollection] = {}
    for number, row in enumerate(rows, start=1):
        collection = _collection(f"{where}, entry {number}", row)
        if collection.name in found:
            raise InputError(f"{where}: two collections are called {collection.name!r}")
        found[collection.name] = collection
    return found


def _collection(where: str, row: object) -> PublicCollection:
    import pydantic

    allowed = [field.name for field in dataclasses.fields(PublicCollection)]
    if not isinstance(row, Mapping):
        raise InputError(f"{where}: expected keys such as name and url")
    for key in row:
        if key not in allowed:
            raise InputError(f"{where}: unknown key {key!r}{did_you_mean(str(key), allowed)}")
    try:
        collection = pydantic.TypeAdapter(PublicCollection).validate_python(dict(row))
    except pydantic.ValidationError as error:
        faults = "; ".join(f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise InputError(f"{where}: {faults}") from error
    if not collection.name.replace("-", "").replace("_", "").replace(".", "").isalnum() or collection.name[0] == ".":
        raise InputError(f"{where}: the name {collection.name!r} must be of letters, digits, '-', '_' and '.'")
    return collection


def fetch_collection(
    collection: PublicCollection,
    folder: Path | None = None,
    *,
    again: bool = False,
    progress: Progress | None = None,
) -> Fetched:
    """Fetch a collection to ``folder/NAME``, unless it is there already.

    Args:
        collection: the collection.
        folder: folder to fetch to; None means the cache.
        again: fetch it even if it is there; the bytes must be the same as the first time.
        progress: progress in bytes.

    Raises:
        InputError: it cannot be fetched, its bytes are wrong or differ from the
            first time (they are deleted), or it cannot be unpacked safely.
    """
    folder = collections_folder() if folder is None else folder
    folder.mkdir(parents=True, exist_ok=True)
    with held(folder, wait=WAIT_SECONDS):
        return _fetched(collection, folder, again=again, progress=progress)


def _fetched(collection: PublicCollection, folder: Path, *, again: bool, progress: Progress | None) -> Fetched:
    target = folder / collection.name
    if (target / FETCHED).exists() and not again:
        with as_written(target / FETCHED, f"remove {target} to fetch it again"):
            note = json.loads((target / FETCHED).read_text("utf-8"))
            return Fetched(target, str(note["sha256"]), str(note["checked_by"]), from_cache=True)
    if target.exists() and not (target / FETCHED).exists():
        raise InputError(f"{target} exists, but ragbench did not fetch it; choose another folder by {named('out')}")
    record = collections_folder() / "first_seen.json"
    first_seen: dict[str, str] = read_json(record) if record.exists() else {}
    archive = folder / f".{collection.name}.zip"
    sha256 = download(collection.remote, archive, progress=progress)
    try:
        checked_by = _check(collection, sha256, first_seen.get(collection.url))
        fresh = folder / f".{collection.name}.fresh"
        shutil.rmtree(fresh, ignore_errors=True)
        unpack_zip(archive, fresh)
    finally:
        archive.unlink(missing_ok=True)
    note = {"name": collection.name, "url": collection.url, "licence": collection.licence, "sha256": sha256}
    write_text(fresh / FETCHED, json.dumps({**note, "checked_by": checked_by}, indent=2) + "\n")
    if target.exists():
        shutil.rmtree(target)
    fresh.replace(target)
    if collection.url not in first_seen:
        write_text(record, json.dumps({**first_seen, collection.url: sha256}, indent=2, sort_keys=True) + "\n")
    return Fetched(target, sha256, checked_by, from_cache=False)


def _check(collection: PublicCollection, sha256: str, first: str | None) -> str:
    if first is not None and first != sha256:
        raise InputError(
            f"{collection.url}: wrong bytes: sha256 {sha256}, but it was {first} when it was first fetched. "
            f"They were deleted. If the publisher did change the file, take its line out of "
            f"{collections_folder() / 'first_seen.json'}"
        )
    if collection.sha256:
        return "sha256"
    if collection.md5:
        return "md5"
    return "earlier fetch" if first else "nothing"
