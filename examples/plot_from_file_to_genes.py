"""
From a file of profiles to inferred genes
=========================================

A few genes are measured, the others inferred, and every inferred gene comes with a word that says
how far it can be trusted. *Claim: that word, earned on profiles held out from training, still
holds on profiles measured later.* The profiles are simulated, so that later ones can be had.
"""

# %%
# A file
# ------
# The simulator stands for your own data: 600 profiles of 600 genes in a csv file, of which 100
# genes, the landmarks, are cheap to measure. :func:`~skgex.datasets.read_expression` says what it
# found in the file instead of guessing in silence. Had the genes the names of genes, it would see
# for itself which way round the table is.

import tempfile
from pathlib import Path

import pandas as pd
from sklearn.model_selection import train_test_split

from skgex import KernelRidgeRegressor, gene_report, make_expression, read_expression
from skgex.metrics import summarize_report
from skgex.plotting import PredictionDisplay, ReliabilityDisplay

simulated, _ = make_expression(2000, n_landmarks=100, n_targets=500, random_state=0)
is_landmark = simulated.gene_table["is_landmark"]
file = Path(tempfile.mkdtemp()) / "profiles.csv"
simulated.to_frame()[:600].to_csv(file)

data = read_expression(file, orientation="samples-in-rows")
print(*data.notes, sep="\n")

# %%
# A model
# -------
# A fifth of the profiles is held out. Tables keep the names of the genes.

profiles = data.to_frame()
X, Y = profiles.loc[:, is_landmark], profiles.loc[:, ~is_landmark]
X_train, X_held_out, Y_train, Y_held_out = train_test_split(X, Y, test_size=0.2, random_state=0)

model = KernelRidgeRegressor().fit(X_train, Y_train)
report = gene_report(Y_held_out, model.predict(X_held_out), baseline=Y_train.mean())
report.drop(columns="is_landmark_twin").head().round(2)

# %%
# ``relative_error`` compares with a predictor that knows nothing but the mean of each gene: below
# 1, something was learnt. ``reliability`` puts error and concordance into a word.

ReliabilityDisplay.from_report(report)

# %%
# New panels
# ----------
# Later, 1,400 more profiles are measured in the landmarks only. The simulator has measured
# everything, so we may look whether the words still hold.

later = simulated.to_frame()[600:]
measured, inferred = later.loc[:, ~is_landmark], model.predict(later.loc[:, is_landmark])
later_report = gene_report(measured, inferred, baseline=Y_train.mean())
for when, table in {"held out": report, "later": later_report}.items():
    print(f"relative error, {when}: {summarize_report(table)['all']['relative_error']}")

# %%
# Gene by gene, the classes of then (rows) and now (columns):

classes = ["high", "medium", "low", "none"]
pd.crosstab(
    report["reliability"].rename("held out"), later_report["reliability"].rename("later")
).reindex(index=classes, columns=classes, fill_value=0)

# %%
# Most genes keep their class, and those that do not move to the next one. What a class means, as
# means over its genes on the later profiles:

later_report.groupby(report["reliability"].rename("held out"))[
    ["relative_error", "pearson", "concordance"]
].mean().reindex(classes).dropna().round(2)

# %%
# What inferred values look like
# ------------------------------
# The two best, median and worst genes of the later profiles. An inferred gene varies less than the
# measured one: a prediction is an expected value, and what the landmarks do not tell is
# missing from it. Differences between samples are therefore understated.

PredictionDisplay.from_predictions(measured, inferred, n_genes=6, random_state=0)

# %%
# .. admonition:: What this does not show
#
#    The later profiles come from the same simulated population: the same states, the same
#    platform, the same noise. On another platform or tissue the words must be earned again, with
#    some fully measured profiles from there; ``skgex evaluate`` does it for a saved model.
