"""Written by docs/stubs.py."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Literal

from ragbench.answers.judge_check.calibration import Calibration
from ragbench.answers.judge_check.check import JudgeCheck
from ragbench.answers.judge_check.graded import GradedCheck
from ragbench.answers.judge_check.labels import LabelSet
from ragbench.answers.judging import JudgePlan
from ragbench.answers.load.result import LoadResult
from ragbench.answers.metrics.base import AnswerMetric
from ragbench.answers.scoring import AnswerEvaluation
from ragbench.comparison.ab.frames import EventFrame
from ragbench.comparison.ab.outcomes import Guardrail, Outcome
from ragbench.comparison.ab.paired_runs import PairedResult
from ragbench.comparison.ab.results import AbResult
from ragbench.comparison.compare import Compared
from ragbench.comparison.gate.forecast import Forecast
from ragbench.comparison.gate.result import Gate
from ragbench.comparison.gate.rules import Rules
from ragbench.comparison.plan import Plan as Plan_
from ragbench.comparison.references import Scorable
from ragbench.comparison.shadow import Shadow
from ragbench.core.answers import AnswerSet
from ragbench.core.checkup import Checkup
from ragbench.core.documents import Chunks, Corpus
from ragbench.core.evaluations import Evaluation
from ragbench.core.experiments import Experiments
from ragbench.core.goldens import GoldenSet
from ragbench.core.judgements import Judgements
from ragbench.core.runs import Run
from ragbench.core.scored import ScoredRun
from ragbench.core.search_log import SearchLog
from ragbench.core.traces import Traces
from ragbench.engines.embed_stage import EmbeddedCorpus
from ragbench.golden.audit.audit import Audit
from ragbench.golden.drift.drift import Drift
from ragbench.golden.masked_corpus import WithoutMasked
from ragbench.golden.seeds import Seeds
from ragbench.learning.labelled_log import LabelledLog
from ragbench.learning.training_data import TrainingData
from ragbench.metrics.base import Metric
from ragbench.render.fusion import TrainedFusion
from ragbench.retrievers._adapt import Converted, Invoked, Retrieves, Runs, Searched
from ragbench.retrievers._adapt import Indexed as Indexed_
from ragbench.retrievers._vector_database import Indexed
from ragbench.retrievers.base import Retriever
from ragbench.workflows.answer import AnswerPlan
from ragbench.workflows.export import Exported
from ragbench.workflows.generate import GenerateResult, Plan
from ragbench.workflows.judge_sheet import Sheet
from ragbench.workflows.metrics import ScoredRuns
from ragbench.workflows.prefer import Preferred
from ragbench.workflows.probe import Probed, WrittenDocuments
from ragbench.workflows.seeds import SeedsPlan

SYSTEM: str
DOCUMENTS: str
CORPUS: str
GOLDEN: str
ANSWERS: str
SETS: dict[str, str]
RULES: str
PATHS: str
LOG: str
QUERIES: str

def load_corpus(
    path: Path | str,
    loader: str | None = ...,
    *,
    file_timeout: float = ...,
    file_memory: float = ...,
    clean: Literal["html"] | None = ...,
) -> Corpus: ...
def chunk(
    corpus: Path | str | Corpus,
    chunker: str = ...,
    size: int | None = ...,
    overlap: int | None = ...,
    out: Path | str | None = ...,
    *,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
) -> Chunks: ...
def golden_of(result: GenerateResult | Plan) -> GoldenSet | Plan: ...
def generate(
    corpus: Path | str | Corpus,
    out: Path | str | None = ...,
    format: Literal["native", "simple"] = ...,
    seed_queries: Path | str | None = ...,
    llm: str = ...,
    judge: str | None = ...,
    reconsider: str | None = ...,
    role: Mapping[str, str] | None = ...,
    about: str | None = ...,
    prompt: Path | str | None = ...,
    personas: str | None = ...,
    per_chunk: int | None = ...,
    wordings: Mapping[str, float] | None = ...,
    sample: int | None = ...,
    mix: str | None = ...,
    languages: str | None = ...,
    examples: int | None = ...,
    stages: Sequence[str] | str = ...,
    seed: int = ...,
    *,
    engine: Literal["local", "ray"] = ...,
    ray_address: str | None = ...,
    workers: int | None = ...,
    gpus_per_worker: float | None = ...,
    cache: Path | str | None = ...,
    dry_run: bool = ...,
    resume: bool = ...,
    force: bool = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
) -> GoldenSet | Plan: ...
def seeds(
    log: Path | str | SearchLog,
    out: Path | str | None = ...,
    size: int = ...,
    min_searches: int = ...,
    llm: str = ...,
    seed: int = ...,
    *,
    columns: Mapping[str, str] | None = ...,
    cache: Path | str | None = ...,
    dry_run: bool = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
) -> Seeds | SeedsPlan: ...
def ingest_traces(
    traces: Sequence[Path | str] | Path | str, out: Path | str | None = ..., name: str = ...
) -> Traces: ...
def audit(
    golden: Path | str | GoldenSet,
    corpus: Path | str | Corpus,
    other: Path | str | GoldenSet | None = ...,
    human: Path | str | GoldenSet | None = ...,
    llm: str | None = ...,
    out: Path | str | None = ...,
    seed: int = ...,
    *,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    retrievers: Sequence[str] | str = ...,
    depth: int = ...,
    embedder: str = ...,
    language: str = ...,
    models: Mapping[str, str] | None = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
    cache: Path | str | None = ...,
    dry_run: bool = ...,
) -> Audit: ...
def export_labels(
    log: Path | str | SearchLog,
    out: Path | str | None = ...,
    seed: int = ...,
    *,
    columns: Mapping[str, str] | None = ...,
    propensity: Literal["auto", "randomised", "em", "none"] = ...,
    weights: Mapping[str, float] | None = ...,
    grades: Sequence[float] | float = ...,
    min_sessions: int = ...,
    min_looks: float = ...,
) -> LabelledLog: ...
def export_triplets(
    golden: Path | str | GoldenSet,
    corpus: Path | str | Corpus | Chunks,
    negatives: int = ...,
    layout: Literal["triplet", "n-tuple"] = ...,
    *,
    cache: Path | str | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
    protect: Sequence[str | Path | GoldenSet] | str | Path | GoldenSet | None = ...,
    protect_scope: Literal["documents", "queries"] = ...,
    embedder: str = ...,
    retriever: str | Retriever = ...,
    ranks: Sequence[int] | int | None = ...,
    margin: float | None = ...,
    sampling: Literal["top", "random"] = ...,
    random: int = ...,
    min_grade: int = ...,
    positives: int | None = ...,
    validation: float = ...,
    format: Literal["jsonl", "parquet", "hf"] = ...,
    out: Path | str | None = ...,
    seed: int = ...,
) -> TrainingData: ...
def export_pairs(
    golden: Path | str | GoldenSet,
    corpus: Path | str | Corpus | Chunks,
    ratio: float = ...,
    labels: Literal["binary", "graded"] = ...,
    *,
    cache: Path | str | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
    protect: Sequence[str | Path | GoldenSet] | str | Path | GoldenSet | None = ...,
    protect_scope: Literal["documents", "queries"] = ...,
    embedder: str = ...,
    retriever: str | Retriever = ...,
    ranks: Sequence[int] | int | None = ...,
    margin: float | None = ...,
    sampling: Literal["top", "random"] = ...,
    random: int = ...,
    min_grade: int = ...,
    positives: int | None = ...,
    validation: float = ...,
    format: Literal["jsonl", "parquet", "hf"] = ...,
    out: Path | str | None = ...,
    seed: int = ...,
) -> TrainingData: ...
def train_fusion(
    corpus: Path | str | Corpus,
    golden: Path | str | GoldenSet,
    out: Path | str,
    test: Path | str | GoldenSet | None = ...,
    test_share: float = ...,
    protect: Sequence[Path | str] | Path | str = ...,
    of: str = ...,
    depth: int = ...,
    embedder: str = ...,
    metric: str = ...,
    margin: float = ...,
    by: Sequence[str] | str = ...,
    force: bool = ...,
    seed: int = ...,
    *,
    cache: Path | str | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
) -> TrainedFusion: ...
def export(
    golden: Path | str | GoldenSet,
    to: str,
    out: Path | str,
    split: str | None = ...,
    corpus: Path | str | Corpus | None = ...,
    *,
    label_chunker: str | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
) -> Exported: ...
def index(
    corpus: Path | str | Corpus | Chunks,
    into: str,
    fields: Sequence[str] | str = ...,
    replace: bool = ...,
    *,
    cache: Path | str | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
) -> Indexed: ...
def embed(
    corpus: Path | str | Corpus | Chunks,
    out: Path | str,
    model: str = ...,
    kind: Literal["query", "passage"] = ...,
    columns: Mapping[str, str] | None = ...,
    npy: bool = ...,
    *,
    engine: Literal["local", "ray"] = ...,
    ray_address: str | None = ...,
    workers: int | None = ...,
    gpus_per_worker: float | None = ...,
    batch_size: int | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
) -> EmbeddedCorpus: ...
def without_masked(
    corpus: Path | str | Corpus,
    golden: Path | str | GoldenSet,
    out: Path | str | None = ...,
    *,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
) -> WithoutMasked: ...
def evaluate(
    corpus: Path | str | Corpus | Chunks | None = ...,
    golden: Path | str | GoldenSet | Judgements | None = ...,
    retrievers: Sequence[
        str
        | Mapping[str, object]
        | Retriever
        | Run
        | Callable[..., object]
        | Invoked
        | Retrieves
        | Runs
        | Searched
        | Indexed_
        | Converted
    ]
    | str
    | Mapping[str, object]
    | Retriever
    | Run
    | Callable[..., object]
    | Invoked
    | Retrieves
    | Runs
    | Searched
    | Indexed_
    | Converted = ...,
    split: str | None = ...,
    queries: Path | str | None = ...,
    exclude_source: bool = ...,
    by: Sequence[str] | str = ...,
    out: Path | str | None = ...,
    force: bool = ...,
    *,
    engine: Literal["local", "ray"] = ...,
    ray_address: str | None = ...,
    workers: int | None = ...,
    gpus_per_worker: float | None = ...,
    cache: Path | str | None = ...,
    k: Sequence[int] | int = ...,
    metrics: Sequence[str | Metric] | str | Metric = ...,
    level: Literal["auto", "chunk", "document"] = ...,
    level_of: int = ...,
    judged_only: bool = ...,
    filter: str | None = ...,
    filter_column: str | None = ...,
    overlap: float = ...,
    ties: Literal["trec", "expected"] = ...,
    allow_missing: bool = ...,
    holes: bool = ...,
    average: Literal["documents", "queries"] = ...,
    drop_self: bool = ...,
    seed: int = ...,
    resamples: int = ...,
    jobs: int = ...,
    repeats: int = ...,
    fresh: bool = ...,
    label_chunker: str | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: Sequence[str] | str | Mapping[str, str] = ...,
) -> Evaluation: ...
def score_runs(
    qrels: Path | str | Judgements,
    runs: Sequence[Path | str | Run] | Path | str | Run,
    metrics: Sequence[str] | str = ...,
    level_of: int = ...,
    depth: int | None = ...,
    judged_only: bool = ...,
    complete: bool = ...,
    precision: Literal["double", "single"] | None = ...,
    holes: bool = ...,
    collection_size: int = ...,
    labels: Literal["qrels", "qrels_jg", "qrels_prefs", "prefs"] = ...,
    zscores: Path | str | None = ...,
    format: Literal["table", "trec_eval", "trec_eval-9"] = ...,
    per_query: bool = ...,
    no_summary: bool = ...,
) -> ScoredRuns: ...
def load_run(reference: Path | str) -> tuple[ScoredRun, ...]: ...
def compare(
    *systems: Evaluation | Scorable | ScoredRun | Path | str | Sequence[Evaluation | Scorable | ScoredRun | Path | str],
    baseline: str | None = ...,
    qrels: Path | str | None = ...,
    human: Path | str | Judgements | GoldenSet | None = ...,
    model_labels: Path | str | Judgements | None = ...,
    masked: Evaluation | Scorable | ScoredRun | Path | str | None = ...,
    label_next: int | None = ...,
    sheet: Path | str | None = ...,
    corpus: Path | str | Corpus | None = ...,
    level_of: int | None = ...,
    metrics: Sequence[str] | str = ...,
    by: Sequence[str] | str = ...,
    correction: str = ...,
    all_pairs: bool = ...,
    test: str = ...,
    average: str = ...,
    margin: float | None = ...,
    examples: int | None = ...,
    bayes: bool = ...,
    prior: str = ...,
    prior_scale: float | None = ...,
    rope: float | None = ...,
    intersect: bool = ...,
    seed: int = ...,
    resamples: int = ...,
    confidence: float = ...,
) -> Compared: ...
def gate(
    candidate: Evaluation | Scorable | ScoredRun | Path | str,
    baseline: Evaluation | Scorable | ScoredRun | Path | str | None = ...,
    rules: Path | str | Sequence[Mapping[str, object]] | Mapping[str, object] | Rules | None = ...,
    allow: Sequence[str] | str = ...,
    inconclusive: Literal["pass", "fail", "neutral"] | None = ...,
    human: Path | str | Judgements | GoldenSet | None = ...,
    masked: Evaluation | Scorable | ScoredRun | Path | str | None = ...,
    store: Path | str = ...,
    *,
    margin: Mapping[str, float] | Sequence[str] | str = ...,
    min: Mapping[str, float] | Sequence[str] | str = ...,
    max: Mapping[str, float] | Sequence[str] | str = ...,
    min_gain: Mapping[str, float] | Sequence[str] | str = ...,
    min_ratio: Mapping[str, float] | Sequence[str] | str = ...,
    superiority: Sequence[str] | str = ...,
    max_count: Mapping[str, float] | Sequence[str] | str = ...,
    max_ms: Mapping[str, float] | Sequence[str] | str = ...,
    level_of: int | None = ...,
) -> Gate: ...
def plan(
    *pilot: Evaluation | Scorable | ScoredRun | Path | str | Sequence[Evaluation | Scorable | ScoredRun | Path | str],
    qrels: Path | str | None = ...,
    golden: Path | str | GoldenSet | None = ...,
    rules: Path | str | Sequence[Mapping[str, object]] | Mapping[str, object] | Rules | None = ...,
    baseline: Evaluation | Scorable | ScoredRun | Path | str | None = ...,
    store: Path | str = ...,
    intersect: bool = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    metric: str = ...,
    delta: float | None = ...,
    margin: float | None = ...,
    queries: int | None = ...,
    per_document: float | None = ...,
    sd: float | None = ...,
    level: float | None = ...,
    correlation: float | None = ...,
    icc: float | None = ...,
    power: float = ...,
    alpha: float = ...,
    assurance: float = ...,
    run_sd: float | None = ...,
    query_cost: float = ...,
    seed: int = ...,
) -> Plan_ | Forecast: ...
def ab(
    events: Path | str | EventFrame | None = ...,
    runs: Sequence[Evaluation | Scorable | ScoredRun | Path | str]
    | Evaluation
    | Scorable
    | ScoredRun
    | Path
    | str
    | None = ...,
    seed: int = ...,
    *,
    unit: str = ...,
    variant: str = ...,
    outcomes: Sequence[str | Outcome] | str | Outcome = ...,
    guardrails: Sequence[str | Guardrail] | str | Guardrail = ...,
    before: Sequence[str] | str | Mapping[str, str] = ...,
    time: str = ...,
    control: str = ...,
    split: Mapping[str, float] | None = ...,
    effect: float | None = ...,
    final: bool = ...,
    over_time: bool = ...,
    horizon: int | None = ...,
    planned: int | None = ...,
    looks: Sequence[float] | float | None = ...,
    looked: Sequence[int] | int = ...,
    spending: Literal["obf", "pocock"] = ...,
    alpha: float = ...,
    power: float = ...,
    srm_alpha: float = ...,
    max_mixed: float = ...,
) -> AbResult | PairedResult: ...
def drift(
    reference: Path | str | SearchLog | GoldenSet,
    current: Path | str | SearchLog | GoldenSet,
    since: datetime | None = ...,
    until: datetime | None = ...,
    reference_since: datetime | None = ...,
    reference_until: datetime | None = ...,
    evaluation: Evaluation | Scorable | ScoredRun | Path | str | None = ...,
    metric: str | None = ...,
    embedder: str = ...,
    language: str = ...,
    near: float = ...,
    alpha: float = ...,
    permutations: int = ...,
    out: Path | str | None = ...,
    seed: int = ...,
    *,
    columns: Mapping[str, str] | None = ...,
    cache: Path | str | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
) -> Drift: ...
def shadow(
    *systems: str | Path | Retriever | ScoredRun | Sequence[str | Path | Retriever | ScoredRun],
    queries: Path | str | SearchLog | None = ...,
    corpus: Path | str | Corpus | Chunks | None = ...,
    sample: int | None = ...,
    k: Sequence[int] | int = ...,
    disagreements: int = ...,
    out: Path | str | None = ...,
    seed: int = ...,
    columns: Mapping[str, str] | None = ...,
    cache: Path | str | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
) -> Shadow: ...
def report(
    *runs: Path | str | Evaluation | Sequence[Path | str | Evaluation],
    corpus: Sequence[Path | str] | Path | str = ...,
    chunker: str = ...,
    golden: Sequence[Path | str] | Path | str = ...,
    answers: Sequence[Path | str] | Path | str = ...,
    gate: Sequence[Path | str | Gate] | Path | str | Gate = ...,
    ab: Sequence[Path | str | AbResult | PairedResult] | Path | str | AbResult | PairedResult = ...,
    texts: bool = ...,
    title: str | None = ...,
    metric: str | None = ...,
    baseline: str | None = ...,
    intersect: bool = ...,
    seed: int = ...,
    resamples: int = ...,
    out: Path | str = ...,
    figures: Path | str | None = ...,
    markdown: Path | str | None = ...,
    latex: Path | str | None = ...,
    table: Path | str | None = ...,
    table_metrics: Sequence[str] | str = ...,
) -> Path: ...
def answer(
    corpus: Path | str | Corpus | None = ...,
    golden: Path | str | GoldenSet | None = ...,
    out: Path | str | None = ...,
    questions: Path | str | None = ...,
    answers: Path | str | None = ...,
    endpoint: str | Path | None = ...,
    columns: Mapping[str, str] | None = ...,
    retriever: Sequence[str] | str = ...,
    llm: Sequence[str] | str = ...,
    prompt: Sequence[str] | str = ...,
    name: str | None = ...,
    repeats: int = ...,
    *,
    header_env: Mapping[str, str] | None = ...,
    cache: Path | str | None = ...,
    dry_run: bool = ...,
    resume: bool = ...,
    force: bool = ...,
    engine: Literal["local", "ray"] = ...,
    ray_address: str | None = ...,
    workers: int | None = ...,
    gpus_per_worker: float | None = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
    k: int = ...,
    min_score: float | None = ...,
    plain: bool = ...,
    max_answer_tokens: int = ...,
    seed: int = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    chunker: str = ...,
) -> AnswerSet | tuple[AnswerSet, ...] | AnswerPlan: ...
def score_answers(
    answers: Path | str | AnswerSet,
    golden: Path | str | GoldenSet | None = ...,
    metrics: Sequence[str | Mapping[str, object] | AnswerMetric] | str | Mapping[str, object] | AnswerMetric = ...,
    corpus: Path | str | Corpus | None = ...,
    columns: Mapping[str, str] | None = ...,
    name: str | None = ...,
    by: Sequence[str] | str = ...,
    calibrations: Sequence[Path | str | Calibration] | Path | str | Calibration = ...,
    out: Path | str | None = ...,
    *,
    file_timeout: float = ...,
    file_memory: float = ...,
    loader: str | None = ...,
    clean: Literal["html"] | None = ...,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    seed: int = ...,
    resamples: int = ...,
    repeats: int = ...,
    rubrics: Sequence[str] | str = ...,
    engine: Literal["local", "ray"] = ...,
    ray_address: str | None = ...,
    workers: int | None = ...,
    gpus_per_worker: float | None = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
    judge: str | None = ...,
    cache: Path | str | None = ...,
    dry_run: bool = ...,
) -> AnswerEvaluation | tuple[AnswerEvaluation, ...] | JudgePlan: ...
def check_judge(
    labels: Sequence[Path | str] | Path | str | LabelSet,
    metric: str | None = ...,
    format: str = ...,
    columns: Mapping[str, str] | None = ...,
    score: str | None = ...,
    lower_is_better: bool = ...,
    rubric: str | None = ...,
    pairs: bool = ...,
    out: Path | str | None = ...,
    *,
    positive: Sequence[str] | str = ...,
    leave_out: Sequence[str] | str = ...,
    threshold: float | None = ...,
    slices: Sequence[str] | str = ...,
    seed: int = ...,
    resamples: int = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
    judge: str | None = ...,
    cache: Path | str | None = ...,
    dry_run: bool = ...,
) -> JudgeCheck | GradedCheck | JudgePlan: ...
def judge_sheet(
    answers: Sequence[Path | str | AnswerSet] | Path | str | AnswerSet,
    out: Path | str = ...,
    rubric: str = ...,
    size: int = ...,
    seed: int = ...,
    force: bool = ...,
) -> Sheet: ...
def prefer(
    baseline: Path | str | AnswerSet,
    candidate: Path | str | AnswerSet,
    golden: Path | str | GoldenSet | None = ...,
    rubrics: Sequence[str] | str = ...,
    by: Sequence[str] | str = ...,
    examples: int = ...,
    seed: int = ...,
    resamples: int = ...,
    out: Path | str | None = ...,
    *,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
    judge: str | None = ...,
    dry_run: bool = ...,
) -> Preferred | JudgePlan: ...
def experiments(
    folder: Path | str = ...,
    metric: str | None = ...,
    golden: str | None = ...,
    corpus: str | None = ...,
    system: Sequence[str] | str = ...,
) -> Experiments: ...
def doctor(folder: Path | str, repair: bool = ...) -> Checkup: ...
def load_test(
    url: str | Path,
    questions: Path | str | None = ...,
    golden: Path | str | GoldenSet | None = ...,
    i_own_this_host: bool = ...,
    out: Path | str | None = ...,
    *,
    golden_format: str | None = ...,
    golden_columns: Mapping[str, str] | None = ...,
    header_env: Mapping[str, str] | None = ...,
    concurrency: Sequence[int] | int | None = ...,
    rate: Sequence[float] | float | None = ...,
    arrivals: Literal["poisson", "fixed"] = ...,
    think: float = ...,
    think_times: Literal["exponential", "fixed"] = ...,
    ramp_up: float = ...,
    mix: Mapping[str, float] | None = ...,
    weights: str | None = ...,
    in_flight: int = ...,
    warmup: int = ...,
    requests: int = ...,
    seconds: float = ...,
    timeout: float = ...,
    seed: int = ...,
) -> LoadResult: ...
def probe(
    url: str | Path | None = ...,
    cases: Path | str | None = ...,
    categories: Sequence[str] | str = ...,
    name: str | None = ...,
    llm: str | None = ...,
    system: Path | str | None = ...,
    judge: str | None = ...,
    judge_base_url: str | None = ...,
    floors: Sequence[str] | str | Mapping[str, float] | float = ...,
    seed: int = ...,
    write_documents: Path | str | None = ...,
    out: Path | str | None = ...,
    *,
    header_env: Mapping[str, str] | None = ...,
    base_url: str | None = ...,
    max_cost: float | None = ...,
    max_tokens: int | None = ...,
    prices: Path | str | None = ...,
    concurrency: int | Literal["auto"] = ...,
    rpm: float | None = ...,
    tpm: float | None = ...,
    timeout: float = ...,
    cache: Path | str | None = ...,
) -> Probed | WrittenDocuments: ...
