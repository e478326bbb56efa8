"""Metric names: ``ndcg@10``, ``recall(level=2)@100``, ``rbp(p=0.8)``.

Case does not matter. The names of trec_eval (``ndcg_cut_10``, ``P_5``, ``recip_rank``), ir-measures (``nDCG@10``,
``P(rel=2)@5``, ``RR@10``) and ranx (``hit_rate@5``, ``ndcg_burges@10``) are accepted too. Each metric has one printed
form, ``str(parse(name))``, and parsing it gives the same metric.
"""

import dataclasses
import re
from collections.abc import Iterable

from ragbench.core.errors import SettingError, did_you_mean
from ragbench.metrics.ap import AveragePrecision
from ragbench.metrics.base import Metric
from ragbench.metrics.bpref import Bpref
from ragbench.metrics.capped_recall import CappedRecall
from ragbench.metrics.hit import Hit
from ragbench.metrics.judged import Judged
from ragbench.metrics.mrr import ReciprocalRank
from ragbench.metrics.ndcg import NDCG
from ragbench.metrics.precision import Precision
from ragbench.metrics.r_precision import RPrecision
from ragbench.metrics.rbp import RBP
from ragbench.metrics.rbp_residual import RBPResidual
from ragbench.metrics.recall import Recall

METRICS: tuple[type[Metric], ...] = (
    Hit,
    ReciprocalRank,
    NDCG,
    Recall,
    CappedRecall,
    Precision,
    AveragePrecision,
    RPrecision,
    Judged,
    Bpref,
    RBP,
    RBPResidual,
)
"""Every metric, in the order of lists for users."""

_BY_NAME = {name: metric for metric in METRICS for name in (metric.name, *metric.aliases)}
_SHORTHAND: dict[str, tuple[type[Metric], dict[str, object]]] = {"ndcg_burges": (NDCG, {"gain": "exp"})}
_OTHER_KEYS = {"rel": "level", "dcg": "gain"}
_OTHER_VALUES: dict[str, object] = {"log2": "linear", "exp-log2": "exp"}

_WRITTEN = re.compile(r"(?P<name>[^()@]+?)\s*(?:\((?P<settings>[^()]*)\))?\s*(?:@\s*(?P<k>[^()@]*))?")
_TREC_CUT = re.compile(r"(?P<name>.+?)[_.](?P<k>-?[0-9]+)")
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def parse(written: str | Metric) -> Metric:
    """Return the metric of a name.

    Raises:
        SettingError: the name or a setting is unknown, or the cut-off is missing, not allowed or below 1.
    """
    if isinstance(written, Metric):
        return written
    match = _WRITTEN.fullmatch(written.strip())
    if not match:
        raise SettingError(f"metric {written!r} cannot be read; write it as ndcg@10 or recall(level=2)@100")
    name, cut = match["name"].lower(), match["k"]
    trec = _TREC_CUT.fullmatch(name)
    if trec and cut is None:
        name, cut = trec["name"], trec["k"]
    name = name.replace("-", "_").replace(" ", "_")
    metric, settings = _SHORTHAND.get(name) or (_BY_NAME.get(name), {})
    if metric is None:
        raise SettingError(f"no metric {match['name']!r}{did_you_mean(name, [m.name for m in METRICS])}")
    settings = {**settings, **_settings(written, match["settings"] or "")}
    if cut is not None:
        settings["k"] = _value(cut)
    _check_keys(written, metric, settings)
    return metric(**settings)


def parse_all(written: str | Metric | Iterable[str | Metric]) -> tuple[Metric, ...]:
    """Return the metrics of several names, or of one text with commas. A repeated metric counts once.

    Raises:
        SettingError: there is no name, or `parse` refuses one.
    """
    if isinstance(written, Metric):
        return (written,)
    # A comma between brackets separates settings, not metrics.
    names = re.split(r",(?![^()]*\))", written) if isinstance(written, str) else list(written)
    metrics = tuple(dict.fromkeys(parse(name) for name in names if not isinstance(name, str) or name.strip()))
    if not metrics:
        raise SettingError(f"no metric is named; choose from {', '.join(m.name for m in METRICS)}")
    return metrics


def _settings(written: str, text: str) -> dict[str, object]:
    settings: dict[str, object] = {}
    for part in text.split(","):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        key = key.strip().lower()
        key = _OTHER_KEYS.get(key, key)
        if not equals or not key or not value.strip():
            raise SettingError(f"metric {written!r}: expected key=value, got {part.strip()!r}")
        if key in settings or key == "k":
            hint = "write the cut-off after @" if key == "k" else "given twice"
            raise SettingError(f"metric {written!r}: {key}: {hint}")
        settings[key] = _value(value)
    return settings


def _value(text: str) -> object:
    """Read an integer, a float or a lower-case word."""
    text = text.strip().strip("'\"").lower()
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return _OTHER_VALUES.get(text, text)


def _check_keys(written: str, metric: type[Metric], settings: dict[str, object]) -> None:
    fields = {field.name: field for field in dataclasses.fields(metric)}  # type: ignore[arg-type]
    for key in settings:
        if key not in fields:
            if key == "k":
                raise SettingError(f"metric {written!r}: {metric.name} takes no cut-off; write {metric.name}")
            keys = [name for name in fields if name != "k"]
            raise SettingError(f"metric {written!r}: {metric.name} has no setting {key!r}{did_you_mean(key, keys)}")
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in settings:
            example = f"{metric.name}@10" if name == "k" else f"{metric.name}({name}=0.8)"
            raise SettingError(f"metric {written!r} needs {name}, for example {example}")
