"""Evaluate, and say what it means: comparison, plan, gate, A/B test."""

from ragbench.api.bind import call, call_many
from ragbench.comparison.references import SYSTEM
from ragbench.workflows import ab as ab_workflow
from ragbench.workflows import compare as compare_workflow
from ragbench.workflows import evaluate as evaluate_workflow
from ragbench.workflows import gate as gate_workflow
from ragbench.workflows import plan as plan_workflow

RULES = 'a path of a file of rules, or a list with a mapping for each: [{"metric": "ndcg@10", "margin": 0.02}]'

GOLDEN = "a path, or a golden set, as rb.load_golden(path) reads one"
EVENTS = "a path of a CSV or Parquet file, or a pandas.DataFrame with a row per event"
SYSTEMS = f"two systems, the control and the challenger; each is {SYSTEM}"


evaluate = call(
    "evaluate",
    evaluate_workflow.Options,
    evaluate_workflow.run,
    called={
        "corpus": "a path of documents, a corpus, or chunks, as rb.chunk(corpus) cuts them",
        "golden": GOLDEN,
        "retrievers": 'a name of a retriever or a list of them ("bm25:k1=1.2"), or a mapping from names to them',
        "k": "cut-offs, as in k=(5, 10)",
        "metrics": "a list of names",
    },
)
compare = call_many("compare", compare_workflow.Options, compare_workflow.run, called={"systems": SYSTEM})
gate = call(
    "gate", gate_workflow.Options, gate_workflow.run, called={"candidate": SYSTEM, "baseline": SYSTEM, "rules": RULES}
)
plan = call_many("plan", plan_workflow.Options, plan_workflow.run, called={"pilot": SYSTEM, "golden": GOLDEN})
ab = call(
    "ab",
    ab_workflow.Options,
    ab_workflow.run,
    called={"events": EVENTS, "runs": SYSTEMS},
)
