"""Nearest rows by Euclidean distance, from matrix products of bounded size."""

import torch

# Rounding errors of ‖q‖² − 2⟨q, x⟩ + ‖x‖², in units of eps · (‖q‖² + ‖x‖²), with room to spare.
_ROUNDING = 16


def nearest(queries, points, k, *, exact=False, block_bytes=2**28):
    """Find the ``k`` nearest points of every query, block by block.

    Distances come from one matrix product per block of queries. Where rounding could decide which
    points are the nearest (near duplicates, ties), the candidates are compared by their
    differences instead, and of equal distances the lowest index wins.

    Parameters
    ----------
    queries : Tensor of shape (n_queries, n_features)
    points : Tensor of shape (n_points, n_features)
    k : int
        Between 1 and ``n_points``.
    exact : bool
        Compute all returned distances from differences, and sort them.
    block_bytes : int
        Approximate bound of the temporary memory.

    Yields
    ------
    rows : slice
        The queries of the block.
    squared : Tensor of shape (n_rows, k)
        Squared distances.
    indices : Tensor of int64 of shape (n_rows, k)
    """
    center = points.mean(dim=0)  # distances stay, but the norms that cancel become smaller
    points = points - center
    norms = points.square().sum(dim=1)
    rounding = _ROUNDING * torch.finfo(points.dtype).eps
    # Per row: all distances, what topk copies of them, and the query.
    row_bytes = points.element_size() * (3 * len(points) + 2 * points.shape[1])
    n_rows = max(1, block_bytes // row_bytes)
    for start in range(0, len(queries), n_rows):
        block = queries[start : start + n_rows] - center
        block_norms = block.square().sum(dim=1)
        distances = torch.addmm(norms, block, points.T, alpha=-2).add_(block_norms[:, None])
        squared, indices = distances.topk(min(k + 1, len(points)), largest=False)
        bound = squared[:, k - 1] + rounding * (block_norms + norms.max())
        crowded = squared[:, k:] <= bound[:, None]  # no column if every point is a neighbour
        doubtful = torch.arange(len(block), device=block.device)
        if not exact:
            doubtful = doubtful[crowded.any(dim=1)]
        squared, indices = squared[:, :k].clamp_min(0), indices[:, :k].clone()
        # The candidates of a row may be all points: 6 numbers of 8 bytes for each.
        for some in doubtful.split(max(1, block_bytes // (48 * len(points)))):
            candidates = distances[some] <= bound[some, None]
            squared[some], indices[some] = _compare(
                block[some], points, candidates, k, block_bytes
            )
        yield slice(start, start + len(block)), squared, indices


def _compare(queries, points, candidates, k, block_bytes):
    """Order each query's candidate points by distance, then index, and keep the first ``k``."""
    row, point = candidates.nonzero(as_tuple=True)
    n_pairs = max(1, block_bytes // (3 * points.element_size() * points.shape[1]))
    squared = torch.cat(
        [
            (queries[r] - points[p]).square().sum(dim=1)
            for r, p in zip(row.split(n_pairs), point.split(n_pairs), strict=True)
        ]
    )
    order = squared.argsort(stable=True)
    order = order[row[order].argsort(stable=True)]
    counts = candidates.sum(dim=1)
    first = counts.cumsum(0) - counts
    kept = order[first[:, None] + torch.arange(k, device=order.device)]
    return squared[kept], point[kept]
