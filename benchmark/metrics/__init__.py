"""Adapters over good libraries, one module per family; each names its metrics in `METRICS`."""
