"""The calls of a notebook. Calls with a dot, such as ``rb.baseline.set``, are in modules of that name."""

from pathlib import Path

from ragbench.answers.judge_check.check import JudgeCheck
from ragbench.answers.judge_check.graded import GradedCheck
from ragbench.answers.judging import JudgePlan
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.api.bind import call, call_many, call_then
from ragbench.api.checked import checked
from ragbench.api.notebook import bars
from ragbench.comparison.references import SYSTEM, read_references
from ragbench.core.answers import AnswerSet
from ragbench.core.context import Context
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.goldens import GoldenSet
from ragbench.core.scored import ScoredRun
from ragbench.corpus.clean import Clean
from ragbench.corpus.file_limits import FILE_MEMORY, FILE_TIMEOUT, FileLimits
from ragbench.corpus.load import load_corpus as _load
from ragbench.workflows import ab as ab_workflow
from ragbench.workflows import answer as answer_workflow
from ragbench.workflows import audit as audit_workflow
from ragbench.workflows import check_judge as check_workflow
from ragbench.workflows import chunk as chunk_workflow
from ragbench.workflows import compare as compare_workflow
from ragbench.workflows import doctor as doctor_workflow
from ragbench.workflows import drift as drift_workflow
from ragbench.workflows import embed as embed_workflow
from ragbench.workflows import evaluate as evaluate_workflow
from ragbench.workflows import experiments as experiments_workflow
from ragbench.workflows import export as export_workflow
from ragbench.workflows import export_labels as labels_workflow
from ragbench.workflows import export_training as training_workflow
from ragbench.workflows import gate as gate_workflow
from ragbench.workflows import generate as generate_workflow
from ragbench.workflows import index as index_workflow
from ragbench.workflows import ingest_traces as traces_workflow
from ragbench.workflows import judge_sheet as sheet_workflow
from ragbench.workflows import load_test as load_workflow
from ragbench.workflows import metrics as metrics_workflow
from ragbench.workflows import plan as plan_workflow
from ragbench.workflows import prefer as prefer_workflow
from ragbench.workflows import probe as probe_workflow
from ragbench.workflows import report as report_workflow
from ragbench.workflows import score as score_workflow
from ragbench.workflows import seeds as seeds_workflow
from ragbench.workflows import shadow as shadow_workflow
from ragbench.workflows import train_fusion as fusion_workflow
from ragbench.workflows import without_masked as without_workflow
from ragbench.workflows.answer import AnsweredArms, AnswerPlan, AnswerResult
from ragbench.workflows.check_judge import CheckedJudge
from ragbench.workflows.chunk import ChunkedCorpus
from ragbench.workflows.generate import GenerateResult, Plan
from ragbench.workflows.score import ScoredAnswers, ScoredArms

DOCUMENTS = "a path: the file or folder of the documents"
CORPUS = "a path of documents, or a corpus, as rb.load_corpus(path) reads one"
GOLDEN = "a path of a golden set, or a golden set, as rb.load_golden(path) reads one"
ANSWERS = "a path of answers, or answers, as rb.load_answers(path) reads them"
SETS = {"golden": GOLDEN, "corpus": CORPUS, "other": GOLDEN, "human": GOLDEN, "test": GOLDEN}
RULES = 'a path of a file of rules, or a list with a mapping for each: [{"metric": "ndcg@10", "margin": 0.02}]'
PATHS = "a path or a list of them"
LOG = "a path of a search log, or a log, as rb.read_search_log(path) reads one"


@checked(path=DOCUMENTS)
def load_corpus(
    path: Path | str,
    loader: str | None = None,
    *,
    file_timeout: float = FILE_TIMEOUT,
    file_memory: float = FILE_MEMORY,
    clean: Clean | None = None,
) -> Corpus:
    """Read the documents of a file or folder. ``corpus.ledger`` lists what was skipped.

    Args:
        path: a file or folder of documents, or a file of chunks.
        loader: loader with its settings (``"csv:text_column=body"``); None chooses by the ending of each file.
        file_timeout: longest time without progress in reading a file, in seconds; 0 for any time. A file that takes
            longer is skipped. Files over 10 MB get more.
        file_memory: most memory for reading a file, in GB; 0 for any. A file that takes more is skipped (Linux). Large
            files get more.
        clean: ``"html"`` turns HTML in titles, texts and metadata into plain text.

    Raises:
        InputError: the path does not exist, has no documents, or holds a damaged table.

    Examples:
        >>> corpus = rb.load_corpus("datasets/shop/product_catalog.csv")
        >>> len(corpus), corpus.documents[0].title
        (166, 'Tarnfell 2 trekking tent')
    """
    limits = FileLimits(file_timeout, file_memory)
    return _load(Path(path), loader, limits=limits, progress=bars, clean=clean).corpus


def _chunks(result: ChunkedCorpus) -> Chunks:
    return result.chunks


chunk = call_then("chunk", chunk_workflow.Options, chunk_workflow.run, _chunks, called={"corpus": CORPUS})


def golden_of(result: GenerateResult | Plan) -> GoldenSet | Plan:
    """Return the golden set of a run, or the estimate of a dry run."""
    return result.golden if isinstance(result, GenerateResult) else result


generate = call_then("generate", generate_workflow.Options, generate_workflow.run, golden_of, called={"corpus": CORPUS})
seeds = call(
    "seeds",
    seeds_workflow.Options,
    seeds_workflow.run,
    called={"log": LOG},
)
ingest_traces = call("ingest_traces", traces_workflow.Options, traces_workflow.run)
audit = call("audit", audit_workflow.Options, audit_workflow.run, called=SETS)
export_labels = call("export_labels", labels_workflow.Options, labels_workflow.run, called={"log": LOG})
export_triplets = call("export_triplets", training_workflow.TripletOptions, training_workflow.run_triplets, called=SETS)
export_pairs = call("export_pairs", training_workflow.PairOptions, training_workflow.run_pairs, called=SETS)
train_fusion = call("train_fusion", fusion_workflow.Options, fusion_workflow.run, called=SETS)
export = call("export", export_workflow.Options, export_workflow.run, called=SETS)
index = call("index", index_workflow.Options, index_workflow.run, called={"corpus": CORPUS})
embed = call(
    "embed",
    embed_workflow.Options,
    embed_workflow.run,
    called={
        "corpus": "a path of Parquet files or of documents, a corpus, or chunks, as rb.chunk(corpus) cuts them",
        "columns": 'a mapping from roles to columns: {"text": "body", "vector": "embedding"}',
    },
)
without_masked = call("without_masked", without_workflow.Options, without_workflow.run, called=SETS)

evaluate = call(
    "evaluate",
    evaluate_workflow.Options,
    evaluate_workflow.run,
    called={
        "corpus": "a path of documents, a corpus, or chunks, as rb.chunk(corpus) cuts them",
        "golden": GOLDEN,
        "retrievers": 'a name of a retriever or a list of them ("bm25:k1=1.2"), or a mapping from names to them; a '
        'function that takes a query and k, {"mine": search}, or rankings, {"mine": {"q1": {"doc1": 3.2}}}, are '
        "retrievers too",
        "k": "cut-offs, as in k=(5, 10)",
        "metrics": "a list of names",
    },
)
score_runs = call(
    "score_runs",
    metrics_workflow.Options,
    metrics_workflow.run,
    called={
        "qrels": "a path, or judgements, as rb.Judgements.from_dict(labels) makes them",
        "runs": "a path or a list of paths, or runs, as rb.read_run(path) reads one",
        "metrics": 'a name of a metric, "ndcg@10", or a list of them',
    },
)


@checked(reference='a folder, as "FOLDER" or "FOLDER::ARM"')
def load_run(reference: Path | str) -> tuple[ScoredRun, ...]:
    """Read the systems of a folder that ``ragbench eval`` or ``ragbench score`` wrote.

    Args:
        reference: ``"FOLDER"`` for all systems, or ``"FOLDER::ARM"`` for one.

    Raises:
        InputError: the folder cannot be read, or has no such system.

    Examples:
        >>> [system.name for system in rb.load_run("reports/example")]
        ['bm25:stem=false', 'bm25']
    """
    return read_references([str(reference)])


compare = call_many(
    "compare", compare_workflow.Options, compare_workflow.run, called={"systems": SYSTEM, "masked": SYSTEM}
)
gate = call(
    "gate", gate_workflow.Options, gate_workflow.run,
    called={"candidate": SYSTEM, "baseline": SYSTEM, "masked": SYSTEM, "rules": RULES},
)  # fmt: skip
plan = call_many(
    "plan",
    plan_workflow.Options,
    plan_workflow.run,
    called={"pilot": SYSTEM, "golden": GOLDEN},
)
ab = call(
    "ab",
    ab_workflow.Options,
    ab_workflow.run,
    called={
        "events": "a path of a CSV or Parquet file, or a pandas.DataFrame with a row per event",
        "runs": f"two systems, the control and the challenger; each is {SYSTEM}",
    },
)
QUERIES = "a path of queries, a log, as rb.read_search_log(path) reads one, or a golden set"
drift = call(
    "drift",
    drift_workflow.Options,
    drift_workflow.run,
    called={
        "reference": QUERIES,
        "current": QUERIES,
        "evaluation": SYSTEM,
        **dict.fromkeys(("since", "until", "reference_since", "reference_until"), 'a moment, or "2026-05-04"'),
    },
)
shadow = call_many(
    "shadow",
    shadow_workflow.Options,
    shadow_workflow.run,
    called={
        "systems": 'a name of a retriever ("bm25:k1=1.2"), a retriever, a run file, "FOLDER::ARM", or a system of '
        "rb.load_run(folder); two are given one by one",
        "queries": LOG,
        "corpus": "a path of documents, a corpus, or chunks, as rb.chunk(corpus) cuts them",
    },
)


def _page(options: report_workflow.Options, context: Context) -> Path:
    return report_workflow.run(options, context).page


_page.__doc__ = report_workflow.run.__doc__
report = call_many(
    "report",
    report_workflow.Options,
    _page,
    called={
        "runs": "an evaluation, or a folder that 'ragbench eval --out' or 'ragbench score --out' wrote",
        "corpus": PATHS,
        "golden": PATHS,
        "answers": PATHS,
        "gate": "a path, a result of rb.gate, or a list of them",
        "ab": "a path, a result of rb.ab, or a list of them",
    },
)


def _answers(result: AnswerResult | AnsweredArms | AnswerPlan) -> AnswerSet | tuple[AnswerSet, ...] | AnswerPlan:
    if isinstance(result, AnsweredArms):
        return tuple(one.answers for one in result.results)
    return result.answers if isinstance(result, AnswerResult) else result


answer = call_then(
    "answer", answer_workflow.Options, answer_workflow.run, _answers, called={"corpus": CORPUS, "golden": GOLDEN}
)


def _evaluation(
    result: ScoredAnswers | ScoredArms | JudgePlan,
) -> AnswerEvaluation | tuple[AnswerEvaluation, ...] | JudgePlan:
    if isinstance(result, ScoredArms):
        return tuple(one.evaluation for one in result.scored)
    return result.evaluation if isinstance(result, ScoredAnswers) else result


score_answers = call_then(
    "score_answers",
    score_workflow.Options,
    score_workflow.run,
    _evaluation,
    called={
        "answers": ANSWERS,
        "golden": GOLDEN,
        "corpus": CORPUS,
        "metrics": 'a name of an answer metric, "token_f1", or a list of them',
    },
)


def _judge_check(result: CheckedJudge | JudgePlan) -> JudgeCheck | GradedCheck | JudgePlan:
    return result.check if isinstance(result, CheckedJudge) else result


check_judge = call_then(
    "check_judge",
    check_workflow.Options,
    check_workflow.run,
    _judge_check,
    called={"labels": "a path of labelled answers, a list of paths, or labels"},
)
judge_sheet = call("judge_sheet", sheet_workflow.Options, sheet_workflow.run, called={"answers": ANSWERS})
prefer = call(
    "prefer",
    prefer_workflow.Options,
    prefer_workflow.run,
    called={"baseline": ANSWERS, "candidate": ANSWERS, "golden": GOLDEN},
)
experiments = call("experiments", experiments_workflow.Options, experiments_workflow.run)
doctor = call("doctor", doctor_workflow.Options, doctor_workflow.run)
load_test = call("load_test", load_workflow.Options, load_workflow.run, called={"golden": GOLDEN})
probe = call("probe", probe_workflow.Options, probe_workflow.run)
