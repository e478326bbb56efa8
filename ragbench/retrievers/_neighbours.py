"""Nearest neighbours by inner product: FAISS on the CPU, FAISS or PyTorch on a GPU."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import distributions
from importlib.util import find_spec
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from ragbench.core.errors import InputError, MissingExtra, RagbenchError
from ragbench.models.embed.base import Embedder

Device = Literal["auto", "cpu", "gpu"]
Found = tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]
Vectors = npt.NDArray[np.float32]
ROWS_PER_BLOCK = 65_536
"""Rows that are compared at a time where only some may be found."""
GPU_SCORES = 1 << 30
"""Scores per step on a GPU: 4 GiB of float32."""


class Neighbours(ABC):
    """Vectors that can be searched for nearest neighbours.

    Attributes:
        name: the library and index that search, for the report.
    """

    name: str

    @abstractmethod
    def search(self, queries: Vectors, k: int) -> Found:
        """Scores float32 (q, k), best first, and rows int64 (q, k), -1 where there is none."""


def exact(vectors: Vectors, device: Device) -> Neighbours:
    """An exact index: every query is compared with all vectors.

    Raises:
        MissingExtra: ``device`` is ``gpu`` and no installed library can use one.
        InputError: ``device`` is ``gpu`` and FAISS-GPU finds none, or faiss-cpu and faiss-gpu are both installed.
    """
    one_faiss()
    return exact_kind(device)(vectors)


def exact_kind(device: Device) -> "type[FaissFlat] | type[FaissGpu] | type[TorchGpu]":
    """Choose what searches exactly on a device.

    Raises:
        MissingExtra: ``device`` is ``gpu`` and no installed library can use one.
        InputError: ``device`` is ``gpu``, and FAISS-GPU is installed but finds none.
    """
    if device != "cpu":
        if faiss_gpus():
            return FaissGpu
        if torch_gpu(certain=device == "gpu"):
            return TorchGpu
        if device == "gpu":
            raise no_gpu()
    return FaissFlat


def no_gpu() -> RagbenchError:
    """Why no GPU was found: the driver where a library for GPUs is installed, else the missing libraries."""
    here = {name: found.version for name in ("faiss-cpu", "faiss-gpu") for found in distributions(name=name)}
    if "faiss-gpu" in here:
        return InputError(
            f"device=gpu: faiss-gpu {here['faiss-gpu']} is installed, but it finds no NVIDIA GPU. Run nvidia-smi to "
            "see whether the driver works, or search with device=cpu"
        )
    wanted = f"faiss-gpu=={here['faiss-cpu']}" if "faiss-cpu" in here else "faiss-gpu"
    return MissingExtra(
        "device=gpu found no GPU that FAISS or PyTorch can use. FAISS uses one if you replace faiss-cpu with "
        f"{wanted}: run 'make gpu' in a clone of ragbench, elsewhere 'pip uninstall faiss-cpu && pip install "
        f"{wanted}'. PyTorch",
        "gpu",
    )


def approximate(vectors: Vectors, factory: str, settings: dict[str, int], seed: int) -> "FaissIndex":
    """A FAISS index by its factory string (``IVF256,Flat``), trained with the seed."""
    one_faiss()
    import faiss

    index: Any = faiss.index_factory(vectors.shape[1], factory, faiss.METRIC_INNER_PRODUCT)
    if hasattr(index, "cp"):
        index.cp.seed = seed + 1
    space = faiss.ParameterSpace()
    for name, value in settings.items():
        if name == "efConstruction":
            index.hnsw.efConstruction = value
        else:
            space.set_index_parameter(index, name, value)
    index.train(vectors)
    index.add(vectors)
    return FaissIndex(index, f"faiss {factory}")


@lru_cache(maxsize=1)
def one_faiss() -> None:
    """Refuse an environment with two packages that both install the module ``faiss``."""
    found = sorted({d.metadata["Name"] for d in distributions() if (d.metadata["Name"] or "").startswith("faiss-")})
    if len(found) > 1:
        raise InputError(
            f"{' and '.join(found)} are both installed and overwrite each other: pip uninstall {' '.join(found)}, "
            "then install one of them"
        )


def faiss_gpus() -> int:
    """Number of GPUs that the installed FAISS can use; 0 without FAISS. The build for CPUs is not imported."""
    if find_spec("faiss") is None or any(distributions(name="faiss-cpu")):
        return 0
    import faiss

    return int(faiss.get_num_gpus()) if hasattr(faiss, "StandardGpuResources") else 0


def torch_gpu(*, certain: bool) -> bool:
    """Whether PyTorch is installed and sees a GPU. Unless ``certain``, PyTorch is asked only where a GPU is likely."""
    import sys
    from pathlib import Path

    # PyTorch takes seconds to import, so it is not asked on machines without the driver's device file.
    if not certain and "torch" not in sys.modules and not Path("/dev/nvidiactl").exists():
        return False
    try:
        import torch
    except ImportError:
        return False
    return bool(torch.cuda.is_available())


class FaissFlat(Neighbours):
    """FAISS's brute-force search directly on the array, so that memory-mapped vectors are never copied.

    Attributes:
        vectors: the array, float32 (n, d).
    """

    name = "faiss flat"

    def __init__(self, vectors: Vectors) -> None:
        self.vectors = vectors

    def search(self, queries: Vectors, k: int) -> Found:
        import faiss

        scores, rows = faiss.knn(np.ascontiguousarray(queries), self.vectors, k, metric=faiss.METRIC_INNER_PRODUCT)
        return scores, rows


def nearest_of(vectors: Vectors, rows: npt.NDArray[np.int64], queries: Vectors, k: int) -> Found:
    """Search exactly among some rows, a block of them after another, so that vectors on disk stay there.

    Args:
        vectors: float32 (n, d).
        rows: int64 (m,), the rows that may be found.
        queries: float32 (q, d).
        k: how many; fewer if there are fewer rows.
    """
    k = min(k, len(rows))
    scores = np.empty((len(queries), 0), dtype=np.float32)
    found = np.empty((len(queries), 0), dtype=np.int64)
    for start in range(0, len(rows), ROWS_PER_BLOCK):
        part = rows[start : start + ROWS_PER_BLOCK]
        fresh, at = FaissFlat(np.ascontiguousarray(vectors[part])).search(queries, min(k, len(part)))
        scores, found = np.concatenate([scores, fresh], axis=1), np.concatenate([found, part[at]], axis=1)
        best = np.argsort(-scores, axis=1, kind="stable")[:, :k]
        scores, found = np.take_along_axis(scores, best, axis=1), np.take_along_axis(found, best, axis=1)
    return scores, found


class FaissIndex(Neighbours):
    """A built FAISS index."""

    def __init__(self, index: Any, name: str) -> None:
        self._index, self.name = index, name

    @property
    def nbytes(self) -> int:
        """Bytes of the index as FAISS writes it, vectors included. They are counted without a second copy."""
        import faiss

        library: Any = faiss
        sizes: list[int] = []
        writer = library.PyCallbackIOWriter(lambda part: sizes.append(len(part)))
        library.write_index(self._index, writer)
        del writer  # it flushes what it holds
        return sum(sizes)

    def search(self, queries: Vectors, k: int) -> Found:
        scores, rows = self._index.search(np.ascontiguousarray(queries), k)
        return scores, rows


@dataclass(frozen=True)
class Approximation:
    """An approximate index, with what exact search needs to judge it.

    Attributes:
        embedder: embeds queries.
        chunks: fingerprint of the chunks.
        vectors: the vectors of the chunks (n, d).
        neighbours: the approximate index of them.
        build_seconds: time to train and fill it, without embedding.
    """

    embedder: Embedder
    chunks: str
    vectors: Vectors
    neighbours: FaissIndex
    build_seconds: float


@contextmanager
def faiss_threads(number: int = 0) -> Iterator[int]:
    """Let FAISS use so many threads in this thread (0: as many as before), and give their number."""
    import faiss

    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(number or before)
    try:
        yield number or before
    finally:
        faiss.omp_set_num_threads(before)


class FaissGpu(FaissIndex):
    """FAISS's flat index on the first GPU."""

    def __init__(self, vectors: Vectors) -> None:
        import faiss

        config = faiss.GpuIndexFlatConfig()
        self._resources = faiss.StandardGpuResources()
        index = faiss.GpuIndexFlatIP(self._resources, vectors.shape[1], config)
        index.add(np.ascontiguousarray(vectors))
        super().__init__(index, "faiss flat on the GPU")


class TorchGpu(Neighbours):
    """PyTorch: one matrix product and one top-k per block of queries, in full float32."""

    name = "PyTorch on the GPU"

    def __init__(self, vectors: Vectors) -> None:
        import torch

        # TF32 keeps 10 bits of the mantissa, too few to tell near neighbours apart.
        torch.backends.cuda.matmul.allow_tf32 = False
        self._vectors = torch.from_numpy(np.array(vectors)).cuda()

    def search(self, queries: Vectors, k: int) -> Found:
        import torch

        scores = np.empty((len(queries), k), dtype=np.float32)
        rows = np.empty((len(queries), k), dtype=np.int64)
        step = max(1, GPU_SCORES // len(self._vectors))
        for start in range(0, len(queries), step):
            block = torch.from_numpy(np.ascontiguousarray(queries[start : start + step])).cuda()
            best, at = torch.topk(block @ self._vectors.T, k, dim=1)
            scores[start : start + step] = best.cpu().numpy()
            rows[start : start + step] = at.cpu().numpy()
        return scores, rows
