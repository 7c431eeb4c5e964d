"""Pictures of what was inferred and of what was learned, after scikit-learn's Display API.

A display holds the data of one picture; ``plot`` draws it on new axes or on those it is given and
leaves matplotlib's settings as they were. matplotlib is imported when the first one is drawn.
"""

from skgex.plotting._enrichment import EnrichmentDisplay
from skgex.plotting._gene_pair import GenePairDisplay
from skgex.plotting._loss_curve import LossCurveDisplay
from skgex.plotting._method_comparison import MethodComparisonDisplay
from skgex.plotting._perturbed_genes import PerturbedGenesDisplay
from skgex.plotting._prediction import PredictionDisplay
from skgex.plotting._relevance import RelevanceDisplay
from skgex.plotting._reliability import ReliabilityDisplay
from skgex.plotting._state_map import StateMapDisplay
from skgex.plotting._task_relations import TaskRelationsDisplay
from skgex.plotting._transition import TransitionDisplay

__all__ = [
    "MethodComparisonDisplay",
    "GenePairDisplay",
    "ReliabilityDisplay",
    "PredictionDisplay",
    "LossCurveDisplay",
    "TaskRelationsDisplay",
    "RelevanceDisplay",
    "StateMapDisplay",
    "TransitionDisplay",
    "PerturbedGenesDisplay",
    "EnrichmentDisplay",
]
