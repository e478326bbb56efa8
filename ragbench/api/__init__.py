"""What a notebook calls: the same objects as the commands, in a few functions.

Every object has ``to_pandas()``, ``to_dataset()`` and a table in a notebook; those
with something to draw have ``plot``.
"""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from ragbench.answers.load.result import LoadResult
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.answers.wattbot.score.parts import Scored
from ragbench.api import baseline, batch, data, endpoint, jobs, review, wattbot
from ragbench.api.calls import (
    ab,
    answer,
    audit,
    check_judge,
    chunk,
    compare,
    doctor,
    drift,
    embed,
    evaluate,
    experiments,
    export,
    export_labels,
    export_pairs,
    export_triplets,
    gate,
    generate,
    index,
    ingest_traces,
    judge_sheet,
    load_corpus,
    load_run,
    load_test,
    plan,
    prefer,
    probe,
    report,
    score_answers,
    score_runs,
    seeds,
    shadow,
    train_fusion,
    without_masked,
)
from ragbench.api.checked import checked
from ragbench.api.data_views import (
    AnswersView,
    ChunksView,
    CorpusView,
    GoldenView,
    JudgementsView,
    RunView,
    ScoredRunView,
    ScoresView,
)
from ragbench.api.result_views import (
    AbView,
    AnswerEvaluationView,
    ArmView,
    AuditView,
    ComparedView,
    DriftView,
    EvaluationView,
    ExperimentsView,
    ForecastView,
    GateView,
    HistoryView,
    LoadView,
    PairedResultView,
    PlanView,
    PreferredView,
    ProbeView,
    ShadowView,
    StepsView,
    WattbotView,
)
from ragbench.api.scoring import score
from ragbench.comparison.ab.paired_runs import PairedResult
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.compare import Compared
from ragbench.comparison.evaluated import read_evaluation
from ragbench.comparison.gate.forecast import Forecast
from ragbench.comparison.gate.history import History
from ragbench.comparison.gate.result import Gate
from ragbench.comparison.plan import Plan
from ragbench.comparison.shadow import Shadow
from ragbench.core.answers import AnswerSet
from ragbench.core.documents import Chunk, Chunks, Corpus, Document
from ragbench.core.errors import InputError, RagbenchError, SettingError
from ragbench.core.evaluations import Arm, Evaluation
from ragbench.core.experiments import Experiments
from ragbench.core.goldens import Evidence, GoldenItem, GoldenSet, Span
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import ScoredRun
from ragbench.core.scores import Scores
from ragbench.core.shown import VIEWS
from ragbench.core.steps import Steps
from ragbench.golden.audit.audit import Audit
from ragbench.golden.drift.drift import Drift
from ragbench.io.answer_files import read_answers
from ragbench.io.golden_files import read_golden, write_golden
from ragbench.io.run_files import read_run as _read_run
from ragbench.io.search_logs import read_search_log as _read_search_log
from ragbench.workflows.prefer import Preferred
from ragbench.workflows.probe import Probed

P = ParamSpec("P")
R = TypeVar("R")


def _as(name: str, call: Callable[P, R], **called: str) -> Callable[P, R]:
    """Wrap a function of another package: check its arguments, and give it the name it has here, so that it can be
    pickled.
    """
    here = checked(name, **called)(call)
    here.__module__, here.__qualname__ = __name__, name
    return here


load_answers = _as("load_answers", read_answers)
load_evaluation = _as("load_evaluation", read_evaluation)
load_golden = _as("load_golden", read_golden)
read_search_log = _as("read_search_log", _read_search_log)
save_golden = _as("save_golden", write_golden)
read_run = _as("read_run", _read_run)

__all__ = [
    "AnswerSet",
    "Chunk",
    "Chunks",
    "Corpus",
    "Document",
    "Evaluation",
    "Evidence",
    "GoldenItem",
    "GoldenSet",
    "InputError",
    "Judgements",
    "RagbenchError",
    "Run",
    "ScoredRun",
    "Scores",
    "SettingError",
    "Span",
    "ab",
    "answer",
    "audit",
    "baseline",
    "batch",
    "check_judge",
    "chunk",
    "compare",
    "data",
    "doctor",
    "drift",
    "embed",
    "endpoint",
    "evaluate",
    "experiments",
    "export",
    "export_labels",
    "export_pairs",
    "export_triplets",
    "gate",
    "generate",
    "index",
    "ingest_traces",
    "jobs",
    "judge_sheet",
    "load_answers",
    "load_corpus",
    "load_evaluation",
    "load_golden",
    "load_run",
    "load_test",
    "plan",
    "prefer",
    "probe",
    "read_run",
    "read_search_log",
    "report",
    "review",
    "save_golden",
    "score",
    "score_answers",
    "score_runs",
    "seeds",
    "shadow",
    "train_fusion",
    "wattbot",
    "without_masked",
]

VIEWS.update(
    {
        Corpus: CorpusView(),
        Chunks: ChunksView(),
        GoldenSet: GoldenView(),
        Audit: AuditView(),
        Run: RunView(),
        Judgements: JudgementsView(),
        Scores: ScoresView(),
        ScoredRun: ScoredRunView(),
        AnswerSet: AnswersView(),
        Evaluation: EvaluationView(),
        Arm: ArmView(),
        Experiments: ExperimentsView(),
        Compared: ComparedView(),
        Steps: StepsView(),
        Gate: GateView(),
        Plan: PlanView(),
        Forecast: ForecastView(),
        History: HistoryView(),
        AbResult: AbView(),
        PairedResult: PairedResultView(),
        AnswerEvaluation: AnswerEvaluationView(),
        LoadResult: LoadView(),
        Shadow: ShadowView(),
        Drift: DriftView(),
        Preferred: PreferredView(),
        Probed: ProbeView(),
        Scored: WattbotView(),
    }
)
