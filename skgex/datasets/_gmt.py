"""GMT: one gene set per line."""

from skgex._utils._files import atomic_output

from ._opening import reading
from ._text import open_text, text_output


def read_gmt(path, *, return_descriptions=False):
    """Read gene sets from a GMT file.

    Parameters
    ----------
    path : str or path-like
        The file, plain or gzip-compressed. Each line holds the name of a set, a description and
        its genes, separated by tabs.

    return_descriptions : bool, default=False
        Whether to return the descriptions too.

    Returns
    -------
    gene_sets : dict of str to tuple of str
        Genes of each set, in file order, each once.

    descriptions : dict of str to str
        Only with ``return_descriptions=True``.

    Raises
    ------
    ValueError
        When a line has no description field or a set occurs twice.

    Examples
    --------
    >>> import os, tempfile
    >>> from skgex.datasets import read_gmt, write_gmt
    >>> path = os.path.join(tempfile.mkdtemp(), "sets.gmt")
    >>> write_gmt({"cell cycle": ("CCND1", "CDK4")}, path)
    >>> read_gmt(path)
    {'cell cycle': ('CCND1', 'CDK4')}
    """
    gene_sets, descriptions = {}, {}
    with reading(path, "gmt"), open_text(path) as lines:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            name, *rest = line.rstrip("\r\n").split("\t")
            if not rest:
                raise ValueError(
                    f"line {number} has one field; a name, a description and genes, separated "
                    "by tabs, are expected."
                )
            if name in gene_sets:
                raise ValueError(f"the set {name!r} occurs again in line {number}.")
            descriptions[name] = rest[0]
            gene_sets[name] = tuple(
                dict.fromkeys(gene.strip() for gene in rest[1:] if gene.strip())
            )
    return (gene_sets, descriptions) if return_descriptions else gene_sets


def write_gmt(gene_sets, path, *, descriptions=None):
    """Write gene sets to a GMT file.

    Parameters
    ----------
    gene_sets : dict of str to iterable of str
        Genes of each set.

    path : str or path-like
        Where to write; a name that ends in ``.gz`` is compressed.

    descriptions : dict of str to str, default=None
        Description of each set; a set without one gets ``na``.
    """
    descriptions = descriptions or {}
    rows = [(name, descriptions.get(name, "na"), *genes) for name, genes in gene_sets.items()]
    for row in rows:
        if broken := [field for field in row if any(c in field for c in "\t\r\n")]:
            raise ValueError(f"A GMT field cannot hold a tab or a line break: {broken[0]!r}.")
    with atomic_output(path) as temporary, text_output(temporary) as file:
        file.writelines("\t".join(row) + "\n" for row in rows)
