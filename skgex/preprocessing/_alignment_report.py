"""What became of a table's genes."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AlignmentReport:
    """What became of a table's genes when it was brought into a reference order.

    ``str(report)`` says it in a sentence.

    Attributes
    ----------
    matched : list of str
        Reference genes that the table has.
    missing : list of str
        Reference genes that it lacks.
    duplicated : list of str
        Reference genes for which it has several columns.
    ignored : list of str
        Its columns that are no reference genes.
    treatment : str
        What was done about missing and duplicated genes; empty if there were none.
    n_matched, n_missing, n_duplicated, n_ignored : int
        How many they are.
    """

    matched: list
    missing: list
    duplicated: list
    ignored: list
    treatment: str = ""

    @property
    def n_matched(self):
        return len(self.matched)

    @property
    def n_missing(self):
        return len(self.missing)

    @property
    def n_duplicated(self):
        return len(self.duplicated)

    @property
    def n_ignored(self):
        return len(self.ignored)

    def __str__(self):
        counts = (
            f"{self.n_matched} of {self.n_matched + self.n_missing} genes matched, "
            f"{self.n_missing} missing, {self.n_duplicated} duplicated; "
            f"{self.n_ignored} other columns ignored."
        )
        return f"{counts} {self.treatment}".rstrip()
