"""Nouns and arithmetic; the standard library only."""
