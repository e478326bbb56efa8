"""An audit as lines of text."""

from collections.abc import Sequence

from ragbench.golden.audit.audit import Audit
from ragbench.golden.audit.findings import Finding
from ragbench.golden.audit.lexical_leak import LexicalLeak
from ragbench.golden.audit.siblings import Siblings

SHOWN = 10


def audit_lines(audit: Audit) -> list[str]:
    """What people read: the numbers, then the findings with what to do."""
    mix, diversity = audit.mix, audit.diversity
    lines = [
        f"golden set {audit.golden}: {mix.queries} queries from {mix.units} independent sources",
        "types       " + _counts(mix.types),
        "words       " + "  ".join(f"{name} {value:g}" for name, value in mix.words.items()),
    ]
    if mix.languages:
        lines.append("languages   " + _counts(mix.languages))
    lines += [
        "grades      " + _counts({str(grade): count for grade, count in mix.grades.items()}),
        "diversity   "
        + "  ".join(f"distinct-{n} {value:.2f}" for n, value in diversity.distinct.items())
        + f"  self-similarity {diversity.self_similarity:.2f}  near-duplicate pairs {len(diversity.near_duplicates)}",
    ]
    for pair in diversity.near_duplicates[:SHOWN]:
        lines.append(f"  {pair.first} {pair.first_text!r:.60} ~ {pair.second} {pair.second_text!r:.60}")
    if audit.circularity.models:
        lines.append("models      " + ", ".join(f"{role} {model}" for role, model in audit.circularity.models.items()))
    if audit.leak is not None:
        lines += _leak_lines(audit.leak)
    if audit.siblings is not None:
        lines += _sibling_lines(audit.siblings)
    return lines


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """Findings, each with what to do."""
    if not findings:
        return ["", "nothing found"]
    return [
        "",
        *(line for f in findings for line in (f"{f.severity:8} {f.code}: {f.message}", f"{'':8} -> {f.action}")),
    ]


def _counts(counts: dict[str, int]) -> str:
    return "  ".join(f"{name or '(none)'} {count}" for name, count in counts.items()) or "none"


def _leak_lines(leak: LexicalLeak) -> list[str]:
    lines = ["", "share of a query's content words that its document (its evidence) has"]
    for name, shares in (("document", leak.document), ("evidence", leak.evidence)):
        lines.append(f"  {name:9} " + "  ".join(f"{key} {value:.2f}" for key, value in shares.items() if key != "n"))
    if not leak.bands:
        return lines
    names = list(leak.bands[0].means)
    widths = [max(len(name), 6) for name in names]
    lines += ["", f"mean {leak.metric} by that share (rank correlation in the last line)"]
    head = "  ".join(f"{name:>{width}}" for name, width in zip(names, widths, strict=True))
    lines.append(f"  {'share':>11}  queries  {head}")
    for band in leak.bands:
        row = "  ".join(f"{band.means[name]:>{width}.3f}" for name, width in zip(names, widths, strict=True))
        lines.append(f"  {band.low:.2f} - {band.high:.2f}  {band.queries:>7}  {row}")
    last = "  ".join(f"{leak.correlation[name]:>+{width}.2f}" for name, width in zip(names, widths, strict=True))
    lines.append(f"  {'correlation':>11}  {'':7}  {last}")
    return lines


def _sibling_lines(siblings: Siblings) -> list[str]:
    judged = "  ".join(f"{spec} {share:.0%}" for spec, share in siblings.judged.items())
    lines = ["", f"judged {siblings.unit}s in the top {siblings.depth}: {judged}"]
    above = [candidate for candidate in siblings.agreed if candidate.above]
    chosen = (above or list(siblings.agreed))[:SHOWN]
    if chosen:
        which = "above everything relevant" if above else "among the first"
        lines.append(
            f"unjudged, and {which} by agreement of the retrievers (candidates: nobody said that they answer):"
        )
        for candidate in chosen:
            ranks = ", ".join(f"{spec} {rank}" for spec, rank in candidate.ranks.items())
            lines.append(f"  {candidate.query_id}: {candidate.item_id} (rank: {ranks})")
    return lines
