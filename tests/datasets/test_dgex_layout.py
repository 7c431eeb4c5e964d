"""load_dgex opens the arrays of the original preprocessing without reading them."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import cross_val_score

from skgex.datasets import load_dgex


@pytest.fixture
def folder(tmp_path):
    rng = np.random.RandomState(0)

    def save(name, *shape):
        # D-GEX saves transposed arrays, hence in Fortran order.
        np.save(tmp_path / f"{name}_float64.npy", np.asfortranarray(rng.normal(size=shape)))

    save("bgedv2_X_tr", 8, 3)
    save("bgedv2_Y_tr_0-4760", 8, 2)
    save("bgedv2_Y_tr_4760-9520", 8, 2)
    save("GTEx_X", 5, 3)
    save("GTEx_Y", 5, 4)
    return tmp_path


def test_splits_that_are_there(folder):
    data = load_dgex(folder)
    assert {"train", "gtex"} == set(data) - {"notes"}
    X, Y = data.gtex
    assert isinstance(X, np.memmap) and isinstance(Y, np.memmap)
    np.testing.assert_array_equal(Y, np.load(folder / "GTEx_Y_float64.npy"))
    assert "Found: train, gtex." in data.notes
    assert any("bgedv2_X_va_float64.npy" in note for note in data.notes)


def test_halves_are_joined_when_asked_for(folder):
    X, Y = load_dgex(folder).train
    names = ("bgedv2_Y_tr_0-4760_float64.npy", "bgedv2_Y_tr_4760-9520_float64.npy")
    whole = np.concatenate([np.load(folder / name) for name in names], axis=1)
    assert Y.shape == (8, 4) and len(Y) == 8 and Y.dtype == np.float64
    assert all(isinstance(half, np.memmap) for half in Y.halves)
    np.testing.assert_array_equal(np.asarray(Y), whole)
    np.testing.assert_array_equal(np.asarray(Y, dtype=np.float32), whole.astype(np.float32))
    for rows in (slice(2, 5), [0, 7], 3, np.arange(8) % 2 == 0):
        np.testing.assert_array_equal(Y[rows], whole[rows])
    np.testing.assert_allclose(
        LinearRegression().fit(X, Y).coef_, LinearRegression().fit(X, whole).coef_
    )


def test_halves_pass_through_cross_validation(folder):
    X, Y = load_dgex(folder).train
    scores = cross_val_score(LinearRegression(), X, Y, cv=2)
    np.testing.assert_allclose(scores, cross_val_score(LinearRegression(), X, np.asarray(Y), cv=2))
    assert repr(Y) == "HalvedTargets(shape=(8, 4), dtype=float64)"
    with pytest.raises(ValueError, match="always copies"):
        np.asarray(Y, copy=False)


def test_whole_targets_are_preferred_to_halves(folder):
    np.save(folder / "bgedv2_Y_tr_float64.npy", np.zeros((8, 4)))
    assert isinstance(load_dgex(folder).train[1], np.memmap)


def test_gene_lists(folder):
    (folder / "map_lm.txt").write_text("".join(f"G{i}\tENSG{i}\t{i}_at\n" for i in range(3)))
    (folder / "map_tg.txt").write_text("".join(f"T{i}\tENSG{i}\t{i}_at\n" for i in range(4)))
    data = load_dgex(folder)
    assert data.landmarks["symbol"].tolist() == ["G0", "G1", "G2"]
    assert data.targets["probe"].tolist() == ["0_at", "1_at", "2_at", "3_at"]
    (folder / "map_tg.txt").write_text("T0\tENSG0\t0_at\n")
    with pytest.raises(ValueError, match=r"map_tg.txt lists 1 genes, but the train split has 4"):
        load_dgex(folder)
    (folder / "map_tg.txt").write_text("T0 ENSG0 0_at\n")
    with pytest.raises(ValueError, match="must hold a symbol"):
        load_dgex(folder)


def test_incomplete_split(folder):
    (folder / "bgedv2_Y_tr_4760-9520_float64.npy").unlink()
    with pytest.raises(
        FileNotFoundError, match=r"train split .* missing: bgedv2_Y_tr_4760-9520_float64\.npy\."
    ):
        load_dgex(folder)


def test_nothing_there(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"No D-GEX arrays .*GTEx_X_float64\.npy"):
        load_dgex(tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        load_dgex(tmp_path / "absent")


def test_damaged_arrays(folder):
    path = folder / "GTEx_X_float64.npy"
    whole = path.read_bytes()
    for n_bytes in (len(whole) - 8, 20, 0):
        path.write_bytes(whole[:n_bytes])
        with pytest.raises(
            ValueError, match=r"GTEx_X_float64\.npy' as npy: the file is truncated"
        ):
            load_dgex(folder)
    np.save(path, np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"has 4 samples, but GTEx_Y_float64\.npy has 5"):
        load_dgex(folder)
    np.save(path, np.zeros(5))
    with pytest.raises(ValueError, match=r"must hold samples x genes as floats, got shape \(5,\)"):
        load_dgex(folder)
