"""The evaluations in a folder, and the errors of damaged ones."""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.errors import InputError
from ragbench.core.evaluations import Estimate
from ragbench.core.scores import headline
from ragbench.io.encoding import read_text
from ragbench.io.evaluation_cards import evaluation_folders
from ragbench.io.parsing import DAMAGED
from ragbench.io.scored_runs import LOAD_KIND, QUERIES, RESULTS, SCORES
from ragbench.render.numbers import with_interval

MOST = 2_000
"""Most evaluations that are listed."""
MEDIAN = "p50 ms"
"""The column that lists the levels of a load test."""
SUMMARY = "summary.md"
KINDS = {"answers": "answers", LOAD_KIND: "load"}


@dataclass(frozen=True)
class System:
    """A system of an evaluation: its mean with interval, as text and as numbers, or the reason why it did not run."""

    name: str
    value: str
    error: str = ""
    estimate: Estimate | None = None


@dataclass(frozen=True)
class FoundRun:
    """A folder with an evaluation.

    Attributes:
        key: key in requests; a hash of the path, so that no request names a path.
        folder: the folder.
        name: its path below the given folder, as text.
        changed: when its results were written, seconds since 1970.
        stamp: changes with the results.
        kind: ``retrieval``, ``answers`` or ``load``.
        golden: name of the golden set.
        queries: number of queries.
        metric: metric of the list.
        systems: systems of the evaluation.
        fault: why it cannot be shown; empty if it can.
    """

    key: str
    folder: Path
    name: str
    changed: float
    stamp: int
    kind: str = "retrieval"
    golden: str = ""
    queries: int = 0
    metric: str = ""
    systems: tuple[System, ...] = ()
    fault: str = ""
    manifest: Mapping[str, Any] | None = None


def summary(run: FoundRun) -> str:
    """Read the summary that the evaluation wrote.

    Raises:
        InputError: there is none.
    """
    return read_text(run.folder / SUMMARY, name=f"{run.name}/{SUMMARY}")[0]


class Runs:
    """The evaluations in a folder and below.

    Hidden folders are skipped, and links are not followed.

    Args:
        root: the folder.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        # What was read of each folder, by what its files looked like then: results may be megabytes.
        self._known: dict[Path, tuple[object, FoundRun]] = {}

    def find(self) -> list[FoundRun]:
        """Return all evaluations in their present state, the newest first, including damaged ones."""
        known = {path: self._found(path) for path in evaluation_folders(self._root, most=MOST)}
        self._known = known
        return sorted((run for _, run in known.values()), key=lambda run: (-run.changed, run.name))

    def _found(self, folder: Path) -> tuple[object, FoundRun]:
        now = tuple(looks(folder / name) for name in (RESULTS, SCORES, QUERIES))
        before = self._known.get(folder)
        return before if before is not None and before[0] == now else (now, _read(folder, self._root))


def looks(path: Path) -> tuple[int, int] | None:
    """Return size and time of a file; None if there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


def _read(folder: Path, root: Path) -> FoundRun:
    relative = os.fsencode(folder.relative_to(root))
    key = hashlib.blake2b(relative, digest_size=8).hexdigest()
    name = relative.decode("utf-8", "backslashreplace")
    name = folder.resolve().name if name == "." else name
    try:
        status = (folder / RESULTS).stat()
        plain = FoundRun(key, folder, name, status.st_mtime, status.st_mtime_ns)
    except OSError as error:
        return FoundRun(key, folder, name, 0.0, 0, fault=f"{RESULTS} cannot be read: {error.strerror or error}")
    try:
        content = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
        return _described(plain, content)
    except OSError as error:
        fault = f"{RESULTS} cannot be read: {error.strerror or error}"
    except DAMAGED as error:
        fault = f"{RESULTS} is no result of 'ragbench eval' ({type(error).__name__}: {error})"
    return FoundRun(key, folder, name, plain.changed, plain.stamp, fault=fault[:300])


def _described(plain: FoundRun, content: Mapping[str, Any]) -> FoundRun:
    manifest = content["manifest"]
    arms = content["arms"]
    fault = "" if manifest["complete"] else "the evaluation was interrupted; run it again"
    missing = [name for name in (SCORES, QUERIES) if not (plain.folder / name).is_file()]
    if missing and not fault:
        fault = f"{' and '.join(missing)} missing; evaluate again"
    ran = [arm for arm in arms if arm["status"] == "ok"]
    if not ran and not fault:
        fault = "no system ran"
    kind = KINDS.get(str(manifest.get("kind")), "retrieval")
    metric = MEDIAN if kind == LOAD_KIND else headline(list(ran[0]["metrics"])) if ran else ""
    golden = manifest.get("golden") or {}
    return FoundRun(
        plain.key, plain.folder, plain.name, plain.changed, plain.stamp,
        kind=kind,
        golden=str(golden.get("name", "")),
        queries=int(golden.get("queries") or 0),
        metric=metric,
        systems=tuple(_system(arm, metric) for arm in arms),
        fault=fault,
        manifest=manifest,
    )  # fmt: skip


def _system(arm: Mapping[str, Any], metric: str) -> System:
    if arm["status"] != "ok":
        return System(str(arm["name"]), "", str(arm.get("error") or "it did not run"))
    if metric == MEDIAN:
        median = arm["latency_ms"].get("p50")
        return System(str(arm["name"]), "-" if median is None else f"{median:,.1f}")
    value = arm["metrics"].get(metric)
    if value is None:
        return System(str(arm["name"]), "-")
    estimate = Estimate(value["mean"], value["low"], value["high"], value["n"])
    return System(str(arm["name"]), with_interval(estimate), estimate=estimate)


@contextmanager
def naming(runs: Sequence[FoundRun]) -> Iterator[None]:
    """Within the block, errors name these evaluations.

    Raises:
        InputError: a file of theirs is damaged.
    """
    try:
        yield
    except DAMAGED as error:
        names = ", ".join(run.name for run in runs)
        raise InputError(f"{names}: a file of it is damaged ({type(error).__name__}: {error})") from error
