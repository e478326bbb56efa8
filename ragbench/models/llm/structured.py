"""How an answer is held to its schema: through the provider, until that refuses."""

import re
from abc import abstractmethod
from typing import Literal

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import LLM, LLMError, Request, Response, Show

Structured = Literal["auto", "json_schema", "none"]
REFUSED_STREAM = re.compile(r"\bstream(ing|s|_options|_usage)?\b", re.IGNORECASE)
"""As a word: Bedrock names its operation ``ConverseStream`` in each of its errors."""
REFUSED_FORM = re.compile(r"response_format|json_schema|structured|tool|grammar|schema", re.IGNORECASE)


class StructuredLLM(LLM):
    """A model that is asked for a schema in one of two ways.

    Args:
        structured: ``json_schema``: through the provider; ``none``: written into the prompt; ``auto``: through
            the provider until it refuses.

    Raises:
        SettingError: it is none of these.
    """

    def __init__(self, structured: Structured) -> None:
        if structured not in ("auto", "json_schema", "none"):
            raise SettingError(f"structured must be auto, json_schema or none, it is {structured!r}")
        self.structured = structured
        self._through_provider = structured != "none"
        self._counted = True
        """Whether a stream is asked to count its tokens; some servers refuse that."""

    @abstractmethod
    async def _call(self, request: Request, through_provider: bool) -> Response:
        """One call, the schema asked for in one way.

        Raises:
            LLMError: it gave no answer.
        """

    async def complete(self, request: Request) -> Response:
        """One call; where the provider refuses the schema, a second one without it.

        Raises:
            LLMError: it gave no answer.
        """
        through_provider = self._through_provider and request.schema is not None
        try:
            return await self._call(request, through_provider)
        except LLMError as error:
            if not (through_provider and self._refuses_form(error)):
                raise
        self._through_provider = False
        return await self._call(request, through_provider=False)

    @abstractmethod
    async def _stream(self, request: Request, show: Show) -> Response:
        """One call without a schema, its text handed on while it is written.

        Raises:
            LLMError: it gave no answer, or broke off.
        """

    async def stream(self, request: Request, show: Show) -> Response:
        """One call; whole where there is a schema (nobody reads half a JSON object) or where streams are refused.

        Raises:
            LLMError: it gave no answer, or broke off.
        """
        if request.schema is not None or not self.streams:
            return await self.complete(request)
        counted, begun = self._counted, False

        def noted(piece: str) -> None:
            nonlocal begun
            begun = begun or bool(piece)
            show(piece)

        try:
            return await self._stream(request, noted)
        except LLMError as error:
            if begun or error.retry or error.fatal or not REFUSED_STREAM.search(str(error)):
                raise
        # Others may have found out the same meanwhile; what counts is how this call was made.
        if counted:
            self._counted = False
        else:
            self.streams = False
        return await self.stream(request, show)

    def _refuses_form(self, error: LLMError) -> bool:
        refused = not error.retry and not error.fatal and REFUSED_FORM.search(str(error))
        return self.structured == "auto" and bool(refused)
