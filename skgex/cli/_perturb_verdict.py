"""What figures say of perturbed profiles, in plain words."""

from math import isnan

from skgex._utils._naming import two_digits

# So many real profiles leave a standard error of about .1 in an AUC.
_ENOUGH_PROFILES = 20

#: When the verdict says that profiles look real.
CRITERIA = (
    "Profiles are said to look real if at least 90 % of them reach the target and have "
    "neighbors of it, their variance is 0.67 to 1.5 times that of real ones, their correlation is "
    "at least three quarters of the ideal (if that is above 0.2), auc is at most 0.7 and "
    "nn_generated at most 0.8."
)

#: What each column of the realism table means, and its value for real profiles of the target.
MEASURES = {
    "reaches": ("1", "called {target} by the net that TSPG was trained to convince"),
    "logistic": ("1", "called {target} by a logistic regression that it was not trained against"),
    "forest": ("1", "called {target} by a random forest, likewise"),
    "neighbors": ("1", "called {target} by the vote of their five nearest training profiles"),
    "variance": (
        "1",
        "how much they vary, over how much real {target} profiles do; 0: all of them are the same",
    ),
    "correlation": (
        None,
        "do genes go together as in real {target} profiles? Agreement of all gene-gene "
        "correlations; the ideal is what training profiles of {target} reach",
    ),
    "identity": (
        "1",
        "how much is kept of what sets a profile apart within its own state; 0: nothing",
    ),
    "source_signal": (
        "0",
        "share of the variance that still tells which state the profiles came from",
    ),
    "size": (
        "–",
        "how far profiles were moved; 1: as far as the means of the two states lie apart",
    ),
    "auc": (
        "0.5",
        "can a random forest tell them from real {target} profiles? 0.5: no, 1: always",
    ),
    "nn_real": (
        "0.5",
        "share of real profiles whose nearest other profile is a real one; 1: the two lie apart",
    ),
    "nn_generated": (
        "0.5",
        "share of perturbed ones whose nearest other profile is a perturbed one; 1: they lie "
        "apart from real ones, or too close to each other",
    ),
}


def verdict(found, name, map_name, *, advice=""):
    """The outcome in plain words: a headline and the sentences under it.

    Parameters
    ----------
    found : Realism
    name, map_name : str
        The perturber that is judged, and the one that it has to beat.
    advice : str
        What to try if profiles do not look real.

    Returns
    -------
    headline : str
    sentences : list of str
    """
    rows = {row["method"]: row for row in found.table.to_dict("records")}
    row, target = rows[name], found.target
    reached = f"{_reaching(row['reaches'], found.n_perturbed)} {target}"
    # With few genes not all of the real profiles are taken for the target either.
    real = rows.get("real profiles", {"reaches": 1.0, "neighbors": 1.0})
    is_unreal = row["neighbors"] < 0.5 * real["neighbors"] or any(
        n.startswith(f"{name}: ") for n in found.warnings
    )
    is_judged, doubts = not isnan(row["auc"]), _doubts(row, real, found)
    fails = row["reaches"] < 0.5 * real["reaches"]
    if fails:
        headline = f"{reached}: the perturbation fails."
    elif not is_judged:
        headline = f"{reached}; too few profiles are held out to say whether they look real."
    elif is_unreal:
        headline = f"{reached}, but they do not look real."
    elif doubts:
        headline = f"{reached}, and they resemble real ones, but can be told from them."
    else:
        headline = f"{reached}, and they look real."
    sentences = [_for_real(row, found)] if is_judged else []
    if doubts:
        *first, last = doubts
        listed = ", ".join(first) + " and " * bool(first) + last
        sentences.append(f"What gives them away: {listed}.")
    if found.n_real < _ENOUGH_PROFILES:
        sentences.append(
            f"With only {found.n_real} real profile{'s' * (found.n_real > 1)} of {target} held "
            "out, that is a rough guess."
        )
    if advice and ((is_judged and is_unreal) or fails):
        sentences.append(advice)
    constant = rows.get("constant mean", {}).get("reaches", 0)
    if constant >= 0.9:
        sentences.append(
            f"That profiles are called {target} proves nothing by itself: the mean {target} "
            f"profile, given for every sample, is called so in {constant:.0%} of cases."
        )
    if is_judged:
        sentences.append(_beside(row, rows[map_name], map_name))
    return headline, sentences


def _reaching(share, n):
    """How many held-out profiles reach the target: a count rounds nothing away."""
    k = round(share * n)
    if n == 1:
        return f"The one held-out profile {'reaches' if k else 'does not reach'}"
    who = f"All {n:,}" if k == n else f"{k:,} of {n:,}" if k else f"None of {n:,}"
    return f"{who} held-out profiles reach"


def _doubts(row, real, found):
    """What tells perturbed profiles from real ones, short of a warning."""
    variance, ceiling = row["variance"], found.correlation_ceiling
    # What is not known is no doubt: comparisons with NaN are false.
    doubts = {
        f"only {row['reaches']:.0%} get there": row["reaches"] < 0.9 * real["reaches"],
        f"only {row['neighbors']:.0%} have neighbors of {found.target}": (
            row["neighbors"] < 0.9 * real["neighbors"]
        ),
        "a random forest tells them from real ones": row["auc"] > 0.7,
        "they vary too little": variance < 0.67,
        "they vary too much": variance > 1.5,
        "their genes do not go together as in real ones": ceiling > 0.2
        and row["correlation"] < 0.75 * ceiling,
        f"{row['nn_generated']:.0%} of them are nearest to another of them, not to a real one": (
            row["nn_generated"] > 0.8
        ),
    }
    return [words for words, holds in doubts.items() if holds]


def _for_real(row, found):
    return (
        f"Their variance is {row['variance']:.2f} of that of real {found.target} profiles, their "
        f"gene-gene correlations agree with real ones by {two_digits(row['correlation'])} "
        f"(training profiles of {found.target}: {two_digits(found.correlation_ceiling)}), and a "
        "random forest "
        f"that tells them from real ones has an AUC of {row['auc']:.2f} (0.5: it cannot)."
    )


def _beside(row, other, map_name):
    """How the perturber compares with what needs no training."""
    named = {"auc": "AUC", "correlation": "correlations", "identity": "identity kept"}
    figures = ", ".join(
        f"{words} {two_digits(other[measure])} (here {two_digits(row[measure])})"
        for measure, words in named.items()
    )
    gain = other["auc"] - row["auc"]
    if abs(gain) <= 0.1:
        outcome = f"The {map_name}, which trains nothing, does about as well"
    else:
        outcome = f"The {map_name}, which trains nothing, does {'worse' if gain > 0 else 'better'}"
    return f"{outcome}: {figures}."
