"""Edits of one C, C++ or Java function that keep its meaning."""

from codewren.data.edits.rename import local_names, rename, rename_with
from codewren.data.edits.syntax import EDITABLE

__all__ = ["EDITABLE", "local_names", "rename", "rename_with"]
