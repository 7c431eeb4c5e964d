"""Can drawn profiles be told from measured ones? Any npz of profiles in, one table out.

    python benchmarks/generation.py --data expression.npz --labelled 0.1,1.0

SemiGAN learns from the training profiles of a split; as many profiles as there are in the test set
are drawn from it. A classifier is cross-validated on test profiles against drawn ones: its area
under the ROC curve is 0.5 if it cannot tell them apart, and 1 if it always can. Beside it stand
two controls: training profiles, which nothing should tell from test profiles, and draws from a
normal distribution with the mean and the covariance of the training profiles.
"""

import argparse

import numpy as np
from accuracy import load, unlabel
from sklearn.ensemble import RandomForestClassifier

from skgex import SemiGANRegressor
from skgex.metrics import two_sample_test
from skgex.model_selection import split_profiles

PARTS = ("landmarks", "targets", "both")
CLASSIFIERS = {
    "logistic regression": None,
    "forest": RandomForestClassifier(200, min_samples_leaf=5),
}


def fit(X, Y, share, arguments):
    """SemiGAN's generative part, without what only its inference needs."""
    model = SemiGANRegressor(
        gene_scaling=arguments.scaling,
        teacher=None,
        early_stopping=False,
        max_epochs=arguments.epochs,
        random_state=0,
    )
    return model.fit(X, unlabel(Y, share, seed=0) if share < 1 else Y)


def normal_draws(profiles, n, rng):
    """Draws from a normal distribution with the covariance of the profiles."""
    noise = rng.standard_normal((n, len(profiles))) / np.sqrt(len(profiles) - 1)
    return profiles.mean(axis=0) + noise @ (profiles - profiles.mean(axis=0))


def parts(X, Y):
    return dict(zip(PARTS, (X, Y, np.hstack([X, Y])), strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True)
    parser.add_argument("--landmarks", default="is_landmark")
    parser.add_argument("--exclude")
    parser.add_argument("--group")
    parser.add_argument("--labelled", default="0.1,1.0")
    parser.add_argument("--scaling", default="rank-gaussian")
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--components", type=int, default=20)
    arguments = parser.parse_args()
    X, Y, _ = load(arguments)
    train, _, test = split_profiles(len(X), validation_size=0.1, test_size=0.1, random_state=0)
    rng = np.random.default_rng(0)
    print(f"| profiles, {arguments.components} components | " + " | ".join(PARTS) + " |")
    print("|---|" + "---|" * len(PARTS))
    for share in map(float, arguments.labelled.split(",")):
        model = fit(X[train], Y[train], share, arguments)
        scale = model.x_scaler_.transform, model.y_scaler_.transform

        def scaled(profiles, scale=scale):
            return [f(A) for f, A in zip(scale, profiles, strict=True)]

        real = parts(*scaled((X[test], Y[test])))
        sources = {
            f"SemiGAN, {share:.0%} labelled": scaled(model.sample(len(test), random_state=0))
        }
        if share == 1:
            known = scaled((X[train], Y[train]))
            both = normal_draws(np.hstack(known), len(test), rng)
            sources["normal distribution"] = np.split(both, [X.shape[1]], axis=1)
            some = rng.permutation(len(train))[: len(test)]
            sources["training profiles"] = [A[some] for A in known]
        for name, drawn in sources.items():
            drawn = parts(*drawn)
            for how, classifier in CLASSIFIERS.items():
                cells = [
                    two_sample_test(
                        real[part],
                        drawn[part],
                        classifier=classifier,
                        n_components=arguments.components,
                        random_state=0,
                    ).auc
                    for part in PARTS
                ]
                print(
                    " | ".join([f"| {name}, {how}", *(f"{c:.2f}" for c in cells)]) + " |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
