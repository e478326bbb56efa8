"""Tokens of a request before it is made: an estimate, and a bound that holds for every model."""

from ragbench.models.llm.base import Request, Response, Usage

CHARACTERS_PER_TOKEN = 4.0
"""Of English text, for the tokenizers in use; other scripts take more tokens."""
PER_MESSAGE, PER_REQUEST = 16, 256
"""What a chat template adds, from above; a schema sent as a tool adds its own framing."""


def estimate(request: Request) -> Usage:
    """Input tokens as they will be, about; output tokens from above."""
    return Usage(_tokens(_written(request)), request.max_tokens)


def bound(request: Request) -> Usage:
    """Never less than what the provider counts.

    A token of a byte-level vocabulary stands for at least one byte of UTF-8, and
    `max_tokens` bounds the output.
    """
    text = _written(request)
    framing = PER_REQUEST + PER_MESSAGE * len(request.messages)
    return Usage(len(text.encode("utf-8", "surrogatepass")) + framing, request.max_tokens)


def counted(request: Request, response: Response) -> Usage:
    """The provider's count, or an estimate where it gave none."""
    if response.usage != Usage():
        return response.usage
    return Usage(_tokens(_written(request)), _tokens(response.text))


def _written(request: Request) -> str:
    said = "".join(message.text for message in request.messages)
    # Twice: with a server that takes no schema it is in the prompt, with its instruction.
    return said + 2 * request.schema_text


def _tokens(text: str) -> int:
    return max(1, round(len(text) / CHARACTERS_PER_TOKEN))
