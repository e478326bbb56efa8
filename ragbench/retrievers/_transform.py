"""What all retrievers share that let a language model rewrite the query before another retriever searches."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ragbench.core.context import Context
from ragbench.core.documents import Chunks
from ragbench.core.errors import MissingExtra, RagbenchError, SettingError
from ragbench.core.fingerprint import file_sha256, fingerprint
from ragbench.core.queries import Query
from ragbench.models.llm.base import Request
from ragbench.models.llm.budget import Budget
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.limits import Limits
from ragbench.models.llm.prompt import Filled, Prompt
from ragbench.plugins import RETRIEVERS, build
from ragbench.retrievers._prompts.texts import MOST_TEXTS, schema
from ragbench.retrievers._writer import Writer
from ragbench.retrievers.base import Index, Retriever

CHANGES_NOTHING = ("max_cost", "prices", "concurrency", "timeout", "retries", "patience")
"""Settings that decide whether and when an answer comes, but not which."""


@dataclass(frozen=True)
class Transformed(Retriever):
    """A retriever around another one, which is asked what a language model made of the query.

    The model is asked once for each query, at temperature 0, and its answers are
    kept under the cache folder: a second run asks nothing. A query whose
    transformation fails is searched as it is, and told of (`Index.degraded`);
    when the budget is spent, or the provider is down, the arm ends with an error.

    Attributes:
        llm: ``provider:name`` of the language model (`ragbench.models.llm.connect.connect`).
        of: spec of the retriever that searches.
        base_url: address of a server of one's own, up to ``/v1``.
        params: further arguments of the model; keys come from the environment only.
        about: what the documents are, in words for the model ("manuals of kitchen appliances").
        max_tokens: the most the model may write for a query; 0 for the prompt's own bound. Models that
            think before they answer need more.
        max_cost: the most to spend, in the currency of the price table.
        prices: a price table of one's own, YAML.
        concurrency: questions in flight at once.
        timeout: seconds of one call.
        retries: how often a call that failed is tried again.
        patience: seconds without one answer after which the arm ends.
    """

    llm: str
    of: str = "hybrid"
    base_url: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    about: str = ""
    max_tokens: int = 0
    max_cost: float | None = None
    prices: Path | None = None
    concurrency: int = 8
    timeout: float = 60.0
    retries: int = 4
    patience: float = 120.0

    prompt: ClassVar[Prompt]

    @property
    def texts_asked(self) -> int:
        """The most texts that the model may give for a query."""
        return 1

    @property
    def parts(self) -> list[Retriever]:
        """The retriever that searches."""
        return [build(RETRIEVERS, self.of)]

    def fields(self) -> Mapping[str, str]:
        """What takes the places of the prompt, the query aside."""
        return {}

    def check(self) -> list[str]:
        """Settings of its own, of the inner retriever and of the language model; no call is made."""
        faults = []
        if not 1 <= self.texts_asked <= MOST_TEXTS:
            faults.append(f"n is {self.texts_asked}; it must be 1 to {MOST_TEXTS}")
        if self.max_tokens < 0:
            faults.append(f"max_tokens is {self.max_tokens}; it must be 0 or more")
        try:
            faults += [f"{self.of}: {fault}" for fault in build(RETRIEVERS, self.of).check()]
        except SettingError as error:
            faults.append(str(error))
        try:
            self.client(Context())
        except (RagbenchError, MissingExtra) as error:
            hint = " (for a retriever: the settings prices=FILE, base_url=URL)" if " --" in str(error) else ""
            faults.append(f"{error}{hint}")
        return faults

    def key(self) -> str:
        """The settings that decide an answer, the prompt, the prices and the key of the inner retriever."""
        settings = {name: value for name, value in vars(self).items() if name not in CHANGES_NOTHING}
        prices = file_sha256(self.prices) if self.prices is not None and self.prices.is_file() else ""
        prompt = self.prompt.fingerprint
        return fingerprint([type(self).__name__, settings, prompt, prices, [part.key() for part in self.parts]])

    def request(self, query: Query, seed: int) -> Request:
        """What the model is asked for a query."""
        about = f" The documents are: {self.about}." if self.about else ""
        # What is written in place of a long query is long itself.
        tokens = self.prompt.max_tokens + len(query.text) // 2
        return self.prompt.request(
            Filled({**self.fields(), "about": about}, {"query": query.text}),
            seed=seed,
            schema=schema(self.texts_asked, tokens),
            max_tokens=self.max_tokens or tokens * self.texts_asked,
        )

    def client(self, context: Context) -> Client:
        """The client of the language model, with the answers that are kept.

        Raises:
            MissingExtra, SettingError, InputError: see `connect`.
        """
        return connect(
            self.llm,
            params={**self.params, **({"base_url": self.base_url} if self.base_url else {})},
            limits=Limits(
                concurrency=self.concurrency, timeout=self.timeout, retries=self.retries, patience=self.patience
            ),
            answers=None if context.cache is None else context.cache / "llm" / "answers.sqlite",
            budget=Budget(max_cost=self.max_cost),
            prices=self.prices,
            seed=context.seed,
        )

    def index(self, chunks: Chunks, context: Context) -> Index:
        """Index with the inner retriever; the model is asked when queries come."""
        inner = build(RETRIEVERS, self.of).index(chunks, context)
        try:
            writer = Writer(self.client(context), lambda query: self.request(query, context.seed), context.progress)
        except BaseException:
            inner.close()
            raise
        return self.around(inner, writer)

    @abstractmethod
    def around(self, inner: Index, writer: Writer) -> Index:
        """The index that asks the writer for texts and the inner index for results."""


class TransformedIndex(Index):
    """An inner index, and a writer of texts for it.

    Args:
        of: spec of the inner retriever, for the notes.
        inner: what searches.
        writer: what asks the language model.
    """

    def __init__(self, of: str, inner: Index, writer: Writer) -> None:
        super().__init__(inner.item_ids, inner.unit)
        self.parts = (inner,)
        self._of, self._writer = of, writer

    def tell(self) -> None:
        """Bring notes, cost and what was searched as it is up to date."""
        for part in self.parts:
            self.notes.update({f"{self._of}.{key}": value for key, value in part.notes.items()})
        self.notes.update(self._writer.notes())
        self.cost, self.degraded = self._writer.cost, self._writer.failed

    def close(self) -> None:
        """Bring calls in flight to their end, and close the inner index."""
        self._writer.close()
        for part in self.parts:
            part.close()


def some(count: int, one: str, many: str) -> str:
    """``"one passage"``, ``"3 passages"``."""
    return f"one {one}" if count == 1 else f"{count} {many}"
