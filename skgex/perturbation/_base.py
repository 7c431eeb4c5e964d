"""What turns profiles of any state into those of a target state, whatever the method."""

import numpy as np
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin, clone
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted, validate_data

from skgex._utils._naming import few
from skgex._utils._perturbed import as_states
from skgex._utils._validation import as_host, like
from skgex.perturbation._states import check_enough, check_target, states_to_learn
from skgex.preprocessing import GeneScaler

_FLOATS = [np.float64, np.float32]


class Perturber(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """Validation, gene scaling and output: a method learns and moves profiles within [0, 1].

    A method calls :meth:`_training_profiles` in ``fit``, sets ``classifier_``, and implements
    ``_move(Z, ...) -> Z`` on scaled profiles.
    """

    _parameter_constraints: dict = {
        "original_units": ["boolean"],
    }

    def _validated(self, X, y, fewest=3):
        """Validate profiles and their states, and remember what they are."""
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
        return self.x_scaler_.transform(X)

    def _fitted_classifier(self, X, y):
        """f, trained on these profiles, or the user's own if it is fitted already."""
        classifier = self.classifier
        if classifier is None:
            classifier = self._default_classifier(*X.shape)
        elif _is_fitted(classifier):
            self._check_classes(classifier)
            return classifier
        return clone(classifier).fit(X, y)

    def _check_classes(self, classifier):
        known = getattr(classifier, "classes_", None)
        if known is None or self.target_ not in list(known):
            raise ValueError(
                f"classifier, a fitted {type(classifier).__name__}, does not know the target "
                f"state {self.target_!r}: its classes_ are {few([] if known is None else known)}. "
                "Pass one that was fitted on these states, or one that is not fitted yet."
            )

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
        return self._answer(X, lambda Z, moved: moved - Z)

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
        return self._answer(X, lambda Z, moved: moved)

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
        _, moved = self._moved(X)
        return self._recognised(moved)

    def _recognised(self, Z):
        """States of scaled profiles, as f sees them."""
        return self.classifier_.predict(self.x_scaler_.inverse_transform(Z))

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

    def _answer(self, X, what, **states):
        Z, moved = self._moved(X, **states)
        if self.original_units:
            Z, moved = (self.x_scaler_.inverse_transform(scaled) for scaled in (Z, moved))
        return like(what(Z, moved).astype(self.dtype_, copy=False), X)

    def _moved(self, X, **states):
        """Scaled profiles, before and after."""
        check_is_fitted(self)
        X = validate_data(self, as_host(X), reset=False, dtype=_FLOATS)
        Z = self.x_scaler_.transform(X.astype(self.dtype_, copy=False))
        return Z, self._move(Z, **states).clip(0, 1)

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
