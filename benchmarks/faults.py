"""Kills at random moments of every long command, and flipped bytes in every store."""

import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np

from benchmarks.command import main
from benchmarks.figures import Figure, Options, Section
from ragbench import api
from ragbench.core.answers import Answered
from ragbench.core.errors import InputError
from ragbench.core.goldens import GoldenSet
from ragbench.core.runs import Run
from ragbench.io.baselines import add_to_history, read_baseline, read_history, set_baseline, show_baseline
from ragbench.io.journals import AnswerJournal
from ragbench.io.run_store import RunStore, StoredRun
from ragbench.io.scored_runs import read_scored
from ragbench.io.token_vectors import TokenStore
from ragbench.io.vectors import VectorStore
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.base import Response, Usage
from ragbench.models.llm.batch.journal import Journal
from ragbench.render.evaluation import ReportFolder
from tests.faults.__main__ import kills

KILLS, FLIPS = 200, 10_000
ROOT = Path(__file__).resolve().parents[1]
EXAMPLE, SHOP = ROOT / "reports" / "example", ROOT / "datasets" / "shop"
HOW = (
    "Every long command is killed (SIGKILL) at random moments of its run and started again until it ends; the last run "
    "must leave the bytes of an undisturbed one, without temporary files and orphaned processes. An answer is lost if "
    "it was on disk and is asked again, and doubled if it is paid twice although it was not in flight at a kill. "
    "In each store, one byte at a time is changed at a random place to another random value; the store is opened and "
    "read, and the byte is put back. A change is silent if what is read differs from what was stored. That it counts "
    "as absent, or is refused, is right."
)
Read = Callable[[], dict[str, object]]


def run(options: Options) -> Section:
    """Some five minutes."""
    figures = list(_killed(3 if options.small else KILLS, options))
    for name, store in STORES.items():
        options.say(f"  flipped bytes: {name}")
        figures.append(_flipped(name, store, 20 if options.small else FLIPS))
    return Section("faults", "Kills and damage", HOW, tuple(figures))


def _killed(wanted: int, options: Options) -> Iterator[Figure]:
    found = kills(wanted, seed=1, say=options.say)
    what = f"{found.kills} kills of {found.commands} commands"
    for measure, count in (("lost", found.lost), ("doubled", found.doubled), ("not equal byte by byte", found.unequal)):
        yield Figure(what, f"{measure}", count, unit="of them", target="0", met=count == 0)
    yield Figure(what, "answers in flight at a kill, asked again", found.in_flight, unit="answers")


def _flipped(name: str, store: Callable[[Path], Read], count: int) -> Figure:
    with _folder() as folder:
        silent, seen = flips(folder, store, count)
    what = f"{count:,} flipped bytes, {name}"
    return Figure(what, "silent changes", silent, unit="of them", target="0", met=silent == 0,
                  reason=f"{seen:,} were found, the others change nothing that is read")  # fmt: skip


@contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder, in memory where there is one: a store is written anew after each flip."""
    memory = Path("/dev/shm")  # noqa: S108
    with tempfile.TemporaryDirectory(dir=memory if memory.is_dir() else None) as folder:
        yield Path(folder)


def flips(folder: Path, store: Callable[[Path], Read], count: int, seed: int = 1) -> tuple[int, int]:
    """Change bytes of a store, one at a time.

    Args:
        folder: an empty folder.
        store: fills it, and returns what reads it: each item by its name, without those that are absent.
        count: how many bytes.
        seed: of places and values.

    Returns:
        Silent changes, and changes that were found: refused, or items absent.
    """
    read = store(folder)
    wanted = read()
    files = {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file() and path.stat().st_size}
    ends = np.cumsum([len(raw) for raw in files.values()])
    draw, silent, seen, names = np.random.default_rng(seed), 0, 0, list(files)
    for at in draw.integers(ends[-1], size=count).tolist():
        number = int(np.searchsorted(ends, at, side="right"))
        path = names[number]
        raw = bytearray(files[path])
        raw[at - int(ends[number])] ^= int(draw.integers(1, 256))
        path.write_bytes(raw)
        try:
            found = read()
            silent += any(found[key] != wanted.get(key) for key in found)
            seen += len(found) < len(wanted)
        except InputError:
            seen += 1
        for left in [one for one in folder.rglob("*") if one.is_file() and one not in files]:
            left.unlink()
        for changed, whole in files.items():
            changed.write_bytes(whole)
    return silent, seen


def _answers(folder: Path) -> Read:
    import asyncio

    path, draw = folder / "answers.sqlite", np.random.default_rng(2)
    wanted = {f"{'0' * 32}:{n:032x}": Response("äx" * int(draw.integers(1, 2000)), Usage(n, 7)) for n in range(20)}

    def read() -> dict[str, object]:
        store = AnswerStore(path)
        try:
            return {key: found for key in wanted if (found := store.get(key)) is not None}
        finally:
            store.close()

    async def fill(store: AnswerStore) -> None:
        await asyncio.gather(*(store.put(key, response) for key, response in wanted.items()))

    store = AnswerStore(path)
    asyncio.run(fill(store))
    store.close()
    return read


TEXTS = ["x" * length for length in range(1, 101)]


def _absent(texts: object) -> NoReturn:
    """Takes the place of the embedder once all is stored."""
    raise InputError("a stored text is absent")


def _vectors(folder: Path) -> Read:
    store, made = VectorStore(folder), np.random.default_rng(1).normal(size=(len(TEXTS), 8)).astype(np.float32)
    store.vectors(TEXTS, lambda texts: made)
    return lambda: dict(zip(TEXTS, map(tuple, store.vectors(TEXTS, _absent)[0].tolist()), strict=True))


def _tokens(folder: Path) -> Read:
    store, made = TokenStore(folder), np.random.default_rng(1).normal(size=(3 * len(TEXTS), 8)).astype(np.float32)
    store.tokens(TEXTS, lambda texts: (made, np.arange(0, len(made) + 1, 3)))

    def read() -> dict[str, object]:
        found = store.tokens(TEXTS, _absent)
        return {text: (one.tokens.tobytes(), one.scales.tobytes()) for text, one in zip(TEXTS, found, strict=True)}

    return read


def _runs(folder: Path) -> Read:
    run = Run.from_dict({f"q{n}": {f"d{m}": 1 / (m + n + 1) for m in range(20)} for n in range(20)}, unit="chunk")
    RunStore(folder).save("0" * 32, StoredRun(run, {"seconds": 1.5}))

    def read() -> dict[str, object]:
        found = RunStore(folder).load("0" * 32, {"chunk": run.item_ids, "document": []})
        return {} if found is None else {"run": (found.run.to_dict(), found.run.unit, dict(found.facts))}

    return read


def _baselines(folder: Path) -> Read:
    add_to_history(set_baseline("main", f"{EXAMPLE}::bm25", folder), label="one")

    def read() -> dict[str, object]:
        shown, scored = show_baseline("main", folder), read_baseline("main", folder)
        content = (scored.scores.values.tobytes(), list(scored.queries.ids), scored.run and scored.run.to_dict())
        return {"baseline": (shown, content), "history": read_history("main", folder)}

    return read


def _evaluations(folder: Path) -> Read:
    chunks = api.chunk(api.load_corpus(SHOP / "product_catalog.csv"), "whole")
    golden = GoldenSet(api.load_golden(SHOP).items[:10])
    evaluation = api.evaluate(chunks, golden, ["bm25", "bm25:b=0.2"], resamples=100)
    written = ReportFolder(folder)
    for arm in evaluation.arms:
        written.arm(arm)
    written.finish(evaluation)

    def read() -> dict[str, object]:
        return {run.name: (run.scores.values.tobytes(), list(run.queries.ids), run.run and run.run.to_dict(),
                           run.latency_ms) for run in read_scored(folder)}  # fmt: skip

    return read


def _replies(folder: Path) -> Read:
    path = folder / "replies.jsonl"
    with AnswerJournal(path) as journal:
        for n in range(20):
            journal.keep(Answered(f"q{n}", f"question {n}", f"answer {n}", seconds=0.5))

    def read() -> dict[str, object]:
        with AnswerJournal(path) as journal:
            return {id_: item for items in journal.known.values() for id_, item in items.items()}

    return read


def _batches(folder: Path) -> Read:
    journal = Journal(folder)
    for n in range(4):
        name = journal.next_name()
        rows = [{"key": f"{n}{at:031x}", "input_tokens": at} for at in range(10)]
        journal.write(name, "keys", rows)
        journal.note(
            "planned", name, model="openai:m", fingerprint="f", place={}, lines=10, most_tokens=9, most_cost=0.5
        )
        journal.note("created", name, id=f"batch-{n}")

    def read() -> dict[str, object]:
        read = Journal.read(folder)
        return {name: (batch, list(read.keys(name))) for name, batch in read.batches.items()}

    return read


STORES = {
    "paid answers": _answers,
    "vectors": _vectors,
    "token vectors": _tokens,
    "runs": _runs,
    "baselines and histories": _baselines,
    "evaluations": _evaluations,
    "answers of a service": _replies,
    "journals of batches": _batches,
}

if __name__ == "__main__":
    sys.exit(main(only="faults"))
