"""End replies that are too large while they arrive, in the connections of OpenAI's library."""

from collections.abc import AsyncIterator
from typing import Any

import httpx2

from ragbench.models.llm.base import MOST_BYTES, LLMError

STREAMED = 64
"""A stream wraps each token in an event, which may take so many times the bytes of the text."""
COMPRESSED = 1 / 64
"""A reply is asked for without compression. A compressed one may be smaller by this factor: gzip unpacks to a thousand
times its size at most."""


class Capped(httpx2.AsyncByteStream):
    """The bytes of a reply, up to a limit.

    Args:
        stream: the bytes as they arrive.
        most: the limit.
    """

    def __init__(self, stream: Any, most: int) -> None:
        self._stream, self._most = stream, most

    async def __aiter__(self) -> AsyncIterator[bytes]:
        seen = 0
        async for part in self._stream:
            seen += len(part)
            if seen > self._most:
                reason = f"the reply is larger than {self._most / 2**20:.3g} MB"
                raise LLMError(reason, retry=False, in_doubt=True)
            yield part

    async def aclose(self) -> None:
        """Close the connection, or give it back."""
        await self._stream.aclose()


async def cap(response: httpx2.Response) -> None:
    """Limit a reply whose headers have arrived. For ``event_hooks`` of a client."""
    encoding = response.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "", "gzip", "deflate"):
        raise LLMError(f"the reply is compressed by {encoding!r}, which was not asked for", retry=False, in_doubt=True)
    streamed = response.headers.get("content-type", "").startswith("text/event-stream")
    most = MOST_BYTES * (STREAMED if streamed else 1) * (1 if encoding in ("identity", "") else COMPRESSED)
    response.stream = Capped(response.stream, int(most))
