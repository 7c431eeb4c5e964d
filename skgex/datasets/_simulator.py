"""A simulator of expression profiles whose truth is known."""

from numbers import Integral, Real

import numpy as np
from sklearn.utils import Bunch, check_random_state
from sklearn.utils._param_validation import Interval, validate_params

from ._expression import ExpressionData

# Log2 levels and spreads of genes as arrays and RNA-seq show them.
_LOWEST, _HIGHEST = 4.0, 15.0
_SPREAD, _SPREAD_OF_SPREAD, _SPREAD_OF_NOISE = 0.8, 0.3, 0.5


@validate_params(
    {
        "n_samples": [Interval(Integral, 1, None, closed="left")],
        "n_landmarks": [Interval(Integral, 1, None, closed="left")],
        "n_targets": [Interval(Integral, 0, None, closed="left")],
        "n_modules": [Interval(Integral, 1, None, closed="left")],
        "n_states": [Interval(Integral, 1, None, closed="left")],
        "n_platforms": [Interval(Integral, 1, None, closed="left")],
        "platform_shift": [Interval(Real, 0, None, closed="left")],
        "nonlinearity": [Interval(Real, 0, 1, closed="both")],
        "noise": [Interval(Real, 0, None, closed="left")],
        "heavy_tails": [Interval(Real, 0, 1, closed="left")],
        "labelled": [Interval(Real, 0, 1, closed="right")],
        "random_state": ["random_state"],
    },
    prefer_skip_nested_validation=True,
)
def make_expression(
    n_samples=1000,
    n_landmarks=100,
    n_targets=500,
    *,
    n_modules=20,
    n_states=4,
    n_platforms=1,
    platform_shift=0.0,
    nonlinearity=0.5,
    noise=0.3,
    heavy_tails=0.0,
    labelled=1.0,
    random_state=None,
):
    """Simulate expression profiles of landmark and target genes driven by latent modules.

    Module activities are log-normal, :math:`a_k = \\exp(\\mu_{s,k} + \\epsilon)`, where the
    program :math:`\\mu_s` depends on the state of the sample. A gene responds to the modules
    that it belongs to by :math:`\\log_2(1 + \\sum_k l_k a_k)`, with few non-negative loadings. A
    target mixes this response, in a proportion that differs between genes, with a non-linear
    one: a switch that saturates, or two modules of which one gates or reverses the other. Each
    response has a baseline and a spread on the log2 scale and noise of its own, so that genes
    differ widely in how well they can be inferred. A platform then shifts and scales each gene.

    Parameters
    ----------
    n_samples, n_landmarks, n_targets : int, default=1000, 100, 500
        Size of the data; landmarks come first among the genes.

    n_modules : int, default=20
        Number of latent modules.

    n_states : int, default=4
        Number of cell states, each with its own program of modules.

    n_platforms : int, default=1
        Number of platforms that the samples are measured on. The first is the reference.

    platform_shift : float, default=0.0
        Standard deviation, in log2 units, of the gene-wise shifts between platforms. Scales
        differ by a factor of about ``exp(0.2 * platform_shift)``.

    nonlinearity : float in [0, 1], default=0.5
        Mean share of the non-linear response among the targets; 0 leaves targets that respond
        exactly as landmarks do.

    noise : float, default=0.3
        Standard deviation of the noise of the median gene, in log2 units.

    heavy_tails : float in [0, 1), default=0.0
        0 gives Gaussian noise, greater values Student's t of the same variance with
        ``2 / heavy_tails`` degrees of freedom.

    labelled : float in (0, 1], default=1.0
        Share of samples whose targets are measured; the targets of the others are NaN.

    random_state : int, RandomState instance or None, default=None
        Seed of everything that is drawn.

    Returns
    -------
    data : ExpressionData
        float32 profiles of genes ``LM0001, ...`` and ``TG0001, ...``; ``sample_table`` holds
        ``state``, ``platform`` and ``is_labelled``, ``gene_table`` holds ``is_landmark``.

    truth : :class:`~sklearn.utils.Bunch`
        loadings : ndarray of shape (n_modules, n_landmarks + n_targets)
            Loadings of the modules in the (log-)linear response of each gene.
        activities : ndarray of shape (n_samples, n_modules)
            Activities of the modules.
        programs : ndarray of shape (n_states, n_modules)
            Mean log-activities in each state.
        profile : ndarray of shape (n_samples, n_landmarks + n_targets)
            Profiles on the reference platform without noise.
        noise_scale : ndarray of shape (n_landmarks + n_targets,)
            Standard deviation of the noise of each gene.
        nonlinear_share : ndarray of shape (n_targets,)
            Share of the non-linear response in each target.
        platform_shift, platform_scale : ndarray of shape (n_platforms, n_landmarks + n_targets)
            A platform reports ``baseline + scale * (value - baseline) + shift``.
        baseline : ndarray of shape (n_landmarks + n_targets,)
            Mean level of each gene on the reference platform.
        explainable : ndarray of shape (n_targets,)
            R2 of an oracle that knows the noise-free profile; whoever infers from landmarks,
            which are noisy themselves, stays below.

    Examples
    --------
    >>> from skgex.datasets import make_expression
    >>> data, truth = make_expression(n_samples=50, n_landmarks=10, n_targets=40, random_state=0)
    >>> data
    ExpressionData(50 samples x 50 genes, float32, gene ids: unknown)
    >>> truth.explainable.shape
    (40,)
    """
    rng = check_random_state(random_state)
    n_genes = n_landmarks + n_targets

    state = rng.randint(n_states, size=n_samples)
    programs = rng.normal(scale=0.8, size=(n_states, n_modules))
    programs *= rng.uniform(size=programs.shape) < 0.4  # a state moves some modules only
    log_activities = programs[state] + rng.normal(scale=0.6, size=(n_samples, n_modules))
    activities = np.exp(log_activities)

    loadings, main_module = _sparse_loadings(n_modules, n_genes, rng)
    response = _standardized(np.log2(1 + activities @ loadings))
    share = np.minimum(1, nonlinearity * rng.uniform(0, 2, size=n_targets))
    nonlinear = _nonlinear_response(log_activities, main_module[n_landmarks:], rng)
    response[:, n_landmarks:] = _standardized(
        (1 - share) * response[:, n_landmarks:] + share * nonlinear
    )

    baseline = rng.uniform(_LOWEST + 3, _HIGHEST - 3, size=n_genes)
    spread = _SPREAD * rng.lognormal(sigma=_SPREAD_OF_SPREAD, size=n_genes)
    noise_scale = noise * rng.lognormal(sigma=_SPREAD_OF_NOISE, size=n_genes)
    profile = baseline + spread * response
    measured = profile + noise_scale * _unit_noise((n_samples, n_genes), heavy_tails, rng)

    platform = rng.randint(n_platforms, size=n_samples)
    shift = platform_shift * rng.normal(size=(n_platforms, n_genes))
    scale = np.exp(0.2 * platform_shift * rng.normal(size=(n_platforms, n_genes)))
    shift[0], scale[0] = 0, 1
    measured = baseline + scale[platform] * (measured - baseline) + shift[platform]

    is_labelled = np.zeros(n_samples, dtype=bool)
    is_labelled[rng.permutation(n_samples)[: max(1, round(labelled * n_samples))]] = True
    measured[~is_labelled, n_landmarks:] = np.nan

    signal, error = profile[:, n_landmarks:].var(axis=0), noise_scale[n_landmarks:] ** 2
    data = ExpressionData(
        measured.astype(np.float32),
        genes=_numbered("LM", n_landmarks) + _numbered("TG", n_targets),
        samples=_numbered("S", n_samples),
        sample_table={
            "state": np.array(_numbered("state", n_states, 1))[state],
            "platform": np.array(_numbered("platform", n_platforms, 1))[platform],
            "is_labelled": is_labelled,
        },
        gene_table={"is_landmark": np.arange(n_genes) < n_landmarks},
    )
    truth = Bunch(
        loadings=loadings,
        activities=activities,
        programs=programs,
        profile=profile,
        noise_scale=noise_scale,
        nonlinear_share=share,
        platform_shift=shift,
        platform_scale=scale,
        baseline=baseline,
        explainable=np.divide(
            signal, signal + error, out=np.zeros(n_targets), where=signal + error > 0
        ),
    )
    return data, truth


def _sparse_loadings(n_modules, n_genes, rng):
    """Loadings of each gene on a main module and a lesser one, and the position of the main."""
    main, lesser = rng.randint(n_modules, size=(2, n_genes))
    loadings = np.zeros((n_modules, n_genes))
    genes = np.arange(n_genes)
    loadings[lesser, genes] = rng.gamma(1.0, 0.3, size=n_genes)
    loadings[main, genes] += rng.gamma(4.0, 0.5, size=n_genes)
    return loadings, main


def _nonlinear_response(log_activities, modules, rng):
    """Responses that no line through the log-activities can follow.

    Each module has a threshold and a partner. A third of the targets switches on with its
    module, a third only while the partner is active too, and in a third the partner reverses
    the effect. Targets of a module share the switch, as genes of a circuit do.
    """
    n_modules = log_activities.shape[1]
    steepness = rng.uniform(2, 5, size=n_modules)
    threshold = rng.normal(scale=0.3, size=n_modules)
    switch = np.tanh(steepness * (log_activities - threshold))
    cycle = rng.permutation(n_modules)
    partner = np.empty_like(cycle)
    partner[cycle] = np.roll(cycle, 1)
    own, other = switch[:, modules], switch[:, partner[modules]]
    kind = rng.randint(3, size=len(modules))
    return _standardized(np.choose(kind, [own, (1 + own) * (1 + other), own * other]))


def _standardized(response):
    """Mean 0 and variance 1 in each column; a constant column becomes 0."""
    deviation = response.std(axis=0)
    return (response - response.mean(axis=0)) / np.where(deviation > 1e-12, deviation, 1)


def _unit_noise(shape, heavy_tails, rng):
    if heavy_tails == 0:
        return rng.normal(size=shape)
    # Student's t with df = 2 / heavy_tails has variance df / (df - 2) = 1 / (1 - heavy_tails).
    return np.sqrt(1 - heavy_tails) * rng.standard_t(2 / heavy_tails, size=shape)


def _numbered(prefix, n, n_digits=4):
    return [f"{prefix}{i:0{n_digits}d}" for i in range(1, n + 1)]
