"""Agreement of scores with labels: correlations, logistic map, intervals over contents, tests between metrics.

Pure functions on float64 arrays in which higher is better. Nothing here knows of pairs, metrics, data sets or stores.
"""

from benchmark.statistics.comparison import Comparison, PairedTest, compare_resamples
from benchmark.statistics.correlation import kendall, pearson, spearman
from benchmark.statistics.evaluation import Evaluation, agreement_statistics, compare, evaluate
from benchmark.statistics.intervals import TRUSTED_CONTENTS
from benchmark.statistics.logistic import LogisticFit, fit_logistic
from benchmark.statistics.table import BASIC, STATISTICS, WITH_LABEL_NOISE, Statistic
from benchmark.statistics.ties import tied

__all__ = [
    "BASIC",
    "STATISTICS",
    "TRUSTED_CONTENTS",
    "WITH_LABEL_NOISE",
    "Comparison",
    "Evaluation",
    "LogisticFit",
    "PairedTest",
    "Statistic",
    "agreement_statistics",
    "compare",
    "compare_resamples",
    "evaluate",
    "fit_logistic",
    "kendall",
    "pearson",
    "spearman",
    "tied",
]
