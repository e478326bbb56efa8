"""The HTTP request that carries a question."""

import json
import os
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import urlencode, urlsplit, urlunsplit

from ragbench.answers.answering import Question
from ragbench.answers.endpoint.settings import BODY, QUESTION, VARIABLE, Endpoint
from ragbench.answers.endpoint.template import NoValue, filled
from ragbench.core.brief import brief
from ragbench.core.turns import as_rows
from ragbench.core.web import can_be_header

USER = "ragbench"
"""The value of ``{user}`` for questions without a column for it."""
ACCEPTED = "application/json, text/event-stream, application/x-ndjson, text/plain;q=0.9"


class NotSent(Exception):
    """Why a question cannot be sent."""


@brief
class Sent(NamedTuple):
    """A request.

    Attributes:
        method: POST, GET or PUT.
        url: the address with its parameters.
        headers: values by name, in lower case.
        content: the body, or None.
    """

    method: str
    url: str
    headers: dict[str, str]
    content: bytes | None


def values_of(question: Question, defaults: Mapping[str, object], user: str = "") -> dict[str, object]:
    """The values of placeholders: the columns of the question, its text and its id.

    Args:
        question: the question.
        defaults: values for what the question lacks.
        user: the value of ``{user}`` if neither has one.
    """
    columns = {name: value for name, value in question.metadata.items() if value is not None}
    own = {"user": user_of(question, defaults, user), QUESTION: question.text, "query": question.text}
    history = {"history": as_rows(question.history)} if question.history else {}
    return {"history": [], **defaults, **columns, **history, **own, "query_id": question.id}


def user_of(question: Question, defaults: Mapping[str, object], user: str = "") -> object:
    """Who asks: the column ``user`` or ``user_id`` of the question, the default, or the given user."""
    columns = question.metadata
    found = (columns.get("user"), columns.get("user_id"), defaults.get("user"), user)
    return next((one for one in found if one not in (None, "")), USER)


def request_of(endpoint: Endpoint, question: Question, user: str = "") -> Sent:
    """The request that carries a question.

    Args:
        endpoint: the service.
        question: the question.
        user: the value of ``{user}`` if neither the question nor the service has one.

    Raises:
        NotSent: a placeholder has no value, or a header cannot carry its value.
    """
    values = values_of(question, endpoint.defaults, user)
    try:
        headers = {name.lower(): _header(name, template, values) for name, template in endpoint.headers.items()}
        query = filled(dict(endpoint.query), values)
        body = None if endpoint.body is None else filled(endpoint.body, values)
        if question.history and endpoint.body == BODY and isinstance(body, dict):
            body["history"] = values["history"]
    except NoValue as error:
        raise NotSent(str(error)) from None
    headers |= {name.lower(): os.environ[variable] for name, variable in endpoint.header_env.items()}
    usual = {"accept": ACCEPTED, "accept-encoding": "identity", "user-agent": "ragbench"}
    content = None
    if body is not None:
        usual["content-type"] = "application/json"
        # A lone surrogate of a badly decoded document has no UTF-8 form; ? stands for it.
        content = json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
    assert isinstance(query, dict)
    return Sent(endpoint.method, _with_query(endpoint.url, query), {**usual, **headers}, content)


def _header(name: str, template: str, values: Mapping[str, object]) -> str:
    # The environment comes last: a question cannot name a variable.
    parts = VARIABLE.split(template)
    texts = [str(filled(part, values)) for part in parts[::2]]
    value = texts[0] + "".join(os.environ[name] + text for name, text in zip(parts[1::2], texts[1:], strict=True))
    if not can_be_header(value):
        raise NotSent(f"the header {name!r} cannot carry its value: it holds line breaks or letters outside ASCII")
    return value


def _with_query(url: str, query: Mapping[str, object]) -> str:
    if not query:
        return url
    written = {name: value if isinstance(value, str | list) else json.dumps(value) for name, value in query.items()}
    parts = urlsplit(url)
    added = urlencode(written, doseq=True, errors="replace")
    return urlunsplit(parts._replace(query="&".join(filter(None, (parts.query, added)))))
