"""Reads, splits and checks data sets."""
