"""Look for damaged files in what ragbench stores, and repair what can be repaired."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from ragbench.core.checkup import Checkup, Store
from ragbench.core.context import Context
from ragbench.core.errors import InputError, RagbenchError
from ragbench.core.options import named, option, options
from ragbench.io import parsing, token_vectors, vectors
from ragbench.io.baselines import CARD, HISTORY, read_history, show_baseline
from ragbench.io.run_folder import ANSWERS, held
from ragbench.io.run_store import RunStore
from ragbench.io.scored_runs import RESULTS, check_evaluation, read_scored
from ragbench.io.shards import INDEX, Layout, Shards, remove
from ragbench.models.llm.salvage import DAMAGED, examine, salvage


@options
class Options:
    """The options of ``ragbench doctor`` and `ragbench.doctor`."""

    folder: Path = option(
        "Folder that ragbench wrote, or one that holds several: of a run, a cache, baselines, evaluations. Or the file "
        "of an answer cache.", positional=True, section="Input", changes=True,
    )  # fmt: skip
    repair: bool = option(
        "Repair: save the readable answers of a damaged file, and remove damaged vectors and runs.", default=False,
        section="Run",
    )  # fmt: skip


def run(options: Options, context: Context) -> Checkup:
    """Check everything that ragbench stored in a folder: paid answers, vectors, runs, baselines and evaluations.

    Nothing is changed unless ``repair`` is given. A damaged answer cache is then replaced by a new one with all
    answers that can be read; the old file stays beside it. Damaged vectors and runs are removed, since the next run
    makes them again. A baseline or an evaluation cannot be repaired.

    Raises:
        InputError: there is no such folder, it holds nothing that ragbench stores, or a run works in it.

    Examples:
        >>> checkup = rb.doctor("reports/example")
        >>> checkup.healthy, [(store.kind, store.sound) for store in checkup.stores]
        (True, [('evaluation', 2)])
    """
    if not options.folder.exists():
        raise InputError(f"{options.folder}: no such file or folder")
    found = list(_stores(options.folder, options.repair))
    if not found:
        raise InputError(
            f"{options.folder}: holds nothing that ragbench stores; name the folder of a run, of an evaluation or of "
            f"baselines, or the cache folder ({named('cache')} of the other commands)"
        )
    return Checkup(options.folder, tuple(found))


def _stores(folder: Path, repair: bool) -> Iterator[Store]:
    """Check each store below a folder, in the order of their paths."""
    for path in [folder] if folder.is_file() else sorted([folder, *folder.rglob("*")]):
        if path.is_file():
            if path.name.endswith(ANSWERS):
                yield _answers(path, repair)
            elif path.name.endswith(HISTORY):
                yield _counted("history", path, partial(_history, path))
            elif path.name == CARD:
                yield _counted("baseline", path.parent, partial(_baseline, path.parent))
            elif path.name == RESULTS and not (path.parent / CARD).exists():
                yield _counted("evaluation", path.parent, partial(_evaluation, path.parent))
        elif any(path.glob(f"*{INDEX}")):
            tokens = path.parent.name == "tokens"
            kind, layout = ("token vectors", token_vectors.LAYOUT) if tokens else ("vectors", vectors.LAYOUT)
            yield _shards(kind, path, layout, repair)
        elif path.name == "runs" and any(path.glob("*.npz")):
            yield _runs(path, repair)


def _answers(path: Path, repair: bool) -> Store:
    seen = examine(path)
    fault = seen.fault or ("their checksums differ" if seen.damaged else "")
    if not fault or not repair:
        return Store("answers", path, seen.sound, seen.damaged, fault)
    with held(path.parent):
        saved = salvage(path)
    return Store(
        "answers", path, saved, seen.damaged, fault, f"{saved} answers are saved; the old file is {path.name}{DAMAGED}"
    )


def _shards(kind: str, folder: Path, layout: Layout, repair: bool) -> Store:
    stored = Shards.open(folder, layout)
    found = stored.damaged()
    lost = sum(stored.shards[number].texts_in(pieces) for number, pieces in found)
    sound = sum(shard.texts for shard in stored.shards) - lost
    faults = ["their checksums differ"] * bool(lost) + [f"{len(stored.broken)} files cannot be read"] * bool(
        stored.broken
    )
    if not faults or not repair:
        return Store(kind, folder, sound, lost + len(stored.broken), ", ".join(faults))
    for path in stored.broken:
        remove(path, layout)
    for number, pieces in found:
        stored.shards[number].forget(pieces)
    return Store(kind, folder, sound, lost + len(stored.broken), ", ".join(faults), "removed; they are embedded again")


def _runs(folder: Path, repair: bool) -> Store:
    files = sorted(folder.glob("*.npz"))
    damaged = [path for path in files if RunStore(folder).load(path.stem, {"chunk": (), "document": ()}) is None]
    sound, fault = len(files) - len(damaged), "cannot be read" if damaged else ""
    if not damaged or not repair:
        return Store("runs", folder, sound, len(damaged), fault)
    for path in damaged:
        path.unlink()
    return Store("runs", folder, sound, len(damaged), fault, "removed; they are run again")


def _baseline(folder: Path) -> int:
    show_baseline(folder.name, folder.parent)
    return len(read_scored(folder))


def _history(path: Path) -> int:
    return len(read_history(path.name.removesuffix(HISTORY), path.parent))


def _evaluation(folder: Path) -> int:
    check_evaluation(folder)
    return len(read_scored(folder))


def _counted(kind: str, path: Path, count: Callable[[], int]) -> Store:
    """Check a store whose reader says what is wrong."""
    try:
        return Store(kind, path, count())
    except (RagbenchError, *parsing.DAMAGED) as error:
        return Store(kind, path, 0, 1, str(error))
