"""All audits of one golden set."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from ragbench import plugins
from ragbench.core.brief import brief
from ragbench.core.context import Context
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.goldens import GoldenSet
from ragbench.core.ledger import Ledger
from ragbench.core.options import named, option, option_group, pairs
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
from ragbench.golden.audit.siblings import DEPTH, GradingPlan, SiblingGrades, Siblings, siblings
from ragbench.golden.validity import Validity
from ragbench.io.files import json_values

VERSION = 1
ROLES = ("writer", "judge", "reconsider", "reranker")


@brief
@dataclass(frozen=True)
class Audit(Shown):
    """The results of all audits of a golden set.

    Attributes:
        golden: the name of the set.
        fingerprint: of its content.
        mix, diversity, integrity, circularity: one result per audit.
        leak, siblings: the audits that need rankings; None if the set cannot be searched (see ``integrity``).
        between: similarity to another set, if one was given.
        ledger: what was skipped while the set was read and its labels were projected onto the corpus.
        sibling_grades: grades of a language model for the unjudged items; None if no model was named.
        validity: agreement with human queries; None if there are none.
        grading_plan: what grading would take; only a dry run has it.
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
    sibling_grades: SiblingGrades | None = None
    validity: Validity | None = None
    grading_plan: GradingPlan | None = None

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings of all audits, the worst first."""
        parts = (
            self.integrity, self.leak, self.siblings, self.diversity, self.between, self.circularity, self.mix,
            self.sibling_grades, self.validity,
        )  # fmt: skip
        return worst_first(tuple(finding for part in parts if part is not None for finding in part.findings))

    def record(self) -> dict[str, Any]:
        """The JSON object that ``audit.json`` holds."""
        values = {
            field.name: json_values(getattr(self, field.name)) for field in fields(self) if field.name != "grading_plan"
        }
        return {"version": VERSION, "findings": json_values(self.findings), **values}


def parse_models(text: str) -> dict[str, str]:
    """Read ``writer=MODEL,judge=MODEL``."""
    return pairs(named("models"), text, "ROLE=MODEL")


@option_group
class AuditSettings:
    """How to audit."""

    retrievers: Sequence[str] = option(
        "Retriever whose rankings are audited, NAME or NAME:key=value,...", default=RETRIEVERS, section="Audit",
        flag="--retriever",
    )  # fmt: skip
    depth: int = option("Number of top ranks in which to look for unjudged items.", default=DEPTH, section="Audit")
    embedder: str = option("Embedder that compares queries with each other.", default="minilm", section="Audit")
    language: str = option("Snowball language of the content words.", default="english", section="Audit")
    models: Mapping[str, str] | None = option(
        "Models that made the set, by role: writer, judge, reconsider or reranker.", default=None, section="Audit",
        metavar="ROLE=MODEL,...", unset="those that the set names", parse=parse_models,
    )  # fmt: skip

    def __post_init__(self) -> None:
        if self.depth < 1:
            raise SettingError(f"is {self.depth}; it must be at least 1", option="depth")
        for role in self.models or {}:
            if role not in ROLES:
                raise SettingError(f"has the unknown role {role!r}{did_you_mean(role, ROLES)}", option="models")


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
