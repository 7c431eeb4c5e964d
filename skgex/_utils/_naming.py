"""How messages speak of names and numbers."""

from math import isnan


def few(names, n_shown=3):
    """The first few names, quoted, and how many follow.

    >>> few(["TP53", "MYC", "EGFR", "KRAS"])
    "'TP53', 'MYC', 'EGFR' and 1 more"
    """
    names = list(names)
    shown = ", ".join(repr(str(name)) for name in names[:n_shown])
    rest = len(names) - n_shown
    return f"{shown} and {rest} more" if rest > 0 else shown


def two_digits(value):
    """A share or ratio, as tables show it; a dash where it is not defined.

    >>> two_digits(0.987), two_digits(-0.001), two_digits(float("nan"))
    ('0.99', '0.00', '–')
    """
    return "–" if isnan(value) else f"{round(value, 2) + 0.0:.2f}"  # no -0.00
