"""Packages that only some parts of skgex need."""

import importlib


def optional(module, purpose, extra="bio"):
    """Import ``module`` when it is first needed, or say which extra installs it."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{purpose} needs the package {module.split('.')[0]}; "
            f'run: pip install "skgex[{extra}]"'
        ) from error
