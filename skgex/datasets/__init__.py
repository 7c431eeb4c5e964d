"""Expression data: files of every common format, the D-GEX layout, a simulator of known truth."""

from skgex._utils._gene_ids import guess_id_kind

from ._dgex import load_dgex
from ._expression import ExpressionData
from ._gmt import read_gmt, write_gmt
from ._io import read_expression, write_expression
from ._simulator import make_expression

__all__ = [
    "ExpressionData",
    "read_expression",
    "write_expression",
    "read_gmt",
    "write_gmt",
    "load_dgex",
    "make_expression",
    "guess_id_kind",
]
