"""
Unlabelled profiles in a grid search
====================================

Unlabelled profiles reach a net as rows of NaN in the targets, or as ``X_unlabeled``, routed
through a pipeline and a grid search. *Claim: both ways lead to the same folds, the same choice
and, up to rounding, the same scores.* The profiles are simulated.
"""

# %%
# What is searched
# ----------------
# 48 labelled and 72 unlabelled profiles. ``lambda_pseudo`` weighs what SemiGAN's teacher infers
# of unlabelled profiles, ``lambda_cons`` how much dropout may change an inference. Nothing is
# drawn (``lambda_gx`` and so on are 0), the net is small, the folds are two: this page builds in
# seconds.

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn import config_context
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from skgex import LabeledFold, SemiGANRegressor, make_expression
from skgex.metrics import mae_scorer

data, _ = make_expression(120, n_landmarks=50, n_targets=100, labelled=0.4, random_state=0)
X, Y = data.X[:, :50], data.X[:, 50:]
labelled = ~np.isnan(Y).all(axis=1)
print(f"{labelled.sum()} labelled and {(~labelled).sum()} unlabelled profiles")

net = SemiGANRegressor(
    hidden_units=100,
    lambda_gx=0,
    lambda_gy=0,
    lambda_gxy=0,
    max_epochs=40,
    batch_size=20,
    lr=3e-3,
    early_stopping=False,
    random_state=0,
)
grid = {"net__lambda_pseudo": [0.3, 3], "net__lambda_cons": [0.1, 10]}
folds = KFold(2, shuffle=True, random_state=0)

# %%
# Rows of NaN
# -----------
# They pass through every step of a pipeline, and ``LabeledFold`` gives all of them to every
# training fold.

pipe = Pipeline([("scale", StandardScaler()), ("net", net)])
with_nan = GridSearchCV(pipe, grid, scoring=mae_scorer, cv=LabeledFold(folds)).fit(X, Y)
print(with_nan.best_params_)

# %%
# ``X_unlabeled``, routed
# -----------------------
# scikit-learn hands extra arguments on only where it is told to: ``set_fit_request`` says that the
# net wants them, and ``transform_input`` that the pipeline shall transform them as it does ``X``;
# without it they would arrive unscaled, with no warning. Folds are of labelled profiles alone, so
# that a plain ``KFold`` will do.

with config_context(enable_metadata_routing=True):
    net.set_fit_request(X_unlabeled=True)
    pipe = Pipeline([("scale", StandardScaler()), ("net", net)], transform_input=["X_unlabeled"])
    routed = GridSearchCV(pipe, grid, scoring=mae_scorer, cv=folds)
    routed.fit(X[labelled], Y[labelled], X_unlabeled=X[~labelled])
print(routed.best_params_)

# %%
# The same scores
# ---------------
# Mean absolute error of each candidate and fold, both ways:

ways = {"rows of NaN": with_nan, "routed": routed}
errors = {}
for way, search in ways.items():
    for fold in range(2):
        errors[way, f"fold {fold + 1}"] = -search.cv_results_[f"split{fold}_test_score"]
candidates = pd.DataFrame(routed.cv_results_["params"]).rename(columns=lambda name: name[5:])
pd.DataFrame(errors, index=pd.MultiIndex.from_frame(candidates)).round(3)

# %%
# What they differ by is rounding: the pipeline scales by all profiles in one case, by the labelled
# ones in the other, and the net scales once more by all of them; training makes more of the
# differences that are left.

by_nan, by_route = (np.ravel([errors[way, f"fold {k}"] for k in (1, 2)]) for way in ways)
fig, ax = plt.subplots(figsize=(4, 3.6), layout="constrained")
ax.axline((by_nan.min(), by_nan.min()), slope=1, color="0.3", linewidth=1)
ax.plot(by_nan, by_route, "o", alpha=0.7)
ax.set(xlabel="error, rows of NaN", ylabel="error, X_unlabeled routed", aspect="equal")

# %%
# .. admonition:: What this does not show
#
#    The one case that goes wrong in silence: as many unlabelled profiles as labelled ones.
#    Cross-validation slices every argument of that length like a sample weight, so that a fold
#    would get *a part* of ``X_unlabeled``. Rows of NaN have no such trap.
