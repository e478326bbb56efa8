"""Exchanges with a batch API that may break off: tried again, but never twice to the same effect."""

import time
from collections.abc import Callable
from typing import TypeVar

from ragbench.core.errors import RagbenchError, SettingError
from ragbench.models.llm.base import LLMError
from ragbench.models.llm.chat_errors import read_error
from ragbench.models.llm.errors import ServiceDown

TRIES = 6
FIRST_WAIT, LONGEST_WAIT = 0.5, 20.0
"""Seconds; the wait doubles from try to try unless the provider asks for another one."""
T = TypeVar("T")


class BatchRefused(RagbenchError):
    """The provider will not take the batch, however often it is offered."""


def patiently(
    what: str, call: Callable[[], T], found: Callable[[], T | None] | None = None, *, look_first: bool = False
) -> T:
    """The result of an exchange.

    Args:
        what: for messages, "creating a batch".
        call: the exchange.
        found: the result of an earlier try that got through although its reply did not. It is asked
            before every further try; without it, the exchange must be one that may be repeated.
        look_first: ask `found` before the first try too.

    Raises:
        BatchRefused: the provider will not.
        SettingError: wrong key or address.
        ServiceDown: no reply after several tries.
    """
    failure: LLMError | None = None
    for at in range(TRIES):
        if failure is not None:
            time.sleep(failure.retry_after or min(LONGEST_WAIT, FIRST_WAIT * 2 ** (at - 1)))
        try:
            if found is not None and (look_first or failure is not None):
                earlier = found()
                if earlier is not None:
                    return earlier
            return call()
        except RagbenchError:
            raise
        # Every library has errors of its own; `read_error` sorts them, and none is swallowed.
        except Exception as error:
            failure = read_error(error)
            if failure.fatal:
                raise SettingError(f"{what}: {failure}") from error
            if not failure.retry:
                raise BatchRefused(f"{what}: {failure}") from error
    raise ServiceDown(
        f"{what}: no success in {TRIES} tries, the last: {failure}. Nothing is lost: run the same command again later"
    )
