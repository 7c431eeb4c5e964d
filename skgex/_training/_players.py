"""Nets of several players, each with an optimiser of its own: adversarial and multi-task."""

import torch

from skgex._training._net import SupervisedNet


class PlayersNet(SupervisedNet):
    """Train a module beside other players, opponents or helpers, that training alone needs.

    A method implements :meth:`play`, a generator that reads like its paper's algorithm: it yields
    ``(player, loss)``, or ``(players, loss)``, and whenever it is resumed the parameters of these
    players, and of nobody else, have made one step. What one turn has computed may serve the
    next. ``"module"`` is the player that is kept.

    Parameters
    ----------
    module : torch.nn.Module
        From measured to inferred genes.
    players : dict of {str: torch.nn.Module}
        The other players. A player of several nets is a ``torch.nn.ModuleDict``.
    learning_rates : dict of {str: float}, default=None
        Of players that do not train with ``lr``.
    player_params : dict, default=None
        Parameters of the optimiser that are not those of ``module``'s.
    optimizers : dict of {str: class}, default=None
        Of players that need another optimiser than ``module``; they take its parameters.
    **kwargs
        Of :class:`SupervisedNet`; ``optimizer`` and its parameters serve every player.
    """

    def __init__(
        self,
        module,
        *,
        players,
        learning_rates=None,
        player_params=None,
        optimizers=None,
        **kwargs,
    ):
        self.players = players
        self.optimizers = optimizers
        self.player_params = player_params
        self.learning_rates = learning_rates
        super().__init__(module, **kwargs)

    def initialize_module(self):
        # skorch registers what is set here under a name that ends with an underscore: it moves it
        # to the device, and checkpoints store it.
        super().initialize_module()
        for name, player in self.players.items():
            setattr(self, f"{name}_", player)
        return self

    def initialize_optimizer(self):
        # skorch's own would hand the parameters of every module to the module's optimiser, which
        # would then move the other players too, along gradients of earlier turns.
        parameters = self.module_.named_parameters()
        groups, params = self.get_params_for_optimizer("optimizer", parameters)
        self.optimizer_ = self.optimizer(*groups, **params)
        rates, optimizers = self.learning_rates or {}, self.optimizers or {}
        for name, player in self.players.items():
            own = params | {"lr": rates.get(name, self.lr)} | (self.player_params or {})
            optimizer = optimizers.get(name, self.optimizer)
            setattr(self, f"{name}_optimizer_", optimizer(player.parameters(), **own))
        return self

    # -- one batch ---------------------------------------------------------------------------
    def play(self, batch):
        """Yield ``(player or players, loss)`` in the order of the turns."""
        raise NotImplementedError

    def train_step(self, batch, **fit_params):
        self.terms_ = {}
        for players, loss in self.play(batch):
            players = (players,) if isinstance(players, str) else players
            modules = {name: getattr(self, f"{name}_") for name in players}
            parameters = [p for module in modules.values() for p in module.parameters()]
            for parameter in parameters:
                parameter.grad = None
            loss.backward(inputs=parameters)
            for name, module in modules.items():
                self.notify(
                    "on_grad_computed",
                    named_parameters=module.named_parameters(),
                    batch=batch,
                    training=True,
                )
                self._optimizer_of(name).step()
        return {"loss": self.terms_.pop("loss"), "terms": self.terms_}

    def _optimizer_of(self, player):
        return self.optimizer_ if player == "module" else getattr(self, f"{player}_optimizer_")

    def record(self, **terms):
        """Keep terms of the objective for the history; ``loss`` becomes ``train_loss``."""
        self.terms_.update({name: value.detach() for name, value in terms.items()})

    def output(self, module, *inputs):
        """What ``module`` makes of its inputs, side by side if several, in float32.

        Every call has an autocast context of its own: inside one context the casts of weights are
        kept, and would be those from before the last step.
        """
        with self.autocast():
            return module(torch.cat(inputs, dim=1) if len(inputs) > 1 else inputs[0]).float()

    @property
    def progress(self):
        """Share of the epochs that are over: 0 in the first, 1 in the last."""
        return (len(self.history) - 1) / max(1, self.max_epochs - 1)
