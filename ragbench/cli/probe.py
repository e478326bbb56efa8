"""``ragbench probe``: what a RAG system does with questions that it must stand up to."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ragbench.cli.console import console

if TYPE_CHECKING:
    from ragbench.answers.probe.cases import Case
    from ragbench.cli.probe_run import Target

EXAMPLE = """Probe a RAG service, or a model with a system prompt: injections, false premises, secrets.

Example: ragbench probe --url http://localhost:8080/ask --floor 0.9 --out reports/probe

The service is asked as docs/reference/answers-http.md says; with --llm, a model is asked
with the system prompt of --system instead, and documents take the place of
{context} in it. Some cases need planted documents in a service's collection:
'ragbench probe --write-documents DIR' writes them; use a test collection. Rules
judge first; what they cannot decide goes to --judge MODEL. The folder of --out
is what compare and gate take (metric probe_pass, by type). Exit code 0: done, and
every --floor is reached; 1: a floor is not reached; 2: an error of usage or
input; 3: too few cases to tell."""

FAILING_SHOWN = 10
VERDICT_CODES = {"fail": 1, "inconclusive": 3}


def probe(
    url: Annotated[str | None, typer.Option(help="RAG service that is asked.")] = None,
    llm: Annotated[str | None, typer.Option(help="Model that is asked instead, PROVIDER:MODEL.")] = None,
    system: Annotated[Path | None, typer.Option(help="File with the system prompt of --llm.")] = None,
    judge: Annotated[str | None, typer.Option(help="Model that judges, PROVIDER:MODEL.")] = None,
    category: Annotated[list[str] | None, typer.Option(help="Only these cases; may be repeated.")] = None,
    floor: Annotated[
        list[str] | None, typer.Option(help="Pass rate that is asked: 0.9, or CATEGORY=0.8; may be repeated.")
    ] = None,
    cases: Annotated[Path | None, typer.Option(help="File of cases.  [default: those of ragbench]")] = None,
    write_documents: Annotated[
        Path | None, typer.Option(help="Folder for the planted documents; nothing is asked.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder for scores, answers and ledger.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the system.  [default: URL or model]")] = None,
    show: Annotated[int, typer.Option(min=0, help="Failing cases to show.")] = FAILING_SHOWN,
    header_env: Annotated[str | None, typer.Option(help="Header=VARIABLE,... for keys of --url.")] = None,
    base_url: Annotated[str | None, typer.Option(help="Address of the service behind --llm.")] = None,
    judge_base_url: Annotated[str | None, typer.Option(help="Address of the service behind --judge.")] = None,
    max_cost: Annotated[float | None, typer.Option(help="Most to spend on both models together.")] = None,
    prices: Annotated[Path | None, typer.Option(help="YAML file with prices of models.")] = None,
    concurrency: Annotated[int, typer.Option(help="Requests in flight at once.")] = 8,
    timeout: Annotated[float, typer.Option(help="Seconds one answer may take.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed, passed on to the models.")] = 0,
    cache: Annotated[Path | None, typer.Option(help="Cache folder.  [default: the user's]")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Probe a RAG service or a model."""
    from ragbench.answers.probe.cases import in_categories, read_cases
    from ragbench.answers.probe.outcome import parse_floors
    from ragbench.cli.probe_run import Target, run
    from ragbench.io.places import sample
    from ragbench.io.scored_runs import check_scores_folder

    chosen = in_categories(read_cases(cases or sample("probes") / "cases.jsonl"), category or [])
    target = Target(
        url=url, llm=llm, system=system, judge=judge, name=name, header_env=header_env, base_url=base_url,
        judge_base_url=judge_base_url, max_cost=max_cost, prices=prices, concurrency=concurrency, timeout=timeout,
        seed=seed, out=out, cache=cache,
    )  # fmt: skip
    if write_documents is not None:
        _write_documents(chosen, target, write_documents, as_json)
        return
    target.check()
    floors = parse_floors(floor or [], chosen)
    if out is not None:
        check_scores_folder(out)
    outcome, evaluation = run(target, chosen, floors)
    if out is not None:
        from ragbench.render.probe import write_probe

        write_probe(outcome, evaluation, judge, out)
    from ragbench.render.probe import probe_json, probe_tables

    called = evaluation.scored.name
    if as_json:
        print(json.dumps(probe_json(outcome, called, judge), ensure_ascii=False, allow_nan=False))
    else:
        console(highlight=False).print(probe_tables(outcome, called, judge, show=show))
    if out is not None:
        print(f"written to {out}", file=sys.stderr if as_json else sys.stdout)
    if evaluation.stopped:
        from ragbench.core.errors import RagbenchError

        raise RagbenchError(evaluation.stopped)
    raise typer.Exit(VERDICT_CODES.get(outcome.verdict or "pass", 0))


probe.__doc__ = EXAMPLE


def _write_documents(cases: "Sequence[Case]", target: "Target", folder: Path, as_json: bool) -> None:
    from ragbench.answers.probe.cases import planted
    from ragbench.core.errors import SettingError
    from ragbench.render.probe import write_documents

    if target.url or target.llm:
        raise SettingError("--write-documents writes and asks nothing: leave --url and --llm out")
    documents = planted(cases)
    if not documents:
        raise SettingError("--write-documents: no case of these categories needs a document")
    path = write_documents(documents, folder)
    if as_json:
        print(json.dumps({"documents": len(documents), "written_to": str(path)}))
        return
    print(f"{len(documents)} documents, some with planted instructions: for a test collection only")
    print(f"written to {path}")
