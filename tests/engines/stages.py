"""Stages for the tests of engines. Workers import them."""

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ragbench.core.errors import MissingExtra
from ragbench.core.fingerprint import fingerprint
from ragbench.engines.base import Stage, Work


@dataclass(frozen=True)
class Double(Stage):
    """Doubles a number, and notes each call of each process in a folder."""

    notes: str = ""
    seconds: float = 0.0

    def fingerprint(self) -> str:
        return fingerprint(["double"])

    def open(self) -> Work:
        import pyarrow as pa

        def work(table: Any) -> Any:
            if self.notes:
                first = table["n"][0].as_py() if len(table) else "empty"
                Path(self.notes, f"{os.getpid()}-{first}-{time.time_ns()}").touch()
            time.sleep(self.seconds)
            doubled = pa.array([2 * n for n in table["n"].to_pylist()], pa.int64())
            return pa.table({"n": table["n"], "doubled": doubled})

        return work


@dataclass(frozen=True)
class Total(Stage):
    """One row for a whole part."""

    whole_parts: ClassVar[bool] = True

    def fingerprint(self) -> str:
        return fingerprint(["total"])

    def open(self) -> Work:
        import pyarrow as pa

        return lambda table: pa.table({"rows": [len(table)], "total": [sum(table["n"].to_pylist())]})


@dataclass(frozen=True)
class Lacking(Stage):
    """Cannot be opened."""

    def fingerprint(self) -> str:
        return fingerprint(["lacking"])

    def open(self) -> Work:
        raise MissingExtra("the stage", "st")


@dataclass(frozen=True)
class Fatal(Stage):
    """Ends its process with the part that has the number 7."""

    def fingerprint(self) -> str:
        return fingerprint(["fatal"])

    def open(self) -> Work:
        def work(table: Any) -> Any:
            if 7 in table["n"].to_pylist():
                os._exit(1)
            return table

        return work
