"""The main path, and the stages it is made of; each stage reads files and leaves a file.

The package can be called: `codewren.compress("recipe.toml", "runs/x")` is `codewren.compress.compress_recipe.compress`.
"""

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    """A module that is a function as well."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """See `codewren.compress.compress_recipe.compress`."""
        from codewren.compress.compress_recipe import compress

        return compress(*arguments, **options)


sys.modules[__name__].__class__ = _CallableModule
