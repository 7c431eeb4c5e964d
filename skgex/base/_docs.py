"""Parts of the docstrings of nets, written once: ``%(architecture)s`` and so on in a class."""

from textwrap import indent

_PARTS = {
    "architecture": """\
hidden_units : int, default=500
    Units of each hidden layer; the papers have 3,000 to 9,000.
n_hidden_layers : int, default=2
    Number of hidden layers; the papers have 1 to 3.
net : {"dense", "mlp"}, default="dense"
    Whether each layer sees the landmarks and all hidden layers before it, or the last one only.
activation : {"silu", "leaky_relu", "relu", "tanh"}, default="silu"
    The papers have leaky ReLU of slope 0.2; on validation profiles SiLU with dropped inputs
    was better by one per cent on every split, see the benchmarks.
normalization : {"batch", "weight"} or None, default="batch"
    Batch normalisation is Deep-LSMTL's, weight normalisation that of GGAN and SemiGAN.
dropout : float, default=0.25
    Share of hidden outputs zeroed while training; the papers have 0.05, 0.1 and 0.25.
input_dropout : float, default=0.05
    Share of landmark genes zeroed while training; of the papers only GGAN's does that.""",
    "gene_scaling": """\
gene_scaling : {"standard", "rank-gaussian"} or None, default="standard"
    Per-gene scaling of inputs and targets, inverted on output; see
    :class:`~skgex.preprocessing.GeneScaler`.""",
    "schedule": """\
validation_fraction : float, default=0.1
    Share of the labelled profiles held out if ``early_stopping`` and no ``X_val`` is given.
early_stopping : bool, default=True
    Stop after ``patience`` epochs without a lower validation error. The best validation epoch
    is restored whenever there are validation profiles.
patience : int, default=20
device : str or None, default=None
    None takes the fastest of cuda, mps and cpu.
precision : {"auto", "float32", "bfloat16"}, default="auto"
    Of the matrix products in training; "auto" uses bfloat16 where hardware gains from it.
random_state : int, RandomState instance or None, default=None
verbose : bool or int, default=False
    Show a progress bar.
warm_start : bool, default=False
    Continue from the weights and gene scales of the previous fit; schedules, optimisers
    and whatever trains beside the net start anew.
checkpoint : path-like or None, default=None
    Folder for checkpoints; a fit that was killed continues from its last epoch when it is
    started again with the same data, parameters and integer ``random_state``.""",
    "hardware": """\
device : str or None, default=None
    None takes the fastest of cuda, mps and cpu.
precision : {"auto", "float32", "bfloat16"}, default="auto"
    Of the matrix products in training; "auto" uses bfloat16 where hardware gains from it.
random_state : int, RandomState instance or None, default=None
verbose : bool or int, default=False
    Show a progress bar.""",
    "tasks": """\
task_similarity_ : ndarray of shape (n_targets, n_targets)
    How much the target gene of a row tells about that of a column, for scaled genes, with a sign;
    made when asked for. :meth:`related_tasks` lists the genes that tell most about one.
n_parameters_ : int
    Trained parameters, those that :meth:`predict` does not need included.""",
    "measurement": """\
measurement_matrix : array-like of shape (n_measurements, n_genes), default=None
    A. None estimates it from measurements and profiles, by the ridge regression that tells the
    measurements of profiles left out best.""",
    "decode": """\
decode : {"factor", "lasso", "omp"}, default="factor"
    How a measurement z is explained by modules. "omp" finds a few of them,
    ``min ‖z − A Uᵀ w‖²`` with at most ``n_active`` activities w; "lasso" minimises
    ``½ ‖z − A Uᵀ w‖² + α α_max ‖w‖₁``, what modules look like in the measurements brought to unit
    norm. "factor" takes activities, and what they leave of each gene, for
    Gaussian with the moments that they have in the training profiles, and infers the conditional
    mean.
n_active : int, default=None
    Modules of a profile at most, for "omp"; below the number of measurements. None chooses what
    decodes a fifth of the training profiles best by modules of the others.
alpha : float in [0, 1], default=None
    Penalty for "lasso", as a share of the least that leaves no module. None chooses among 5 from
    0.003 to 0.3.
residual : bool, default=True
    Take what modules leave of each gene into account, for "lasso" and "omp": a profile is
    ``Uᵀ w + e``, measurements are whitened by the covariance of ``A e`` and noise, and the mean
    of e, given what the modules leave of z, is added. False decodes by modules alone.
normalize : bool, default=True
    Bring what modules look like in the measurements to unit norm for "omp". The published
    pipelines do not, which makes their coefficients wrong.""",
    "smaf": """\
n_modules : int, default=None
    To start with, at most the number of profiles; None is 150, or as many as there are
    profiles. The paper has up to 500.
n_nonzero : int, default=5
    Modules of a profile at most. The paper has 5 and 15.
tolerance : float, default=0.2
    λ. With "centred", 0.02 is for accuracy, 0.3 and more for sparser modules.
relative_to : {"centred", "data"}, default="centred"
    What λ is a share of: the energy of each gene about its mean, or, as published, that of a
    profile.
n_nonzero_min : int, default=None
    The lowest number of modules of a profile; the paper has 5. None keeps it at ``n_nonzero``.
module_size_min : float, default=0
    Least mean size of a module, the exponential of the entropy of its loadings.
n_rounds : int, default=10
    Rounds of SMAF.""",
    "memory": """\
memory : str or joblib.Memory, default=None
    Folder that keeps what was learned of the profiles, so that another measurement, ``decode`` or
    ``noise`` learns nothing again; needs an integer ``random_state``.""",
    "noise": """\
noise : "estimate" or float, default="estimate"
    σ, in the units of the profiles: what is added to a gene before it is measured. Estimated
    from what A leaves unexplained of the training measurements; where A is estimated too, what it
    leaves of each measurement of profiles left out stands for noise.""",
    "linear_scaling": """\
gene_scaling : {"standard", "range", "rank-gaussian"} or None, default=None
    Per-gene scaling of profiles, inverted on output; see
    :class:`~skgex.preprocessing.GeneScaler`. "rank-gaussian" only without a matrix.""",
    "range_scaling": """\
gene_scaling : {"range"} or None, default="range"
    "range" brings the training values of every gene to [0, 1], and the inferred ones back. With
    None the profiles may not be negative.""",
    "measured": """\
noise_ : float
measurement_matrix_ : ndarray of shape (n_measurements, n_genes)
x_scaler_, y_scaler_ : GeneScaler
n_features_in_, n_outputs_ : int
feature_names_in_, target_names_ : ndarray of str
    Names, when ``X`` and ``y`` are tables.""",
    "fitted": """\
module_ : torch.nn.Module
    The trained net, on the CPU, between scaled genes.
x_scaler_, y_scaler_ : GeneScaler
history_ : dict of list
    ``train_loss``, that of labelled profiles, and, with validation profiles, ``valid_mae`` (scaled
    genes) of every epoch; whatever further losses the method has, NaN in epochs without one.
best_epoch_, n_epochs_ : int
    Epoch whose weights were kept, and number of epochs trained.
device_ : str
n_features_in_, n_outputs_ : int
feature_names_in_, target_names_ : ndarray of str
    Gene names, when ``X`` and ``y`` are tables.""",
}


def fill_docstring(cls):
    """Class decorator: put the shared parts in place of ``%(name)s`` lines."""
    for name, part in _PARTS.items() if cls.__doc__ else ():
        cls.__doc__ = cls.__doc__.replace(f"    %({name})s", indent(part, "    "))
    return cls
