"""Options that name object stores: a local copy for the job, and the upload of what it wrote.

    given, stores = take_urls(specs(Options), given)
    made = make(Options, given)
    with stores.at_hand(context, dry_run=False):
        run(made, context)

Without a URL, nothing of this imports pyarrow or makes a folder.
"""

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ragbench.core.errors import InputError, RagbenchError, did_you_mean
from ragbench.core.options import OptionSpec, named
from ragbench.core.urls import ANY_SCHEME, IN_TEXT, SCHEMES, urls_in_errors, with_urls

if TYPE_CHECKING:
    from ragbench.core.context import Context
    from ragbench.io.object_stores.mirror import Mirror
    from ragbench.io.object_stores.places import Place

SAVE_SECONDS = 20.0
"""How often what a job has written so far is uploaded while it runs."""
AFTER = "::"
"""What may follow a path in the reference to a system: ``FOLDER::ARM``."""
INSIDE = re.compile(rf"\b(?:{'|'.join(SCHEMES)}|file)://[^,\s]*?(?={AFTER}|[,\s]|$)")
"""A URL in a text such as ``run:path=s3://bucket/a.run,k=3``."""


@dataclass
class Stores:
    """The places in object stores that the options of one job name.

    Attributes:
        mirror: the local copies; None if no option names a place.
        places: each place, and whether the job may write there.
    """

    mirror: "Mirror | None" = None
    places: "dict[Place, bool]" = field(default_factory=dict)

    @contextmanager
    def at_hand(self, context: "Context", *, dry_run: bool = False) -> "Iterator[Context]":
        """Fetch every place, and upload what the job wrote there when the block ends, however it ends.

        While the block lasts, finished files are uploaded from time to time, so that answers that were paid for survive
        this machine.

        Args:
            context: where progress and notes go.
            dry_run: whether to upload nothing.

        Yields:
            the context for the job; its lines show URLs, not local copies.

        Raises:
            InputError: a place cannot be read, or what the job wrote cannot be uploaded; it stays here.
        """
        if self.mirror is None:
            with urls_in_errors():
                yield context
            return
        shown = replace(context, say=lambda line: context.say(with_urls(line)))
        with urls_in_errors():
            for place, writes in self.places.items():
                self.mirror.fetch(place, writes=writes, progress=context.progress)
            outputs = [] if dry_run else [place for place, writes in self.places.items() if writes]
            try:
                with _saved(self.mirror, outputs, shown):
                    yield shown
            except BaseException:
                self._upload(outputs, shown, failed=True)
                raise
            self._upload(outputs, shown, failed=False)

    def _upload(self, places: "Sequence[Place]", context: "Context", *, failed: bool) -> None:
        """Upload everything. After a job that failed, its own error is the one to show."""
        assert self.mirror is not None
        for place in places:
            try:
                self.mirror.upload(place, last=True, progress=context.progress)
            except RagbenchError as error:
                kept = f"{error}. What the job wrote is kept on this machine; run the same command again to upload it"
                if not failed:
                    raise type(error)(kept) from error
                context.say(f"warning: {kept}")


@contextmanager
def _saved(mirror: "Mirror", places: "Sequence[Place]", context: "Context") -> Iterator[None]:
    """Upload finished files every `SAVE_SECONDS` while the block lasts."""
    ended = threading.Event()

    def save() -> None:
        warned = False
        while not ended.wait(SAVE_SECONDS):
            for place in places:
                try:
                    mirror.upload(place, last=False)
                    warned = False
                except (RagbenchError, OSError) as error:
                    if not warned:
                        context.say(f"warning: {error}. The job goes on, and tries again to upload what it writes")
                    warned = True

    thread = threading.Thread(target=save, name="object-store-saver", daemon=True)
    if places:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        if places:
            thread.join()


def take_urls(known: Sequence[OptionSpec], given: Mapping[str, Any]) -> tuple[dict[str, Any], Stores]:
    """Replace URLs of object stores in the values of options by the paths of their local copies.

    Nothing is fetched. ``file://`` becomes a path.

    Args:
        known: the options.
        given: values by name; texts, paths, and collections of them.

    Raises:
        InputError: a URL has an unknown scheme, credentials or a query; every fault is listed.
    """
    stores, values, faults = Stores(), dict[str, Any](), list[str]()
    by_name = {spec.name: spec for spec in known}
    for name, value in given.items():
        spec = by_name.get(name)
        try:
            values[name] = value if spec is None or not spec.declared.opens else _taken(value, spec, stores)
        except InputError as error:
            faults.append(f"{named(name)} {error}" if not named(name).endswith("=") else f"{named(name)[:-1]}: {error}")
    if faults:
        raise InputError("\n".join(faults))
    return values, stores


def local_copy(given: str | Path, *, must_exist: bool = True) -> str:
    """Fetch what a URL names, and return the path of the local copy, with what else the text holds.

    Args:
        given: a URL, or a text with one.
        must_exist: if false, a URL that cannot be fetched gives the path of a copy that need not exist.

    Raises:
        InputError: it cannot be fetched, and must exist.
    """
    stores = Stores()
    with urls_in_errors():
        path = _in_text(str(given), stores, writes=False, whole=True)
        for place in stores.places:
            assert stores.mirror is not None
            try:
                stores.mirror.fetch(place, writes=False)
            except InputError:
                if must_exist:
                    raise
    return path


def names_url(value: object) -> bool:
    """Whether a value is a text or path that begins with the scheme of an object store, or with ``file://``."""
    text = str(value) if isinstance(value, str | Path) else ""
    return IN_TEXT.match(text) is not None or text.startswith(("file://", "file:/"))


def _taken(value: Any, spec: OptionSpec, stores: Stores) -> Any:
    writes = bool(spec.declared.writes) or spec.declared.changes
    if isinstance(value, str):
        return _in_text(value, stores, writes=writes, whole=holds(spec.kind, Path), only=not holds(spec.kind, str))
    if isinstance(value, Path):
        return Path(_in_text(str(value), stores, writes=writes, whole=True)) if names_url(value) else value
    if type(value) in (list, tuple):
        return type(value)(_taken(one, spec, stores) for one in value)
    if type(value) is dict:
        return {key: _taken(one, spec, stores) for key, one in value.items()}
    return value


def holds(kind: Any, wanted: type) -> bool:
    """Whether a kind is, or has inside, a class."""
    from typing import get_args

    return kind is wanted or any(holds(one, wanted) for one in get_args(kind) if kind is not wanted)


def _in_text(text: str, stores: Stores, *, writes: bool, whole: bool, only: bool = False) -> str:
    """The text with local paths in place of URLs.

    Args:
        text: a path or reference, or a text with settings.
        stores: takes the places.
        writes: whether the job may write there.
        whole: whether the text is a path, which may hold commas, and may have a name before and a system after it.
        only: whether it can be nothing but a path.
    """
    if "://" not in text and not names_url(text):
        return text
    before, equals, rest = "", "", text
    if whole and not ANY_SCHEME.match(text):
        before, equals, rest = text.partition("=")
        if not names_url(rest):
            before, equals, rest = "", "", text
    if whole and names_url(rest):
        url, after, system = rest.partition(AFTER)
        return f"{before}{equals}{_local(url, stores, writes=writes)}{after}{system}"
    scheme = ANY_SCHEME.match(text)
    if only and scheme and not Path(text).exists():
        shown = re.sub(r"[?#].*", "?...", re.sub(r"(://)[^/]*@", r"\1...@", text), flags=re.DOTALL)
        raise InputError(f"{shown}: unknown scheme {scheme[1]!r}{did_you_mean(scheme[1], (*SCHEMES, 'file'))}")
    return INSIDE.sub(lambda found: _local(found[0], stores, writes=writes), text)


def _local(url: str, stores: Stores, *, writes: bool) -> str:
    from ragbench.io.object_stores.places import local_path, parse_place

    if url.startswith("file:"):
        return local_path(url)
    place = parse_place(url)
    if stores.mirror is None:
        from ragbench.io.object_stores.mirror import Mirror

        stores.mirror = Mirror()
    stores.places[place] = stores.places.get(place, False) or writes
    return str(stores.mirror.local(place))
