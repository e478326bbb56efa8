"""The systems that search the same chunks: their runs, scores and comparisons."""

import platform
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ragbench.comparison.compare import CompareSettings
from ragbench.comparison.evaluated import query_results, with_comparisons
from ragbench.core.context import Advance, Context, generator
from ragbench.core.documents import Chunks
from ragbench.core.errors import ArmError, RagbenchError
from ragbench.core.evaluations import ApproximateSearch, Arm, Cost, Evaluation, Latency, SearchSpeed
from ragbench.core.fingerprint import fingerprint, fingerprint_texts
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import EvaluationTask
from ragbench.core.ledger import Ledger, LedgerEntry, first_ten
from ragbench.core.runs import Run
from ragbench.core.scored import QueryTable
from ragbench.core.scores import Scores
from ragbench.core.spelling import given
from ragbench.io.evaluation_cards import FINISHED
from ragbench.io.run_store import RunStore, StoredRun
from ragbench.metrics.score import score
from ragbench.metrics.settings import EvaluationSettings, tie_cut, uncut
from ragbench.retrievers.base import Retriever
from ragbench.retrievers.run import LONGEST, UNASKED
from ragbench.retrievers.run import Run as RunFile
from ragbench.stats.clusters import cluster_index
from ragbench.stats.intervals import estimates
from ragbench.stats.repeats import changed_queries, components_of
from ragbench.workflows.approximate import ExactAnswers
from ragbench.workflows.by_wording import Copies
from ragbench.workflows.filtering import filters_of, removed_by
from ragbench.workflows.holes import hole_ranges
from ragbench.workflows.measure import NOT_JUDGED, Measured, measure, replay

RANKING_LIBRARIES = ("ragbench", "bm25s", "PyStemmer", "faiss-cpu", "faiss-gpu", "onnxruntime", "tokenizers", "numpy")
"""Libraries whose versions are part of a stored run's key: another version may rank differently."""

RANKING_CODE = (
    "core/*.py",
    "corpus/languages.py",
    "corpus/words.py",
    "io/fusion_models.py",
    "io/shards.py",
    "io/vectors.py",
    "io/token_vectors.py",
    "models/embed/*.py",
    "models/rerank/*.py",
    "retrievers/*.py",
    "engine.py",
    "workflows/approximate.py",
    "workflows/bench.py",
    "workflows/measure.py",
)
"""Modules that rank and measure."""


@lru_cache
def code_fingerprint(module: str) -> str:
    """Fingerprint the source code of the retriever's module and of the packages that rank and measure.

    It keeps a run of other code from being used as a run of this code. It is empty for a module without a file, such as
    a notebook, whose runs cannot be stored.
    """
    found = getattr(sys.modules.get(module), "__file__", None)
    if found is None or not Path(found).is_file():
        return ""
    package = Path(str(files("ragbench")))
    paths = sorted({path for pattern in RANKING_CODE for path in package.glob(pattern)})
    if Path(found) not in paths:
        paths.append(Path(found))
    return fingerprint_texts(path.read_text(encoding="utf-8") for path in paths)


def library_versions() -> dict[str, str]:
    """Return the installed version of each library that ranks."""
    return {name: _version(name) for name in RANKING_LIBRARIES}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


class Searched(NamedTuple):
    """What systems search, and what is relevant in it.

    Attributes:
        chunks: the chunks.
        copies: the copies for a masked set in wordings.
        labelled: the golden set with its chunk labels as spans, if chunks are judged.
        chunker: how the chunks were cut; empty where nobody knows.
        corpus: fingerprint of the documents; empty where only the chunks are known.
    """

    chunks: Chunks
    copies: Copies | None = None
    labelled: GoldenSet | None = None
    chunker: str = ""
    corpus: str = ""


def modules(retriever: Retriever) -> set[str]:
    """Return the modules of a retriever and of its parts."""
    return {type(retriever).__module__}.union(*(modules(part) for part in retriever.parts))


@dataclass(frozen=True)
class Asked:
    """The queries of an evaluation, and where they come from.

    Attributes:
        name: name of the golden set or of the file of labels.
        fingerprint: of the golden set or of the labels.
        queries: the queries.
        ledger: what was skipped while they were read.
        labels_only: whether there is no golden set behind the labels.
    """

    name: str
    fingerprint: str
    queries: QueryTable
    ledger: Ledger = field(default_factory=Ledger)
    labels_only: bool = False

    @property
    def facts(self) -> dict[str, object]:
        """What the manifest says of them."""
        facts = {"name": self.name, "fingerprint": self.fingerprint, "queries": len(self.queries)}
        return {**facts, "labels_only": True} if self.labels_only else facts

    @classmethod
    def of(cls, golden: GoldenSet) -> "Asked":
        """The queries of a golden set."""
        return cls(golden.name, golden.fingerprint, QueryTable.of(golden), golden.ledger)


class Bench:
    """An evaluation in progress.

    Args:
        asked: the queries.
        task: what a retriever is asked, and the labels.
        chunks: what is indexed; None if the only systems are run files and no corpus was read.
        settings: how to evaluate.
        context: cache folder, seed and progress.
        copies: the corpus without masked text by wording, if there are several.
        searched: where chunks and copies come from.
    """

    def __init__(
        self,
        asked: Asked,
        task: EvaluationTask,
        chunks: Chunks | None,
        settings: EvaluationSettings,
        context: Context,
        copies: Copies | None = None,
        searched: Searched | None = None,
    ) -> None:
        self.searched = searched
        self.caveats: tuple[str, ...] = ()
        self.asked, self.task, self.chunks, self.settings, self.context = asked, task, chunks, settings, context
        self.copies = copies
        self.clusters = cluster_index(asked.queries.units)
        self.store = None if context.cache is None or chunks is None else RunStore(context.cache / "runs")
        self.depth = settings.depth
        if chunks is not None and task.unit == "document":
            # A document takes the place of its best chunk, so enough chunks must be asked for to fill K documents.
            per_document = -(-len(chunks) // len(chunks.document_ids))
            self.depth *= 2 * per_document if per_document > 1 else 1
        self.exact = ExactAnswers(task.queries, settings.seed)
        self.began = time.time()

    def arm(self, name: str, retriever: Retriever) -> Arm:
        """Run an arm, or take its run from the store, and score it."""
        if self.copies is not None:
            retriever = self.copies.search_in(retriever)
        try:
            measured, from_store = self._measured(retriever, self.context)
            strange = self._strange(measured.run)
            others = self._repeats(retriever)
            runs = [run := self._judged(measured.run), *(self._judged(other.run) for other in others)]
            each = [score(one, self.task.judgements, self.settings.chosen, ties=self.settings.ties) for one in runs]
        except RagbenchError as error:
            return Arm(name, "error", str(error))
        except Exception as error:  # a plugin may raise anything; its arm fails, the others go on
            return Arm(name, "error", f"{type(error).__name__}: {error}")
        rng = generator(self.settings.seed, "bootstrap")
        scores = each[0] if len(each) == 1 else Scores.mean_of([[one] for one in each])
        scores = replace(scores, cuts=self._cuts(measured))
        cut = tie_cut(self.settings.k)
        changed = changed_queries([query_results(*one, cut) for one in zip(runs, each, strict=True)]) if others else []
        degraded = dict(measured.degraded)
        for number, other in enumerate(others, start=2):
            degraded |= {id_: f"{why} (run {number})" for id_, why in other.degraded.items() if id_ not in degraded}
        return Arm(
            name=name,
            status="ok",
            run=run,
            scores=scores,
            metrics=estimates(
                scores, self.clusters, rng, self.settings.resamples, by_document=self.settings.average == "documents"
            ),
            cost=measured.cost,
            tie_rate=run.tie_rate(tie_cut(self.settings.k)),
            failed=len(run.failures),
            empty=int((run.lengths == 0).sum()) - len(run.failures),
            degraded=degraded,
            from_store=from_store,
            notes=measured.notes,
            approximate=measured.approximate,
            warnings=(
                *self.caveats,
                *self._warnings(run, measured),
                *(entry.reason for entry in scores.ledger.of("nothing-judged")),
                *strange,
                *([] if self.chunks is None else removed_by(retriever, self.task, self.chunks)),
                *self._unsteady(retriever, runs, changed),
            ),
            repeats=tuple(runs) if others else (),
            changed=tuple(run.query_ids[at] for at in changed),
            variance=components_of(scores, self.clusters),
            holes=hole_ranges(
                runs, self.task.judgements, self.settings.chosen, scores,
                self.clusters if self.settings.average == "documents" else None,
            ) if self.settings.holes else {},
        )  # fmt: skip

    def _cuts(self, measured: Measured) -> dict[str, int]:
        """The depth by metric without a cut-off, if a ranking ended there although there was more to rank."""
        replayed = LONGEST in measured.notes or self.chunks is None
        if replayed or not (measured.run.lengths >= self.depth).any() or len(self.chunks) <= self.depth:  # type: ignore[arg-type]
            return {}
        return {str(metric): self.depth for metric in self.settings.chosen if uncut(metric)}

    def _repeats(self, retriever: Retriever) -> list[Measured]:
        """Run the retriever again, unless it certainly gives the same rankings.

        Raises:
            ArmError: a repeat did not run properly.
        """
        found, runs, progress = [], self.settings.repeats, self.context.progress
        for repeat in range(1, 1 if retriever.deterministic else runs):
            which = f"run {repeat + 1} of {runs}"

            def numbered(what: str, total: int, which: str = which) -> AbstractContextManager[Advance]:
                return progress(f"{which}, {what}", total)

            try:
                found.append(self._measured(retriever, replace(self.context, repeat=repeat, progress=numbered))[0])
            except RagbenchError as error:
                raise ArmError(f"{which}: {error}") from error
        return found

    def _unsteady(self, retriever: Retriever, runs: Sequence[Run], changed: Sequence[int]) -> list[str]:
        """Warn, with an example, of a system that gives other rankings each time although it should not."""
        if not changed or not retriever.cacheable:
            return []
        ids, cut = runs[0].query_ids, tie_cut(self.settings.k)
        tops = dict.fromkeys(", ".join(item for item, _ in run.ranking(changed[0])[:cut]) for run in runs)
        example = f" For {ids[changed[0]]} it ranked {' and then '.join(list(tops)[:2])}." if len(tops) > 1 else ""
        return [
            f"it should rank alike each time (temperature 0, or nothing random in it), but {len(changed)} of "
            f"{len(ids)} queries changed over {len(runs)} runs: {first_ten(ids[at] for at in changed)}.{example}"
        ]

    def _measured(self, retriever: Retriever, context: Context) -> tuple[Measured, bool]:
        if self.chunks is None:
            assert isinstance(retriever, RunFile)
            return replay(retriever, self.task.queries, self.task.unit), False
        code = [code_fingerprint(module) for module in sorted(modules(retriever))]
        stored_by_key = self.store is not None and all(code) and retriever.cacheable
        key = self._key(retriever, self.chunks, code, context.repeat) if stored_by_key else None
        if key is not None and self.store is not None and not self.settings.fresh:
            stored = self.store.load(key, {"chunk": self.chunks.ids, "document": self.chunks.document_ids})
            if stored is not None:
                return _recall(stored), True
        measured = measure(retriever, self.chunks, self.task.queries, self.depth, context, self.exact)
        whole = not (measured.run.failures or measured.degraded)
        if key is not None and self.store is not None and whole:
            approximate = [asdict(one) for one in measured.approximate]
            facts = {"cost": asdict(measured.cost), "notes": measured.notes, "approximate": approximate}
            try:
                self.store.save(key, StoredRun(measured.run, facts))
            except OSError as error:
                measured.notes["not_stored"] = str(error)
        return measured, False

    def _key(self, retriever: Retriever, chunks: Chunks, code: Sequence[str], repeat: int) -> str:
        asked = [[q.id, q.text, sorted(q.exclude), *([q.history] if q.history else [])] for q in self.task.queries]
        decides = [chunks.fingerprint, asked, retriever.key(), self.depth, self.settings.seed, library_versions()]
        filters = {query.id: query.filter for query in self.task.queries if query.filter is not None}
        used = {one.field for each in (*filters.values(), *filters_of(retriever)) for one in each.conditions}
        if used:
            own = [[id_, str(filter_)] for id_, filter_ in filters.items()]
            decides.append([own, chunks.fields.fingerprint(sorted(used))])
        if self.context.spread is not None:  # it decides how long a search takes
            decides.append(self.context.spread.name)
        return fingerprint([*decides, code, repeat] if repeat else [*decides, code])

    def _judged(self, run: Run) -> Run:
        """Convert the run to the judged unit."""
        if self.chunks is None:
            return run
        if run.unit == "chunk" and self.task.unit == "document":
            known = self.chunks.document_index
            extra = len(run.item_ids) - len(known)
            # Ids the corpus lacks are documents of their own: they hold their rank and are not judged.
            index = np.concatenate([known, len(self.chunks.document_ids) + np.arange(extra, dtype=np.int32)])
            names = self.chunks.document_ids
            return run.as_documents([*names, *run.item_ids[len(known) :]] if extra else names, index)
        if run.unit == "document" and self.task.unit == "chunk":
            raise ArmError(f"it returns documents, but chunks are judged: evaluate with {given('level', 'document')}")
        return run

    def _warnings(self, run: Run, measured: Measured) -> list[str]:
        found, returned, notes = list[str](), measured.run, measured.notes
        k = max(self.settings.k)
        cut = tie_cut(self.settings.k)
        tied = run.tie_warning(cut)
        if tied is not None:
            found.append(tied)
        unasked = [id_ for note, ids in notes.items() if note.split(".")[-1] == UNASKED for id_ in ids]  # type: ignore[attr-defined]
        if unasked:
            found.append(
                f"{len(unasked)} queries of its run file are not in the golden set and take no part: "
                f"{first_ten(unasked)}"
            )
        if run.repeated:
            found.append(f"{run.repeated} items were returned twice for a query; the better rank counts")
        if NOT_JUDGED in notes:
            found.append(f"its approximate index could not be compared with exact search: {notes[NOT_JUDGED]}")
        if "not_stored" in notes:
            found.append(f"its run could not be stored and will be computed again: {notes['not_stored']}")
        if run.failures:
            found.append(f"{len(run.failures)} queries failed and score 0: {first_ten(sorted(run.failures))}")
        if measured.degraded:
            found.append(
                f"{len(measured.degraded)} of {len(run)} queries were not searched as its settings say "
                f"(the issue log has the reasons): {first_ten(sorted(measured.degraded))}"
            )
        # Only where all chunks that were asked for came is it their falling together that made the list short.
        documents = 0 if self.chunks is None else len(self.chunks.document_ids)
        short = int(((run.lengths < min(k, documents)) & (returned.lengths >= self.depth)).sum())
        if short:
            found.append(f"{short} queries have fewer than {k} documents, since several chunks fell on one document")
        return found

    def _strange(self, returned: Run) -> list[str]:
        """Warn of ids that the corpus lacks: such results always score 0.

        Raises:
            ArmError: the corpus lacks all of them, so the score would say nothing about the system.
        """
        if self.chunks is None or (returned.unit == "chunk" and len(returned.item_ids) == len(self.chunks)):
            return []
        known = self.chunks.row if returned.unit == "chunk" else self.chunks.document_row
        row, times = np.unique(returned.items, return_counts=True)
        names = [returned.item_ids[item] for item in row.tolist()]
        strange = np.array([name not in known for name in names], dtype=bool)
        if not strange.any():
            return []
        first = first_ten(name for name in names if name not in known)
        if strange.all():
            raise ArmError(
                f"the corpus has none of the {returned.unit} ids that it returned ({first}), but ids such as "
                f"{next(iter(known))}. Evaluate on the documents that it searches, or map its ids (id_field or "
                "text_field of a vector database)"
            )
        share = times[strange].sum() / times.sum()
        return [f"{share:.0%} of its results are ids that the corpus lacks, which count as not relevant: {first}"]

    def _depth_warned(self, arms: Sequence[Arm]) -> Sequence[Arm]:
        """Warn of run files that are deeper than the other searches, if that changes a metric."""
        whole = [str(metric) for metric in self.settings.chosen if uncut(metric)]
        replayed = [arm.status == "ok" and LONGEST in arm.notes for arm in arms]
        if not whole or all(replayed):
            return arms
        found = []
        for arm, is_file in zip(arms, replayed, strict=True):
            longest = int(str(arm.notes[LONGEST])) if is_file else 0
            if longest > self.depth:
                text = (
                    f"{', '.join(whole)} use up to {longest:,} items of its run file, and the first {self.depth} of "
                    f"the systems that were searched; name a cut-off to compare them, as in {whole[0]}@{self.depth}"
                )
                arm = replace(arm, warnings=(*arm.warnings, text))
            found.append(arm)
        return found

    def evaluation(self, arms: Sequence[Arm], benches: "Sequence[Bench]") -> Evaluation:
        """Combine comparisons, issue log and manifest of the finished arms.

        Args:
            arms: the arms, in order.
            benches: the different benches that they ran on; this one is the first.
        """
        arms = self._depth_warned(arms)
        ran = [arm for arm in arms if arm.status == "ok"]
        ledger = self.asked.ledger + self.task.ledger
        if self.chunks is not None:
            ledger = self.chunks.ledger + ledger
        for other in benches:
            if other is not self and other.chunks is not None:
                known = set(ledger.entries)
                ledger = ledger + [one for one in (other.chunks.ledger + other.task.ledger).entries if one not in known]
        if ran and ran[0].scores is not None:
            ledger = ledger + ran[0].scores.ledger.of("no-relevant")
        for arm in arms:
            ledger = ledger + self._entries(arm)
        found = Evaluation(tuple(arms), (), ledger, {}, self.task, self.chunks, self.asked.queries)
        compare = CompareSettings(
            average=self.settings.average, seed=self.settings.seed, resamples=self.settings.resamples
        )
        found = with_comparisons(found, compare)
        return replace(found, manifest=self._manifest(benches))

    def _entries(self, arm: Arm) -> list[LedgerEntry]:
        if arm.status == "error":
            return [LedgerEntry("arm", arm.name, arm.error or "", "arm-failed")]
        if arm.run is None or arm.scores is None:
            return []
        failures = arm.run.failures
        nothing = [entry.item for entry in arm.scores.ledger.of("not-retrieved") if entry.item not in failures]
        return [
            *(LedgerEntry("search", f"{arm.name}: {id_}", reason, "query-failed") for id_, reason in failures.items()),
            *(
                LedgerEntry("search", f"{arm.name}: {id_}", reason, "query-degraded")
                for id_, reason in arm.degraded.items()
            ),
            *(
                LedgerEntry("search", f"{arm.name}, run {number}: {id_}", reason, "query-failed")
                for number, run in enumerate(arm.repeats[1:], start=2)
                for id_, reason in run.failures.items()
            ),
            *(LedgerEntry("search", f"{arm.name}: {id_}", "nothing was retrieved", "not-retrieved") for id_ in nothing),
        ]

    def _manifest(self, benches: "Sequence[Bench]") -> dict[str, object]:
        clusters, queries = int(self.clusters.max()) + 1, len(self.asked.queries)
        indexed = {} if self.chunks is None else {"chunks": _indexed(self.chunks)}
        corpus = "" if self.searched is None else self.searched.corpus
        several = {
            one.searched.chunker: _indexed(one.chunks) for one in benches if one.searched and one.chunks is not None
        }
        return {
            "golden": self.asked.facts,
            **({"corpus": {"fingerprint": corpus}} if corpus else {}),
            **indexed,
            **({"chunkings": several} if len(several) > 1 else {}),
            **({} if self.copies is None else {"wordings": self._wordings(self.copies)}),
            "judgements": {"fingerprint": self.task.judgements.fingerprint, "unit": self.task.unit},
            "resampling": {
                "unit": "source document" if clusters < queries else "query",
                "clusters": clusters,
                "resamples": self.settings.resamples,
            },
            "settings": asdict(self.settings),
            "versions": library_versions() | {"python": platform.python_version()},
            "seconds": round(time.time() - self.began, 3),
            FINISHED: datetime.now(UTC).isoformat(timespec="seconds"),
        }

    def _wordings(self, copies: Copies) -> dict[str, object]:
        counts = Counter(item.wording or "" for item in copies.golden)
        return {
            wording: {"queries": counts[wording], "fingerprint": chunks.fingerprint}
            for wording, chunks in copies.chunks.items()
        }


def _indexed(chunks: Chunks) -> dict[str, object]:
    return {"fingerprint": chunks.fingerprint, "chunks": len(chunks), "documents": len(chunks.document_ids)}


def _recall(stored: StoredRun) -> Measured:
    facts: dict[str, Any] = dict(stored.facts)
    cost = dict(facts["cost"])
    if cost["latency_ms"] is not None:
        cost["latency_ms"] = Latency(**cost["latency_ms"])
    approximate = tuple(_approximate(one) for one in facts["approximate"])
    return Measured(stored.run, Cost(**cost), dict(facts["notes"]), approximate=approximate)


def _approximate(stored: dict[str, Any]) -> ApproximateSearch:
    speeds = {key: SearchSpeed(**stored[key]) for key in ("speed", "exact_speed")}
    return ApproximateSearch(**{**stored, **speeds, "recall": {int(k): one for k, one in stored["recall"].items()}})
