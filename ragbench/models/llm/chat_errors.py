"""Turn the exceptions of providers' libraries into `LLMError`, without importing any library."""

import datetime
import email.utils
import math
import os
import re
from collections.abc import Iterator, Mapping
from typing import Any

from ragbench.models.llm.base import LLMError

FATAL = {401, 402, 403, 404}
RETRY = {408, 409, 425, 429}
AWAY = {502, 503, 504, 529}
"""The provider, or a proxy before it, cannot be reached or has too much to do. Any other 5xx is a fault."""
SPENT = {"insufficient_quota", "billing_hard_limit_reached", "ServiceQuotaExceededException"}
LIMITED = {"ThrottlingException", "TooManyRequestsException"}
NOT_SENT = {"ConnectError", "ConnectTimeout", "PoolTimeout", "EndpointConnectionError", "ConnectTimeoutError",
            "ClientConnectorError", "ConnectionTimeoutError"}  # fmt: skip
"""Names of exceptions of httpx, botocore and aiohttp."""
KEY_NAMES = re.compile(r"KEY|SECRET|TOKEN|PASSWORD|CREDENTIAL")
KEY_FORM = re.compile(r"\b(sk|pk|AKIA|ASIA)[-_A-Za-z0-9*]{8,}")
MOST_CHARACTERS = 500


def read_error(error: BaseException) -> LLMError:
    """Describe a failed call by its exception."""
    chain = list(_chain(error))
    known = next((link for link in chain if isinstance(link, LLMError)), None)
    if known is not None:
        return known
    reason = _reason(error)
    status, headers, code = _answered(chain)
    if status is None:
        names = {cls.__name__ for link in chain for cls in type(link).__mro__}
        if "SSLCertVerificationError" in names:
            return LLMError(reason, retry=False, fatal=True)
        # A reply that cannot be read was sent, so it may be billed, like one that broke off.
        return LLMError(reason, retry=True, in_doubt=not names & NOT_SENT)
    return _of_status(reason, status, headers, code)


def read_status(reason: str, status: int, headers: Mapping[str, str], code: str) -> LLMError:
    """Describe a failed call by the provider's reply.

    Args:
        reason: the text of the reply; keys are removed from it.
        status: HTTP status.
        headers: headers of the reply, in any letter case.
        code: the provider's own error code, or empty.
    """
    return _of_status(_without_keys(reason), status, {key.lower(): value for key, value in headers.items()}, code)


def _of_status(reason: str, status: int, headers: Mapping[str, str], code: str) -> LLMError:
    if code in SPENT:
        return LLMError(reason, retry=False, fatal=True)
    limited = status == 429 or code in LIMITED
    if limited or status in RETRY or status >= 500:
        wait = _retry_after(headers)
        broken = status >= 500 and status not in AWAY and wait is None
        return LLMError(reason, retry=True, retry_after=wait, limited=limited, broken=broken)
    if status < 400:
        return LLMError(reason, retry=True, in_doubt=True)
    return LLMError(reason, retry=False, fatal=status in FATAL)


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    for _ in range(10):
        if link is None:
            return
        yield link
        link = link.__cause__ or link.__context__


def _answered(chain: list[BaseException]) -> tuple[int | None, Mapping[str, str], str]:
    """Status, headers (lower case) and error code of the provider's reply. The status is None without a reply."""
    for link in chain:
        response: Any = getattr(link, "response", None)
        status = getattr(link, "status_code", None)
        if isinstance(status, int):
            headers = getattr(response, "headers", None) or {}
            return status, {key.lower(): value for key, value in headers.items()}, str(getattr(link, "code", "") or "")
        if isinstance(response, dict) and "ResponseMetadata" in response:
            reported = response["ResponseMetadata"]
            code = str(response.get("Error", {}).get("Code", ""))
            return int(reported.get("HTTPStatusCode", 500)), reported.get("HTTPHeaders", {}), code
    return None, {}, ""


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait: ``retry-after-ms``, or ``retry-after`` in seconds or as a date."""
    try:
        if "retry-after-ms" in headers:
            return _finite(float(headers["retry-after-ms"]) / 1000)
        if "retry-after" in headers:
            return _finite(float(headers["retry-after"]))
    except ValueError:
        pass
    try:
        until = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
    except (ValueError, OverflowError):
        return None
    return max(0.0, (until - datetime.datetime.now(datetime.UTC)).total_seconds()) if until.tzinfo else None


def _finite(seconds: float) -> float | None:
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _reason(error: BaseException) -> str:
    text = str(error)
    cause = error.__cause__
    if cause is not None and str(cause) and str(cause) not in text:
        text += f" ({type(cause).__name__}: {cause})"
    return f"{type(error).__name__}: {_without_keys(text)}".removesuffix(": ")


def _without_keys(text: str) -> str:
    """Make one line without keys: some servers repeat the key that they refuse."""
    text = " ".join(text.split())
    for name, value in os.environ.items():
        if KEY_NAMES.search(name.upper()) and len(value) >= 8:
            text = text.replace(value, f"[{name}]")
    return KEY_FORM.sub("[key]", text)[:MOST_CHARACTERS]
