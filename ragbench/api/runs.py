"""Score run files."""

from ragbench.api.bind import call
from ragbench.workflows import metrics as workflow

score_runs = call(
    "score_runs",
    workflow.Options,
    workflow.run,
    called={
        "qrels": "a path, or judgements, as rb.Judgements.from_dict(labels) makes them",
        "runs": "a path or a list of paths, or runs, as rb.read_run(path) reads one",
        "metrics": 'a name of a metric, "ndcg@10", or a list of them',
    },
)
