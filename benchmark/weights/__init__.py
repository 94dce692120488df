"""Embedded weights, each with its notice beside it."""
