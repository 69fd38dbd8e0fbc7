"""From a folder to findings: files, functions, judgements, clones, formats.

The package can be called: `codewren.scan("src", model="clones")` is `codewren.scan.library.scan`.
"""

import sys
from types import ModuleType
from typing import Any


class _CallableModule(ModuleType):
    """A module that is a function as well."""

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        """See `codewren.scan.library.scan`."""
        from codewren.scan.library import scan

        return scan(*arguments, **options)


sys.modules[__name__].__class__ = _CallableModule
