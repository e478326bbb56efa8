"""What an agent may ask for: the jobs of the commands, on the files below one folder.

Paths are relative to that folder, and none leads out of it. An agent may use BM25 with any settings, the local
retrievers with their defaults, and the retrievers that the user names. No tool takes a program, a URL or a key.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ragbench.core.context import Context
from ragbench.core.errors import InputError, SettingError, did_you_mean
from ragbench.core.options import make
from ragbench.core.scored import ScoredRun
from ragbench.io.baselines import STORE, stored_names
from ragbench.io.scored_runs import ARM_AFTER
from ragbench.plugins import Spec

WITH_SETTINGS = ("bm25",)
"""Retrievers whose settings name neither a file, nor a program, nor a service."""
BY_NAME = ("bm25", "dense", "hybrid", "rerank")
MOST_ITEMS = 100


@dataclass(frozen=True)
class Tools:
    """The tools of the server.

    Attributes:
        root: the folder; every path of an agent is below it.
        retrievers: further retrievers that an agent may name, exactly as they are written here.
        cache: folder for vectors and runs; None for the usual one.
        context: where progress goes.
    """

    root: Path
    retrievers: tuple[str, ...] = ()
    cache: Path | None = None
    context: Context = Context()  # noqa: RUF009 - it is frozen

    def list_evaluations(self, folder: str = ".") -> dict[str, object]:
        """List the systems of every evaluation below a folder, with their metrics.

        Args:
            folder: where to look, relative to the root.
        """
        from ragbench.render.experiments import experiments_json
        from ragbench.workflows import experiments

        options = make(experiments.Options, {"folder": self.path(folder)})
        return experiments_json(experiments.run(options, self.context))

    def evaluate(
        self,
        corpus: str,
        golden: str,
        out: str,
        retrievers: Sequence[str] = ("bm25",),
        metrics: Sequence[str] = (),
        by: Sequence[str] = (),
    ) -> dict[str, object]:
        """Evaluate retrievers on a golden set, and write the evaluation to a new folder.

        The first retriever is the baseline of the differences. A paired difference is shown only if its interval
        excludes 0.

        Args:
            corpus: file or folder of the documents, relative to the root.
            golden: golden set, relative to the root.
            out: new folder for the evaluation, relative to the root.
            retrievers: names, as in "bm25" or "bm25:k1=1.2,b=0.75".
            metrics: names, as in "ndcg@10"; the usual ones if there are none.
            by: columns of the golden set that give slices.
        """
        from ragbench.io.outputs import check_outputs
        from ragbench.render.evaluation import evaluation_json
        from ragbench.workflows import evaluate

        for one in retrievers:
            self.check_retriever(one)
        given = {
            "corpus": self.path(corpus), "golden": self.path(golden), "out": self.path(out), "by": list(by),
            "retrievers": list(retrievers), "metrics": list(metrics), "cache": self.cache,
        }  # fmt: skip
        options = make(evaluate.Options, given)
        check_outputs(options)
        return dict(evaluation_json(evaluate.run(options, self.context)))

    def compare(self, systems: Sequence[str], metrics: Sequence[str] = (), by: Sequence[str] = ()) -> dict[str, object]:
        """Compare systems that were evaluated: better, worse, equivalent, or no difference shown.

        Args:
            systems: FOLDER for all systems of an evaluation, or FOLDER::SYSTEM; the first is the baseline.
            metrics: names, as in "ndcg@10"; the headline metric if there are none.
            by: columns that give slices, such as "type" or "length".
        """
        from ragbench.render.compare import compare_json
        from ragbench.workflows import compare

        given = {"systems": [self.reference(one) for one in systems], "by": list(by)}
        options = make(compare.Options, given | ({"metrics": list(metrics)} if metrics else {}))
        return compare_json(compare.run(options, self.context))

    def gate(
        self,
        candidate: str,
        baseline: str | None = None,
        rules: Sequence[Mapping[str, Any]] = (),
        allow: Sequence[str] = (),
    ) -> dict[str, object]:
        """Decide whether a system may replace the baseline: pass, fail or inconclusive.

        Args:
            candidate: FOLDER::SYSTEM.
            baseline: a stored baseline, or FOLDER::SYSTEM; not needed if all rules are absolute.
            rules: rules such as {"metric": "ndcg@10", "margin": 0.02} or {"metric": "hit@5", "min": 0.9}. Without
                rules, ndcg@10 may lose at most 0.02.
            allow: what may differ: "golden", "corpus" or "settings".
        """
        from ragbench.render.gate import gate_json
        from ragbench.workflows import gate

        store = self.path(str(STORE))
        given: dict[str, object] = {"candidate": self.reference(candidate), "allow": list(allow), "store": store}
        stored = [name for name in stored_names(store) if self._inside(store / name)]
        if baseline is not None:
            given["baseline"] = baseline if baseline in stored else self.reference(baseline)
        for rule in rules:
            if rule.get("anchor") and rule["anchor"] not in stored:
                raise InputError(
                    f"anchor {rule['anchor']!r} is no stored baseline{did_you_mean(str(rule['anchor']), stored)}"
                )
        if rules:
            given["rules"] = [dict(rule) for rule in rules]
        return gate_json(gate.run(make(gate.Options, given), self.context))

    def explain_query(self, system: str, query: str, k: int = 10) -> dict[str, object]:
        """Explain the score of one query: the ranking with its labels, and the relevant items that were missed.

        Args:
            system: FOLDER::SYSTEM, or FOLDER for every system of an evaluation.
            query: id of the query, or its text.
            k: items of the ranking to show, at most 100.
        """
        from ragbench.comparison.references import systems

        if not 1 <= k <= MOST_ITEMS:
            raise SettingError(f"k is {k}; it must be between 1 and {MOST_ITEMS}")
        found = systems([self.reference(system)])
        return {"query": query, "systems": [_explained(run, query, k) for run in found]}

    def path(self, given: str) -> Path:
        """The path below the root.

        Raises:
            InputError: it leads out of the root, or is a URL.
        """
        if "://" in given:
            raise InputError(f"{given}: a URL; paths are relative to the folder of the server")
        path = (self.root / given).resolve()
        if not self._inside(path):
            raise InputError(f"{given}: leads out of the folder of the server")
        return path

    def reference(self, given: str) -> str:
        """``FOLDER`` or ``FOLDER::SYSTEM`` below the root."""
        folder, after, system = given.partition(ARM_AFTER)
        path = self.path(folder)
        if not path.is_dir():
            raise InputError(f"{folder}: no such folder; list_evaluations names those that there are")
        return f"{path}{after}{system}"

    def check_retriever(self, written: str) -> None:
        """Check that an agent may have this retriever.

        Raises:
            SettingError: it may not.
        """
        if written in self.retrievers or written in BY_NAME:
            return
        if Spec.parse(written).name in WITH_SETTINGS and "=" not in written.partition(":")[0]:
            return
        allowed = list(dict.fromkeys((*BY_NAME, *self.retrievers)))
        raise SettingError(
            f"{written!r} is not allowed here{did_you_mean(written, allowed)}; this server has {', '.join(allowed)}, "
            "and bm25 with settings. Whoever starts it can add one with --retriever"
        )

    def _inside(self, path: Path) -> bool:
        return path.resolve().is_relative_to(self.root.resolve())


def _explained(run: ScoredRun, query: str, k: int) -> dict[str, object]:
    ids, texts = list(run.queries.ids), list(run.queries.texts)
    id_ = query if query in ids else next((ids[at] for at, text in enumerate(texts) if text == query), None)
    if id_ is None:
        raise InputError(f"{run.name}: no query {query!r}{did_you_mean(query, [*ids, *texts])}")
    text = texts[ids.index(id_)]
    if run.error is not None:
        return {"system": run.name, "query_id": id_, "text": text, "error": run.error}
    row = list(run.scores.query_ids).index(id_)
    values = {name: float(value) for name, value in zip(run.scores.metrics, run.scores.values[row], strict=True)}
    explained: dict[str, object] = {
        "system": run.name, "query_id": id_, "text": text,
        "metrics": {name: value if value == value else None for name, value in values.items()},
    }  # fmt: skip
    if run.run is None or run.judgements is None:
        return explained
    failure = run.run.failures.get(id_)
    labels = run.judgements.to_dict().get(id_, {})
    at = list(run.run.query_ids).index(id_) if id_ in run.run.query_ids else None
    ranking = [] if at is None else run.run.ranking(at)
    ranks = {item: rank for rank, (item, _) in enumerate(ranking, start=1)}
    relevant = {item: label for item, label in labels.items() if label > 0}
    explained["ranking"] = [
        {"rank": rank, "id": item, "score": float(score), "label": labels.get(item)}
        for rank, (item, score) in enumerate(ranking[:k], start=1)
    ]
    explained["first_relevant_rank"] = min((ranks[item] for item in relevant if item in ranks), default=None)
    explained["relevant"] = [
        {"id": item, "label": label, "rank": ranks.get(item)}
        for item, label in sorted(relevant.items(), key=lambda one: (-one[1], one[0]))
    ]
    return explained | ({"failed": failure} if failure else {})
