"""Classes by name, from an allow-list of packages."""

import importlib
import inspect
import re


def find_class(path, packages, base):
    """The class that ``path`` names, if it is the packages' own and derives from ``base``."""
    module_name, _, name = path.rpartition(".")
    parts = module_name.split(".")
    # No dunder module (running one may act), no tests (importing one may).
    home = next((package for package in packages if _within(module_name, package)), None)
    plain = all(re.fullmatch(r"_?[a-z][a-z0-9_]*", part) and part != "tests" for part in parts)
    if plain and home:
        try:
            module = importlib.import_module(module_name)
            found = vars(module).get(name)
            if found is None and name in getattr(module, "__all__", ()):
                found = getattr(module, name)  # a public name that is loaded when it is used
        except ImportError:
            found = None
        if (
            isinstance(found, type)
            and issubclass(found, base)
            and found.__name__ == name
            and _within(found.__module__, home)
            and not inspect.isabstract(found)
        ):
            return found
    raise ValueError(
        f"{path!r:.200} is not a {base.__name__} class of {' or '.join(packages)} in the versions "
        "installed here."
    )


def class_path(cls, packages, base):
    """The shortest path that leads :func:`find_class` to ``cls``, or None.

    It is the public one where there is one, which outlives moves between private modules.
    """
    parts = cls.__module__.split(".")
    for depth in range(1, len(parts) + 1):
        path = ".".join([*parts[:depth], cls.__name__])
        try:
            if find_class(path, packages, base) is cls:
                return path
        except ValueError:
            continue
    return None


def _within(module_name, package):
    return f"{module_name}.".startswith(f"{package}.")
