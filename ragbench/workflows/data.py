"""Public test collections: list them, and fetch one."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.options import option, option_group, options
from ragbench.io.public_collections import (
    FETCHED,
    Fetched,
    PublicCollection,
    collections_folder,
    fetch_collection,
    public_collections,
)


@option_group
class Catalogue:
    """Which collections there are."""

    url_list: Path | None = option(
        "JSON or YAML file with more collections: {collections: [{name, url, ...}]}.", default=None, section="Input"
    )


@options
class ListOptions(Catalogue):
    """The options of ``ragbench data list`` and `ragbench.data.list`."""


@options
class FetchOptions(Catalogue):
    """The options of ``ragbench data get`` and `ragbench.data.fetch`."""

    name: str = option("Name of a collection that 'ragbench data list' lists.", section="Input", positional=True)
    out: Path | None = option(
        "Parent folder for the collection.",
        default=None,
        section="Output",
        writes="folder",
        unset="the cache",
    )
    again: bool = option("Fetch the collection even if it is there.", default=False, section="Run")


@brief
@dataclass(frozen=True)
class Collections:
    """The collections that can be fetched.

    Attributes:
        collections: by name, sorted.
        fetched: folder of each collection that is in the cache, by name.
        cache: the folder in which collections are kept.
    """

    collections: Mapping[str, PublicCollection]
    fetched: Mapping[str, Path]
    cache: Path


@brief
@dataclass(frozen=True)
class FetchedCollection:
    """A collection that was fetched.

    Attributes:
        collection: what is known about it: its address, its licence and its size.
        fetched: its folder, and how its bytes were checked.
    """

    collection: PublicCollection
    fetched: Fetched

    @property
    def path(self) -> Path:
        """The folder of the collection: ``rb.load_golden`` and ``rb.load_corpus`` read it."""
        return self.fetched.path


def run_list(options: ListOptions, context: Context) -> Collections:
    """List the public test collections that can be fetched, with size, licence and checksum.

    Returns:
        The collections by name, and which of them are in the cache.

    Raises:
        InputError: the file of more collections is missing or wrong, or uses a name that is taken.

    Examples:
        >>> found = rb.data.list()
        >>> found.collections["scifact"].queries
        300
    """
    found = public_collections(options.url_list)
    cache = collections_folder()
    return Collections(found, {name: cache / name for name in found if (cache / name / FETCHED).exists()}, cache)


def run_fetch(options: FetchOptions, context: Context) -> FetchedCollection:
    """Fetch a public test collection, or find it in the cache. A broken download continues where it stopped.

    Returns:
        The collection; ``path`` is its folder.

    Raises:
        InputError: there is no collection of that name; it cannot be fetched or unpacked; or its bytes differ from the
            published checksum or from those of the first fetch.

    Examples:
        >>> folder = rb.data.fetch("scifact").path  # doctest: +SKIP
        >>> rb.data.fetch("scifakt")
        Traceback (most recent call last):
        ragbench.core.errors.InputError: no collection 'scifakt'; did you mean 'scifact'? ...
    """
    found = public_collections(options.url_list)
    if options.name not in found:
        raise InputError(f"no collection {options.name!r}{did_you_mean(options.name, found)}")
    chosen = found[options.name]
    size = "size unknown" if chosen.bytes is None else f"{chosen.bytes / 1e6:,.1f} MB"
    context.say(f"{chosen.url} ({size})")
    context.say(f"licence: {chosen.licence}; {chosen.homepage}")
    fetched = fetch_collection(chosen, options.out, again=options.again, progress=context.progress)
    return FetchedCollection(chosen, fetched)
