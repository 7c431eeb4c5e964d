"""Files in and out: checked before any work is done, and told of while they are read."""

import os

import typer

SUFFIXES = (".npz", ".csv", ".tsv", ".txt", ".gct", ".gctx", ".h5ad")
_GZIPPED = (".csv.gz", ".tsv.gz", ".txt.gz", ".gct.gz")


def say(text):
    """Tell the user what is going on, on stderr, so that stdout holds results alone."""
    typer.echo(text, err=True)


def warn(text):
    """Tell the user of something that may spoil the result."""
    say(f"skgex: warning: {' '.join(text.split())}")


def check_suffix(path, option, suffixes=(*SUFFIXES, *_GZIPPED)):
    """Refuse a name that does not tell the format of the file."""
    if not path.name.lower().endswith(suffixes):
        raise ValueError(
            f"{option} {str(path)!r} does not tell the format of the file: let its name end in "
            f"{', '.join(suffixes[: len(SUFFIXES)])}."
        )


def is_plain_table(path):
    """Whether a file has a place for values and ids alone."""
    return path.name.lower().removesuffix(".gz").endswith((".csv", ".tsv", ".txt"))


def check_output(path, option, suffixes=(*SUFFIXES, *_GZIPPED)):
    """Refuse an output that could not be written, before any work is done for it."""
    check_suffix(path, option, suffixes)
    if path.is_dir():
        raise ValueError(f"{option} {str(path)!r} is a folder: name a file in it.")
    if not path.parent.is_dir():
        raise ValueError(
            f"{option} {str(path)!r} cannot be written: there is no folder "
            f"{str(path.parent)!r}. Create it first."
        )
    _check_writable(path.parent, option, path)


def check_folder(path, option):
    """Refuse a folder that could not be created or written to."""
    if path.exists() and not path.is_dir():
        raise ValueError(f"{option} {str(path)!r} is a file: name a folder.")
    existing = next(folder for folder in (path, *path.absolute().parents) if folder.exists())
    if not existing.is_dir():
        raise ValueError(f"{option} {str(path)!r} cannot be created: {existing} is a file.")
    _check_writable(existing, option, path)


def _check_writable(folder, option, path):
    if not os.access(folder, os.W_OK):
        raise ValueError(
            f"{option} {str(path)!r} cannot be written: you have no right to write into "
            f"{str(folder)!r}. Choose another place."
        )


def read(path, *, option="--data", orientation=None, gene_ids=None):
    """Read an expression file and say what was found in it."""
    from skgex.datasets import read_expression

    check_suffix(path, option)
    data = read_expression(path, missing="keep", orientation=orientation, gene_ids=gene_ids)
    say("\n  ".join([f"{path}:", *data.notes]))
    return data


def size_of(data):
    """Size of a data set and the kind of its gene ids, for a reader."""
    n_samples, n_genes = data.X.shape
    kind = data.gene_id_kind
    ids = "" if kind == "unknown" else f", named by {kind}"
    return f"{n_samples:,} profiles x {n_genes:,} genes{ids}"
