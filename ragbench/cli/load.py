"""``ragbench load``: how a RAG service answers under load."""

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from ragbench.cli.console import console

if TYPE_CHECKING:
    from ragbench.answers.answering import Question
    from ragbench.answers.load.settings import Arrivals

EXAMPLE = """Put load on a RAG service: answers per second, latency, time to the first token, failures.

Example: ragbench load --url http://localhost:8080/ask --questions questions.txt --concurrency 1,4,16 --out reports/load

--concurrency is a closed loop: so many senders, each waiting for its answer.
--rate is an open loop: so many requests a second arrive, answered or not, and
latency counts from when a request was due. Each level ends after --requests or
--seconds, whichever comes first. Only this machine is asked, unless you say
--i-own-this-host. The service answers as docs/reference/answers-http.md says. The folder
of --out is what gate and baseline take (docs/guides/load.md). Exit code 0: measured;
2: an error of usage or input, or a level of which every request failed."""


def load_command(
    url: Annotated[str, typer.Option(help="Of the service.")],
    questions: Annotated[Path | None, typer.Option(help="Questions: one a line, or a table.")] = None,
    golden: Annotated[Path | None, typer.Option(help="Golden set whose queries are asked instead.")] = None,
    concurrency: Annotated[
        str | None, typer.Option(metavar="N,N,...", help="Closed loop: requests at once.  [default: 1]")
    ] = None,
    rate: Annotated[str | None, typer.Option(metavar="N,N,...", help="Open loop: requests a second.")] = None,
    requests: Annotated[int, typer.Option(help="The most requests of a level.")] = 1_000,
    seconds: Annotated[float, typer.Option(help="The most seconds in which a level sends requests.")] = 30.0,
    timeout: Annotated[float, typer.Option(help="Seconds for one answer.")] = 60.0,
    arrivals: Annotated[str, typer.Option(help="Of --rate: poisson (independent users) or fixed.")] = "poisson",
    in_flight: Annotated[int, typer.Option(help="Of --rate: the most requests under way.")] = 256,
    warmup: Annotated[int, typer.Option(help="Requests before, not measured.")] = 3,
    header_env: Annotated[str | None, typer.Option(help="Header=VARIABLE,... for keys.")] = None,
    i_own_this_host: Annotated[
        bool, typer.Option("--i-own-this-host", help="The host is not this machine, and it is mine to put load on.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for results, requests and ledger.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the arrivals.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:  # fmt: skip
    """Put load on a RAG service."""
    from ragbench.answers.endpoint import Endpoint
    from ragbench.answers.load.run import run_load
    from ragbench.answers.load.settings import LoadSettings, check_host, parse_levels
    from ragbench.cli.progress import Progress
    from ragbench.core.pairs import pairs
    from ragbench.render.load import check_load_folder, load_json, load_tables, write_load

    check_host(url, i_own_this_host)
    levels = parse_levels(concurrency, rate)
    settings = LoadSettings(levels, requests, seconds, timeout, cast("Arrivals", arrivals), in_flight, warmup, seed)
    endpoint = Endpoint(url, timeout, settings.at_once, pairs("--header-env", header_env, "HEADER=VARIABLE"))
    name, asked = _questions(questions, golden)
    if out is not None:
        check_load_folder(out)
    print(f"at most {settings.longest:,.0f} s, whatever the service does", file=sys.stderr)
    result = asyncio.run(
        run_load(
            endpoint, asked, settings, name=name, progress=Progress(),
            keep=lambda there: write_load(there, out) if out is not None else None,
        )
    )  # fmt: skip
    if as_json:
        print(json.dumps(load_json(result), ensure_ascii=False, allow_nan=False))
    else:
        console(highlight=False).print(load_tables(result))
    if out is not None:
        print(f"written to {out}", file=sys.stderr if as_json else sys.stdout)
    if any(level.error for level in result.levels):
        raise typer.Exit(2)


load_command.__doc__ = EXAMPLE


def _questions(questions: Path | None, golden: Path | None) -> "tuple[str, list[Question]]":
    from ragbench.answers.answering import Question
    from ragbench.core.errors import SettingError
    from ragbench.io.golden_files import read_golden
    from ragbench.io.question_files import read_questions

    if (questions is None) == (golden is None):
        raise SettingError("name what is asked: --questions FILE or --golden SET, one of them")
    found = read_questions(questions) if questions is not None else read_golden(golden or Path())
    return found.name, [Question(item.id, item.text) for item in found]
