"""The contract of a platform that runs jobs."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ragbench.cloud.s3 import Store
from ragbench.core.brief import brief

CODE, INPUT, OUTPUT, PREVIOUS = "code", "input", "output", "previous"
"""Folders of a job: what runs, what it reads, what it writes, and what an earlier job wrote."""
PREFIX = "ragbench-"
"""The name of every job begins with it."""
TAG_FOLDER, TAG_COMMAND, TAG_OUTPUTS = TAGS = ("ragbench:folder", "ragbench:command", "ragbench:outputs")
"""The tags of a job from which any machine finds its files."""
ENTRY = "entry.py"


@dataclass(frozen=True)
class Machine:
    """Where a job runs.

    Attributes:
        image: container image, with Python 3.11 or later.
        role: the identity that gives the job its rights, as the platform names it.
        instance: type of the machine.
        volume_gb: size of its disk.
        max_seconds: the platform stops the job after this time.
        kms_key: encrypts disk and outputs; None for the platform's own key.
        subnets, security_groups: the network of the job; empty for the platform's own.
    """

    image: str
    role: str
    instance: str
    volume_gb: int
    max_seconds: int
    kms_key: str | None = None
    subnets: Sequence[str] = ()
    security_groups: Sequence[str] = ()


@dataclass(frozen=True)
class JobRequest:
    """A job to start.

    Attributes:
        name: unique in the account and region.
        folder: where its code, inputs and outputs are stored.
        inputs: address by name of the input; the job finds each one in ``input/NAME``.
        outputs: names of the outputs; what the job writes to ``output/NAME`` is stored.
        environment: value by name of the variable.
        tags: value by key.
        machine: where it runs.
    """

    name: str
    folder: str
    inputs: Mapping[str, str]
    outputs: Sequence[str]
    environment: Mapping[str, str]
    tags: Mapping[str, str]
    machine: Machine


@brief
@dataclass(frozen=True)
class Job:
    """A job that was started.

    Attributes:
        name: its name.
        state: ``running``, ``stopping``, ``completed``, ``failed`` or ``stopped``.
        command: the command that it runs.
        folder: where its code, inputs and outputs are stored.
        created, ended: when it started and ended; None if unknown.
        reason: why it failed, as far as the platform knows.
        tags: value by key.
    """

    name: str
    state: str
    command: str
    folder: str
    created: datetime | None
    ended: datetime | None
    reason: str
    tags: Mapping[str, str]

    @property
    def under_way(self) -> bool:
        """Whether it has not ended."""
        return self.state in ("running", "stopping")


class Platform(ABC):
    """Runs jobs. A subclass is a frozen dataclass whose fields are its settings.

    Every method raises `InputError` if the platform refuses, with what to do, and `MissingExtra` if its library is not
    installed.
    """

    @property
    @abstractmethod
    def store(self) -> Store:
        """Where files of jobs are kept."""

    @abstractmethod
    def written(self, request: JobRequest) -> dict[str, object]:
        """The request as the platform takes it, as JSON values."""

    @abstractmethod
    def submit(self, request: JobRequest) -> None:
        """Start a job whose files are stored."""

    @abstractmethod
    def find(self, name: str) -> Job | None:
        """The job of that name, or None."""

    @abstractmethod
    def jobs(self) -> list[Job]:
        """All jobs that ragbench started, the latest first."""

    @abstractmethod
    def logs(self, name: str, last: int) -> list[str]:
        """The last lines that a job printed. There are none before it has started."""

    @abstractmethod
    def stop(self, name: str) -> None:
        """Stop a job. What it has written is kept."""
