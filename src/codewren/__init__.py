"""codewren: turn a fine-tuned model of code into one small file, and run it anywhere."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codewren.compress.compress_recipe import compress as compress
    from codewren.compress.student_classifier import StudentClassifier as StudentClassifier
    from codewren.core.errors import BundleError as BundleError
    from codewren.core.errors import CodewrenError as CodewrenError
    from codewren.core.errors import InputError as InputError
    from codewren.core.errors import MissingExtraError as MissingExtraError
    from codewren.index.tree_index import Index as Index
    from codewren.predict.predictor import load as load
    from codewren.scan.library import ScanReport as ScanReport
    from codewren.scan.library import scan as scan
    from codewren.scan.result import ScanOptions as ScanOptions

    __version__: str
_HOMES = {
    "BundleError": "codewren.core.errors",
    "CodewrenError": "codewren.core.errors",
    "Index": "codewren.index.tree_index",
    "InputError": "codewren.core.errors",
    "MissingExtraError": "codewren.core.errors",
    "ScanOptions": "codewren.scan.result",
    "ScanReport": "codewren.scan.library",
    "load": "codewren.predict.predictor",
}
HEAVY = {"StudentClassifier": "codewren.compress.student_classifier"}
"""Needs the extra `train`, so that `from codewren import *` leaves it out."""
CALLABLE_PACKAGES = ("compress", "scan")
"""What `codewren.compress(…)` and `codewren.scan(…)` call; `docs/adr/0011-packages-that-can-be-called.md`."""
__all__ = [
    "BundleError",
    "CodewrenError",
    "Index",
    "InputError",
    "MissingExtraError",
    "ScanOptions",
    "ScanReport",
    "__version__",
    "compress",
    "load",
    "scan",
]


def __getattr__(name: str) -> Any:
    """Find a public name when it is first asked for: `codewren --help` needs none of them."""
    if name == "__version__":
        from importlib.metadata import version  # of pyproject.toml, the only place that states it

        return version("codewren")
    if name in CALLABLE_PACKAGES:
        return import_module(f"codewren.{name}")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in HEAVY:
        from codewren.core.extras import check_train_extra

        check_train_extra()
        return getattr(import_module(HEAVY[name]), name)
    raise AttributeError(f"module 'codewren' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What is exported, so that a notebook offers it."""
    return sorted((*__all__, *HEAVY))
