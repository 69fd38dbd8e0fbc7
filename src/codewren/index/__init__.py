"""The functions of a tree as vectors on disk, and the most similar ones to a given function."""
