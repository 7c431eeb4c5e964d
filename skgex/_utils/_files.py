"""Files that are whole or absent."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def atomic_output(path):
    """Yield a temporary path beside ``path`` that replaces it only when the block succeeds.

    A reader therefore never sees a half-written file, whatever interrupts the writing: a full
    disk, an exception, a killed process.

    Parameters
    ----------
    path : str or path-like
        Where the finished file shall lie.

    Yields
    ------
    pathlib.Path
        The temporary file to write to; it has the same suffixes as ``path``, since some writers
        choose their format by them.

    Raises
    ------
    OSError
        With a sentence that names ``path`` when it cannot be written; what stood there before is
        still there.
    """
    path = Path(path)
    if path.is_dir():
        raise IsADirectoryError(f"Cannot write {str(path)!r}: it is a folder. Name a file in it.")
    try:
        handle, temporary = tempfile.mkstemp(
            dir=path.parent, prefix=f".{path.name.split('.')[0]}-", suffix="".join(path.suffixes)
        )
    except OSError as error:
        raise _explained(error, path) from error
    os.close(handle)
    temporary = Path(temporary)
    try:
        yield temporary
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        # mkstemp makes files private; a result is as readable as any other new file.
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        temporary.unlink(missing_ok=True)


def _explained(error, path):
    reason = error.strerror or str(error)
    return type(error)(
        error.errno,
        f"Cannot write {str(path)!r} ({reason}). Nothing was left half-written; free some space "
        "or choose another place, then try again",
    )
