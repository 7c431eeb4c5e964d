"""Pictures of how well genes are inferred, after scikit-learn's Display API.

A display holds the data of one picture; ``plot`` draws it on new axes or on those it is given and
leaves matplotlib's settings as they were. matplotlib is imported when the first one is drawn.
"""

from skgex.plotting._gene_pair import GenePairDisplay
from skgex.plotting._loss_curve import LossCurveDisplay
from skgex.plotting._method_comparison import MethodComparisonDisplay
from skgex.plotting._prediction import PredictionDisplay
from skgex.plotting._reliability import ReliabilityDisplay
from skgex.plotting._task_relations import TaskRelationsDisplay

__all__ = [
    "MethodComparisonDisplay",
    "GenePairDisplay",
    "ReliabilityDisplay",
    "PredictionDisplay",
    "LossCurveDisplay",
    "TaskRelationsDisplay",
]
