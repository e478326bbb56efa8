"""How much is retrieved, and what is refused before anything runs."""

import pytest

from ragbench.core.errors import SettingError
from ragbench.metrics.settings import EvaluationSettings


def test_as_much_is_retrieved_as_the_deepest_metric_reads() -> None:
    assert EvaluationSettings().depth == 100
    assert EvaluationSettings(k=(1, 200)).depth == 200
    assert EvaluationSettings(metrics=("ndcg@10", "recall@1000")).depth == 1000


def test_a_metric_without_an_expected_value_is_refused_at_once() -> None:
    with pytest.raises(SettingError, match="bpref"):
        EvaluationSettings(metrics=("ndcg@10", "bpref"), ties="expected")
    assert EvaluationSettings(metrics=("bpref",)).metric_names == ("bpref",)
