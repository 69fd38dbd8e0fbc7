"""codewren: turn a fine-tuned model of code into one small file, and run it anywhere."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codewren.index.index import Index as Index
    from codewren.predict.predictor import load as load

    __version__: str
__all__ = ["Index", "__version__", "load"]


def __getattr__(name: str) -> Any:
    """Find `load`, `Index` and `__version__` when they are first asked for: `codewren --help` needs none of them."""
    if name == "__version__":
        from importlib.metadata import version  # of pyproject.toml, the only place that states it

        return version("codewren")
    if name == "load":
        from codewren.predict.predictor import load

        return load
    if name == "Index":
        from codewren.index.index import Index

        return Index
    raise AttributeError(f"module 'codewren' has no attribute {name!r}")
