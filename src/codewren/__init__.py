"""codewren: turn a fine-tuned model of code into one small file, and run it anywhere."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codewren.runtime.predictor import load as load

__version__ = "0.1.0"
__all__ = ["__version__", "load"]


def __getattr__(name: str) -> Any:
    """Import `load` when it is first asked for: `codewren --help` needs no native core."""
    if name == "load":
        from codewren.runtime.predictor import load

        return load
    raise AttributeError(f"module 'codewren' has no attribute {name!r}")
