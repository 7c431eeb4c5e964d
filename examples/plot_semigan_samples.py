"""
Profiles that nobody measured
=============================

SemiGAN's generators draw landmark and target profiles from one latent vector. *Claim: they repeat
what genes do together nearly as well as draws from a Gaussian with the means and covariances of
the data; by single genes a classifier tells either from measured profiles.* The profiles are
simulated.
"""

# %%
# Draw
# ----
# 1,000 profiles to learn from, and 500 more that nothing has learned from. ``sample`` draws in the
# units of the data. All nets are small, so that this page builds in seconds.

# sphinx_gallery_thumbnail_number = 2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier

from skgex import SemiGANRegressor, make_expression
from skgex.metrics import two_sample_test
from skgex.plotting import LossCurveDisplay

N_LANDMARKS, N_GENES = 30, 100

data, _ = make_expression(1500, N_LANDMARKS, N_GENES - N_LANDMARKS, random_state=0)
known, new = data.X[:1000], data.X[1000:]

semigan = SemiGANRegressor(
    hidden_units=50,
    latent_dim=32,
    gan_units=150,
    critic_units=150,
    max_epochs=40,
    batch_size=50,
    lr=3e-3,
    lambda_cons=0,  # of the inference net, which is not this page's matter
    early_stopping=False,
    random_state=0,
).fit(known[:, :N_LANDMARKS], known[:, N_LANDMARKS:])

drawn = np.hstack(semigan.sample(500, random_state=0))
print(f"measured {new.mean():.2f} ± {new.std():.2f}, drawn {drawn.mean():.2f} ± {drawn.std():.2f}")

# %%
# The game
# --------
# Critics and generators pull at each other: neither loss need fall, and neither says how good
# drawn profiles are. Three critics that cannot tell drawn from measured profiles have a loss of
# about 3/4; at 0 they would tell them all, and have nothing left to teach. Reconstruction,
# translation and inversion, the paths between profiles and the latent vector, are ordinary losses.

LossCurveDisplay.from_estimator(semigan)

# %%
# Against what?
# -------------
# Two other ways to make profiles say what numbers mean: every gene drawn from its own values by
# itself, which keeps each gene and forgets how they go together; and a Gaussian with the means
# and covariances of the same 1,000 profiles.

rng = np.random.default_rng(0)
made = {
    "measured": known[:500],
    "drawn by SemiGAN": drawn,
    "drawn from a Gaussian": rng.multivariate_normal(known.mean(axis=0), np.cov(known.T), 500),
    "each gene by itself": rng.permuted(known, axis=0)[:500],
}
components = PCA(2).fit(known)
pairs = np.triu_indices(N_GENES, k=1)
correlations = {name: np.corrcoef(profiles.T)[pairs] for name, profiles in made.items()}
of_new = np.corrcoef(new.T)[pairs]

fig, (left, right) = plt.subplots(1, 2, figsize=(9.5, 4), layout="constrained")
for name, color in (("measured", "0.7"), ("drawn by SemiGAN", "C0")):
    left.plot(*components.transform(made[name]).T, ".", color=color, alpha=0.7, label=name)
left.set(xlabel="first principal component", ylabel="second principal component")
left.legend()
right.plot(of_new, correlations["drawn by SemiGAN"], ".", markersize=2, alpha=0.5)
right.axline((0, 0), slope=1, color="0.3", linewidth=1)
right.set(xlabel="correlation of two genes, measured", ylabel="drawn", aspect="equal")

# %%
# Can they be told apart?
# -----------------------
# In :func:`~skgex.metrics.two_sample_test` a classifier tries: an area under the ROC curve of .5
# means that it cannot. Logistic regression sees shifted means, a forest shapes and correlations
# too; on ten principal components it sees what many genes do together.

tests = {
    "genes, logistic": dict(),
    "genes, forest": dict(classifier=RandomForestClassifier(50)),
    "10 components, forest": dict(classifier=RandomForestClassifier(50), n_components=10),
}
table = pd.DataFrame(index=made)
table["spread"] = [(profiles.std(axis=0) / new.std(axis=0)).mean() for profiles in made.values()]
table["correlations"] = [np.corrcoef(of_new, those)[0, 1] for those in correlations.values()]
for name, test in tests.items():
    results = (two_sample_test(new, p, random_state=0, **test) for p in made.values())
    table[name] = [result.auc for result in results]
table.round(2)

# %%
# ``spread`` is the standard deviation of a gene relative to measured profiles, mean over genes;
# ``correlations`` the agreement of the picture on the right. With correlations forgotten, a forest
# tells nearly every profile; logistic regression, which has no eye for them, none.
#
# .. admonition:: What this does not show
#
#    That drawn profiles are good for anything. By default SemiGAN's inference net does not learn
#    from them (``lambda_syn=0``), because on real profiles that did not lower its error. To plan a
#    study or to share data, a Gaussian is the simpler thing to beat; and nothing here says that no
#    drawn profile comes close to a profile of someone.
