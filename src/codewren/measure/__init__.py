"""Quality with intervals, latency, calibration."""
