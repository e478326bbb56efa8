from pathlib import Path

import pytest

from ragbench.comparison.gate.rule_files import parse_rules, read_rules
from ragbench.comparison.gate.rules import CostRule, LatencyRule, MetricRule
from ragbench.core.errors import InputError, SettingError


def test_a_file_of_rules() -> None:
    text = """
false_alarms: 0.02
rules:
  - {metric: ndcg@10, margin: 0.02, by: type}
  - {latency: p95, max_ratio: 2}
  - {cost: query, max: 1}
"""
    found = parse_rules(text, "gate.yaml")
    assert found.false_alarms == 0.02
    assert found.rules == (
        MetricRule(metric="ndcg@10", margin=0.02, by="type"),
        LatencyRule(latency="p95", max_ratio=2),
        CostRule(cost="query", max=1),
    )


def test_every_fault_is_told_at_once_with_its_line() -> None:
    text = """false_alarm: 0.01
rules:
  - metric: ndcg@10
    margin: -0.02
  - metrik: ndcg@10
  - metric: ndcg@10
    margin: "0.02"
    margn: 3
  - latency: p98
    max_ms: 5
  - failures: rate
  - metric: hit@5
    min: 0.5
    min: 95
  - 7
"""
    with pytest.raises(SettingError) as caught:
        parse_rules(text, "g")
    said = str(caught.value).splitlines()
    for wanted in (
        "g:1: unknown key 'false_alarm'; did you mean 'false_alarms'?",
        "g:4: rule 1: margin is -0.02; it is the loss that is accepted",
        "g:5: rule 2 has none of metric, latency, cost, failures, coverage, exposure, retrieval, ttft, total; did you",
        "g:7: rule 3: margin is '0.02'; it must be a number",
        "g:8: rule 3: unknown key 'margn'; did you mean 'margin'?",
        "g:9: rule 4: latency is 'p98'; it must be 'p50', 'p95' or 'p99'",
        "g:11: rule 5: needs max or max_count",
        "g:14: key 'min' is here again; it is first in line 13",
        "g:14: rule 6: min is 95; metrics lie from 0 to 1",
        "g:15: rule 7 is 7; write it as key: value",
    ):
        assert any(line.startswith(wanted) for line in said), wanted
    assert len(said) == 10


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it holds nothing"),
        ("- metric: ndcg@10", "expected 'rules:'"),
        ("rules: []", "with at least one rule"),
        ("rules:", "g:1: rules holds nothing"),
        ("rules: {a: 1}", "rules holds keys and values"),
        ("false_passes: 0.05", "rules is missing"),
        ("rules: [{metric: a}]", "needs min, max, margin, min_gain"),
        ("rules: [{metric: a, min: .5, margin: .1}]", "margin and min exclude each other"),
        ("rules: [{metric: a, min: .nan}]", "is nan; write a finite number"),
        ("rules: [{metric: a, margin: .inf}]", "is inf; write a finite number"),
        ("rules: [{metric: a, margin: true}]", "margin is True"),
        ("rules: [{metric: a, margin: }]", "margin is empty"),
        ("rules: [{metric: a, margin: .1, slice: type}]", "write COLUMN=VALUE"),
        ("rules: [{metric: a, margin: .1, slice: a=b, by: c}]", "by and slice exclude each other"),
        ("rules: [{latency: p95, max_ratio: 1.2}]", "within the noise of 50%"),
        ("rules: [{latency: p95, max_ms: 0}]", "max_ms is 0; above 0"),
        ("rules: [{metric: a, cost: query}]", "has metric and cost; give one of them"),
        ("rules: [{failures: rate, max: 2}]", "a share from 0 to 1"),
        ("false_alarms: 0.7\nrules: [{metric: a, margin: .1}]", "g:1: false_alarms is 0.7"),
        ("false_alarms: no\nrules: [{metric: a, margin: .1}]", "false_alarms is False"),
        ("rules: &a [*a]", "write the value out in place of"),
    ],
)
def test_wrong_rules(text: str, message: str) -> None:
    with pytest.raises(SettingError) as caught:
        parse_rules(text, "g")
    assert message in str(caught.value)


def test_a_file_that_is_no_yaml_or_not_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="g:2: no YAML"):
        parse_rules("rules:\n\t- a", "g")
    with pytest.raises(InputError, match="cannot be read"):
        read_rules(tmp_path / "none.yaml")
    (tmp_path / "bytes.yaml").write_bytes(b"\xff\xfe\x00rules")
    with pytest.raises(InputError, match="cannot be read"):
        read_rules(tmp_path / "bytes.yaml")
