"""What ragbench itself keeps: answers, vectors, rankings, journals and marks of runs. Damage is absent, or an error."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from ragbench.io.files import read_manifest
from ragbench.io.run_folder import claimed, identity
from ragbench.io.run_store import RunStore
from ragbench.io.vectors import VectorStore
from ragbench.models.embed.npy import _table
from ragbench.models.llm.answers import AnswerStore
from ragbench.models.llm.batch.journal import Journal
from ragbench.models.llm.salvage import examine, readable, salvage
from tests.fuzz.target import also, desk, placed, target
from tests.fuzz.targets.documents import unpacked


@target("stores.answers")
def read_answer_cache(data: bytes) -> None:
    """The answer cache: read, examined and salvaged."""
    with TemporaryDirectory(dir=desk()) as folder:
        path = Path(folder) / "answers.sqlite"
        path.write_bytes(data)
        examine(path)
        rows = list(readable(path))
        also(read_kept, path)
        path.write_bytes(data)
        assert salvage(path) == len(rows)
        read_kept(path)


def read_kept(path: Path) -> None:
    store = AnswerStore(path)
    try:
        for key in ("m:1", "m:2", "nothing"):
            kept = store.get(key)
            assert kept is None or kept.text.startswith("answer")
        store.paid("m")
    finally:
        store.close()


@target("stores.vectors")
def read_vectors(data: bytes) -> None:
    """Vectors in shards (a ZIP archive here): what is damaged is embedded again."""
    with TemporaryDirectory(dir=desk()) as folder:
        unpacked(data, Path(folder))
        texts = [f"text {number}" for number in range(100)]
        found, _ = VectorStore(Path(folder)).vectors(texts, vectors_of)
        assert np.array_equal(found, vectors_of(texts))


def vectors_of(texts: list[str]) -> np.ndarray:
    """Vectors that depend on the text alone."""
    numbers = [int(text.split()[1]) for text in texts]
    return np.array([[n, n + 0.5, -n, 1.0] for n in numbers], dtype=np.float32)


@target("stores.rankings", '"unit": "chunk"', '"query_ids"', '"item_ids"', '"failures"')
def read_rankings(data: bytes) -> None:
    """A stored ranking."""
    placed("runs-store/k.npz", data)
    found = RunStore(desk() / "runs-store").load("k", {"chunk": ("a", "b"), "document": ("d",)})
    if found is not None:
        for at in range(len(found.run)):
            found.run.ranking(at)


@target("stores.journal", '"event"', '"planned"', '"batch"', '"state"', '"begun"')
def read_journal(data: bytes) -> None:
    """The journal of batches."""
    placed("journal/batches.jsonl", data)
    journal = Journal.read(desk() / "journal")
    journal.under_way()
    for name in journal.batches:
        also(lambda name=name: list(journal.failures(name)))


@target("stores.journal-keys", '"key"', '"input_tokens"', '"reason"')
def read_journal_keys(data: bytes) -> None:
    """The keys of the requests of a batch."""
    journal = Journal(desk() / "journal-keys", version=1)  # without checksums, which would refuse all else
    placed("journal-keys/" + str(journal.file("b", "keys").relative_to(journal.folder)), data)
    list(journal.keys("b"))


@target("stores.run-mark", '"fingerprint"', '"format"')
def read_run_mark(data: bytes) -> None:
    """What a folder says about its run, and a manifest."""
    with TemporaryDirectory(dir=desk()) as folder:
        path = Path(folder) / "run.json"
        path.write_bytes(data)
        also(read_manifest, path, 1)
        with claimed(Path(folder), identity("answer", {"seed": 1}), [], resume=False, force=False):
            pass


@target("stores.array")
def read_array(data: bytes) -> None:
    """Vectors of the user in NumPy's format."""
    texts = placed("array/texts.txt", b"a\nb\nc\n")
    _table.cache_clear()
    _table(placed("array/a.npy", data), texts, None)


@target("stores.array-texts", '"id"', '"text"')
def read_array_texts(data: bytes) -> None:
    """The texts beside vectors of the user."""
    path = desk() / "array-texts" / "a.npy"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        np.save(path, np.zeros((2, 3), dtype=np.float32))
    _table.cache_clear()
    _table(path, placed("array-texts/t.jsonl", data), None)
