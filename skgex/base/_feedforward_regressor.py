"""A net from landmark genes to target genes, as the methods after D-GEX share it."""

from numbers import Integral, Real

from sklearn.utils._param_validation import Interval, StrOptions

from skgex import _training as training
from skgex._nets import ACTIVATIONS, MLP, DenseNet
from skgex.base._net_regressor import NetRegressor


class FeedforwardRegressor(NetRegressor):
    """A DenseNet or MLP whose learning rate falls linearly from ``lr`` to ``lr_final``.

    A method states its objective in ``_make_net``.
    """

    _parameter_constraints: dict = {
        **NetRegressor._parameter_constraints,
        "hidden_units": [Interval(Integral, 1, None, closed="left")],
        "n_hidden_layers": [Interval(Integral, 1, None, closed="left")],
        "net": [StrOptions({"dense", "mlp"})],
        "activation": [StrOptions(set(ACTIVATIONS))],
        "normalization": [StrOptions({"batch", "weight"}), None],
        "dropout": [Interval(Real, 0, 1, closed="left")],
        "input_dropout": [Interval(Real, 0, 1, closed="left")],
        "lr_final": [Interval(Real, 0, None, closed="neither")],
    }

    def _make_module(self, n_inputs, n_outputs):
        if self.normalization == "batch" and self.batch_size == 1:
            raise ValueError(
                "batch_size=1 leaves batch normalisation no spread to divide by. Raise "
                "batch_size, or set normalization='weight'."
            )
        return {"dense": DenseNet, "mlp": MLP}[self.net](
            n_inputs,
            n_outputs,
            (self.hidden_units,) * self.n_hidden_layers,
            activation=self.activation,
            normalization=self.normalization,
            dropout=self.dropout,
            input_dropout=self.input_dropout,
        )

    def _schedule(self):
        return [("lr", training.LinearDecay(final_ratio=self.lr_final / self.lr))]
