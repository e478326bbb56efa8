"""Peak memory of this process while something runs."""

import threading
from types import TracebackType

MIB = 1024 * 1024
SECONDS_BETWEEN_LOOKS = 0.01


class PeakMemory:
    """``with PeakMemory() as peak: ...; peak.mib``: the highest resident size seen, looked at every 10 ms.

    It is the size of the whole process, what was loaded before included: the
    memory a machine must have to run this.
    """

    def __init__(self) -> None:
        import psutil

        self._process = psutil.Process()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="ragbench-peak-memory", daemon=True)
        self.mib = 0.0

    def _look(self) -> None:
        self.mib = max(self.mib, self._process.memory_info().rss / MIB)

    def _watch(self) -> None:
        while not self._stop.wait(SECONDS_BETWEEN_LOOKS):
            self._look()

    def __enter__(self) -> "PeakMemory":
        self._look()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._look()
