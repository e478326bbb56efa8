"""Make seed queries from the log of a search service."""

from dataclasses import dataclass, replace
from pathlib import Path

from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError
from ragbench.core.loop import run_anywhere
from ragbench.core.options import option, options, part
from ragbench.core.search_log import SearchLog
from ragbench.golden.query_types import query_type
from ragbench.golden.query_types_by_model import requests_of, types_by_model
from ragbench.golden.seeds import Seeds, classified, clean, draw
from ragbench.io.places import cache_folder
from ragbench.io.search_logs import read_search_log
from ragbench.io.seed_files import counts_beside, write_seeds
from ragbench.models.llm.client import Client
from ragbench.models.llm.costs import Estimate
from ragbench.models.llm.roles import CallOptions
from ragbench.render.seeds import seeds_json
from ragbench.workflows.groups import CacheFolder, DryRun, LogColumns

NONE = "none"
ANSWERS = "query-types.sqlite"


@options
class Options(CallOptions, DryRun, CacheFolder, LogColumns):
    """The options of ``ragbench seeds`` and `ragbench.seeds`."""

    log: Path | SearchLog = option(
        "Log of a search service: a CSV, JSON Lines or Parquet file.", section="Input", positional=True
    )
    out: Path | None = option(
        "File for the seed queries, one per line; counts and shares go into a JSON file beside it.", default=None,
        section="Output", writes="text",
    )  # fmt: skip
    size: int = option("Seed queries to draw.", default=100, section="Output")
    min_searches: int = option("Fewest searches of a query.", default=1, section="Input")
    llm: str = option(
        "Model that classifies the queries, PROVIDER:MODEL; none uses rules.", default=NONE, section="Model"
    )
    seed: int = option("Seed of all random draws.", default=0, section="Run")

    def __post_init__(self) -> None:
        for name, least in (("size", 1), ("min_searches", 1), ("seed", 0)):
            if getattr(self, name) < least:
                raise SettingError(f"is {getattr(self, name)}; it must be {least} or more", option=name)

    @property
    def counts(self) -> Path | None:
        """The JSON file beside the seed queries."""
        return None if self.out is None else counts_beside(self.out)


@dataclass(frozen=True)
class SeedsPlan:
    """The estimate of a dry run.

    Attributes:
        queries: queries to classify.
        estimate: calls, tokens and cost; None without a model.
    """

    queries: int
    estimate: Estimate | None


def run(options: Options, context: Context) -> Seeds | SeedsPlan:
    """Clean the queries of a log, drop personal data, classify them, and draw a sample that has the log's types.

    Queries with an e-mail address, a telephone or card number, an IBAN or an IP address are dropped, counted and listed
    by their line. Spellings of one query count as one.

    Returns:
        The sample, with counts and shares. ``cleaned.ledger`` lists what was dropped. With ``dry_run``, the estimate.

    Raises:
        InputError: the log cannot be read, or no query is left.
        SettingError: an option is out of its range, or a column does not exist.

    Examples:
        >>> seeds = rb.seeds("datasets/shop/log.csv", size=60)
        >>> len(seeds.chosen), len(seeds.cleaned.ledger.of("personal-data"))
        (60, 25)
    """
    log = read_search_log(options.log, options.columns) if isinstance(options.log, Path) else options.log
    if isinstance(options.log, SearchLog) and options.columns:
        raise SettingError("applies to a path only, and the log is loaded already", option="columns")
    cleaned = clean(log, options.min_searches)
    if not cleaned.queries:
        raise InputError(
            f"{options.log if isinstance(options.log, Path) else log.name}: no query is left of {len(log)}"
        )
    texts = [query.text for query in cleaned.queries]
    by = "rules"
    if options.llm == NONE:
        if options.dry_run:
            return SeedsPlan(len(texts), None)
        types = {text: query_type(text) for text in texts}
    else:
        client = part(options, CallOptions).connect(
            options.llm, answers=cache_folder(options.cache) / ANSWERS, seed=options.seed
        )
        if options.dry_run:
            return SeedsPlan(len(texts), client.plan(requests_of(texts, options.seed)))
        types, missing = run_anywhere(_ask(client, texts, options.seed, context))
        by = options.llm
        if missing:
            context.say(f"{options.llm} gave no type for {missing} of {len(texts)} queries; the rules classified these")
    found = classified(cleaned.queries, types.__getitem__)
    seeds = Seeds(log.name, len(log), replace(cleaned, queries=found), draw(found, options.size, options.seed), by)
    if options.out is not None:
        write_seeds(options.out, [query.text for query in seeds.chosen], seeds_json(seeds))
    return seeds


async def _ask(client: Client, texts: list[str], seed: int, context: Context) -> tuple[dict[str, str], int]:
    try:
        return await types_by_model(texts, client, seed=seed, progress=context.progress)
    finally:
        await client.aclose()
