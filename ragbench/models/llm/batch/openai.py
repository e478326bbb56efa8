"""Batches on OpenAI and on compatible servers.

Source of the protocol: OpenAI API reference, "Batch" and "Files".
"""

import json
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from ragbench.core.errors import MissingExtra
from ragbench.io.files import replacing
from ragbench.models.llm import openai_wire
from ragbench.models.llm.base import LLMError, Request
from ragbench.models.llm.batch.base import BatchService, Result, Seen

ENDPOINT = "/v1/chat/completions"
ENDED = {"completed", "failed", "expired", "cancelled"}
OURS = "ragbench"
"""Key of the metadata that carries a batch's name."""
SECONDS = 600.0


class OpenAIFiles(BatchService):
    """Batches of chat completions.

    Args:
        model: the provider's name for the model.
        base_url: address of the server; empty for OpenAI itself.
    """

    most_bytes = 200_000_000

    def __init__(self, model: str, base_url: str) -> None:
        self.model, self.base_url = model, base_url
        self.place = {"base_url": base_url}

    @cached_property
    def _client(self) -> Any:
        try:
            from openai import OpenAI
        except ImportError as error:
            raise MissingExtra(f"language model 'openai:{self.model}'", "openai") from error

        key = os.environ.get("OPENAI_API_KEY") or ("none" if self.base_url else None)
        # The library's own retries would create a batch twice: it does not check whether the first try succeeded.
        return OpenAI(api_key=key, base_url=self.base_url or None, max_retries=0, timeout=SECONDS)

    def record_id(self, number: int, key: str) -> str:
        """The request's fingerprint."""
        return key

    def line(self, id_: str, request: Request, *, structured: bool) -> dict[str, object]:
        """``custom_id`` and the body of one chat completion."""
        body = openai_wire.body(request, self.model, {}, structured=structured)
        return {"custom_id": id_, "method": "POST", "url": ENDPOINT, "body": body}

    def upload(self, path: Path, name: str) -> str:
        """Upload the file and return its id."""
        with path.open("rb") as file:
            return str(self._client.files.create(file=(f"{name}.jsonl", file), purpose="batch").id)

    def find_upload(self, path: Path, name: str) -> str | None:
        """Find an upload by its file name and length."""
        for file in _listed(self._client.files.list(purpose="batch")):
            if file.filename == f"{name}.jsonl" and file.bytes == path.stat().st_size:
                return str(file.id)
        return None

    def create(self, name: str, upload: str) -> str:
        """Create the batch and return its id."""
        made = self._client.batches.create(
            input_file_id=upload, endpoint=ENDPOINT, completion_window="24h", metadata={OURS: name}
        )
        return str(made.id)

    def find(self, name: str, upload: str) -> str | None:
        """Find a batch by the name in its metadata, or by its input file."""
        for batch in _listed(self._client.batches.list(limit=100)):
            if (batch.metadata or {}).get(OURS) == name or batch.input_file_id == upload:
                return str(batch.id)
        return None

    def look(self, batch: str) -> Seen:
        """State of the batch, and the number of finished lines."""
        seen = self._client.batches.retrieve(batch)
        errors = [error.message or error.code for error in (seen.errors.data if seen.errors else None) or []]
        counts = seen.request_counts
        done = counts.completed + counts.failed if counts else None
        return Seen(seen.status, seen.status in ENDED, seen.status == "failed", "; ".join(map(str, errors[:3])), done)

    def download(self, batch: str, name: str, path: Path) -> None:
        """Download the output file and the error file into one file."""
        seen = self._client.batches.retrieve(batch)
        with replacing(path) as temporary, temporary.open("wb") as file:
            for part in (seen.output_file_id, seen.error_file_id):
                if part:
                    with self._client.files.with_streaming_response.content(part) as reply:
                        for piece in reply.iter_bytes():
                            file.write(piece)
                    file.write(b"\n")

    def results(self, path: Path) -> Iterator[Result]:
        """One per line."""
        with path.open("rb") as file:
            for line in file:
                if line.strip():
                    yield _result(line)


def _listed(first: Any) -> Iterator[Any]:
    """The items of a list in pages, to its end or to an item that comes again: some servers send one page for ever."""
    seen: set[str] = set()
    for page in first.iter_pages():
        for item in page.data or ():
            if item.id in seen:
                return
            seen.add(item.id)
            yield item


def _result(line: bytes) -> Result:
    try:
        row: Any = json.loads(line)
        id_, reply, error = str(row["custom_id"]), row.get("response"), row.get("error")
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return Result("", None, "a line of the results cannot be read")
    if not isinstance(reply, dict):
        return Result(id_, None, _reported(error) or "no response and no error is given")
    if reply.get("status_code") != 200:
        body = reply.get("body")
        reported = _reported(body.get("error") if isinstance(body, dict) else body) or _reported(error)
        return Result(id_, None, f"status {reply.get('status_code')}: {reported}")
    try:
        return Result(id_, openai_wire.response(reply.get("body") or {}))
    except LLMError as failure:
        return Result(id_, None, str(failure))


def _reported(error: Any) -> str:
    if isinstance(error, dict):
        return ": ".join(str(error[key]) for key in ("code", "message") if error.get(key))[:500]
    return str(error or "")[:500]
