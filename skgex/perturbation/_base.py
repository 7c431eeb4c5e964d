"""What turns profiles of any state into those of a target state, whatever the method."""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from skgex._utils._naming import few
from skgex._utils._optional import optional
from skgex._utils._perturbed import as_states
from skgex._utils._validation import as_host, forget_fit, like
from skgex.base import check_same_genes
from skgex.perturbation._states import check_enough, check_target, states_to_learn
from skgex.preprocessing import GeneScaler

_FLOATS = [np.float64, np.float32]


class Perturber(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Validation, gene scaling and output: a method learns and moves profiles within [0, 1].

    A method calls :meth:`_validated` and :meth:`_scaled` in ``fit``, sets ``classifier_`` by
    :meth:`_fitted_classifier`, and implements ``_move(Z, ...) -> Z`` on scaled profiles.
    """

    _parameter_constraints: dict = {
        "original_units": ["boolean"],
    }

    def _validated(self, X, y, fewest=3):
        """Validate profiles and their states, and remember what they are, and nothing else."""
        forget_fit(self)
        states = states_to_learn(y, X, self)
        X = validate_data(self, as_host(X), dtype=_FLOATS)
        self.dtype_ = X.dtype
        self.classes_, codes, counts = np.unique(states, return_inverse=True, return_counts=True)
        check_enough(self.classes_, counts, fewest)
        return X, self.classes_[codes]

    def _scaled(self, X, y):
        """Scale training profiles to [0, 1], gene by gene, and remember the target state."""
        self.target_ = check_target(self.target, self.classes_)
        self.x_scaler_ = GeneScaler("range").fit(X)
        self.target_mean_ = X[y == self.target_].mean(axis=0)
        self.n_target_ = int((y == self.target_).sum())
        return self._shares(X)

    def _shares(self, X):
        """Profiles scaled to [0, 1]; of genes that did not vary in training nothing is known."""
        return np.where(self.x_scaler_.scale_ > 0, self.x_scaler_.transform(X), 0)

    def _fitted_classifier(self, X, y, seed=None):
        """f, trained on these profiles, or the user's own if it is fitted already."""
        classifier = self.classifier
        if classifier is None:
            classifier = self._default_classifier(*X.shape, seed)
        elif _is_fitted(classifier):
            self._check_classifier(classifier)
            return classifier
        return clone(classifier).fit(X, y)

    def _check_classifier(self, classifier):
        """Refuse a fitted classifier of other states or genes."""
        named = f"classifier, a fitted {type(classifier).__name__},"
        advice = "Pass one that was fitted on these profiles, or one that is not fitted yet."
        known = np.asarray(getattr(classifier, "classes_", ())).tolist()
        if self.target_ not in known:
            raise ValueError(
                f"{named} does not know the target state {self.target_!r}: its classes_ are "
                f"{few(known)}. {advice}"
            )
        if more := [state for state in known if state not in self.classes_.tolist()]:
            raise ValueError(
                f"{named} knows states that y does not have ({few(more)}): a profile that it "
                f"takes for one of these could not be moved. {advice}"
            )
        n_genes = getattr(classifier, "n_features_in_", self.n_features_in_)
        if n_genes != self.n_features_in_:
            raise ValueError(
                f"{named} knows {n_genes} genes, X has {self.n_features_in_}. {advice}"
            )
        names = [getattr(e, "feature_names_in_", None) for e in (classifier, self)]
        check_same_genes(names[1], names[0], "X", named.rstrip(","))

    def perturb(self, X):
        """What must change in profiles to bring them to the target state.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of any state.

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
            The change of every gene, ``clip(x + P) − x``, in the units of ``X``, or in shares of
            a gene's training range with ``original_units=False``.
        """
        return self._answer(X, changed=True)

    def transform(self, X):
        """Profiles brought to the target state.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of any state.

        Returns
        -------
        ndarray of shape (n_profiles, n_genes)
            Perturbed profiles, in the units of ``X``, or in shares of a gene's training range with
            ``original_units=False``.
        """
        return self._answer(X)

    def predict(self, X):
        """The states that the classifier f gives to perturbed profiles.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
            Profiles of any state, before they are perturbed.

        Returns
        -------
        ndarray of shape (n_profiles,)
        """
        *_, moved = self._moved(X)
        return self._recognised(moved)

    def _recognised(self, Z):
        """States of scaled profiles, as f sees them."""
        profiles = self.x_scaler_.inverse_transform(Z)
        names = getattr(self.classifier_, "feature_names_in_", None)
        if names is not None:  # it was fitted on a table, and wants one
            profiles = optional("pandas", "A classifier of tables").DataFrame(
                profiles, columns=names
            )
        return np.asarray(self.classifier_.predict(profiles))

    def score(self, X, y=None):
        """Share of profiles that reach the target state, as the classifier f sees it.

        A high share alone says little: one and the same profile for all reaches it too. See
        :func:`~skgex.inspection.realism`.

        Parameters
        ----------
        X : array-like of shape (n_profiles, n_genes)
        y : array-like of shape (n_profiles,), default=None
            States of the profiles: those of the target state, which have nowhere to go, are left
            out. None counts all profiles.

        Returns
        -------
        float
        """
        reached = self.predict(X) == self.target_
        if y is not None:
            reached = reached[as_states(y, X) != self.target_]
        if not len(reached):
            raise ValueError(
                f"All profiles are of the target state {self.target_!r}: pass some of others."
            )
        return float(reached.mean())

    def _answer(self, X, *, changed=False, **states):
        """Perturbed profiles, or what was changed in them, as the user wants them."""
        profiles, Z, moved = self._moved(X, **states)
        if not self.original_units:
            result = moved - Z if changed else moved
        elif changed:
            result = (moved - Z) * self.x_scaler_.scale_
        else:
            # A gene that did not vary in training stays as it is.
            varies = self.x_scaler_.scale_ > 0
            result = np.where(varies, self.x_scaler_.inverse_transform(moved), profiles)
        return like(result.astype(self.dtype_, copy=False), X)

    def _moved(self, X, **states):
        """Profiles, the same scaled, and these perturbed."""
        check_is_fitted(self)
        X = validate_data(self, as_host(X), reset=False, dtype=_FLOATS)
        X = X.astype(self.dtype_, copy=False)
        Z = self._shares(X)
        return X, Z, self._move(Z, **states).clip(0, 1)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def _is_fitted(classifier):
    try:
        check_is_fitted(classifier)
    except (NotFittedError, TypeError):
        return False
    return True
