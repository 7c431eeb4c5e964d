"""Small multi-task methods, and one step of each on a net that has not trained yet."""

from functools import partial

import numpy as np
import pytest
import torch

import skgex

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 6))
Y = np.tanh(X @ RNG.normal(size=(6, 8)))
WEIGHT = RNG.uniform(0.1, 3, 120)
METHODS = {
    "LSMTL": partial(skgex.DeepLSMTLRegressor, subnetwork_units=12),
    "GOMTL": skgex.DeepGOMTLRegressor,
    "CNMTL": partial(skgex.DeepCNMTLRegressor, n_clusters=3),
    "AMTL": partial(skgex.DeepAMTLRegressor, block_size=3),  # of 8 columns: 3, 3 and 2
    "AMTFL": skgex.DeepAMTFLRegressor,
}
SMALL = dict(hidden_units=16, max_epochs=6, batch_size=40, random_state=0)
NO_DROPOUT = dict(dropout=0.0, input_dropout=0.0)
PLAIN = dict(activation="tanh", normalization=None, **NO_DROPOUT)

every_method = pytest.mark.parametrize("method", METHODS)
weighted_or_not = pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])


def small(method, **params):
    return METHODS[method](**(SMALL | params))


class Step:
    """One step of a method on all profiles at once, without dropout and batch normalisation."""

    def __init__(self, method, weight=None, Y=Y, **params):
        estimator = small(method, gene_scaling=None, **(PLAIN | params))
        estimator.device_ = "cpu"
        data = estimator._training_data(X, Y, sample_weight=weight)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            module = estimator._make_module(data.X.shape[1], data.Y.shape[1])
            net = estimator._make_net(module, estimator._net_params(module, data, 0)).initialize()
            for name, parameter in net.get_all_learnable_params():
                if name.endswith("bias"):  # otherwise zero, as if they were not there
                    torch.nn.init.normal_(parameter, std=0.1)
        self.net, self.F, self.weight = net, module, weight
        self.batch = estimator._tensors(data.X, data.Y, data.weight)
        self.X, self.Y = self.batch[:2]
        self.F.output.register_forward_hook(self._listen)
        self.net.terms_ = {}
        self.start_epoch()

    def _listen(self, layer, inputs, output):
        self.Z, self.Y_hat = *inputs, output

    def start_epoch(self):
        self.net.notify("on_epoch_begin", dataset_train=None, dataset_valid=None)

    def loss(self):
        """What the step minimises; ``Z`` and ``Y_hat`` are then what F made of the batch."""
        _, loss = next(self.net.play(self.batch))
        return loss

    def train(self):
        self.net.train_step(self.batch)

    # -- what a formula is made of, as arrays ----------------------------------------------
    def errors(self):
        """``L_t`` of every task."""
        return np.average(np.abs(array(self.Y - self.Y_hat)), axis=0, weights=self.weight)

    def task_weights(self):
        """``w_t``, a row a task."""
        return array(self.F.output.weight)

    def hidden_weights(self):
        """``w_u^(l)``, a row a unit, of every hidden layer."""
        return [array(layer[0].weight) for layer in self.F.hidden]


def array(tensor):
    return tensor.detach().numpy().astype(np.float64)
