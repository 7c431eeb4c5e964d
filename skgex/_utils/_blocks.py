"""Parts of a range, so that temporaries stay small."""

_BLOCK_BYTES = 2**25  # one float64 copy of a block of genes


def blocks(n, size):
    """Slices of at most ``size`` that cover ``range(n)``.

    >>> blocks(5, 2)
    [slice(0, 2, None), slice(2, 4, None), slice(4, 5, None)]
    """
    return [slice(start, min(n, start + size)) for start in range(0, n, size)]


def gene_blocks(n_profiles, n_genes):
    """Slices of the genes, a few megabytes each in float64."""
    return blocks(n_genes, max(1, _BLOCK_BYTES // (8 * max(1, n_profiles))))
