"""Nearest rows, against all differences in float64."""

import numpy as np
import pytest
import torch

from skgex._solvers import nearest


def found(queries, points, k, **kwargs):
    blocks = list(nearest(queries, points, k, **kwargs))
    rows = [i for rows, *_ in blocks for i in range(rows.start, rows.stop)]
    assert rows == list(range(len(queries)))
    return torch.cat([d for _, d, _ in blocks]), torch.cat([i for _, _, i in blocks])


def brute_force(queries, points, k):
    squared = np.square(queries.double().numpy()[:, None] - points.double().numpy()).sum(axis=2)
    order = squared.argsort(axis=1, kind="stable")[:, :k]
    return np.take_along_axis(squared, order, axis=1), order


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("block_bytes", [1, 10_000, 2**28])
@pytest.mark.parametrize("k", [1, 4, 60])
def test_all_differences_are_the_oracle(dtype, block_bytes, k):
    generator = torch.Generator().manual_seed(0)
    points = torch.randn(60, 7, generator=generator, dtype=dtype) + 3
    queries = torch.randn(23, 7, generator=generator, dtype=dtype) + 3
    squared, order = brute_force(queries, points, k)
    distances, indices = found(queries, points, k, exact=True, block_bytes=block_bytes)
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_allclose(distances, squared, rtol=1e-5)
    _, indices = found(queries, points, k, block_bytes=block_bytes)
    np.testing.assert_array_equal(indices.sort(dim=1).values, np.sort(order, axis=1))


def test_ties_go_to_the_lowest_index():
    points = torch.tensor([[1.0], [-1.0], [1.0], [0.5], [-1.0]]).repeat(3, 1)
    _, indices = found(torch.zeros(2, 1), points, 5)
    assert indices.sort(dim=1).values.tolist() == [[0, 1, 3, 8, 13]] * 2
    _, indices = found(torch.ones(1, 1), torch.ones(50, 1), 4)
    assert indices.sort(dim=1).values.tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("exact", [False, True])
def test_near_duplicates_far_from_the_origin(exact):
    # ‖q‖² − 2⟨q, x⟩ + ‖x‖² in float32 cannot tell these rows apart.
    rng = np.random.RandomState(0)
    far = 1000 * rng.randn(50, 20).astype(np.float32)
    points = torch.from_numpy(far + np.float32(1e-3) * rng.randn(50, 20).astype(np.float32))
    points[25:] = points[:25] + 0.002
    _, indices = found(points, points, 1, exact=exact)
    assert indices.squeeze(1).tolist() == list(range(50))


def test_exact_distance_of_a_point_to_itself_is_zero():
    points = torch.randn(30, 40, generator=torch.Generator().manual_seed(1)) + 100
    distances, _ = found(points, points, 3, exact=True)
    assert (distances[:, 0] == 0).all() and (distances[:, 1:] > 0).all()
    assert (distances.diff(dim=1) >= 0).all()
