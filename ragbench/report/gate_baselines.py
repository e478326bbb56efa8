"""Stored baselines as text and JSON."""

from ragbench.io.baselines import Baseline
from ragbench.report.tables import fraction, headline


def baseline_json(baseline: Baseline) -> dict[str, object]:
    """Name, arm, folder, metrics and manifest."""
    return {
        "name": baseline.name,
        "arm": baseline.arm,
        "folder": str(baseline.folder),
        "metrics": baseline.metrics,
        "manifest": baseline.manifest,
    }


def baseline_line(baseline: Baseline) -> str:
    """``main  bm25  ndcg@10 .661 [.611, .710]  shop, 198 queries``."""
    metric = headline(list(baseline.metrics))
    golden = baseline.manifest["golden"]
    queries = f"{golden['name']}, {golden['queries']} queries"
    return f"{baseline.name}  {baseline.arm}  {metric} {_value(baseline, metric)}  {queries}"


def baseline_text(baseline: Baseline) -> str:
    """Everything that decides whether a run can be held against it."""
    manifest = baseline.manifest
    golden, chunks, settings = manifest["golden"], manifest["chunks"], manifest["settings"]
    lines = [
        f"{baseline.name}: {baseline.arm}, in {baseline.folder}",
        f"golden set  {golden['name']}, {golden['queries']} queries, fingerprint {golden['fingerprint']}",
        f"corpus      {chunks['chunks']} chunks of {chunks['documents']} documents, "
        f"fingerprint {chunks['fingerprint']}",
        f"judged      {manifest['judgements']['unit']}s, fingerprint {manifest['judgements']['fingerprint']}",
        f"settings    {', '.join(f'{key}={value}' for key, value in settings.items())}",
        f"versions    {', '.join(f'{key} {value}' for key, value in manifest['versions'].items())}",
        "",
        *(f"{metric:<12}{_value(baseline, metric)}" for metric in baseline.metrics),
    ]
    return "\n".join(lines)


def _value(baseline: Baseline, metric: str) -> str:
    found = baseline.metrics[metric]
    return f"{fraction(found['mean'])} [{fraction(found['low'])}, {fraction(found['high'])}]"
