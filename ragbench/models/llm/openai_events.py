"""A streamed chat completion: server-sent events in, pieces of text and the whole reply out.

The wire format is the one of the OpenAI API reference, "Streaming": each event is a chunk with what is
new, the last before ``[DONE]`` may hold the usage.
"""

import json
import re
from typing import Any

from ragbench.models.llm.base import LLMError, Response, Show
from ragbench.models.llm.chat_errors import read_status
from ragbench.models.llm.openai_body import MOST_CHARACTERS, response, text_of

LINE_END = re.compile(rb"\r\n|\n|\r")
DONE = "[DONE]"


class OpenAIEvents:
    """Reads one reply.

    Args:
        show: takes the text as it comes.
    """

    def __init__(self, show: Show) -> None:
        self._show = show
        self._rest = b""
        self._texts: list[str] = []
        self._refusal = ""
        self._usage: Any = None
        self._ended: Any = None

    def feed(self, data: bytes) -> bool:
        """Take the next bytes, cut anywhere; whether the stream says that it is at its end.

        Raises:
            LLMError: the server tells a failure, or what came is no chunk.
        """
        *lines, self._rest = LINE_END.split(self._rest + data)
        for line in lines:
            field, _, value = line.decode("utf-8", "replace").partition(":")
            if field != "data":
                continue
            if value.strip() == DONE:
                return True
            self._chunk(value)
        return False

    def response(self) -> Response:
        """The whole reply.

        Raises:
            LLMError: it broke off.
        """
        if self._ended is None:
            raise LLMError("the stream ended before the answer did", retry=True, in_doubt=True)
        message = {"content": "".join(self._texts), "refusal": self._refusal}
        return response({"choices": [{"message": message, "finish_reason": self._ended}], "usage": self._usage})

    def _chunk(self, value: str) -> None:
        try:
            found: Any = json.loads(value)
            failed = found.get("error") or found.get("object") == "error"
            for choice in () if failed else found.get("choices") or ():
                delta = choice.get("delta") or {}
                self._add(text_of(delta.get("content")))
                self._refusal += str(delta.get("refusal") or "")
                self._ended = choice.get("finish_reason") or self._ended
        except (ValueError, AttributeError, TypeError) as error:
            reason = f"the stream holds what is no chunk of a chat completion: {value.strip()[:MOST_CHARACTERS]}"
            raise LLMError(reason, retry=True, in_doubt=True) from error
        if failed:
            raise _failure(found)
        self._usage = found.get("usage") or self._usage

    def _add(self, text: str) -> None:
        if text:
            self._texts.append(text)
            self._show(text)


def _failure(found: Any) -> LLMError:
    """What a server tells after it has begun to answer; the tokens so far may be billed."""
    told = found.get("error", found)
    reason = told.get("message") or json.dumps(told) if isinstance(told, dict) else told
    code = str(told.get("code") or told.get("type") or "") if isinstance(told, dict) else ""
    return read_status(f"within the answer: {reason}", 200, {}, code)
