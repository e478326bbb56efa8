"""The engine of a Ray cluster: `ray.data.Dataset.map_batches` over a pool of actors.

What flows through Ray Data are descriptions of parts. An actor opens the stage once, reads each part that it gets, and
returns or writes its table. Ray's own readers and writers are not used, because they cut and number files by size and
by the time at which blocks arrive: parts would differ from run to run, and could neither be compared by bytes nor be
found again after a kill. Backpressure, retries and the placement of actors are those of Ray Data.

Stages, parts and results are pickled, as Ray pickles the arguments of its own calls. They go only between the processes
of one session and never into a file, so nothing is unpickled that this program did not make.
"""

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

from ragbench.core.context import Progress
from ragbench.core.errors import InputError, RagbenchError
from ragbench.core.spelling import named
from ragbench.engines.base import EngineName, EngineSettings, Part, Stage, Table, Written
from ragbench.engines.session import Cluster
from ragbench.engines.worker import PartWorker

E = TypeVar("E", bound=Exception)
RETRIES = 10
"""How often a part is begun again after its worker ended."""


class RayEngine:
    """Runs stages on the workers of a session.

    Args:
        settings: what the workers need.
        cluster: the session (`ragbench.engines.session.session`).
    """

    name: EngineName = "ray"

    def __init__(self, settings: EngineSettings, cluster: Cluster) -> None:
        self._settings, self._cluster = settings, cluster
        self.workers = cluster.workers

    def map(self, stage: Stage, parts: Sequence[Part], *, what: str, progress: Progress) -> Iterator[Table]:
        """See `Engine.map`."""
        return self._run(PartWorker(stage, self._settings.batch_size), parts, what, progress, ordered=True)

    def write(
        self, stage: Stage, parts: Sequence[Part], folder: Path, *, what: str, progress: Progress
    ) -> list[Written]:  # fmt: skip
        """See `Engine.write`."""
        # Workers may have another working folder.
        worker = PartWorker(stage, self._settings.batch_size, folder.resolve())
        done: Iterator[Written] = self._run(worker, parts, what, progress, ordered=False)
        return sorted(done, key=lambda one: one.number)

    def _run(
        self, worker: PartWorker, parts: Sequence[Part], what: str, progress: Progress, *, ordered: bool
    ) -> Iterator[Any]:  # fmt: skip
        if not parts:
            return
        import ray
        import ray.data
        from ray import cloudpickle
        from ray.exceptions import RayError

        items = [{"number": number, "part": cloudpickle.dumps(part)} for number, part in enumerate(parts)]
        context = ray.data.DataContext.get_current()
        context.execution_options.preserve_order = ordered
        pool = ray.data.ActorPoolStrategy(size=min(self.workers, len(parts)))
        needs = {"num_gpus": self._settings.gpus_per_worker} if self._settings.gpus_per_worker else {}
        results = ray.data.from_items(items, override_num_blocks=len(items)).map_batches(
            _Actor, batch_size=1, batch_format="pyarrow", compute=pool,
            fn_constructor_args=(cloudpickle.dumps(worker),), num_cpus=self._cluster.cpus_per_worker, max_restarts=-1,
            max_task_retries=RETRIES, **needs,
        )  # fmt: skip
        with progress(what, sum(part.rows for part in parts)) as advance:
            try:
                for block in results.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0):
                    for number, done in zip(block["number"].to_pylist(), block["done"].to_pylist(), strict=True):
                        result = pickle.loads(done)  # noqa: S301 - see the top of this module
                        if isinstance(result, Fault):
                            raise result.error()
                        yield result
                        advance(parts[number].rows)
            except RayError as error:
                advice = (
                    f"give fewer {named('workers')} or a smaller {named('batch_size')}. Finished parts stay, and the "
                    "same command goes on with the others"
                )
                raise worker_error(error, advice) from error


class _Actor:
    """A worker in a process of Ray."""

    def __init__(self, worker: bytes) -> None:
        self._worker: PartWorker = pickle.loads(worker)  # noqa: S301 - as above

    def __call__(self, batch: Table) -> Table:
        import pyarrow

        numbers = batch["number"].to_pylist()
        done = [self._one(number, part) for number, part in zip(numbers, batch["part"].to_pylist(), strict=True)]
        columns = [pyarrow.array(numbers, pyarrow.int64()), pyarrow.array(done, pyarrow.large_binary())]
        return pyarrow.table(columns, names=["number", "done"])

    def _one(self, number: int, pickled: bytes) -> bytes:
        part: Part = pickle.loads(pickled)  # noqa: S301 - as above
        result: object
        try:
            result = self._worker.table(part) if self._worker.folder is None else self._worker.write(number, part)
        except RagbenchError as error:
            result = Fault(error)
        return pickle.dumps(result)


class Fault(Generic[E]):
    """An error of ragbench on its way from a worker. Ray would wrap it, and some cannot be pickled themselves."""

    def __init__(self, error: E) -> None:
        self._kind, self._message, self._state = type(error), str(error), vars(error)

    def error(self) -> E:
        """The error again."""
        error = self._kind.__new__(self._kind, self._message)
        vars(error).update(self._state)
        return error


def worker_error(error: Exception, advice: str) -> InputError:
    """What to say of a worker that ended again and again, or of an error in it that nobody has foreseen.

    Args:
        error: what Ray raised.
        advice: what to do if the memory is too small.
    """
    from ray.exceptions import OutOfMemoryError, RayTaskError

    said = " ".join(str(error).split())
    cause = error.cause if isinstance(error, RayTaskError) else error
    if isinstance(cause, OutOfMemoryError) or "OOM" in said or "out of memory" in said.lower():
        return InputError(f"a worker of Ray ran out of memory; {advice}")
    if isinstance(error, RayTaskError):
        last = str(error).strip().rpartition("\n")[2]
        return InputError(f"a worker of Ray failed: {last}")
    return InputError(
        f"a worker of Ray ended {RETRIES + 1} times at the same work, which is often a lack of memory; {advice} "
        f"({said[:500]})"
    )
