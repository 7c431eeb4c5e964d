"""Compare methods fairly: split once, select on validation profiles, touch test profiles once."""

from skgex.model_selection._comparison import MethodResult, compare_methods, select_candidate
from skgex.model_selection._five_by_two import FiveByTwoResult, five_by_two_cv_ttest
from skgex.model_selection._labeled_fold import LabeledFold
from skgex.model_selection._split import ProfileSplit, split_profiles

__all__ = [
    "ProfileSplit",
    "split_profiles",
    "LabeledFold",
    "select_candidate",
    "compare_methods",
    "MethodResult",
    "five_by_two_cv_ttest",
    "FiveByTwoResult",
]
