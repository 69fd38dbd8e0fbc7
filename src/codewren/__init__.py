"""codewren: turn a fine-tuned model of code into one small file, and run it anywhere."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codewren.core.errors import BundleError as BundleError
    from codewren.core.errors import CodewrenError as CodewrenError
    from codewren.core.errors import InputError as InputError
    from codewren.predict.predictor import load as load

    __version__: str
__all__ = ["BundleError", "CodewrenError", "InputError", "__version__", "load"]
_HOMES = {
    "BundleError": "codewren.core.errors",
    "CodewrenError": "codewren.core.errors",
    "InputError": "codewren.core.errors",
    "load": "codewren.predict.predictor",
}


def __getattr__(name: str) -> Any:
    """Find what is exported when it is first asked for: `codewren --help` needs none of it."""
    if name == "__version__":
        from importlib.metadata import version  # of pyproject.toml, the only place that states it

        return version("codewren")
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'codewren' has no attribute {name!r}")


def __dir__() -> list[str]:
    """What is exported, so that a notebook offers it."""
    return sorted(__all__)
