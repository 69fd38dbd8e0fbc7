"""Similarity encoders: features, training by contrast, calibration, export."""
