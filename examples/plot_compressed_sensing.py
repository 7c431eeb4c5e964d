"""
From random sums to profiles and modules
========================================

A lab measures no genes, but weighted sums of many genes at once, far fewer than there are genes.
*Claim: from a tenth as many sums as there are genes, decoders infer genes far better than the mean
profile does, and they go on without learning anew when a sum is lost; that their modules are
enriched in known gene sets, though, says little.* The profiles are simulated, so that modules are
known.
"""

# %%
# What the lab sends
# ------------------
# Three tables: the weights of 40 genes in each of 40 sums, a row for each sum; the sums of 500
# reference samples whose 400 genes were measured too; and those of 300 new samples, of which there
# is nothing else. We may look at their genes, to judge. Every sum bears the noise of the genes
# in it.

import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.base import clone

from skgex import (
    CompositeMeasurement,
    CSGMRegressor,
    GeneScaler,
    KSVDRegressor,
    RidgeRegressorCV,
    SMAFRegressor,
    SparseNMFRegressor,
    WienerMixtureRegressor,
    WienerRegressor,
    enrichment,
    gene_pearson,
    make_expression,
    module_enrichment,
    module_genes,
    profile_pearson,
    relative_rmse,
)
from skgex.inspection import match_modules, module_sizes

N_MODULES, NOISE = 20, 0.3
rng = np.random.default_rng(0)
data, truth = make_expression(
    800, 100, 300, n_modules=N_MODULES, n_states=10, nonlinearity=0.3, random_state=0
)
reference, new = data.to_frame()[:500], data.to_frame()[500:]
folder = Path(tempfile.mkdtemp())


def weights_of_sums(n_measurements, seed=0):
    sums = CompositeMeasurement(n_measurements, kind="sparse", random_state=seed)
    names = [f"sum {i:02d}" for i in range(1, n_measurements + 1)]
    return pd.DataFrame(sums.fit(reference).components_, names, reference.columns)


def measured(profiles, design):
    return (profiles + NOISE * rng.normal(size=profiles.shape)) @ design.T


drawn = weights_of_sums(40)
measured(reference, drawn).to_csv(folder / "reference_sums.csv")
measured(new, drawn).to_csv(folder / "new_sums.csv")
drawn.sort_index(axis=1, ascending=False).to_csv(folder / "weights.csv")

design = pd.read_csv(folder / "weights.csv", index_col=0)
reference_sums = pd.read_csv(folder / "reference_sums.csv", index_col=0)
new_sums = pd.read_csv(folder / "new_sums.csv", index_col=0)
design.iloc[:3, :6].round(3)

# %%
# The lab has its genes in an order of its own. That is noticed, where there are names:

try:
    WienerRegressor(design).fit(reference_sums, reference)
except ValueError as error:
    print(error)

design = design[reference.columns]
wiener = WienerRegressor(design).fit(reference_sums, reference)
print(f"noise: {wiener.noise_:.2f} estimated, {NOISE} simulated")

# %%
# Decoders
# --------
# The best linear estimate; a mixture of such estimates; modules, whose activities are found in two
# ways; a generator of profiles; and ridge regression, which is told of no weights. Correlations
# are over samples, gene by gene, and over genes, profile by profile. What a decoder learns of the
# profiles is kept in the folder that ``memory`` names, and not learned again for other sums.

SMAF = dict(n_modules=40, memory=str(folder / "memory"), random_state=0)
DECODERS = {
    "Wiener": WienerRegressor(),
    "mixture of Wieners": WienerMixtureRegressor(random_state=0),
    "SMAF, factor": SMAFRegressor(**SMAF),
    "SMAF, lasso": SMAFRegressor(decode="lasso", **SMAF),
    "SMAF, omp": SMAFRegressor(decode="omp", **SMAF),
    "CSGM": CSGMRegressor(latent_dim=20, hidden_units=64, max_epochs=60, random_state=0),
}


def judged(inferred):
    return {
        "by gene": gene_pearson(new, inferred).mean(),
        "by profile": profile_pearson(new, inferred).mean(),
        "relative error": relative_rmse(new, inferred, baseline=reference.mean()),
    }


# The mean profile does not vary, so that its correlation gene by gene is 0 at best.
mean_profile = np.tile(reference.mean(), (len(new), 1))
rows = {
    "mean profile": {
        "by gene": 0.0,
        "by profile": profile_pearson(new, mean_profile).mean(),
        "relative error": relative_rmse(new, mean_profile, baseline=reference.mean()),
    },
    "ridge": judged(RidgeRegressorCV().fit(reference_sums, reference).predict(new_sums)),
}
for name, decoder in DECODERS.items():
    decoder.set_params(measurement_matrix=design).fit(reference_sums, reference)
    rows[name] = judged(decoder.predict(new_sums))
pd.DataFrame(rows).T.round(3)

# %%
# Profile by profile even the mean profile does well, for genes differ in level; gene by gene it
# knows nothing, and there decoders show what they are worth. Clusters gain a little over one
# covariance for all; modules and the generator lose a little. Ridge regression does nearly as well
# as the best, as long as the sums stay what they are.
#
# How many sums?
# --------------
# Other weights and numbers of sums, three draws of each. Modules are not learned again. They are
# the same in all three ways of SMAF: what differs is how their activities are found.

SHOWN = {"Wiener": "o-", "SMAF, factor": "s--", "SMAF, lasso": "^-", "SMAF, omp": "v-"}
rows = []
for n_sums in (5, 10, 20, 40, 80):
    for seed in range(3):
        weights = weights_of_sums(n_sums, seed)
        sums, sums_of_new = measured(reference, weights), measured(new, weights)
        for name in SHOWN:
            decoder = clone(DECODERS[name]).set_params(measurement_matrix=weights)
            inferred = decoder.fit(sums, reference).predict(sums_of_new)
            rows.append((name, n_sums, gene_pearson(new, inferred).mean()))
found = pd.DataFrame(rows, columns=["decoder", "sums", "correlation"])
found = found.groupby(["sums", "decoder"])["correlation"].mean().unstack()

fig, ax = plt.subplots(figsize=(6.5, 4), layout="constrained")
for name, line in SHOWN.items():
    ax.plot(found.index, found[name], line, label=name)
ax.axhline(0, color="0.4", linestyle=":", label="mean profile")
ax.set(xscale="log", xticks=found.index, xticklabels=found.index)
ax.minorticks_off()
ax.set(xlabel="number of sums", ylabel="correlation by gene, mean of 400 genes")
ax.set_title("a few modules are hard to find from a few sums")
ax.legend()

# %%
# The fewer the sums, the more it costs to insist on few active modules ("omp"). Taken for Gaussian
# instead, with the means and covariances that they have in the reference ("factor"), activities of
# the same modules tell nearly as much as the best linear estimate.
#
# Sums are lost
# -------------
# Three sums of the new samples are spoiled. ``set_measurement`` makes a decoder for those that are
# left, from what was learned before; ``predict`` takes such a matrix too, for once.

lost = ["sum 07", "sum 23", "sum 31"]
kept, kept_sums = design.drop(index=lost), new_sums.drop(columns=lost)
filled_in = new_sums.assign(**reference_sums[lost].mean())
rows = {}
for name in ("Wiener", "SMAF, factor"):
    decoder = DECODERS[name]
    anew = clone(decoder).set_params(measurement_matrix=kept)
    anew.fit(reference_sums.drop(columns=lost), reference)
    inferred = {
        "all 40 sums": decoder.predict(new_sums),
        "lost ones filled in by their mean": decoder.predict(filled_in),
        "37 sums, learned anew": anew.predict(kept_sums),
        "37 sums, set_measurement": decoder.set_measurement(kept).predict(kept_sums),
    }
    rows[name] = {case: judged(profiles)["by gene"] for case, profiles in inferred.items()}
pd.DataFrame(rows).round(3)

# %%
# What is lost is what the sums would have told, and no more. To fill them in costs more than to
# leave them out.
#
# Modules
# -------
# SMAF with three tolerances, K-SVD and sparse NMF. Known gene sets are here the simulated modules,
# each gene in the one that moves it most. Beside them what no one has learned: 40 profiles of the
# reference, taken for modules as they are.

main_module = truth.loadings.argmax(axis=0)
is_main = np.eye(N_MODULES)[main_module].T
known = {f"set {k:02d}": reference.columns[genes > 0] for k, genes in enumerate(is_main)}
REGRESSORS = {
    f"SMAF, tolerance {tolerance}": SMAFRegressor(tolerance=tolerance, **SMAF)
    for tolerance in (0.1, 0.4, 0.6)
}
REGRESSORS["K-SVD"] = KSVDRegressor(gene_scaling="range", **SMAF)
REGRESSORS["sparse NMF"] = SparseNMFRegressor(**SMAF)

scaled = GeneScaler("range").fit_transform(reference)
modules, accuracy = {"40 profiles": scaled[rng.permutation(500)[:40]]}, {}
for name, regressor in REGRESSORS.items():
    regressor.set_params(measurement_matrix=design).fit(reference_sums, reference)
    modules[name] = regressor.dictionary_.components_
    accuracy[name] = judged(regressor.predict(new_sums))["by gene"]

rows, matches = {}, {}
for name, components in modules.items():
    genes = module_genes(components, reference.columns)
    agreement = module_enrichment(
        genes, known, background=reference.columns, n_permutations=50, random_state=0
    )
    matches[name] = match_modules(components, is_main)
    rows[name] = {
        "modules": len(components),
        "genes of each": module_sizes(components).nonzero.mean().round(),
        "enriched": agreement.share,
        "by chance": agreement.chance,
        "different sets": agreement.n_best_sets,
        "likeness": matches[name].similarity.mean(),
        "correlation by gene": accuracy.get(name, np.nan),
    }
pd.DataFrame(rows).T.round(2)

# %%
# Unlearned profiles are enriched to the last one, and so are the modules of K-SVD, though chance
# makes hardly any: the share tells nothing. ``different sets``, the number of sets that are the
# best of some module, says more, and so does the likeness to simulated modules (mean cosine of
# matched pairs), which nobody has for real data. By both, K-SVD is where unlearned profiles are.
# SMAF with a tolerance of 0.4 has half of the genes in a module and finds every set, for a little
# of the correlation; with 0.6 it loses of both. Sparse NMF finds most: modules of the simulation
# add up, and no loading is negative.

order = np.argsort(main_module, kind="stable")
fig, axes = plt.subplots(2, 2, figsize=(10, 6), layout="constrained", sharex=True)
panels = ["simulated", "40 profiles", "SMAF, tolerance 0.1", "SMAF, tolerance 0.4"]
for ax, name in zip(axes.flat, panels, strict=True):
    if name == "simulated":
        loadings = truth.loadings
    else:  # those that match a simulated module, in its place
        pairs = matches[name].pairs
        loadings = modules[name][pairs[pairs[:, 1].argsort(), 0]]
    share = loadings[:, order] / loadings.max(axis=1, keepdims=True)
    image = ax.imshow(share, aspect="auto", cmap="Blues", interpolation="nearest")
    ax.set(title=name, yticks=[])
for ax in axes[1]:
    ax.set_xlabel("genes, in the order of their simulated module")
for ax in axes[:, 0]:
    ax.set_ylabel("modules, matched")
fig.colorbar(image, ax=axes, label="loading, as a share of the largest", shrink=0.6)

# %%
# The genes that make up a module, and the sets that hold more of them than chance would have it:

smaf = REGRESSORS["SMAF, tolerance 0.4"].dictionary_
genes = module_genes(smaf, reference.columns)
found = enrichment(genes, known, background=reference.columns)
print(found)
found.table[["list", "set", "list_size", "set_size", "overlap", "fold"]].head(8).round(1)

# %%
# .. admonition:: What this does not show
#
#    Real gene sets, which overlap and are incomplete, and real profiles, whose modules need not
#    add up: expect less likeness, and do not expect sparse NMF to lead. Samples of another study:
#    all are of one kind here, and clusters and modules then help less. Weights that differ from
#    those that the lab has written down, which no decoder can know. Noise was the same in the
#    reference and in new samples; if yours was not, say ``noise=`` instead of having it estimated.
