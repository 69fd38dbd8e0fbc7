"""Both papers' searches, faithful and repaired."""
