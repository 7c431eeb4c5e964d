"""Draw the picture of the README: ``python docs/_static/first_screen.py``."""

from pathlib import Path

import matplotlib.pyplot as plt

from skgex import (
    DenseNetRegressor,
    DGEXRegressor,
    KernelRidgeRegressor,
    KNNRegressor,
    RidgeRegressorCV,
    gene_report,
    make_expression,
)
from skgex.plotting import MethodComparisonDisplay, ReliabilityDisplay

METHODS = {
    "kernel ridge": KernelRidgeRegressor(),
    "ridge": RidgeRegressorCV(),
    "DenseNet": DenseNetRegressor(random_state=0),
    "D-GEX": DGEXRegressor(random_state=0),
    "nearest profiles": KNNRegressor(),
}

data, _ = make_expression(1000, n_landmarks=100, n_targets=500, random_state=0)
profiles = data.to_frame()
X, Y = profiles.iloc[:, :100], profiles.iloc[:, 100:]
reports = {
    name: gene_report(
        Y[800:], model.fit(X[:800], Y[:800]).predict(X[800:]), baseline=Y[:800].mean()
    )
    for name, model in METHODS.items()
}

fig, (left, right) = plt.subplots(
    1, 2, figsize=(13, 4.2), width_ratios=[1, 1.35], layout="constrained"
)
ReliabilityDisplay.from_report(reports["kernel ridge"], ax=left)
MethodComparisonDisplay.from_reports(reports, ax=right)
fig.savefig(Path(__file__).with_suffix(".png"), dpi=85, pil_kwargs={"optimize": True})
