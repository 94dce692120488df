"""Checks of a metric or a data set for the classic mistakes, each explained in one sentence."""
