"""Plots as SVG, and the little markup they need."""
