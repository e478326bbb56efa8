"""Metric names: ``ndcg@10``, ``recall(level=2)@100``, ``rbp(p=0.8)``.

Case does not matter. The names of trec_eval (``ndcg_cut_10``, ``P_5``, ``recip_rank``), ir-measures (``nDCG@10``,
``P(rel=2)@5``, ``RR@10``) and ranx (``hit_rate@5``, ``ndcg_burges@10``) are accepted too. Each metric has one printed
form, ``str(parse(name))``, and parsing it gives the same metric.

A metric is a plugin: one file in this package, or an entry point ``ragbench.metrics`` of an installed package. The name
of the file or entry point is the metric's name or one of its aliases. Installed packages are imported only for a name
that no built-in metric has, so that a package that cannot be imported does no harm to the others.
"""

import dataclasses
import re
from collections.abc import Iterable
from functools import cache

from ragbench import plugins
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.metrics.base import Metric

_SHORTHAND: dict[str, tuple[str, dict[str, object]]] = {"ndcg_burges": ("ndcg", {"gain": "exp"})}
_OTHER_KEYS = {"rel": "level", "dcg": "gain", "gains": "gain", "max_rel": "max_label"}
_OTHER_VALUES: dict[str, object] = {"log2": "linear", "exp-log2": "exp", "true": True, "false": False}

_WRITTEN = re.compile(r"(?P<name>[^()@]+?)\s*(?:\((?P<settings>[^()]*)\))?\s*(?:@\s*(?P<k>[^()@]*))?")
_TREC_CUT = re.compile(r"(?P<name>.+?)[_.](?P<k>-?[0-9]+(?:\.[0-9]+)?)")
_LONGEST = 500
"""Characters of a name. The expressions above take quadratic time on longer nonsense."""
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")


def parse(written: str | Metric, *, level: int | None = None, judged_only: bool = False) -> Metric:
    """Return the metric of a name.

    Args:
        written: the name, or a metric, which is returned as it is.
        level: the least label that counts as relevant, where the metric has such a level and the name does not set it.
        judged_only: whether to remove items without judgement first, where the name does not say.

    Raises:
        SettingError: the name or a setting is unknown, or the cut-off is missing, not allowed or below 1.

    Examples:
        >>> str(parse("nDCG@10")), str(parse("P_5"))
        ('ndcg@10', 'p@5')
        >>> parse("recall(level=2)@100")
        Recall(judged_only=False, k=100, level=2)
        >>> str(parse("recall@100", level=2)), str(parse("map", judged_only=True))
        ('recall(level=2)@100', 'map(judged_only=true)')
    """
    if isinstance(written, Metric):
        return written
    match = _WRITTEN.fullmatch(written.strip()) if len(written) <= _LONGEST else None
    if not match:
        written = written if len(written) <= _LONGEST else f"{written[:20]}..."
        raise SettingError(f"metric {written!r} cannot be read; write it as ndcg@10 or recall(level=2)@100")
    name, cut = match["name"].lower(), match["k"]
    trec = _TREC_CUT.fullmatch(name)
    if trec and cut is None:
        name, cut = trec["name"], trec["k"]
    name = name.replace("-", "_").replace(" ", "_")
    name, settings = _SHORTHAND.get(name, (name, {}))
    metric = _built_in().get(name) or _from_packages(name, match["name"])
    settings = {**settings, **_settings(written, metric, match["settings"] or "")}
    if cut is not None:
        settings[metric.at] = _value(cut)
    if level is not None and any(field.name == "level" for field in dataclasses.fields(metric)):
        settings.setdefault("level", level)
    settings.setdefault("judged_only", judged_only)
    _check_keys(written, metric, settings)
    return metric(**settings)


def parse_all(
    written: str | Metric | Iterable[str | Metric], *, level: int | None = None, judged_only: bool = False
) -> tuple[Metric, ...]:
    """Return the metrics of several names, or of one text with commas. A repeated metric counts once.

    ``level`` and ``judged_only`` are those of `parse`.

    Raises:
        SettingError: there is no name, or `parse` refuses one.
    """
    if isinstance(written, Metric):
        return (written,)
    # A comma between brackets separates settings, not metrics.
    names = re.split(r",(?![^()]*\))", written) if isinstance(written, str) else list(written)
    named = (name for name in names if not isinstance(name, str) or name.strip())
    metrics = tuple(dict.fromkeys(parse(name, level=level, judged_only=judged_only) for name in named))
    if not metrics:
        raise SettingError(f"no metric is named; choose from {', '.join(metric_names())}")
    return metrics


def metric_names() -> list[str]:
    """List the printed names of all metrics, built-in and of installed packages, sorted.

    A metric whose package cannot be imported is missing.

    Raises:
        SettingError: two metrics have the same name.
    """
    return sorted({metric.name for metric in (*_built_in().values(), *_installed()[0].values())})


@cache
def _built_in() -> dict[str, type[Metric]]:
    """Built-in metrics by name and alias."""
    return _by_name(plugins.built_in(plugins.METRICS).values())


@cache
def _installed() -> tuple[dict[str, type[Metric]], dict[str, str]]:
    """Metrics of installed packages by name and alias, and by entry point why the others cannot be used."""
    usable, broken = plugins.installed(plugins.METRICS)
    for name, metric in list(usable.items()):
        called = getattr(metric, "name", None)
        if name not in (called, *metric.aliases):
            del usable[name]
            path = f"{metric.__module__}:{metric.__qualname__}"
            broken[name] = f"metric {name!r}: the name of {path} is {called!r}; give it the name of its entry point"
    found = _by_name(usable.values())
    taken = sorted(set(found) & set(_built_in()))
    if taken:
        metric = found[taken[0]]
        raise SettingError(
            f"two metrics are called {taken[0]!r}: a built-in one and {metric.__module__}:{metric.__qualname__}. "
            "Uninstall its package, or rename the metric"
        )
    return found, broken


def _by_name(found: Iterable[type[Metric]]) -> dict[str, type[Metric]]:
    names: dict[str, type[Metric]] = {}
    for metric in found:
        for name in (metric.name, *metric.aliases):
            if names.setdefault(name, metric) is not metric:
                other = names[name]
                raise SettingError(
                    f"two metrics are called {name!r}: {other.__module__}:{other.__qualname__} and "
                    f"{metric.__module__}:{metric.__qualname__}. Rename one of them"
                )
    return names


def _from_packages(name: str, written: str) -> type[Metric]:
    found, broken = _installed()
    if name in found:
        return found[name]
    if name in broken:
        raise SettingError(broken[name])
    hint = did_you_mean(name, metric_names())
    raise SettingError("; ".join([f"no metric {written!r}{hint}", *broken.values()]))


def _settings(written: str, metric: type[Metric], text: str) -> dict[str, object]:
    settings: dict[str, object] = {}
    # A part without "=" goes on with a list: gain=0,1,3.
    for part in re.split(r",(?![^=,]*[^=,\s][^=,]*(?:,|$))", text):
        if not part.strip():
            continue
        key, equals, value = part.partition("=")
        key = key.strip().lower()
        key = _OTHER_KEYS.get(key, key)
        if not equals or not key or not value.strip():
            raise SettingError(f"metric {written!r}: expected key=value, got {part.strip()!r}")
        if key in settings or key in ("k", metric.at):
            what = "cut-off" if key == "k" else key
            hint = "given twice" if key in settings else f"write the {what} after @"
            raise SettingError(f"metric {written!r}: {key}: {hint}")
        settings[key] = _value(value)
    return settings


def _value(text: str) -> object:
    """Read an integer, a float, a lower-case word, or a tuple of them."""
    if "," in text:
        return tuple(_value(part) for part in text.split(","))
    text = text.strip().strip("'\"").lower()
    if _WHOLE.fullmatch(text):
        return int(text)
    try:
        return float(text)
    except ValueError:
        return _OTHER_VALUES.get(text, text)


def _check_keys(written: str, metric: type[Metric], settings: dict[str, object]) -> None:
    fields = {field.name: field for field in dataclasses.fields(metric)}
    for key in settings:
        if key not in fields:
            if key == metric.at:
                raise SettingError(f"metric {written!r}: {metric.name} takes no cut-off; write {metric.name}")
            keys = [name for name in fields if name != metric.at]
            raise SettingError(f"metric {written!r}: {metric.name} has no setting {key!r}{did_you_mean(key, keys)}")
    for name, field in fields.items():
        if field.default is dataclasses.MISSING and name not in settings:
            shown = "10" if name == "k" else "0.1"
            example = f"{metric.name}@{shown}" if name == metric.at else f"{metric.name}({name}=0.8)"
            raise SettingError(f"metric {written!r} needs {name}, for example {example}")
