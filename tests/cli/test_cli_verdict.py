"""When one method is said to be better than another."""

from types import SimpleNamespace

import numpy as np
import pytest

from skgex.cli._results import is_distinguishable

N_GENES = 5


def judged(errors):
    """A method whose absolute errors are given, one a profile."""
    predictions = np.tile(np.asarray(errors, dtype=float)[:, None], N_GENES)
    return SimpleNamespace(predictions=predictions, distinct=np.ones(N_GENES, dtype=bool))


@pytest.mark.parametrize(("noise", "clear"), [(0.1, True), (5.0, False)])
def test_a_difference_must_exceed_twice_its_error_over_profiles(noise, clear):
    gain = 0.2 + noise * np.tile([-1.0, 1.0], 20)
    best, other = judged(np.full(40, 9.0)), judged(9.0 + gain)
    assert is_distinguishable(best, other, np.zeros((40, N_GENES))) == clear


def test_held_out_groups_are_counted_not_their_profiles():
    # Two of four studies gain by two, two lose by one: many profiles, but four witnesses.
    gain, groups = np.repeat([2.0, 2.0, -1.0, -1.0], 50), np.repeat(np.arange(4), 50)
    best, other, y = judged(np.full(200, 9.0)), judged(9.0 + gain), np.zeros((200, N_GENES))
    assert is_distinguishable(best, other, y)
    assert not is_distinguishable(best, other, y, groups)


def test_two_groups_tell_nothing():
    best, other, groups = judged(np.full(20, 9.0)), judged(np.full(20, 99.0)), np.arange(20) // 10
    assert is_distinguishable(best, other, np.zeros((20, N_GENES)), groups) is None
