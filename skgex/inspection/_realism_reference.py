"""What perturbed profiles are held against: real ones, classifiers, and simple perturbations."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from skgex.inspection._realism_measures import (
    GeneCorrelations,
    identity_kept,
    nearest_shares,
    source_signal,
    total_variance,
    two_sample_auc,
)
from skgex.preprocessing import GeneScaler

BASELINES = ("identity", "constant mean", "mean difference", "Gaussian draw")
REAL = "real profiles"  # the row of these
_ENOUGH = 5  # fewer profiles tell nothing of how a distribution is shaped
_N_COMPONENTS = 10


class Reference:
    """Held-out profiles, and what was learned from training profiles.

    Parameters
    ----------
    real : ndarray of shape (n_real, n_genes)
        Held-out profiles of the target state.
    sources : ndarray of shape (n_perturbed, n_genes)
        Held-out profiles of other states, before they are perturbed.
    states : ndarray of shape (n_perturbed,)
        Their states.
    training : ndarray of shape (n_training_profiles, n_genes)
    y_train : ndarray of shape (n_training_profiles,)
    target : str or number
    n_neighbors, max_genes, random_state : int

    Attributes
    ----------
    correlation_ceiling : float
        Agreement of gene-gene correlations of training profiles of the target with real ones.
    """

    def __init__(
        self,
        real,
        sources,
        states,
        training,
        y_train,
        target,
        *,
        n_neighbors,
        max_genes,
        random_state,
    ):
        self._scaler = GeneScaler("range").fit(training)
        self._varies = self._scaler.scale_ > 0
        if not self._varies.any():
            raise ValueError(
                "X_train has no gene that varies: pass training profiles that differ."
            )
        self._sources, self._states, self._target = sources, states, target
        self._seed = random_state
        self._real, self._before = self._shares(real), self._shares(sources)
        # Classifiers need no more digits, and take half the memory.
        training = self._scaler.transform(training)[:, self._varies].astype(np.float32, copy=False)
        self._judges = _judges(n_neighbors, random_state)
        for judge in self._judges.values():
            judge.fit(training, y_train)
        self._own = training[y_train == target].astype(np.float64)
        self._means = {
            state: training[y_train == state].mean(axis=0, dtype=np.float64)
            for state in np.unique(y_train).tolist()
        }
        self._learn_shape(max_genes)

    def _shares(self, X):
        """Genes that vary, in shares of their training range."""
        return self._scaler.transform(X.astype(np.float64))[:, self._varies]

    def _learn_shape(self, max_genes):
        """What the target's distribution looks like, in training and held-out profiles."""
        self._components = None
        if len(self._own) >= _ENOUGH and np.ptp(self._own, axis=0).any():
            n_components = min(_N_COMPONENTS, len(self._own) - 1, self._own.shape[1])
            pca = PCA(n_components, random_state=self._seed)  # a forest sees no scale
            self._components = pca.fit(self._own)
        self.correlation_ceiling = np.nan
        if len(self._real) >= _ENOUGH:
            genes = np.flatnonzero(np.ptp(self._real, axis=0))
            self._genes = np.random.RandomState(self._seed).permutation(genes)[:max_genes]
            self._correlations = GeneCorrelations(self._real[:, self._genes])
            if len(self._own) >= _ENOUGH:
                own = GeneCorrelations(self._own[:, self._genes])
                self.correlation_ceiling = self._correlations.agreement(own)

    def notes(self):
        """Sentences on what cannot be measured."""
        numbers = {
            f"real profiles of {str(self._target)!r}": len(self._real),
            "profiles of other states": len(self._before),
        }
        few = [f"{n} {kind}" for kind, n in numbers.items() if n < _ENOUGH]
        undefined = "variance, correlation, auc, nn_real and nn_generated"
        if not few and len(self._own) < _ENOUGH:
            few = [f"{len(self._own)} training profiles of {str(self._target)!r}"]
            undefined = "auc and correlation_ceiling"
        return [f"There are {n}, fewer than {_ENOUGH}: {undefined} are NaN." for n in few]

    def baseline(self, name):
        """Profiles perturbed without any learning, in the units of X.

        Parameters
        ----------
        name : one of ``BASELINES``

        Returns
        -------
        ndarray of shape (n_perturbed, n_genes)
        """
        mean = self._means[self._target]
        if name == "identity":
            return self._sources
        if name == "constant mean":
            made = np.tile(mean, (len(self._sources), 1))
        elif name == "mean difference":
            shift = mean - np.array([self._means[state] for state in self._states.tolist()])
            made = np.clip(self._before + shift, 0, 1)
        else:  # the covariance is that of the training profiles, without a matrix of all genes
            n = len(self._own)
            noise = np.random.RandomState(self._seed).standard_normal((len(self._sources), n))
            draw = mean + noise @ (self._own - mean) / np.sqrt(max(1, n - 1))
            made = np.clip(draw, 0, 1)
        full = np.zeros((len(made), len(self._varies)))
        full[:, self._varies] = made
        return self._scaler.inverse_transform(full)

    def measures(self, P):
        """All that is told of perturbed profiles without the classifier f.

        Parameters
        ----------
        P : ndarray of shape (n_perturbed, n_genes)
            In the units of X.

        Returns
        -------
        dict of str to float
        """
        P = self._shares(P)
        row = self._judged(P)
        row |= dict.fromkeys(("variance", "correlation"), np.nan)
        row["identity"] = identity_kept(self._before, P, self._states)
        row["source_signal"] = source_signal(P, self._states)
        row["size"] = self._size(P)
        row |= dict.fromkeys(("auc", "nn_real", "nn_generated"), np.nan)
        if min(len(self._real), len(P)) < _ENOUGH:
            return row
        real_variance = total_variance(self._real)
        if real_variance > 0:
            row["variance"] = total_variance(P) / real_variance
        row["correlation"] = self._correlations.agreement(GeneCorrelations(P[:, self._genes]))
        if self._components is not None:
            row["auc"] = two_sample_auc(
                self._components.transform(self._real),
                self._components.transform(P),
                random_state=self._seed,
            )
        row["nn_real"], row["nn_generated"] = nearest_shares(self._real, P)
        return row

    def measures_of_real(self):
        """The same of the real profiles, of which judges may miss some too; NaN is not defined."""
        row = self._judged(self._real)
        row |= {"variance": 1.0, "correlation": self.correlation_ceiling}
        undefined = ("identity", "source_signal", "size", "auc", "nn_real", "nn_generated")
        return row | dict.fromkeys(undefined, np.nan)

    def _judged(self, P):
        return {
            name: float(np.mean(judge.predict(P) == self._target))
            for name, judge in self._judges.items()
        }

    def _size(self, P):
        distance = {
            state: np.abs(mean - self._means[self._target]).sum()
            for state, mean in self._means.items()
        }
        distance = np.array([distance[state] for state in self._states.tolist()])
        moved = np.abs(P - self._before).sum(axis=1)
        return float(np.mean(moved / np.where(distance > 0, distance, np.nan)))


def _judges(n_neighbors, random_state):
    return {
        "logistic": make_pipeline(
            StandardScaler(), LogisticRegression(C=0.1, max_iter=1000, tol=1e-3)
        ),
        "forest": RandomForestClassifier(200, random_state=random_state),
        "neighbors": KNeighborsClassifier(n_neighbors),
    }
