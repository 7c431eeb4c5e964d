"""Packages that only some formats need."""

import importlib


def optional(module, purpose):
    """Import ``module`` when it is first needed, or say how to install it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f'{purpose} needs the package {module}; run: pip install "skgex[bio]"'
        ) from error
