"""How much is retrieved, and what is refused before anything runs."""

import pytest

from ragbench.core.errors import SettingError
from ragbench.core.scores import headline
from ragbench.metrics.bpref import Bpref
from ragbench.metrics.settings import EvaluationSettings


def test_as_much_is_retrieved_as_the_deepest_metric_reads() -> None:
    assert EvaluationSettings().depth == 100
    assert EvaluationSettings(k=(1, 200)).depth == 200
    assert EvaluationSettings(metrics=("ndcg@10", "recall@1000")).depth == 1000


def test_a_metric_without_an_expected_value_is_refused_at_once() -> None:
    with pytest.raises(SettingError, match="bpref"):
        EvaluationSettings(metrics=("ndcg@10", "bpref"), ties="expected")
    assert EvaluationSettings(metrics=("bpref",)).chosen == (Bpref(),)


def test_the_level_and_condensed_lists_hold_for_every_metric_that_does_not_say() -> None:
    settings = EvaluationSettings(metrics=("ndcg@10", "recall(level=1)@5", "map"), level_of=2, judged_only=True)
    assert [str(metric) for metric in settings.chosen] == [
        "ndcg(judged_only=true)@10", "recall(judged_only=true)@5", "map(judged_only=true,level=2)"
    ]  # fmt: skip
    assert headline([str(metric) for metric in EvaluationSettings(judged_only=True).chosen]) == (
        "ndcg(judged_only=true)@10"
    )
    with pytest.raises(SettingError, match="level_of= is 0; it must be at least 1"):
        EvaluationSettings(level_of=0)
