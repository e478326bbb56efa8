"""The audit of a golden set as blocks: its numbers, the unjudged items, and the findings with what to do."""

import math
from collections.abc import Iterator, Mapping, Sequence

from ragbench.core.foreign import excerpt
from ragbench.core.ledger import first_ten
from ragbench.golden.audit.audit import Audit
from ragbench.golden.audit.findings import Finding, Severity
from ragbench.golden.audit.lexical_leak import LexicalLeak
from ragbench.golden.audit.siblings import GradingPlan, SiblingGrades, Siblings
from ragbench.golden.validity import Validity
from ragbench.render.blocks import Block, Cell, Style
from ragbench.render.numbers import counted, fraction

SHOWN = 10
"""The most pairs and candidates in a table."""
LONGEST = 60
STYLES: dict[Severity, Style] = {"error": "bad", "warning": "warning", "note": "strong"}


def audit_blocks(audit: Audit) -> list[Block]:
    """Every result of the audit; the findings come last on a terminal."""
    found = [_summary(audit)]
    if audit.diversity.near_duplicates:
        found.append(_near_duplicates(audit))
    if audit.leak is not None:
        found += _leak(audit.leak)
    if audit.siblings is not None:
        found += _siblings(audit.siblings)
    if audit.sibling_grades is not None:
        found.append(_grades(audit.sibling_grades))
    if audit.validity is not None:
        found.append(_validity(audit.validity))
    return [*found, findings_block(audit.findings)]


def plan_lines(plan: GradingPlan, model: str) -> Iterator[str]:
    """What grading would take."""
    yield f"{model} would grade {counted(plan.candidates, 'item')} that nobody judged; nothing was spent"
    for line in plan.estimate.lines() if plan.estimate is not None else ():
        yield f"  {line}"


def findings_block(findings: Sequence[Finding]) -> Block:
    """The findings, each with what to do."""
    if not findings:
        return Block(lines=("nothing found",), main=True)
    rows = [
        row
        for one in findings
        for row in (
            (Cell(one.severity, STYLES[one.severity]), f"{one.code}: {one.message}"),
            ("", f"-> {one.action}"),
        )
    ]
    return Block("", ("severity", "finding"), tuple(rows), align="ll", main=True)


def _summary(audit: Audit) -> Block:
    mix, diversity = audit.mix, audit.diversity
    rows = [("types", _counts({name or "(none)": count for name, count in mix.types.items()}))]
    rows.append(("words per query", "  ".join(f"{name} {value:g}" for name, value in mix.words.items())))
    if mix.languages:
        rows.append(("languages", _counts(mix.languages)))
    rows.append(("grades", _counts({str(grade): count for grade, count in mix.grades.items()})))
    distinct = "  ".join(f"distinct-{n} {value:.2f}" for n, value in diversity.distinct.items())
    rows.append(("diversity", f"{distinct}  self-similarity {_decimals(diversity.self_similarity)}"))
    rows.append(("near-duplicates", counted(len(diversity.near_duplicates), "pair")))
    if audit.circularity.models:
        models = ", ".join(f"{role} {model}" for role, model in audit.circularity.models.items())
        rows.append(("models", models))
    title = f"golden set {audit.golden}: {mix.queries} queries from {mix.units} independent sources"
    return Block(title, ("measure", "value"), tuple(rows), align="ll")


def _near_duplicates(audit: Audit) -> Block:
    pairs = audit.diversity.near_duplicates
    rows = [
        (one.first, excerpt(one.first_text, LONGEST), one.second, excerpt(one.second_text, LONGEST))
        for one in pairs[:SHOWN]
    ]
    more = (f"and {len(pairs) - SHOWN} more pairs",) if len(pairs) > SHOWN else ()
    return Block("near-duplicate queries", ("query", "text", "query", "text"), tuple(rows), more, align="llll")


def _leak(leak: LexicalLeak) -> Iterator[Block]:
    names = [name for name in leak.document if name != "n"]
    rows = [
        (part, *(f"{shares[name]:.2f}" for name in names))
        for part, shares in (("document", leak.document), ("evidence", leak.evidence))
        if shares
    ]
    yield Block("share of a query's content words that occur in", ("", *names), tuple(rows))
    if leak.bands:
        retrievers = list(leak.bands[0].means)
        bands = [
            (
                f"{band.low:.2f} - {band.high:.2f}",
                str(band.queries),
                *(f"{band.means[name]:.3f}" for name in retrievers),
            )
            for band in leak.bands
        ]
        last = ("rank correlation", "", *(_decimals(leak.correlation[name], "+.2f") for name in retrievers))
        title = f"mean {leak.metric} by the share of words that occur in the document"
        yield Block(title, ("share", "queries", *retrievers), (*bands, last))


def _siblings(siblings: Siblings) -> Iterator[Block]:
    judged = "  ".join(f"{spec} {share:.0%}" for spec, share in siblings.judged.items())
    yield Block(lines=(f"judged {siblings.unit}s in the top {siblings.depth}: {judged}",))
    above = [candidate for candidate in siblings.agreed if candidate.above]
    chosen = (above or list(siblings.agreed))[:SHOWN]
    if chosen:
        which = "rank above everything relevant" if above else "rank high"
        rows = [
            (one.query_id, one.item_id, ", ".join(f"{spec} {rank}" for spec, rank in one.ranks.items()))
            for one in chosen
        ]
        title = f"unjudged items that several retrievers {which}"
        note = "These are candidates: nobody has confirmed that they answer."
        yield Block(title, ("query", siblings.unit, "ranks"), tuple(rows), (note,), align="lll")


def _grades(graded: SiblingGrades) -> Block:
    counts = [(str(grade), str(sum(one.grade == grade for one in graded.grades))) for grade in (3, 2, 1, 0)]
    title = f"{graded.model} graded {counted(len(graded.grades), 'candidate')} at a cost of {graded.cost:.4f}"
    without = first_ten(f"{entry.item} ({entry.reason:.80})" for entry in graded.ledger.entries)
    return Block(title, ("grade", "candidates"), tuple(counts), (f"without a grade: {without}",) if without else ())


def _validity(found: Validity) -> Block:
    ours, theirs = found.queries
    lines = [
        f"{name}: {tau.tau:.2f} [{tau.low:.2f}, {tau.high:.2f}]"
        for name, tau in (("Kendall's tau", found.tau), ("ceiling", found.ceiling))
    ]
    lines.append(f"best setting on this set: {found.best_synthetic}; on human queries: {found.best_human}")
    claims = found.claims
    claimed = claims.confirmed + claims.contradicted + claims.open
    lines += [
        f"this set claims a difference for {claimed} of {claims.pairs} pairs: human queries confirm "
        f"{claims.confirmed}, contradict {claims.contradicted} and leave {claims.open} open, and show "
        f"{claims.missed} more",
        f"a difference of .100 on this set means {_tenth(claims.slope)} "
        f"[{_tenth(claims.slope_low)}, {_tenth(claims.slope_high)}] on human queries, give or take "
        f"{fraction(claims.residual)}",
    ]
    by_human = sorted(zip(found.settings, found.synthetic, found.human, strict=True), key=lambda row: -row[2])
    rows = tuple((name, f"{ours:.3f}", f"{theirs:.3f}") for name, ours, theirs in by_human)
    title = f"validity: {len(found.settings)} retriever settings, {ours} queries against {theirs} human queries"
    return Block(title, (found.metric, "this set", "human queries"), rows, above=tuple(lines))


def _tenth(slope: float) -> str:
    return fraction(slope / 10, signed=True)


def _counts(counts: Mapping[str, int]) -> str:
    return "  ".join(f"{name} {count}" for name, count in counts.items()) or "none"


def _decimals(value: float, form: str = ".2f") -> str:
    return "-" if math.isnan(value) else format(value, form)
