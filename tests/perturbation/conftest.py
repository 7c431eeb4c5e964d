import warnings

import pytest
from sklearn.exceptions import ConvergenceWarning

from .states import GENERATOR_IDS, GENERATORS, TABLE, tspg, y


@pytest.fixture(scope="package", params=GENERATORS, ids=GENERATOR_IDS)
def model(request):
    """A fitted TSPG, of its own generator and of the paper's: for reading only."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return tspg(**request.param).fit(TABLE, y)
