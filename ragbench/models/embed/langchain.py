"""Any LangChain embeddings: a provider's model by name, or your own object by import path."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ragbench.core.context import Advance
from ragbench.core.errors import ArmError, InputError, MissingExtra, SettingError
from ragbench.core.fingerprint import fingerprint, plain
from ragbench.models.aws import session
from ragbench.models.embed.base import Embedder, TextKind
from ragbench.models.secrets import refuse_secrets
from ragbench.plugins import import_object

T = TypeVar("T")


@dataclass(frozen=True)
class LangChain(Embedder):
    """A LangChain ``Embeddings``.

    Keys come from the provider's environment variables; a setting that looks like
    a key is refused. Vectors are stored under the name and the settings, so raise
    ``revision`` when the model behind the name or your own code changes.

    Attributes:
        model: ``provider:model`` for LangChain's ``init_embeddings``, such as
            ``openai:text-embedding-3-small`` or ``bedrock:amazon.titan-embed-text-v2:0``.
        object: instead of a model, ``module:name`` of an ``Embeddings`` or of a
            function that makes one. The function is called with ``params``.
        params: further arguments for the provider (``base_url``, ``region_name``, ``dimensions``).
        batch_size: passages per request.
        concurrency: requests in flight at once.
        retries: further attempts of a failed request, besides the provider's own.
        backoff: seconds before the second attempt; doubled for each later one.
        revision: part of the key under which vectors are stored.
    """

    model: str = ""
    object: str = ""
    params: Mapping[str, Any] = field(default_factory=dict)
    batch_size: int = 64
    concurrency: int = 4
    retries: int = 3
    backoff: float = 1.0
    revision: str = ""

    def __post_init__(self) -> None:
        if bool(self.model) == bool(self.object):
            raise SettingError("embedder 'langchain': give model=provider:name, or object=module:name, and not both")
        if self.model and ":" not in self.model:
            raise SettingError(f"embedder 'langchain': model is {self.model!r}; write provider:name")
        if self.batch_size < 1 or self.concurrency < 1 or self.retries < 0 or self.backoff < 0:
            raise SettingError(
                "embedder 'langchain': batch_size and concurrency must be at least 1, retries and backoff 0 or more"
            )
        refuse_secrets("embedder 'langchain'", self.params)

    def fingerprint(self) -> str:
        """Name or import path, ``params`` and ``revision``."""
        return fingerprint(["langchain", self.model, self.object, self.params, self.revision])

    def encode(self, texts: Sequence[str], kind: TextKind, advance: Advance | None = None) -> npt.NDArray[np.float32]:
        """Embed as float32 (n, d), unit length: passages in batches, queries one by one, as in LangChain's interface.

        Raises:
            ArmError: a request failed for good, or the response holds no usable vectors.
            InputError, SettingError, MissingExtra: there is no such model or object.
        """
        embeddings = _made(self.model, self.object, json.dumps(plain(self.params), sort_keys=True))
        size = self.batch_size if kind == "passage" else 1

        def embed(start: int) -> npt.NDArray[np.float32]:
            batch = list(texts[start : start + size])
            if kind == "passage":
                found = self._tried(lambda: embeddings.embed_documents(batch))
            else:
                found = [self._tried(lambda: embeddings.embed_query(batch[0]))]
            return self._unit(found, len(batch))

        parts = list(_in_order(embed, range(0, len(texts), size), self.concurrency, size, len(texts), advance))
        widths = sorted({part.shape[1] for part in parts})
        if len(widths) > 1:
            raise ArmError(f"embedder {self._name!r} gives vectors of different lengths: {widths}")
        return np.concatenate(parts) if parts else np.empty((0, 0), dtype=np.float32)

    @property
    def _name(self) -> str:
        return self.model or self.object

    def _tried(self, call: Callable[[], T]) -> T:
        for attempt in range(self.retries + 1):
            try:
                return call()
            # Every provider has its own errors, and none says which of them are temporary.
            except Exception as error:
                if attempt == self.retries:
                    raise ArmError(
                        f"embedder {self._name!r} failed after {attempt + 1} attempts: {type(error).__name__}: {error}"
                    ) from error
                time.sleep(self.backoff * 2**attempt)
        raise AssertionError("unreachable")

    def _unit(self, found: Sequence[Sequence[float]], n: int) -> npt.NDArray[np.float32]:
        try:
            vectors = np.asarray(found, dtype=np.float64)
        except (ValueError, TypeError) as error:
            raise ArmError(f"embedder {self._name!r} gives no table of numbers: {error}") from error
        if vectors.ndim != 2 or len(vectors) != n:
            raise ArmError(f"embedder {self._name!r} gives {len(vectors)} vectors for {n} texts")
        if not np.isfinite(vectors).all():
            raise ArmError(f"embedder {self._name!r} gives values that are not finite")
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: npt.NDArray[np.float32] = (vectors / np.maximum(norms, 1e-12)).astype(np.float32)
        return unit


@lru_cache(maxsize=4)
def _made(model: str, path: str, params: str) -> Any:
    """Make the ``Embeddings``. It is cached so that its client keeps its connections. ``params`` is JSON."""
    from langchain_core.embeddings import Embeddings

    settings: dict[str, Any] = json.loads(params)
    if model:
        return _from_provider(model, settings)
    found = import_object(path)
    if not isinstance(found, Embeddings) and callable(found):
        found = found(**settings)
    if not isinstance(found, Embeddings):
        raise SettingError(f"embedder 'langchain': {path} gives a {type(found).__name__}, not an Embeddings")
    return found


def _from_provider(model: str, settings: dict[str, Any]) -> Any:
    from langchain.embeddings import init_embeddings

    try:
        if model.partition(":")[0] == "bedrock":
            settings = {**settings, "region_name": session(f"embedder {model!r}", settings).region_name}
        return init_embeddings(model, **settings)
    except ImportError as error:
        extra = {"openai": "openai", "bedrock": "aws"}.get(model.partition(":")[0])
        if extra:
            raise MissingExtra(f"embedder {model!r}", extra) from error
        raise InputError(f"embedder {model!r}: {error}") from error
    except SettingError:
        raise
    # Missing keys, unknown arguments: each provider raises its own errors.
    except Exception as error:
        raise InputError(f"embedder {model!r} cannot be set up: {error}") from error


def _in_order(
    embed: Callable[[int], npt.NDArray[np.float32]],
    starts: Sequence[int],
    concurrency: int,
    size: int,
    total: int,
    advance: Advance | None,
) -> Iterator[npt.NDArray[np.float32]]:
    """Return results in the order of ``starts``. The first failure stops work that has not begun."""
    if len(starts) == 1:  # a thread of its own would only add to the latency of a single query
        yield embed(starts[0])
        if advance is not None:
            advance(total)
        return
    with ThreadPoolExecutor(concurrency) as pool:
        try:
            for start, part in zip(starts, pool.map(embed, starts), strict=True):
                if advance is not None:
                    advance(min(size, total - start))
                yield part
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
