"""Run all audits of a golden set, and write their results as lines of text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ragbench import plugins
from ragbench.core.context import Context
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.core.shown import Shown
from ragbench.corpus.chunk import Chunked
from ragbench.corpus.load import Loaded
from ragbench.engine import embed
from ragbench.golden.audit.composition import Circularity, Mix, circularity, mix, models_of
from ragbench.golden.audit.findings import Finding, worst_first
from ragbench.golden.audit.integrity import Integrity, integrity
from ragbench.golden.audit.lexical_leak import LexicalLeak, lexical_leak
from ragbench.golden.audit.near_queries import BetweenSets, Diversity, Texts, between_sets, diversity
from ragbench.golden.audit.retrieval import RETRIEVERS, Retrieved, check_retrievers, retrieve
from ragbench.golden.audit.siblings import DEPTH, Siblings, siblings


@dataclass(frozen=True)
class Audit(Shown):
    """The results of all audits.

    Attributes:
        golden: name of the set; ``fingerprint`` identifies its content.
        mix, diversity, integrity, leak, siblings, circularity: one result per audit.
        between: similarity to another set, if one was given.
        ledger: what was skipped while the set was read and its labels were projected onto the corpus.
    """

    golden: str
    fingerprint: str
    mix: Mix
    diversity: Diversity
    integrity: Integrity
    leak: LexicalLeak | None
    siblings: Siblings | None
    circularity: Circularity
    between: BetweenSets | None
    ledger: Ledger

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Findings of all audits, worst first."""
        parts = (self.integrity, self.leak, self.siblings, self.diversity, self.between, self.circularity, self.mix)
        return worst_first(tuple(finding for part in parts if part is not None for finding in part.findings))


@dataclass(frozen=True)
class AuditSettings:
    """Settings of an audit.

    Attributes:
        retrievers: specs of the retrievers that search for the queries.
        depth: how deep in their rankings unjudged items are collected.
        embedder: spec of the embedder for the queries.
        language: Snowball language of the content words.
        models: model by role (``writer``, ``judge``, ``reranker``), in addition to those that the set names.
    """

    retrievers: Sequence[str] = RETRIEVERS
    depth: int = DEPTH
    embedder: str = "minilm"
    language: str = "english"
    models: Mapping[str, str] | None = None


def audit(
    golden: GoldenSet,
    loaded: Loaded,
    chunked: Chunked,
    settings: AuditSettings | None = None,
    *,
    other: GoldenSet | None = None,
    context: Context | None = None,
) -> tuple[Audit, Retrieved | None]:
    """Run every audit. The rankings are returned too, for a model that grades siblings.

    If no query has a relevant document in the corpus, or masked text is not where it should be, the audits that need
    rankings are skipped (None). `Integrity` says what is wrong.

    Args:
        golden: the set.
        loaded: the documents of the set.
        chunked: their chunks.
        settings: settings of the audit.
        other: another set to search for near-duplicates.
        context: cache, seed and progress.

    Raises:
        SettingError: a retriever or embedder is unknown or set wrongly.
    """
    settings, context = settings or AuditSettings(), context or Context()
    check_retrievers(settings.retrievers)
    sound = integrity(golden, loaded.corpus)
    queries = embedded(golden, settings.embedder, context)
    known = chunked.chunks.document_row
    retrieved = leak = found = None
    searchable = not any(item.masked for item in golden) or not (sound.missing_documents or sound.outside)
    if searchable and any(e.grade > 0 and e.document_id in known for item in golden for e in item.evidence):
        retrieved = retrieve(golden, loaded, chunked, settings.retrievers, context)
        leak = lexical_leak(retrieved, language=settings.language)
        found = siblings(retrieved, depth=settings.depth)
    between = None
    if other is not None:
        between = between_sets(
            queries, embedded(other, settings.embedder, context), other.name, language=settings.language
        )
    done = Audit(
        golden=golden.name,
        fingerprint=golden.fingerprint,
        mix=mix(golden),
        diversity=diversity(queries, language=settings.language),
        integrity=sound,
        leak=leak,
        siblings=found,
        circularity=circularity({**models_of(golden), **(settings.models or {})}),
        between=between,
        ledger=golden.ledger + (retrieved.task.ledger if retrieved else ()),
    )
    return done, retrieved


def embedded(golden: GoldenSet, embedder: str, context: Context) -> Texts:
    """Embed the queries of the set."""
    texts = [item.text for item in golden]
    model = plugins.build(plugins.EMBEDDERS, embedder)
    what = f"embedding the queries of {golden.name}"
    return Texts([item.id for item in golden], texts, embed(model, texts, "query", context, what=what).vectors)


SHOWN = 10


def audit_lines(audit: Audit) -> list[str]:
    """Write the numbers, then the findings with what to do."""
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
    """Write the findings, each with what to do."""
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
            f"unjudged, and {which} by agreement of the retrievers (candidates: nobody has judged whether they answer):"
        )
        for candidate in chosen:
            ranks = ", ".join(f"{spec} {rank}" for spec, rank in candidate.ranks.items())
            lines.append(f"  {candidate.query_id}: {candidate.item_id} (rank: {ranks})")
    return lines
