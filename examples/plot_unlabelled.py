"""
Unlabelled profiles are rows of NaN
===================================

Panels are cheap and full profiles dear, so that most profiles have landmarks only. Rows of NaN in
the targets say so to every regressor, and cross-validation splits the labelled rows alone.
*Claim: purely supervised methods neither gain nor lose by such rows.* The profiles are simulated.
"""

# %%
# Mark them
# ---------
# The simulator leaves the targets of unlabelled profiles NaN. A row is either complete or NaN
# throughout; a row that is partly NaN is refused with its number.

import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import GridSearchCV, KFold

from skgex import (
    KernelRidgeRegressor,
    KNNRegressor,
    LabeledFold,
    RidgeRegressor,
    make_expression,
)
from skgex.metrics import gene_mean_absolute_error, mae_scorer

data, _ = make_expression(1000, n_landmarks=50, n_targets=200, labelled=0.1, random_state=0)
X, Y = data.X[:, :50], data.X[:, 50:]
labelled = ~np.isnan(Y).all(axis=1)
print(f"{labelled.sum()} labelled and {(~labelled).sum()} unlabelled profiles")

model = RidgeRegressor(100).fit(X, Y)
print("inferred:", model.predict(X[~labelled]).shape)

# %%
# Cross-validate with them
# ------------------------
# A plain ``KFold`` would put unlabelled profiles into test folds, where there is nothing to
# compare with: the scores would be NaN. ``LabeledFold`` splits the labelled rows, and gives every
# training fold all unlabelled ones:

cv = LabeledFold(KFold(5, shuffle=True, random_state=0))
search = GridSearchCV(
    RidgeRegressor(), {"alpha": np.logspace(0, 4, 9)}, scoring=mae_scorer, cv=cv
).fit(X, Y)
print(f"alpha {search.best_params_['alpha']:.0f}, error {-search.best_score_:.3f}")

# %%
# What they are worth
# -------------------
# Supervised methods use unlabelled profiles for the scale of the landmarks only. Ten simulated
# studies with 100 labelled and 900 unlabelled profiles, judged on 500 more:

METHODS = {
    "ridge": RidgeRegressor(100),
    "kernel ridge": KernelRidgeRegressor(),
    "nearest profiles": KNNRegressor(),
}
gains = {name: [] for name in METHODS}
for seed in range(10):
    full, _ = make_expression(1500, n_landmarks=50, n_targets=200, random_state=seed)
    X, Y = full.X[:, :50], full.X[:, 50:]
    X_new, Y_new = X[1000:], Y[1000:]
    Y_partly = np.where(np.arange(1000)[:, None] < 100, Y[:1000], np.nan)
    for name, model in METHODS.items():
        alone, with_rest = (
            gene_mean_absolute_error(Y_new, model.fit(*given).predict(X_new)).mean()
            for given in [(X[:100], Y[:100]), (X[:1000], Y_partly)]
        )
        gains[name].append(100 * (1 - with_rest / alone))

fig, ax = plt.subplots(figsize=(7, 2.6), layout="constrained")
for row, (name, gain) in enumerate(gains.items()):
    ax.plot(gain, np.full(10, row), "o", color=f"C{row}", alpha=0.7)
    ax.plot(np.mean(gain), row, "|", color="k", markersize=24)
    print(f"{name:17} {np.mean(gain):5.2f} % ± {np.std(gain, ddof=1):.2f}")
ax.set_yticks(range(len(gains)), gains)
ax.axvline(0, color="0.3", linewidth=1)
ax.invert_yaxis()
ax.margins(y=0.3)
ax.set(xlabel="error saved by unlabelled profiles (%)", xlim=(-3, 3))

# %%
# .. admonition:: What this does not show
#
#    A method made for unlabelled profiles, which learns more from them than a scale:
#    :ref:`SemiGAN <sphx_glr_gallery_plot_semigan.py>`. And profiles from another platform: their
#    landmarks would be scaled together with those of the labelled ones, which is wrong as long as
#    platforms are not brought together first (:class:`~skgex.preprocessing.PlatformScaler`).
