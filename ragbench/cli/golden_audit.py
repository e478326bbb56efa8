"""The work of ``ragbench golden audit``: read, audit, let a model grade, measure validity, write, print."""

import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

from ragbench.cli.golden_json import json_values
from ragbench.cli.progress import Progress
from ragbench.core.context import Context
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import first_ten
from ragbench.core.pairs import pairs
from ragbench.corpus.chunk import choose_chunker, chunk_corpus
from ragbench.corpus.load import Loaded, load_corpus
from ragbench.golden.audit.audit import Audit, AuditSettings, audit, audit_lines, finding_lines
from ragbench.golden.audit.findings import Finding, worst_first
from ragbench.golden.audit.retrieval import RETRIEVERS, Retrieved, check_retrievers
from ragbench.golden.audit.siblings import SiblingGrades, grade_requests, grade_siblings, with_grades
from ragbench.golden.validity import Validity, validity
from ragbench.io.files import write_text
from ragbench.io.golden_files import read_golden, write_golden
from ragbench.io.places import cache_folder
from ragbench.models.llm.client import Client
from ragbench.models.llm.connect import connect
from ragbench.models.llm.costs import Budget
from ragbench.models.llm.limits import Limits

VERSION = 1
AUDIT, GRADED = "audit.json", "golden"
ROLES = ("writer", "judge", "reconsider", "reranker")


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command; see its help."""

    golden: Path
    corpus: Path
    other: Path | None
    human: Path | None
    llm: str | None
    models: str | None
    out: Path | None
    retrievers: Sequence[str]
    depth: int
    language: str
    max_cost: float | None
    prices: Path | None
    concurrency: int
    base_url: str | None
    dry_run: bool
    chunker: str
    loader: str | None
    golden_format: str | None
    seed: int
    cache: Path | None
    as_json: bool


def run(options: Options) -> None:
    """Everything but reading the command line.

    Raises:
        RagbenchError: input or settings are wrong.
        typer.Exit: 1 where a finding is an error.
    """
    settings = _settings(options)
    context = Context(cache=cache_folder(options.cache), seed=options.seed, progress=Progress())
    client = _client(options, context)
    golden = read_golden(options.golden, options.golden_format)
    other = read_golden(options.other) if options.other else None
    human = read_golden(options.human) if options.human else None
    loaded = load_corpus(options.corpus, options.loader, progress=context.progress)
    chunked = chunk_corpus(loaded, options.chunker, progress=context.progress)
    done, retrieved = audit(golden, loaded, chunked, settings, other=other, context=context)
    if client is not None and options.dry_run:
        _print_plan(client, done, retrieved, options)
        return
    graded = _grade(client, done, retrieved, options, context)
    measured = _validity(golden, human, loaded, options, context)
    findings = worst_first((*done.findings, *(graded.findings if graded else ()), *_validity_findings(measured)))
    result = _result(done, graded, measured, findings)
    if options.out is not None:
        write_text(options.out / AUDIT, json.dumps(result, indent=2, ensure_ascii=False) + "\n")
        if graded is not None and graded.grades and retrieved is not None:
            write_golden(with_grades(golden, graded, retrieved), options.out / GRADED)
    if options.as_json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        print("\n".join([*audit_lines(done), *_grade_lines(graded), *_validity_lines(measured)]))
        print("\n".join(finding_lines(findings)))
    if options.out is not None:
        print(f"written to {options.out}", file=sys.stderr if options.as_json else sys.stdout)
    if any(finding.severity == "error" for finding in findings):
        raise typer.Exit(1)


def _settings(options: Options) -> AuditSettings:
    if options.depth < 1:
        raise SettingError(f"--depth is {options.depth}; it must be at least 1")
    if options.dry_run and options.llm is None:
        raise SettingError("--dry-run tells what a language model would take; name one with --llm")
    choose_chunker(options.chunker, passages=False)
    retrievers = tuple(options.retrievers) or RETRIEVERS
    check_retrievers(retrievers)
    models = pairs("--models", options.models, "ROLE=MODEL")
    for role in models:
        if role not in ROLES:
            raise SettingError(f"--models: no role {role!r}{did_you_mean(role, ROLES)}")
    return AuditSettings(retrievers, options.depth, language=options.language, models=models)


def _client(options: Options, context: Context) -> Client | None:
    if options.llm is None or options.llm == "none":
        return None
    if options.out is None and not options.dry_run:
        raise SettingError("--llm writes graded labels: name a folder for them with --out")
    return connect(
        options.llm,
        params={"base_url": options.base_url} if options.base_url else {},
        limits=Limits(concurrency=options.concurrency),
        answers=context.cache / "audit-answers.sqlite" if context.cache else None,
        budget=Budget(options.max_cost),
        prices=options.prices,
        seed=options.seed,
    )


def _print_plan(client: Client, done: Audit, retrieved: Retrieved | None, options: Options) -> None:
    pool = done.siblings.pool if done.siblings and retrieved else ()
    plan = client.plan(grade_requests(pool, retrieved, options.seed)) if retrieved else None
    if options.as_json:
        print(json.dumps({"version": VERSION, "dry_run": json_values(plan)}, ensure_ascii=False))
        return
    print(f"{options.llm} would grade {len(pool)} items that nobody judged; nothing was spent")
    for name, value in (json_values(plan) or {}).items():
        print(f"  {name} {value}")


def _grade(
    client: Client | None, done: Audit, retrieved: Retrieved | None, options: Options, context: Context
) -> SiblingGrades | None:
    if client is None or done.siblings is None or retrieved is None:
        return None

    async def work() -> SiblingGrades:
        assert done.siblings is not None
        try:
            return await grade_siblings(
                done.siblings.pool, retrieved, client, str(options.llm), seed=options.seed, progress=context.progress
            )
        finally:
            await client.aclose()

    return asyncio.run(work())


def _validity(
    golden: GoldenSet, human: GoldenSet | None, loaded: Loaded, options: Options, context: Context
) -> Validity | None:
    if human is None:
        return None
    chunker = "whole" if options.chunker == "auto" else options.chunker
    return validity(loaded.corpus, golden, human, chunker=chunker, seed=options.seed, context=context)


def _validity_findings(measured: Validity | None) -> tuple[Finding, ...]:
    if measured is None:
        return ()
    tau, ceiling = measured.tau, measured.ceiling
    if not tau.tau >= ceiling.low:
        return (
            Finding(
                "warning",
                "not-valid",
                f"this set ranks {len(measured.settings)} settings unlike people's queries do: tau {tau.tau:.2f} "
                f"[{tau.low:.2f}, {tau.high:.2f}], while halves of the people's queries agree at {ceiling.tau:.2f} "
                f"[{ceiling.low:.2f}, {ceiling.high:.2f}]",
                "do not choose between arms by this set; see the overlap of its queries with their documents",
            ),
        )
    if not measured.best_is_right:
        return (
            Finding(
                "warning",
                "best-differs",
                f"the best setting here ({measured.best_synthetic}) is not the best on people's queries "
                f"({measured.best_human}); it stays {measured.shortfall.tau:.3f} below",
                "take the order of the top arms from people's queries",
            ),
        )
    return ()


def _result(
    done: Audit, graded: SiblingGrades | None, measured: Validity | None, findings: Sequence[Finding]
) -> dict[str, Any]:
    return {
        "version": VERSION,
        "findings": json_values(list(findings)),
        **json_values(done),
        "sibling_grades": json_values(graded),
        "validity": json_values(measured),
    }


def _grade_lines(graded: SiblingGrades | None) -> list[str]:
    if graded is None:
        return []
    counts = {grade: sum(g.grade == grade for g in graded.grades) for grade in (3, 2, 1, 0)}
    lines = ["", f"{graded.model} graded {len(graded.grades)} of them at a cost of {graded.cost:.4f}"]
    lines.append("  grade " + "  ".join(f"{grade}: {count}" for grade, count in counts.items()))
    if len(graded.ledger):
        lines.append(f"  without a grade: {first_ten(f'{e.item} ({e.reason:.80})' for e in graded.ledger.entries)}")
    return lines


def _validity_lines(measured: Validity | None) -> list[str]:
    if measured is None:
        return []
    ours, theirs = measured.queries
    lines = [
        "",
        f"validity over {len(measured.settings)} retriever settings, {ours} queries against {theirs} of people",
    ]
    for name, tau in (("Kendall's tau", measured.tau), ("ceiling", measured.ceiling)):
        lines.append(f"  {name:14} {tau.tau:.2f} [{tau.low:.2f}, {tau.high:.2f}]")
    lines.append(f"  best setting   {measured.best_synthetic}; by people's queries {measured.best_human}")
    width = max(len(name) for name in measured.settings)
    lines.append(f"  {measured.metric:{width}}  here  people")
    for name, a, b in sorted(
        zip(measured.settings, measured.synthetic, measured.human, strict=True), key=lambda r: -r[2]
    ):
        lines.append(f"  {name:{width}}  {a:.3f}  {b:.3f}")
    return lines
