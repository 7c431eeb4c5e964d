"""One perturber for each of several targets and gene sets."""

from collections.abc import Mapping

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, validate_data

from skgex._utils._gene_ids import as_ids, kind_in_words
from skgex._utils._naming import few
from skgex._utils._tables import as_table
from skgex._utils._validation import as_host
from skgex.datasets import read_gmt
from skgex.perturbation._states import check_target


class PerturberFamily:
    """Mixin of a perturber whose ``target`` may be a list, and that may have ``gene_sets``.

    Every target, in every gene set, is a member: a copy with that target alone, fitted on the
    genes of that set. Members of a set share its classifier.
    """

    def _is_family(self):
        return self.gene_sets is not None or _is_list(self.target)

    def _fit_members(self, X, y):
        genes = self._genes_of_sets(X)
        targets = list(self.target) if _is_list(self.target) else [self.target]
        if not targets:
            raise ValueError("target is an empty list: name at least one state.")
        targets = list(dict.fromkeys(check_target(target, self.classes_) for target in targets))
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        members, rows = {}, []
        for name, (columns, n_unmeasured) in genes.items():
            members[name], classifier = {}, self.classifier
            for target in targets:
                member = clone(self).set_params(target=target, gene_sets=None, random_state=seed)
                member.classifier = classifier  # as it is, also when it is fitted
                member.fit(_columns(X, columns), y)
                classifier = member.classifier_
                members[name][target] = member
                rows.append((name, target, len(columns), n_unmeasured, *member.accuracy_.values()))
        self.members_ = members
        self.gene_positions_ = {name: columns for name, (columns, _) in genes.items()}
        head = ("gene_set", "target", "n_genes", "n_unmeasured", *member.accuracy_)
        self._results_ = dict(zip(head, map(list, zip(*rows, strict=True)), strict=True))
        return self

    @property
    def results_(self):
        """A row a member."""
        if not hasattr(self, "members_"):
            raise AttributeError(
                f"{type(self).__name__} has results_ once it is fitted for several targets or "
                "gene sets; accuracy_ has those of a single generator."
            )
        return as_table(self._results_)

    def get_feature_names_out(self, input_features=None):
        """Names of the genes that come out.

        Parameters
        ----------
        input_features : array-like of str, default=None
            Names of the genes of ``fit``.

        Returns
        -------
        ndarray of str
        """
        if not hasattr(self, "members_") or None in self.members_:
            return super().get_feature_names_out(input_features)
        check_is_fitted(self)
        name = _one_of(self.members_, None, "gene_set")
        return self.feature_names_in_[self.gene_positions_[name]]

    def _genes_of_sets(self, X):
        """Positions of the measured genes of every set, and how many others it has."""
        if self.gene_sets is None:
            return {None: (np.arange(self.n_features_in_), 0)}
        names = getattr(self, "feature_names_in_", None)
        if names is None:
            raise ValueError(
                "gene_sets need the names of the genes: pass X as a table whose columns are named "
                "by genes, such as ExpressionData.to_frame()."
            )
        sets = self.gene_sets if isinstance(self.gene_sets, Mapping) else read_gmt(self.gene_sets)
        if not sets:
            raise ValueError("gene_sets has no set: pass at least one.")
        position = {gene: column for column, gene in enumerate(names.tolist())}
        found = {}
        for name, genes in sets.items():
            if isinstance(genes, str):
                raise ValueError(
                    f"gene_sets[{name!r}] is the text {genes!r}: pass a list of genes."
                )
            genes = list(dict.fromkeys(as_ids(list(genes)).tolist()))
            columns = sorted(position[gene] for gene in genes if gene in position)
            if not columns:
                raise ValueError(
                    f"No gene of gene_sets[{name!r}] was measured: it has {kind_in_words(genes)} "
                    f"such as {few(genes)}, X has {kind_in_words(names)} such as {few(names)}. "
                    "Leave the set out, or bring both into the same vocabulary."
                )
            found[str(name)] = np.array(columns), len(genes) - len(columns)
        return found

    def _chosen(self, X, target, gene_set):
        """The member for a target and a gene set, and its genes of X."""
        check_is_fitted(self)
        if not hasattr(self, "members_"):
            if gene_set is not None or (target is not None and target != self.target_):
                raise ValueError(
                    f"This {type(self).__name__} turns profiles into {self.target_!r}, with all "
                    f"genes: leave target and gene_set out, or fit it for what you ask for."
                )
            return self, X
        name = _one_of(self.members_, gene_set, "gene_set")
        member = self.members_[name][_one_of(self.members_[name], target, "target")]
        validate_data(self, as_host(X), reset=False, skip_check_array=True)
        if hasattr(self, "_sklearn_output_config"):
            member.set_output(**self._sklearn_output_config)
        return member, X if name is None else _columns(X, self.gene_positions_[name])

    def perturb(self, X, *, target=None, gene_set=None):
        """What must change in profiles to bring them to the target state.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of any state, with the genes of ``fit``.
        target, gene_set : str, default=None
            Which of several generators.

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
            The change of every gene (of the set), ``clip(x + P) − x``, in the units of ``X``, or
            in shares of a gene's training range with ``original_units=False``.
        """
        member, X = self._chosen(X, target, gene_set)
        return super(PerturberFamily, member).perturb(X)

    def transform(self, X, *, target=None, gene_set=None):
        """Profiles brought to the target state.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of any state, with the genes of ``fit``.
        target, gene_set : str, default=None
            Which of several generators.

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
            Perturbed profiles (of the genes of the set), in the units of ``X``, or in shares of a
            gene's training range with ``original_units=False``.
        """
        member, X = self._chosen(X, target, gene_set)
        return super(PerturberFamily, member).transform(X)

    def predict(self, X, *, target=None, gene_set=None):
        """The states that the classifier f gives to perturbed profiles.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of any state, before they are perturbed.
        target, gene_set : str, default=None
            Which of several generators.

        Returns
        -------
        ndarray of shape (n_profiles,)
        """
        member, X = self._chosen(X, target, gene_set)
        return super(PerturberFamily, member).predict(X)

    def score(self, X, y=None, *, target=None, gene_set=None):
        """Share of profiles that reach the target state, as the classifier f sees it.

        A high share alone says little: one and the same profile for all reaches it too. See
        :func:`~skgex.inspection.realism`.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
        y : array-like of shape (n_profiles,), default=None
            States of the profiles: those of the target state, which have nowhere to go, are left
            out. None counts all profiles.
        target, gene_set : str, default=None
            Which of several generators.

        Returns
        -------
        float
        """
        member, X = self._chosen(X, target, gene_set)
        return super(PerturberFamily, member).score(X, y)


def _is_list(target):
    return target is not None and not isinstance(target, str) and np.ndim(target) > 0


def _columns(X, columns):
    if hasattr(X, "iloc"):
        return X.iloc[:, columns]
    return X[:, columns] if hasattr(X, "shape") else np.asarray(X)[:, columns]


def _one_of(members, wanted, argument):
    if wanted is None and len(members) == 1:
        return next(iter(members))
    if wanted not in members:
        asked = "is not given" if wanted is None else f"= {wanted!r} was not fitted"
        raise ValueError(f"{argument} {asked}: name one of {few(members, 10)}.")
    return wanted
