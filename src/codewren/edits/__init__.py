"""Edits of one C, C++ or Java function that keep its meaning: names, layout, comments, dead code."""

from codewren.edits.dead_code import add_dead_code
from codewren.edits.reformat import reformat, remove_comments
from codewren.edits.rename import Renamer, local_names, rename, rename_with
from codewren.edits.trees import EDITABLE

__all__ = [
    "EDITABLE",
    "Renamer",
    "add_dead_code",
    "local_names",
    "reformat",
    "remove_comments",
    "rename",
    "rename_with",
]
