"""The contract of a provider's batch API, and the service for a model's name."""

import os
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import Request, Response


@dataclass(frozen=True)
class Seen:
    """A batch as its provider sees it.

    Attributes:
        state: the provider's own word for it.
        ended: whether the batch has ended.
        failed: whether it ended before any line was processed.
        reason: why it failed, in the provider's words.
        done: lines processed so far; None if the provider does not report it.
    """

    state: str
    ended: bool
    failed: bool = False
    reason: str = ""
    done: int | None = None


@dataclass(frozen=True)
class Result:
    """The result of one line.

    Attributes:
        id: the line's own id, as it was sent; empty for a line of results that cannot be read.
        response: the model's response, or None.
        failure: why there is no response.
    """

    id: str
    response: Response | None
    failure: str = ""


class BatchService(ABC):
    """One model behind one batch API. Every call is one exchange, without retries.

    Errors are raised as the provider's library raises them.
    """

    most_lines = 50_000
    """The most requests of one batch."""
    most_bytes: int
    """The largest input file."""
    least_lines = 1
    """The fewest requests of one batch."""
    place: Mapping[str, str]
    """Where the batches are. With the model's name, this is enough to find them again. It holds no keys."""

    @abstractmethod
    def record_id(self, number: int, key: str) -> str:
        """The id of the line, unique in its batch.

        Args:
            number: of the line, from 1.
            key: fingerprint of its request.
        """

    @abstractmethod
    def line(self, id_: str, request: Request, *, structured: bool) -> dict[str, object]:
        """One line of the input file.

        Args:
            id_: the line's id.
            request: what is asked.
            structured: whether the provider enforces the schema; otherwise the prompt asks for it.
        """

    @abstractmethod
    def upload(self, path: Path, name: str) -> str:
        """Upload an input file. Returns the provider's name for it."""

    @abstractmethod
    def find_upload(self, path: Path, name: str) -> str | None:
        """The provider's name for an upload of this name, if there is one."""

    @abstractmethod
    def create(self, name: str, upload: str) -> str:
        """Create a batch, which is paid for from here on. Returns its id."""

    @abstractmethod
    def find(self, name: str, upload: str) -> str | None:
        """The id of the batch that was created under this name, if there is one."""

    @abstractmethod
    def look(self, batch: str) -> Seen:
        """The state of the batch."""

    @abstractmethod
    def download(self, batch: str, name: str, path: Path) -> None:
        """Write the results of an ended batch to a file, as the provider wrote them. No results give an empty file."""

    @abstractmethod
    def results(self, path: Path) -> Iterator[Result]:
        """Read a downloaded file, line by line, in the provider's order."""


def service_for(model: str, place: Mapping[str, str], *, role_arn: str = "") -> BatchService:
    """Make the batch service for a model. Nothing is sent yet.

    Args:
        model: ``openai:NAME``, ``openai_compatible:NAME``, ``bedrock_converse:NAME`` or ``bedrock:NAME``.
        place: ``base_url`` for OpenAI and compatible servers; ``s3_uri`` and ``region`` for Bedrock.
        role_arn: the role for creating batches on Bedrock.

    Raises:
        SettingError: the provider is unsupported, or the place cannot be used.
        MissingExtra: the provider's library is not installed.
    """
    # Here, since both modules import this one.
    from ragbench.models.llm.batch.bedrock import BedrockJobs
    from ragbench.models.llm.batch.openai import OpenAIFiles

    provider, _, name = model.partition(":")
    if provider in ("openai", "openai_compatible"):
        base_url = place.get("base_url", "")
        if not base_url and not os.environ.get("OPENAI_API_KEY"):
            raise SettingError(f"batches of {model!r} need a key: set the environment variable OPENAI_API_KEY")
        return OpenAIFiles(name, base_url)
    if provider in ("bedrock", "bedrock_converse"):
        return BedrockJobs(name, place.get("s3_uri", ""), role_arn, place.get("region", ""))
    raise SettingError(
        f"language model {model!r}: batches work with openai:, openai_compatible:, "
        "bedrock_converse: and bedrock: models; "
        "use ragbench generate for this one"
    )
