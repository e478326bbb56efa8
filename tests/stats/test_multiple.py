"""Holm and Benjamini-Hochberg against published values."""

import numpy as np
import pytest

from ragbench.core.errors import InputError
from ragbench.stats.multiple import benjamini_hochberg, holm

# Benjamini and Hochberg 1995, section 4: fifteen ordered p-values of a trial.
TRIAL = np.array(
    [0.0001, 0.0004, 0.0019, 0.0095, 0.0201, 0.0278, 0.0298, 0.0344, 0.0459, 0.324, 0.4262, 0.5719, 0.6528, 0.759, 1.0]
)


def test_the_trial_of_benjamini_and_hochberg() -> None:
    # Their procedure rejects the four smallest at .05, Bonferroni's and Holm's three.
    assert int((benjamini_hochberg(TRIAL) <= 0.05).sum()) == 4
    assert int((holm(TRIAL) <= 0.05).sum()) == 3


def test_by_hand() -> None:
    p = np.array([0.04, 0.01, 0.03])
    # Holm: 3 * .01, max(.03, 2 * .03), max(.06, .04); BH: 3 * .01, min(3 / 2 * .03, .04), .04.
    np.testing.assert_allclose(holm(p), [0.06, 0.03, 0.06])
    np.testing.assert_allclose(benjamini_hochberg(p), [0.04, 0.03, 0.04])
    assert holm(np.array([])).tolist() == []
    with pytest.raises(InputError, match="p-value 1 is nan"):
        holm(np.array([0.5, np.nan]))
    with pytest.raises(InputError, match=r"p-value 0 is 1\.5"):
        benjamini_hochberg(np.array([1.5]))
