"""Deep-CNMTL: tasks in clusters whose weights are alike."""

from numbers import Integral

import torch
from sklearn.cluster import KMeans
from sklearn.utils._param_validation import Interval

from skgex.base import fill_docstring
from skgex.multitask._base import NOT_NEGATIVE, MultiTaskNet, MultiTaskRegressor


class CNMTLNet(MultiTaskNet):
    """Nothing is learned beside F; the clusters of its tasks are found anew in every epoch."""

    def on_epoch_begin(self, net, **kwargs):
        super().on_epoch_begin(net, **kwargs)
        W = self.task_weights.detach()
        if not W.isfinite().all():
            return  # the epoch's losses will tell
        n_clusters = min(self.params.n_clusters, len(W))
        # A fixed seed: the clusters are a function of the weights, also after a resumption.
        k_means = KMeans(n_clusters, n_init=1, max_iter=20, random_state=0)
        labels = torch.as_tensor(k_means.fit_predict(W.numpy(force=True)), device=W.device)
        self.members_ = torch.nn.functional.one_hot(labels.long(), n_clusters).to(W.dtype)

    def task_objective(self, errors, forward):
        # mean_t L_t + λ_M·‖w̄‖² + [λ_B·Σ_k m_k‖w̄_k − w̄‖² + λ_W·Σ_k Σ_{j∈k} ‖w_j − w̄_k‖²] / t
        W, params = self.task_weights, self.params
        sizes = self.members_.sum(dim=0)
        mean = W.mean(dim=0)
        centres = self.members_.T @ W / sizes.clamp_min(1)[:, None]
        between = sizes @ (centres - mean).square().sum(dim=1) / len(W)
        within = W.square().sum(dim=1).mean() - sizes @ centres.square().sum(dim=1) / len(W)
        return (
            errors.mean()
            + params.lambda_mean * mean.square().sum()
            + params.lambda_between * between
            + params.lambda_within * within
        )


@fill_docstring
class DeepCNMTLRegressor(MultiTaskRegressor):
    """Deep-CNMTL: clustered multi-task learning.

    Minimises ``mean_t L_t + λ_M‖w̄‖² + [λ_B Σ_k m_k‖w̄_k − w̄‖² + λ_W Σ_k Σ_{j∈k} ‖w_j − w̄_k‖²]/T``
    with the mean absolute error ``L_t`` of target gene t, its weights ``w_t`` in the last layer,
    w̄ their mean over all T tasks and w̄_k that over the ``m_k`` tasks of cluster k, by Adam
    whose learning rate falls linearly. The clusters are found by k-means on the ``w_t`` in every
    epoch. With three equal weights the penalty is λ times the mean of all ``‖w_t‖²``, whatever the
    clusters; ``lambda_within`` above ``lambda_between`` draws the tasks of a cluster together. The
    cluster sizes are missing in the paper's Eq. 7, but not in the method that it takes up.

    Parameters
    ----------
    %(architecture)s
    n_clusters : int, default=20
        Clusters of target genes, at most as many as there are genes.
    lambda_mean : float, default=0.01
        Weight of the mean of all tasks.
    lambda_between : float, default=0.01
        Weight of the spread of the clusters' means.
    lambda_within : float, default=0.1
        Weight of the spread within clusters.
    lr, lr_final : float, default=1e-3 and 1e-5
        Learning rate of the first and of the last epoch.
    %(gene_scaling)s
    max_epochs : int, default=100
        The paper trains 500 epochs.
    batch_size : int, default=100
    %(schedule)s

    Attributes
    ----------
    %(fitted)s
    %(tasks)s

    References
    ----------
    Jacob, L., Vert, J.-P., Bach, F. (2008). Clustered multi-task learning: a convex formulation.
    NIPS.

    Ghasedi Dizaji, K., Chen, W., Huang, H. (2020). Deep large-scale multi-task learning network
    for gene expression inference. RECOMB.

    Examples
    --------
    >>> from skgex import DeepCNMTLRegressor, make_expression
    >>> data, _ = make_expression(200, n_landmarks=20, n_targets=30, random_state=0)
    >>> X, Y = data.X[:, :20], data.X[:, 20:]
    >>> net = DeepCNMTLRegressor(hidden_units=50, max_epochs=5, random_state=0).fit(X, Y)
    >>> net.predict(X).shape
    (200, 30)
    """

    _net = CNMTLNet
    _paper = dict(hidden_units=4000)
    _parameter_constraints: dict = {
        **MultiTaskRegressor._parameter_constraints,
        "n_clusters": [Interval(Integral, 1, None, closed="left")],
        "lambda_mean": [NOT_NEGATIVE],
        "lambda_between": [NOT_NEGATIVE],
        "lambda_within": [NOT_NEGATIVE],
    }

    def __init__(
        self,
        hidden_units=500,
        n_hidden_layers=2,
        *,
        net="dense",
        activation="silu",
        normalization="batch",
        dropout=0.25,
        input_dropout=0.05,
        n_clusters=20,
        lambda_mean=0.01,
        lambda_between=0.01,
        lambda_within=0.1,
        lr=1e-3,
        lr_final=1e-5,
        gene_scaling="standard",
        max_epochs=100,
        batch_size=100,
        validation_fraction=0.1,
        early_stopping=True,
        patience=20,
        device=None,
        precision="auto",
        random_state=None,
        verbose=False,
        warm_start=False,
        checkpoint=None,
    ):
        self.hidden_units = hidden_units
        self.n_hidden_layers = n_hidden_layers
        self.net = net
        self.activation = activation
        self.normalization = normalization
        self.dropout = dropout
        self.input_dropout = input_dropout
        self.n_clusters = n_clusters
        self.lambda_mean = lambda_mean
        self.lambda_between = lambda_between
        self.lambda_within = lambda_within
        self.lr = lr
        self.lr_final = lr_final
        self.gene_scaling = gene_scaling
        self.max_epochs = max_epochs
        self.batch_size = batch_size
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.device = device
        self.precision = precision
        self.random_state = random_state
        self.verbose = verbose
        self.warm_start = warm_start
        self.checkpoint = checkpoint
