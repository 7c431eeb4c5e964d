"""Is one method better than another? Dietterich's 5x2 cv t test on any npz of profiles.

    python benchmarks/significance.py --data expression.npz --methods lsmtl,base_net \
        --scaling rank-gaussian --out significance.json

Each method is its first candidate in ``candidates.py``: nothing is selected. Every fit sees half
of the profiles, so that errors are larger than in ``accuracy.py``.
"""

import argparse
import json

import torch
from accuracy import load
from candidates import candidates

from skgex._utils._files import atomic_output
from skgex.model_selection import five_by_two_cv_ttest


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", required=True, help="npz of profiles")
    parser.add_argument("--landmarks", default="is_landmark", help="gene mask of the inputs")
    parser.add_argument("--exclude", help="gene mask of targets to leave out, e.g. twins")
    parser.add_argument("--group", help="sample column; whole groups are held out")
    parser.add_argument("--methods", required=True, help="two, separated by a comma")
    parser.add_argument("--scaling", default="rank-gaussian")
    parser.add_argument("--out")
    arguments = parser.parse_args()
    X, Y, groups = load(arguments)
    methods = arguments.methods.split(",")
    estimators = [candidates(method, arguments.scaling)[0] for method in methods]
    for estimator in estimators:
        if "random_state" in estimator.get_params():
            estimator.set_params(random_state=0)
    result = five_by_two_cv_ttest(*estimators, X, Y, groups=groups, random_state=0)
    a, b = result.errors_a, result.errors_b
    print(f"{methods[0]} {a.mean():.4f}, {methods[1]} {b.mean():.4f}, ratio {(a / b).mean():.4f}")
    print(f"lower in {(a < b).sum()} of 10 halves; differences:\n{a - b}")
    print(f"t = {result.statistic:.2f}, p = {result.p_value:.2g}")
    if arguments.out:
        document = vars(arguments) | {
            "statistic": result.statistic,
            "p_value": result.p_value,
            "errors": {methods[0]: a.tolist(), methods[1]: b.tolist()},
            "threads": torch.get_num_threads(),
        }
        with atomic_output(arguments.out) as temporary:
            temporary.write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
