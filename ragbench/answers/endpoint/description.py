"""Read the description of a service: an address, or a YAML file with the request and the places of the reply."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Any

from ragbench.answers.endpoint.reply import ROLE_OF
from ragbench.answers.endpoint.settings import ROLES, Endpoint, Reply
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.options import named
from ragbench.core.pace import Concurrency
from ragbench.io.encoding import require_file
from ragbench.io.files import read_yaml

KEYS = ("url", "method", "headers", "header_env", "query", "body", "defaults", "reply")
MAPPINGS = ("headers", "header_env", "query", "defaults", "reply")
OF_REPLY = ("format", "piece", "metadata")
NAMES = {**{name: role for name, role in ROLE_OF.items() if role in ROLES}, **{role: role for role in ROLES},
         "ids": "source_ids"}  # fmt: skip
"""Roles by the names that a description may use, which are those of columns of answers."""
ELSEWHERE = {"params": "query", "parameters": "query", "json": "body", **{name: f"reply.{name}" for name in NAMES}}
"""Keys by which users call something else."""


def is_address(place: str | Path) -> bool:
    """Whether the place is an address, and not the name of a file."""
    return "://" in str(place)


def read_endpoint(
    place: str | Path,
    *,
    timeout: float,
    concurrency: Concurrency,
    header_env: Mapping[str, str] | None = None,
) -> Endpoint:
    """Make the settings of a service.

    Args:
        place: an address, or the path of a YAML file.
        timeout: seconds for one answer.
        concurrency: requests in flight at once, or ``auto``.
        header_env: environment variable by header name, besides those of the file.

    Raises:
        InputError: the file cannot be read.
        SettingError: a setting cannot be used; the message lists every fault.
    """
    common: dict[str, Any] = {"timeout": timeout, "concurrency": concurrency}
    if is_address(place):
        return Endpoint(str(place), **common, header_env=dict(header_env or {}))
    path = Path(place)
    require_file(
        path, "name a YAML file that describes the service, or an address that begins with http:// or https://"
    )
    found = read_yaml(path)
    if not isinstance(found, dict):
        raise InputError(f"{place}: expected keys such as url and body; see docs/reference/answers-http.md")
    found = {key: value for key, value in found.items() if value is not None or key not in MAPPINGS}
    faults = list(_faults(found))
    if faults:
        raise SettingError("\n".join(f"{place}: {fault}" for fault in faults))
    return Endpoint(**{**_settings(found), **common}, where=str(place)).with_headers(header_env or {})


def _settings(found: Mapping[str, Any]) -> dict[str, Any]:
    settings = {key: value for key, value in found.items() if key != "reply"}
    if settings.get("method") == "GET":
        settings.setdefault("body", None)
    written = found.get("reply", {})
    paths = {NAMES[name]: path for name, path in written.items() if name not in OF_REPLY}
    return {**settings, "reply": Reply(**{name: written[name] for name in OF_REPLY if name in written}, paths=paths)}


def _faults(found: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(found, KEYS, KEYS, "")
    if "url" not in found:
        yield "url is missing; write the address of the service"
    for key in ("url", "method"):
        if not isinstance(found.get(key, ""), str):
            yield f"{key} is {found[key]!r}; it must be a text"
    for key in MAPPINGS:
        value = found.get(key, {})
        if not isinstance(value, dict):
            yield f"{key} is {value!r:.60}; it must be a mapping, as in {key}: {{name: value}}"
            continue
        yield from (
            f"{key}: the name {name!r:.60} is no text; put it between quotation marks"
            for name in value if not isinstance(name, str)
        )  # fmt: skip
        if key in ("headers", "header_env"):
            wrong = {name: one for name, one in value.items() if not isinstance(one, str)}
            yield from (f"{key}.{name} is {one!r:.60}; it must be a text" for name, one in wrong.items())
    if not isinstance(found.get("body", {}), dict | list | NoneType):
        yield 'body is a text; write it as YAML or JSON, as in body: {query: "{question}"}'
    if isinstance(found.get("reply"), dict):
        yield from _reply_faults(found["reply"])


def _reply_faults(reply: Mapping[str, Any]) -> Iterator[str]:
    yield from _unknown(reply, {*OF_REPLY, *NAMES}, (*OF_REPLY, *ROLES), "reply.")
    roles: dict[str, str] = {}
    for name, path in reply.items():
        if name == "metadata":
            if not isinstance(path, dict) or not all(isinstance(one, str) for one in path.values()):
                yield "reply.metadata must be a mapping from names to paths, as in metadata: {shard: meta.shard}"
            else:
                yield from (
                    f"reply.metadata.{one} is the name of a part of the answer; write it below reply"
                    for one in path if one in NAMES or one in ROLE_OF
                )  # fmt: skip
        elif not isinstance(path, str):
            yield f"reply.{name} is {path!r:.60}; it must be a path, as in data.text"
        elif name in NAMES:
            if NAMES[name] in roles:
                yield f"reply.{name} and reply.{roles[NAMES[name]]} are the same; leave one of them out"
            roles[NAMES[name]] = name


def _unknown(found: Mapping[str, Any], known: Collection[str], shown: Collection[str], prefix: str) -> Iterator[str]:
    for key in found:
        if key in ("timeout", "concurrency") and not prefix:
            yield f"{key} is an option of the command: {named(key)}"
        elif key not in known:
            place = "" if prefix else ELSEWHERE.get(key, "")
            yield f"unknown key {prefix}{key}" + (f"; write it as {place}" if place else did_you_mean(str(key), shown))
