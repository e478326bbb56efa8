"""Baselines by name: one arm of an evaluation, kept as an evaluation of its own.

    STORE/NAME/baseline.json     what it was made from
              /results.json ...  the files of ``ragbench eval --out``, of this arm alone

    STORE/NAME.history.jsonl     a line for each run that was stored under the name, oldest first

``read_scored(STORE/NAME)`` reads it. The same arm gives the same bytes, so that a
store can be kept under version control. ``baseline.json`` and each line of a history
have checksums, so that a baseline that was altered is refused.
"""

import json
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ragbench.core.brief import brief
from ragbench.core.errors import InputError, did_you_mean
from ragbench.core.fingerprint import fingerprint
from ragbench.core.scored import ScoredRun
from ragbench.io.checksums import CHECKSUM, FILES, file_checksum, with_checksums
from ragbench.io.files import left_behind, replacing, temporary_folder, write_text
from ragbench.io.inputs import INPUTS, moved
from ragbench.io.parsing import as_written
from ragbench.io.scored_runs import (
    ARM_AFTER,
    ATTRIBUTES,
    LEDGER,
    QRELS,
    QUERIES,
    REPEATS,
    RESULTS,
    SCORES,
    WITHOUT_RANKINGS,
    data_files,
    query_ms,
    read_scored,
    write_latency,
)
from ragbench.io.tables import read_objects, read_parquet

STORE = Path(".ragbench") / "baselines"
CARD = "baseline.json"
HISTORY = ".history.jsonl"
SCHEMA_VERSION = 1
OLD = "old"
"""Name of the earlier baseline while a new one takes its place."""
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@brief
@dataclass(frozen=True)
class Baseline:
    """A stored baseline.

    Attributes:
        name: in the store.
        folder: where it lies.
        arm: name of the system.
        metrics: mean of each metric, with the ends of its interval.
        manifest: fingerprints, settings and versions of the evaluation.
    """

    name: str
    folder: Path
    arm: str
    metrics: Mapping[str, Mapping[str, float | None]]
    manifest: Mapping[str, Any]


def set_baseline(name: str, reference: Path | str, store: Path = STORE) -> Baseline:
    """Store an arm of an evaluation under a name; an earlier baseline of that name is replaced as a whole.

    Args:
        name: letters, digits, ``.``, ``_`` and ``-``.
        reference: ``FOLDER`` with one arm, or ``FOLDER::ARM``.
        store: folder of the baselines.

    Raises:
        InputError: the name cannot be a folder's, the reference is no arm of a
            finished evaluation, or the arm did not run.
    """
    _check_name(name)
    run = read_one(reference)
    if run.error is not None:
        raise InputError(f"{reference}: {run.name} did not run, so it can be no baseline: {run.error}")
    folder = Path(str(reference).partition(ARM_AFTER)[0])
    results = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
    _restore(store)
    with temporary_folder(store / name) as held:
        new = held / name
        if INPUTS in results["manifest"]:
            results["manifest"][INPUTS] = moved(results["manifest"], folder, store / name)
        _copy(folder, new, run.name, results)
        card = {"schema_version": SCHEMA_VERSION, "name": name, "arm": run.name, FILES: _checksums(new)}
        write_text(new / CARD, _text(card))
        read_scored(new)
        new.chmod(0o755)
        _put(new, store / name, held / OLD)
    return show_baseline(name, store)


@brief
@dataclass(frozen=True)
class Entry:
    """A run that was once stored under a name.

    Attributes:
        arm: name of the system.
        label: what the user calls this state, such as a commit; may be empty.
        best: whether it became the best so far.
        golden: fingerprint of the golden set.
        metrics: mean of each metric, with the ends of its interval.
    """

    arm: str
    label: str
    best: bool
    golden: str
    metrics: Mapping[str, Mapping[str, float | None]]


def add_to_history(stored: Baseline, *, label: str = "", best: bool = False) -> None:
    """Add a line to the history of a baseline, unless its last line says the same.

    Args:
        stored: the baseline as it is now.
        label: what the user calls this state.
        best: whether it became the best so far.
    """
    path = stored.folder.parent / f"{stored.name}{HISTORY}"
    entry = Entry(stored.arm, label, best, str(stored.manifest["golden"]["fingerprint"]), stored.metrics)
    before = read_history(stored.name, stored.folder.parent) if path.exists() else ()
    if not before or replace(before[-1], best=best) != entry:
        lines = [json.dumps(_checked(asdict(one)), ensure_ascii=False) for one in (*before, entry)]
        write_text(path, "".join(line + "\n" for line in lines))


def read_history(name: str, store: Path = STORE) -> tuple[Entry, ...]:
    """Every run that was stored under a name, oldest first.

    Raises:
        InputError: nothing was stored under the name, or the file is damaged.
    """
    path = store / f"{name}{HISTORY}"
    if not path.is_file():
        show_baseline(name, store)
        raise InputError(f"{path}: no history; 'ragbench baseline set {name} RUN' begins one")
    return tuple(_entry(where, fields) for where, fields in read_objects(path))


def _entry(where: str, fields: dict[str, Any]) -> Entry:
    # Earlier versions wrote no checksum.
    if fields.pop(CHECKSUM, None) not in (None, _checked(fields)[CHECKSUM]):
        raise InputError(f"{where}: not a line of a history (it was altered: its checksum differs)")
    import pydantic

    try:
        return pydantic.TypeAdapter(Entry).validate_python(fields, strict=False)
    except pydantic.ValidationError as error:
        fault = error.errors()[0]
        raise InputError(
            f"{where}: not a line of a history ({'.'.join(map(str, fault['loc']))}: {fault['msg']})"
        ) from error


def list_baselines(store: Path = STORE) -> tuple[Baseline, ...]:
    """Every baseline of the store, sorted by name; none where there is no store."""
    return tuple(show_baseline(name, store) for name in stored_names(store))


def show_baseline(name: str, store: Path = STORE) -> Baseline:
    """One baseline.

    Raises:
        InputError: there is none of that name, or its files are damaged.
    """
    folder = store / name
    names = stored_names(store)
    if name not in names:
        raise InputError(
            f"no baseline {name!r} in {store}{did_you_mean(name, names)}; 'ragbench baseline set {name} RUN' stores one"
        )
    _verify(folder)
    with as_written(f"{folder}: the baseline", "set it again"):
        results = json.loads((folder / RESULTS).read_text(encoding="utf-8"))
        (arm,) = results["arms"]
        return Baseline(name, folder, arm["name"], arm["metrics"], results["manifest"])


def read_baseline(reference: str, store: Path = STORE) -> ScoredRun:
    """A stored baseline by its name, else an arm of an evaluation by ``FOLDER`` or ``FOLDER::ARM``.

    A name of the store comes before a folder of the same name; ``./NAME`` is the folder.

    Raises:
        InputError: it is neither.
    """
    names = stored_names(store)
    if reference in names:
        _verify(store / reference)
        return read_one(store / reference)
    if not Path(reference.partition(ARM_AFTER)[0]).exists():
        known = did_you_mean(reference, names) if names else "; no baseline is stored"
        raise InputError(f"{reference!r} is no folder, and no baseline in {store}{known}")
    return read_one(reference)


def read_one(reference: Path | str) -> ScoredRun:
    """Read the only system that a reference names.

    Raises:
        InputError: the folder has several systems and none is named, or cannot be read.
    """
    runs = read_scored(reference)
    if len(runs) != 1:
        folder = str(reference)
        listed = ", ".join(f"{folder}{ARM_AFTER}{run.name}" for run in runs)
        raise InputError(f"{folder} has {len(runs)} systems; name one of them: {listed}")
    return runs[0]


def _copy(folder: Path, new: Path, arm: str, results: Mapping[str, Any]) -> None:
    """The files of one arm, in the layout of an evaluation."""
    new.mkdir()
    manifest = dict(results["manifest"])
    shutil.copyfile(folder / QUERIES, new / QUERIES)
    if manifest.get("kind") not in WITHOUT_RANKINGS:
        trec = manifest["runs"][arm]
        manifest["runs"] = {arm: trec}
        (new / "runs").mkdir()
        shutil.copyfile(folder / "runs" / f"{trec}.trec", new / "runs" / f"{trec}.trec")
        shutil.copyfile(folder / QRELS, new / QRELS)
        if (folder / ATTRIBUTES).exists():
            shutil.copyfile(folder / ATTRIBUTES, new / ATTRIBUTES)
    for name in (SCORES, REPEATS) if (folder / REPEATS).exists() else (SCORES,):
        frame = read_parquet(folder / name).to_pandas(use_threads=False)
        with replacing(new / name) as path:
            frame[frame["arm"] == arm].reset_index(drop=True).to_parquet(path, index=False)
    write_latency({arm: query_ms(folder, arm)}, new)
    entries = [line for line in (folder / LEDGER).read_text(encoding="utf-8").splitlines() if _is_of(line, arm)]
    write_text(new / LEDGER, "".join(line + "\n" for line in entries))
    kept = [json.loads(line) for line in entries]
    counts = {code: sum(entry["code"] == code for entry in kept) for code in sorted({e["code"] for e in kept})}
    alone = {
        **results,
        "arms": [one for one in results["arms"] if one["name"] == arm],
        "comparisons": [],
        "ledger": {"counts": counts, "entries": kept},
        "manifest": manifest,
    }
    write_text(new / RESULTS, _text(with_checksums(alone, new, data_files(new))))


def _checksums(folder: Path) -> dict[str, str]:
    """The checksum of each file of a baseline but its card, by its path."""
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != CARD)
    return {path.relative_to(folder).as_posix(): file_checksum(path) for path in files}


def _verify(folder: Path) -> None:
    """Compare the files of a baseline with their checksums; earlier versions stored none.

    Raises:
        InputError: a file was altered or is absent.
    """
    with as_written(f"{folder}: the baseline", "set it again"):
        known = json.loads((folder / CARD).read_text(encoding="utf-8")).get(FILES, {})
        altered = [name for name, checksum in known.items() if file_checksum(folder / name) != checksum]
    if altered:
        raise InputError(
            f"{folder}: the baseline is damaged: {', '.join(altered)} changed since it was stored; set it again"
        )


def _checked(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields of a line of a history, with their checksum."""
    return {**fields, CHECKSUM: fingerprint(fields)}


def _put(new: Path, place: Path, aside: Path) -> None:
    """Move a folder to its place; what was there before comes back if that fails."""
    if place.exists():
        place.rename(aside)
    try:
        new.rename(place)
    except OSError:
        if aside.exists():
            aside.rename(place)
        raise


def _restore(store: Path) -> None:
    """Put back a baseline that a killed process had moved away, to replace it."""
    for left in left_behind(store):
        place = store / left.name.removeprefix(".").rsplit(".", 2)[0]
        if (left / OLD).is_dir() and not place.exists():
            with suppress(OSError):  # a store that may only be read
                (left / OLD).rename(place)


def _is_of(line: str, arm: str) -> bool:
    """Whether a line of the issue log is about this arm, or about no arm."""
    entry = json.loads(line)
    if entry["code"] == "arm-failed":
        return False
    return entry["stage"] not in ("search", "load") or str(entry["item"]).startswith(f"{arm}: ")


def _text(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def stored_names(store: Path = STORE) -> list[str]:
    """The names of the stored baselines, sorted."""
    if not store.is_dir():
        if store.exists() or any(above.is_file() for above in store.parents):
            raise InputError(f"--store {store}: a file is there; name a folder")
        return []
    _restore(store)
    return sorted(path.parent.name for path in store.glob(f"*/{CARD}") if not path.parent.name.startswith("."))


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise InputError(f"{name!r} cannot name a baseline; take letters, digits, '.', '_' and '-', at most 100")
