"""Hints: examples of several sources, features, fits, calibrations."""
