"""How an answer is held to its schema: through the provider, until that refuses."""

import re
from abc import abstractmethod
from typing import Literal

from ragbench.core.errors import SettingError
from ragbench.models.llm.base import LLM, LLMError, Request, Response

Structured = Literal["auto", "json_schema", "none"]
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

    def _refuses_form(self, error: LLMError) -> bool:
        refused = not error.retry and not error.fatal and REFUSED_FORM.search(str(error))
        return self.structured == "auto" and bool(refused)
