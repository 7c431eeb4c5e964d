"""The training engine: skorch holds the loop, tensors stay on the device."""

from skgex._training._batches import PairedBatches, TensorBatches
from skgex._training._callbacks import (
    BestEpoch,
    DecayOnRise,
    LinearDecay,
    ProgressBar,
    gradient_clipping,
)
from skgex._training._checkpoint import Checkpoint
from skgex._training._device import (
    float64_device,
    forked_rng,
    present_device,
    resolve_device,
    resolve_precision,
)
from skgex._training._forward import finished, forward
from skgex._training._net import SupervisedNet
from skgex._training._players import PlayersNet
from skgex._training._rounding_adam import RoundingAdam
from skgex._training._settings import plain_schedule

__all__ = [
    "BestEpoch",
    "Checkpoint",
    "DecayOnRise",
    "LinearDecay",
    "PairedBatches",
    "PlayersNet",
    "ProgressBar",
    "RoundingAdam",
    "SupervisedNet",
    "TensorBatches",
    "finished",
    "float64_device",
    "forward",
    "forked_rng",
    "plain_schedule",
    "present_device",
    "gradient_clipping",
    "resolve_device",
    "resolve_precision",
]
