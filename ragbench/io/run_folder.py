"""The folder of one run: which run it belongs to, and that only one process works in it."""

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from importlib.metadata import version
from pathlib import Path

from ragbench.core.errors import InputError
from ragbench.core.fingerprint import fingerprint, plain
from ragbench.core.spelling import given, named
from ragbench.io.files import TEMPORARY, hold, make_out, write_text
from ragbench.io.parsing import NOT_JSON

RUN = "run.json"
ANSWERS = "answers.sqlite"
SPENT = "spent.json"
LOCK = ".lock"
FORMAT_VERSION = 1


def identity(command: str, parts: Mapping[str, object]) -> dict[str, object]:
    """What makes a run of a command the run it is, with its fingerprint; limits and budgets have no part."""
    shown = plain(parts)
    assert isinstance(shown, dict)
    return {
        "format": f"ragbench-{command}",
        "format_version": FORMAT_VERSION,
        "fingerprint": fingerprint(shown),
        **shown,
    }


@contextmanager
def claimed(
    folder: Path, run: Mapping[str, object], results: Sequence[str], *, resume: bool, force: bool
) -> Iterator[bool]:
    """Take the folder for a run, and hold it against other processes while the block lasts.

    Args:
        folder: made if it is not there.
        run: as `identity` gives it.
        results: names of the files that a run leaves; those of another run are removed.
        resume: whether there must be a run to go on with.
        force: whether a folder that holds something else may be used.

    Yields:
        whether the folder held this very run already, which then goes on from its answers.

    Raises:
        InputError: the folder holds something else, a run that left nothing aside, and ``force`` is not given,
            ``resume`` finds nothing to go on with, another process works in it,
            or it cannot be written to.
    """
    try:
        known = _known(folder)
        _check(folder, known, run, resume=resume, force=force)
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _closed(folder, error) from error
    with held(folder):
        same = known is not None and known.get("fingerprint") == run["fingerprint"]
        if not same:
            _begin(folder, run, results)
        yield same


@contextmanager
def held(folder: Path, *, wait: float = 0.0) -> Iterator[None]:
    """Hold a folder against other processes while the block lasts. It leaves no file, but where folders have no locks.

    Args:
        folder: an existing folder.
        wait: for how many seconds to wait for another process.

    Raises:
        InputError: another process works in it, or it cannot be written to.
    """
    until = time.monotonic() + wait
    while True:
        try:
            handle = hold(folder)
            break
        except BlockingIOError:
            if time.monotonic() >= until:
                raise _at_work(folder) from None
            time.sleep(0.05)
        except OSError as error:
            raise _closed(folder, error) from error
    if handle is None:
        with _file_lock(folder, wait):
            yield
        return
    try:
        yield
    finally:
        os.close(handle)


@contextmanager
def working_in(folder: Path | None) -> Iterator[None]:
    """Make the output folder of a job and hold it while the block lasts; nothing where there is none.

    Raises:
        InputError: another process works in it, or it cannot be made.
    """
    if folder is None:
        yield
        return
    make_out(folder)
    with held(folder):
        yield


@contextmanager
def _file_lock(folder: Path, wait: float) -> Iterator[None]:
    from filelock import FileLock, Timeout

    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise _at_work(folder) from None
    except OSError as error:
        raise _closed(folder, error) from error
    try:
        yield
    finally:
        lock.release()


def _at_work(folder: Path) -> InputError:
    return InputError(f"{folder}: another ragbench is at work in it; wait for it to end")


def _closed(folder: Path, error: OSError) -> InputError:
    return InputError(f"{folder}: cannot be written to ({error.strerror or error}); what is in it is kept")


def check_empty(folder: Path, *, forced: bool = True) -> None:
    """Check that a folder without a run holds nothing else.

    Args:
        folder: the folder, which need not exist.
        forced: whether the job has an option ``force``.

    Raises:
        InputError: it holds other files.
    """
    found = sorted(path.name for path in folder.iterdir() if not _is_ours(path)) if folder.is_dir() else []
    if found:
        how = f", or give {given('force', True)} to use it" if forced else ", or move them"
        raise InputError(f"{folder}: holds other files ({', '.join(found[:5])}); choose another {named('out')}{how}")


def _begin(folder: Path, run: Mapping[str, object], results: Sequence[str]) -> None:
    """Results of another run go; its answers stay: they are paid for and found only by equal questions."""
    for name in (*results, SPENT):
        (folder / name).unlink(missing_ok=True)
    write_text(folder / RUN, json.dumps({**run, "ragbench": version("ragbench")}, indent=2, ensure_ascii=False) + "\n")


def _known(folder: Path) -> dict[str, object] | None:
    """The run a folder belongs to; None if it says nothing of one."""
    path = folder / RUN
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, *NOT_JSON):
        return {}
    return found if isinstance(found, dict) else {}


def _left_nothing(folder: Path) -> bool:
    """Whether the run of a folder ended before it left anything: no result, no answer, no batch."""
    return all(_is_ours(path) or path.name in (RUN, SPENT) or _is_empty(path) for path in folder.iterdir())


def _is_empty(path: Path) -> bool:
    """Whether it is a journal without a line, an answer cache without an answer, or what belongs to such a cache."""
    if path.name.startswith(f"{ANSWERS}-"):
        return _is_empty(path.with_name(ANSWERS))
    if not path.is_file() or path.name != ANSWERS:
        return path.is_file() and path.stat().st_size == 0
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as answers:
            return answers.execute("SELECT 1 FROM answers LIMIT 1").fetchone() is None
    except (sqlite3.Error, UnicodeDecodeError):  # it may be damaged, and hold what can be saved
        return False


def _is_ours(path: Path) -> bool:
    """Whether a file may be where no run has begun yet: the lock, or what a kill left of ``run.json``."""
    return path.name == LOCK or (path.name.startswith(f".{RUN}.") and TEMPORARY.fullmatch(path.name) is not None)


def _check(
    folder: Path, known: Mapping[str, object] | None, run: Mapping[str, object], *, resume: bool, force: bool
) -> None:
    if force:
        return
    if known is None:
        if resume:
            raise InputError(f"{folder}: there is no run to resume; leave {named('resume')} out to begin one")
        check_empty(folder)
        return
    if known.get("fingerprint") == run["fingerprint"]:
        return
    if _left_nothing(folder):
        if resume:
            raise InputError(f"{folder}: there is no run to resume; leave {named('resume')} out to begin one")
        return
    keys = [key for key in dict.fromkeys([*run, *known]) if key not in ("fingerprint", "ragbench")]
    changed = [key for key in keys if known.get(key) != run.get(key)] if known else []
    raise InputError(
        f"{folder}: holds another run (different: {', '.join(changed) or 'unreadable run.json'}). "
        f"Give the options of that run to go on with it, choose another {named('out')}, or give "
        f"{given('force', True)} to replace it "
        "(its paid answers are kept)"
    )
