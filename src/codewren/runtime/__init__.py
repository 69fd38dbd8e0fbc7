"""Reads a bundle, predicts, scans; no torch, transformers, scikit-learn, z3 or NumPy."""
