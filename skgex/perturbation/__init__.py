"""What must change to turn one cell state into another."""

from skgex.perturbation._state_classifier import StateClassifier
from skgex.perturbation._transport import GaussianTransport
from skgex.perturbation._tspg import TSPG

__all__ = ["GaussianTransport", "StateClassifier", "TSPG"]
