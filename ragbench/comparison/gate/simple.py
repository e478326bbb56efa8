"""Rules of a gate as options, for a gate without a file of rules."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import get_args

from ragbench.comparison.gate.rules import LatencyRule, MetricRule, Part, Percentile, Rule
from ragbench.core.errors import SettingError, did_you_mean
from ragbench.core.options import option, option_group

Limits = Mapping[str, float] | Sequence[str]
"""A limit by metric: a mapping, or texts of the form ``METRIC=LIMIT``."""
SOURCE = "rules given as options"
"""Where these rules are written, for messages."""


@option_group
class SimpleRules:
    """Rules, one for each metric that is given. The option that gives one names what it asks for."""

    margin: Limits = option(
        "Accept at most this loss against the baseline.", default=(), section="Rules", metavar="METRIC=LOSS"
    )
    min: Limits = option("Ask for at least this mean.", default=(), section="Rules", metavar="METRIC=MEAN")
    max: Limits = option("Ask for at most this mean.", default=(), section="Rules", metavar="METRIC=MEAN")
    min_gain: Limits = option(
        "Ask for a gain of at least this over the baseline.", default=(), section="Rules", metavar="METRIC=GAIN"
    )
    min_ratio: Limits = option(
        "Ask for at least this ratio of the candidate to the baseline.", default=(), section="Rules",
        metavar="METRIC=RATIO",
    )  # fmt: skip
    superiority: Sequence[str] = option(
        "Ask for any gain over the baseline.", default=(), section="Rules", metavar="METRIC"
    )
    max_count: Limits = option(
        "Accept at most this number of queries with a value above 0.", default=(), section="Rules",
        metavar="METRIC=COUNT",
    )  # fmt: skip
    max_ms: Limits = option(
        "Accept at most this latency: p95=500, or ttft:p95=500 for retrieval, ttft or total.", default=(),
        section="Rules", metavar="LATENCY=MS",
    )  # fmt: skip

    def simple_rules(self) -> tuple[Rule, ...]:
        """Return the rules.

        Raises:
            SettingError: a rule is wrong; the message lists every fault.
        """
        found: list[Rule] = []
        faults: list[str] = []
        for field in fields(SimpleRules):
            for name, limit, where in _limits(field.name, getattr(self, field.name), faults):
                try:
                    rule = _rule(field.name, name, limit)
                except SettingError as error:
                    faults.append(f"{where} {error}")
                    continue
                wrong = [f"{where} {message}" for _, message in rule.faults()]
                faults += wrong
                found += [] if wrong else [rule]
        if faults:
            raise SettingError("\n".join(faults))
        return tuple(found)


def _limits(option: str, given: Limits, faults: list[str]) -> Iterator[tuple[str, float, str]]:
    """Yield metric, limit, and how both are written."""
    if isinstance(given, Mapping):
        for name, limit in given.items():
            yield name, limit, f"{_named(option)} {name}={limit:g}"
        return
    for written in given:
        name, equals, text = written.rpartition("=")
        if option == "superiority":
            name, equals, text = written, "=", "1"
        try:
            limit = float(text)
        except ValueError:
            limit = float("nan")
        if name.strip() and equals and limit == limit and abs(limit) != float("inf"):
            yield name.strip(), limit, f"{_named(option)} {written}"
        else:
            faults.append(f"{_named(option)} {written!r} is not of the form {_FORMS.get(option, 'METRIC=NUMBER')}")


_FORMS = {"max_ms": "LATENCY=MS, such as p95=500"}


def _named(option: str) -> str:
    from ragbench.core.options import named

    return named(option)


def _rule(option: str, name: str, limit: float) -> Rule:
    if option == "max_ms":
        part, _, percentile = name.rpartition(":")
        for word, words in ((percentile, get_args(Percentile)), (part, ("", *get_args(Part)))):
            if word not in words:
                known = ", ".join(filter(None, words))
                raise SettingError(f"has {word!r}, which is none of {known}{did_you_mean(word, words)}")
        return LatencyRule(latency=percentile, part=part or None, max_ms=limit)  # type: ignore[arg-type]
    if option == "max_count" and limit != int(limit):
        raise SettingError("is no whole number")
    value = {"superiority": True, "max_count": int(limit)}.get(option, limit)
    return MetricRule(metric=name, **{option: value})  # type: ignore[arg-type]
