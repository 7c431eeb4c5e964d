"""Tables of named columns, with and without pandas."""

import numpy as np


def as_table(columns):
    """A DataFrame when pandas is installed, else a structured array.

    Parameters
    ----------
    columns : dict of str to ndarray of shape (n_rows,)
    """
    try:
        import pandas as pd
    except ImportError:
        return np.rec.fromarrays([*columns.values()], names=[*columns])
    return pd.DataFrame(columns)
