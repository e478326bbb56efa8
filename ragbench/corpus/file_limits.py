"""Limits for reading one file, whose content may have been made to waste time or memory."""

import math
from dataclasses import dataclass

from ragbench.core.errors import InputError, SettingError

FILE_TIMEOUT = 60.0
FILE_MEMORY = 2.0
GIGABYTE = 1 << 30
BYTES_PER_SECOND = 10_000_000
MEMORY_PER_BYTE = 8
"""A large table is held several times while it is read."""


class OverLimit(InputError):
    """A file took too long or too much memory, or its reader crashed. Only this file is skipped."""


@dataclass(frozen=True)
class FileLimits:
    """How long a file may take, and how much memory. Large files get more of both.

    Attributes:
        seconds: the longest time without a further document, for a small file; 0 for any time. Each 10 MB of the file
            add a second.
        gigabytes: the most memory of the process that reads it, in GiB, for a small file; 0 for any. Eight times the
            size of the file is added. Enforced on Linux only.

    Raises:
        SettingError: a limit is negative or not finite.
    """

    seconds: float = FILE_TIMEOUT
    gigabytes: float = FILE_MEMORY

    def __post_init__(self) -> None:
        for option, value in (("file_timeout", self.seconds), ("file_memory", self.gigabytes)):
            if not (math.isfinite(value) and value >= 0):
                raise SettingError(f"is {value:g}; it must be 0 (no limit) or more", option=option)

    @property
    def any(self) -> bool:
        """Whether there is a limit at all."""
        return self.seconds > 0 or self.gigabytes > 0

    def seconds_for(self, size: int) -> float:
        """The longest time without a further document for a file of ``size`` bytes; 0 for any."""
        return self.seconds + size / BYTES_PER_SECOND if self.seconds else 0.0

    def bytes_for(self, size: int) -> int:
        """The most memory for a file of ``size`` bytes; 0 for any."""
        return int(self.gigabytes * GIGABYTE) + MEMORY_PER_BYTE * size if self.gigabytes else 0
