"""The main path, and the stages it is made of; each stage reads files and leaves a file."""

from codewren.compress.path import compress

__all__ = ["compress"]
