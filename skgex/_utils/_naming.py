"""How messages speak of names."""


def few(names, n_shown=3):
    """The first few names, quoted, and how many follow.

    >>> few(["TP53", "MYC", "EGFR", "KRAS"])
    "'TP53', 'MYC', 'EGFR' and 1 more"
    """
    names = list(names)
    shown = ", ".join(repr(str(name)) for name in names[:n_shown])
    rest = len(names) - n_shown
    return f"{shown} and {rest} more" if rest > 0 else shown
