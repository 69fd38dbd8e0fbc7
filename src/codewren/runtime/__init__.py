"""Read a bundle, predict, scan; no torch, no NumPy."""
