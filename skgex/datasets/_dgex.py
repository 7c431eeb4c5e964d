"""The file layout of the original D-GEX."""

from pathlib import Path

import numpy as np
from sklearn.utils import Bunch

_SPLITS = {
    "train": ("bgedv2", "_tr"),
    "validation": ("bgedv2", "_va"),
    "test": ("bgedv2", "_te"),
    "gtex": ("GTEx", ""),
    "1000g": ("1000G", ""),
}
_HALVES = ("_0-4760", "_4760-9520")
_GENE_LISTS = {"landmarks": "map_lm.txt", "targets": "map_tg.txt"}


class HalvedTargets:
    """Targets that lie in two files, joined only where they are asked for.

    Rows are joined by indexing, everything by ``np.asarray``; scikit-learn's estimators and
    splitters accept it as an array.

    Parameters
    ----------
    halves : sequence of ndarray of shape (n_samples, n_targets_of_the_half)
        Memory-mapped arrays with the same number of rows.
    """

    def __init__(self, halves):
        self.halves = tuple(halves)

    @property
    def shape(self):
        return len(self), sum(half.shape[1] for half in self.halves)

    ndim = 2

    @property
    def dtype(self):
        return np.result_type(*self.halves)

    def __len__(self):
        return len(self.halves[0])

    def __getitem__(self, rows):
        return np.concatenate([half[rows] for half in self.halves], axis=-1)

    def __array__(self, dtype=None, copy=None):
        if copy is False:
            raise ValueError("Joining the halves of the targets always copies.")
        return np.concatenate(self.halves, axis=1, dtype=dtype)

    def __repr__(self):
        return f"HalvedTargets(shape={self.shape}, dtype={self.dtype})"


def load_dgex(folder):
    """Open the arrays that the original D-GEX preprocessing leaves in a folder.

    Nothing is read into memory: arrays are memory-mapped, and targets that D-GEX stores in two
    halves are joined only for the rows that are asked for.

    Parameters
    ----------
    folder : str or path-like
        Holds ``{bgedv2,GTEx,1000G}_X*_float64.npy`` and the targets, whole or in halves:
        ``bgedv2_X_tr_float64.npy`` with ``bgedv2_Y_tr_float64.npy``, or with
        ``bgedv2_Y_tr_0-4760_float64.npy`` and ``bgedv2_Y_tr_4760-9520_float64.npy``; likewise
        ``_va`` and ``_te``, and ``GTEx_X_float64.npy``, ``1000G_X_float64.npy``. The gene lists
        ``map_lm.txt`` and ``map_tg.txt`` are optional.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        Those of the following that are there:

        train, validation, test, gtex, 1000g : tuple (X, Y)
            Landmarks of shape (n_samples, n_landmarks) and targets of shape
            (n_samples, n_targets).
        landmarks, targets : dict of str to ndarray of str
            ``symbol``, ``ensembl`` and ``probe`` of each column of X and of Y.
        notes : tuple of str
            What was found and what is absent.

    Raises
    ------
    FileNotFoundError
        When there is no complete split, or a split lacks some of its files; the sentence lists
        them.

    ValueError
        When a file is truncated, or the numbers of rows or genes of two files disagree.

    References
    ----------
    .. [1] Y. Chen, Y. Li, R. Narayan, A. Subramanian, X. Xie, "Gene expression inference with
       deep learning", Bioinformatics 32 (2016), 1832-1839.

    Examples
    --------
    >>> import os, tempfile
    >>> import numpy as np
    >>> from skgex.datasets import load_dgex
    >>> folder = tempfile.mkdtemp()
    >>> for name, n_genes in {"X": 3, "Y_0-4760": 2, "Y_4760-9520": 2}.items():
    ...     np.save(os.path.join(folder, f"GTEx_{name}_float64.npy"), np.zeros((4, n_genes)))
    >>> X, Y = load_dgex(folder).gtex
    >>> X.shape, Y[:2].shape
    ((4, 3), (2, 4))
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"There is no folder {str(folder)!r}.")
    splits, absent = {}, []
    for split, (study, part) in _SPLITS.items():
        paths = _paths(folder, study, part)
        missing = [path.name for path in paths if not path.exists()]
        if len(missing) == len(paths):
            absent.append(f"{split} ({paths[0].name}, ...)")
        elif missing:
            raise FileNotFoundError(
                f"The {split} split in {str(folder)!r} is incomplete; missing: "
                f"{', '.join(missing)}."
            )
        else:
            splits[split] = _open_split(*paths)
    if not splits:
        raise FileNotFoundError(
            f"No D-GEX arrays in {str(folder)!r}; looked for {', '.join(absent)}."
        )
    lists = {
        name: _gene_list(folder / file)
        for name, file in _GENE_LISTS.items()
        if (folder / file).exists()
    }
    for split, (X, Y) in splits.items():
        for name, array in (("landmarks", X), ("targets", Y)):
            n_listed = len(lists[name]["symbol"]) if name in lists else array.shape[1]
            if n_listed != array.shape[1]:
                raise ValueError(
                    f"{_GENE_LISTS[name]} lists {n_listed} genes, but the {split} split has "
                    f"{array.shape[1]} {name}."
                )
    notes = [f"Found: {', '.join([*splits, *lists])}."]
    notes += [f"Absent: {', '.join(absent)}."] * bool(absent)
    return Bunch(**splits, **lists, notes=tuple(notes))


def _paths(folder, study, part):
    """X and Y of one split; Y whole where it is there, else its halves."""
    X, whole = (folder / f"{study}_{array}{part}_float64.npy" for array in "XY")
    if whole.exists():
        return X, whole
    return X, *(folder / f"{study}_Y{part}{half}_float64.npy" for half in _HALVES)


def _open_split(*paths):
    X, *Y = map(_open_array, paths)
    for path, array in zip(paths[1:], Y, strict=True):
        if len(array) != len(X):
            raise ValueError(
                f"{paths[0].name} has {len(X)} samples, but {path.name} has {len(array)}."
            )
    return X, Y[0] if len(Y) == 1 else HalvedTargets(Y)


def _open_array(path):
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(
            f"Cannot read {str(path)!r} as npy: the file is truncated or damaged ({error})."
        ) from error
    if array.ndim != 2 or array.dtype.kind != "f":
        raise ValueError(
            f"{str(path)!r} must hold samples x genes as floats, got shape {array.shape} and "
            f"dtype {array.dtype}."
        )
    return array


def _gene_list(path):
    """Columns symbol, Ensembl id and probe of a headerless, tab-separated gene list."""
    rows = [line.split("\t") for line in path.read_text().splitlines() if line.strip()]
    if any(len(row) < 3 for row in rows):
        raise ValueError(f"Each line of {str(path)!r} must hold a symbol, an Ensembl id, a probe.")
    columns = zip(*(row[:3] for row in rows), strict=True)
    return {
        name: np.array(column)
        for name, column in zip(("symbol", "ensembl", "probe"), columns, strict=True)
    }
