"""Make a LangChain chat model by name, checked before the first call."""

import importlib
import json
import os
import warnings
from collections.abc import Mapping
from typing import Any

from ragbench.core.errors import MissingExtra, SettingError
from ragbench.models.aws import session
from ragbench.models.secrets import refuse_secrets

EXTRAS = {"openai": "openai", "bedrock": "aws", "bedrock_converse": "aws"}
OURS = {
    "max_tokens": "every request says how long its answer may be",
    "max_completion_tokens": "every request says how long its answer may be",
    "max_retries": "set the retries of the client instead",
    "timeout": "set the timeout of the client instead",
    "request_timeout": "set the timeout of the client instead",
    "n": "one answer is asked for at a time",
    "streaming": "who asks decides how the answer is read",
    "response_format": "it comes from the request's schema",
}
OURS_IN_BODY = {
    "stream": "who asks decides how the answer is read",
    "model": "it is in the model's name",
    "messages": "they come from the request",
}


def check(model: str, params: Mapping[str, object]) -> None:
    """Refuse wrong names and parameters without loading a library.

    Raises:
        SettingError: the name has no provider, or ragbench sets the parameter itself.
    """
    provider, _, name = model.partition(":")
    if not provider or not name:
        raise SettingError(
            f"language model {model!r}: write provider:name, for example openai:gpt-4o-mini, bedrock_converse:MODEL "
            "or openai_compatible:MODEL for a server of your own, or transformers:, vllm: or llamacpp: for a model in "
            "this process"
        )
    refuse_secrets(f"language model {model!r}", params)
    for key in sorted(OURS.keys() & params.keys()):
        raise SettingError(f"language model {model!r}: leave params.{key} out; {OURS[key]}")


def check_body(model: str, params: Mapping[str, object]) -> None:
    """Refuse fields that the body of a chat completion cannot have.

    Raises:
        SettingError: ragbench sets the field itself, or JSON cannot hold the value.
    """
    for key in sorted(OURS_IN_BODY.keys() & params.keys()):
        raise SettingError(f"language model {model!r}: leave params.{key} out; {OURS_IN_BODY[key]}")
    for key, value in params.items():
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise SettingError(f"language model {model!r}: params.{key} cannot be sent as JSON: {error}") from error


def base_url(model: str, params: Mapping[str, object]) -> str:
    """The address of the server that the user named, or empty for the provider's own."""
    for key in ("base_url", "openai_api_base", "endpoint_url"):
        if params.get(key):
            return str(params[key])
    if model.startswith("openai:"):
        return os.environ.get("OPENAI_API_BASE") or os.environ.get("OPENAI_BASE_URL") or ""
    return ""


def chat_model(model: str, params: Mapping[str, Any], *, timeout: float, concurrency: int) -> Any:
    """Make the chat model, without its own retries.

    Raises:
        MissingExtra: the provider's library is not installed.
        SettingError: the provider or a parameter is unknown, or there is no key.
    """
    from langchain.chat_models import init_chat_model

    provider = model.partition(":")[0]
    settings = {key: value for key, value in params.items() if value is not None}
    with warnings.catch_warnings(record=True) as reported:
        warnings.simplefilter("always")
        try:
            settings |= _of_provider(provider, model, params, timeout=timeout, concurrency=concurrency)
            made = init_chat_model(model, **settings)
        except ImportError as error:
            if provider in EXTRAS:
                raise MissingExtra(f"language model {model!r}", EXTRAS[provider]) from error
            raise SettingError(f"language model {model!r}: {error}") from error
        except SettingError:
            raise
        # Unknown providers, missing keys and regions, wrong values: each library has its own errors.
        except Exception as error:
            first = " ".join(str(error).split())[:500]
            raise SettingError(f"language model {model!r} cannot be set up: {first}") from error
    strange = getattr(made, "model_kwargs", None) or {}
    unknown = sorted(set(strange) & set(settings) - {"model_kwargs"})
    if unknown:
        raise SettingError(f"language model {model!r} has no parameter {', '.join(map(repr, unknown))}")
    for warning in reported:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return made


def _of_provider(
    provider: str, model: str, params: Mapping[str, Any], *, timeout: float, concurrency: int
) -> dict[str, Any]:
    """Settings that switch off retries and open enough connections."""
    if provider == "openai":
        return _openai(model, params, timeout=timeout, concurrency=concurrency)
    if provider in {"bedrock", "bedrock_converse"}:
        return _bedrock(model, params, timeout=timeout, concurrency=concurrency)
    return {"max_retries": 0, "timeout": timeout}


def _openai(model: str, params: Mapping[str, Any], *, timeout: float, concurrency: int) -> dict[str, Any]:
    import httpx2
    from openai import DefaultAsyncHttpxClient

    from ragbench.models.llm.capped import cap

    own_server = base_url(model, params)
    settings: dict[str, Any] = {"max_retries": 0, "timeout": timeout}
    if not os.environ.get("OPENAI_API_KEY"):
        if not own_server:
            raise SettingError(f"language model {model!r} needs a key: set the environment variable OPENAI_API_KEY")
        # Most self-hosted servers need no key, but the library does.
        settings["api_key"] = "none"
    # LangChain shares one connection pool between event loops, whose connections die with their loop.
    pool = httpx2.Limits(max_connections=concurrency + 8, max_keepalive_connections=concurrency + 8)
    client = DefaultAsyncHttpxClient(
        limits=pool, timeout=timeout, headers={"Accept-Encoding": "identity"}, event_hooks={"response": [cap]}
    )
    return settings | {"http_async_client": client}


def _bedrock(model: str, params: Mapping[str, Any], *, timeout: float, concurrency: int) -> dict[str, Any]:
    found = session(f"language model {model!r}", params)
    # By name: the library has no types, and type checking must not need it.
    botocore_config: Any = importlib.import_module("botocore.config")
    config = botocore_config.Config(
        retries={"total_max_attempts": 1, "mode": "standard"},
        read_timeout=timeout,
        connect_timeout=min(timeout, 10.0),
        max_pool_connections=concurrency,
    )
    return {"config": config, "region_name": found.region_name}
