"""An unusable answer -> the question that asks again."""

import dataclasses

from ragbench.models.llm.base import Message, Request


def again(request: Request, raw: str, fault: str, attempt: int) -> Request:
    """The request with the unusable answer and what was wrong with it; a resumed run makes the same one."""
    said = (
        Message("assistant", raw if raw.strip() else "(no answer)"),
        Message("user", f"This answer cannot be used: {fault}. Answer the request above again, in the form asked for."),
    )
    return dataclasses.replace(request, messages=request.messages + said, sample=request.sample + attempt)
