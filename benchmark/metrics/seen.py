"""Names of data sets that hold the same pictures, for `MetricInfo.trained_on`: who was trained on one has seen all."""

TID = ("tid2013", "tid2008")
"""TID2013 is TID2008 with seven more distortions, rated anew."""
LIVE = ("live", "live-kodak")
KONIQ = ("koniq10k", "koniq10k-512x384")
